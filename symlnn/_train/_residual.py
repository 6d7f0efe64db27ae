"""The residuals that training makes small: of accelerations, of equations of motion, of motions."""

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._data import AbstractObservations, Instants, Stretches
from .._dynamics import AbstractDynamics, AbstractEquationOfMotion, accelerations, rate_sizes
from .._inputs import SampledInputs
from .._models import Scales
from .._simulate import flow
from .._types import Samples, Scalar, Segments, States, as_float

Residuals = Float[Array, "batch rows"]


class AbstractResidual(eqx.Module):
    """What a model should make zero, at every observation of a batch."""

    observations: eqx.AbstractVar[AbstractObservations]
    """What it asks of its data."""

    @abc.abstractmethod
    def __call__(self, dynamics: Any, batch: Any) -> Residuals:
        """The residuals of a batch, (batch, rows)."""


class ScaledAcceleration(AbstractResidual):
    """r = (â − a) / (A (1 + ‖a/A‖)), with ‖·‖ the root mean square over coordinates and A the acceleration scales.

    Absolute for small accelerations and relative for large ones, so that the rare violent states (a fold of the double
    pendulum, a close encounter) neither rule the fit nor are left out of it.
    """

    observations: ClassVar[AbstractObservations] = Instants()
    scales: Float[Array, " dof"] = eqx.field(converter=as_float)
    """A, one per coordinate."""

    def __call__(self, dynamics: AbstractDynamics, batch: Samples) -> Residuals:
        """The residuals of a batch, (batch, dof)."""
        return _tempered(accelerations(dynamics, batch.states), batch.a, self.scales)


def _tempered(model: Array, truth: Array, scales: Array) -> Array:
    """(model − truth) / (S (1 + ‖truth/S‖)) along the last axis."""
    scale = scales.astype(truth.dtype)
    size = jnp.sqrt(jnp.mean((truth / scale) ** 2, axis=-1, keepdims=True))
    return (model - truth) / scale / (1 + size)


class PlainAcceleration(AbstractResidual):
    """r = â − a, unscaled: with the loss `l1` the loss of the paper."""

    observations: ClassVar[AbstractObservations] = Instants()

    def __call__(self, dynamics: AbstractDynamics, batch: Samples) -> Residuals:
        """The residuals of a batch, (batch, dof)."""
        return accelerations(dynamics, batch.states) - batch.a


class EulerLagrangeResidual(AbstractResidual):
    """The Euler–Lagrange equation at the true accelerations, M a = f, without an inverse of M:

        r = √dof · D (M a − f) / (‖D M D‖ · Ω · (1 + ‖a/A‖)),    D = diag V,    Ω = max A/V,

    with the Frobenius norm of the velocity Hessian M in natural scales. Where no forces are given, multiplying L by a
    number leaves r as it is, and adding a total time derivative to L too: L ≡ 0, the minimum of |M a − f|, is none of
    r. (There r is 0/0, and r is constant on the way c → 0 of c L.) With one degree of freedom r is that of
    `ScaledAcceleration`. With more, an error along a small eigenvalue of M weighs less than in the acceleration, and a
    Lagrangian that leaves a coordinate out, so that M is singular, can have r = 0: train on accelerations then.
    """

    observations: ClassVar[AbstractObservations] = Instants()
    v: Float[Array, " dof"] = eqx.field(converter=as_float)
    a: Float[Array, " dof"] = eqx.field(converter=as_float)

    def __call__(self, dynamics: AbstractDynamics, batch: Samples) -> Residuals:
        """The residuals of a batch, (batch, dof). Raises `ValueError` for a model without a mass matrix."""
        if not isinstance(dynamics, AbstractEquationOfMotion):
            raise ValueError(
                f"The residual euler_lagrange needs a model with an equation M a = f, not a {type(dynamics).__name__}: "
                "choose the residual acceleration."
            )
        law = dynamics
        velocity, scale = self.v.astype(batch.a.dtype), self.a.astype(batch.a.dtype)
        rate = jnp.max(scale / velocity)

        def one(state: States, a: Array) -> Array:
            matrix, force = law.equation(state.q, state.v, state.m, state.u, state.t)
            mass = matrix.as_matrix()
            size = jnp.linalg.norm(mass * jnp.outer(velocity, velocity)) / np.sqrt(velocity.size)
            tempering = 1 + jnp.sqrt(jnp.mean((a / scale) ** 2))
            return velocity * (mass @ a - force) / (size * rate * tempering)

        return jax.vmap(one)(batch.states, batch.a)


class VectorFieldResidual(AbstractResidual):
    """The flow of a model at the true states, f(t, y), against the true ẏ = dy/dt along the motion:

        r = (f(t, y) − ẏ) / (S (1 + ‖ẏ/S‖)),    S the root mean square of ẏ,

    for each part of y. For `Hamilton` these are the residuals of Hamilton's equations, (∂H/∂p − q̇, −∂H/∂q − ṗ), with
    which Hamiltonian networks are trained (Greydanus et al. 2019); for a `NeuralODE`, (q̇̂ − v, v̇̂ − a). The true ẏ is
    the derivative of the map (q, v, t) ↦ y along (v, a, 1).
    """

    observations: ClassVar[AbstractObservations] = Instants()
    scales: tuple[Float[Array, " dof"], ...]
    """S, for each part of y."""

    @staticmethod
    def scaled_by(dynamics: AbstractDynamics, samples: Samples) -> "VectorFieldResidual":
        """The residual with the scales S of these samples.

        Of what does not change, as a conserved momentum, it is a thousandth of what its own spread and the quickest of
        the others suggest.
        """
        return VectorFieldResidual(tuple(_sizes_of_rates(dynamics, samples)))

    def __call__(self, dynamics: AbstractDynamics, batch: Samples) -> Residuals:
        """The residuals of a batch, (batch, the size of y)."""
        y, rates = _states_and_rates(dynamics, batch)
        states = batch.states
        flows = jax.vmap(dynamics.vector_field)(states.t, y, (states.m, states.u))
        parts = [_tempered(f, r, s) for f, r, s in zip(flows, rates, self.scales, strict=True)]
        return jnp.concatenate(parts, axis=-1)


def _states_and_rates(dynamics: AbstractDynamics, samples: Samples) -> tuple[Any, Any]:
    """y and dy/dt along the true motion."""

    def along(state: States, a: Array) -> tuple[Any, Any]:
        point = (state.q, state.v, state.t)
        direction = (state.v, a, jnp.ones_like(state.t))
        return jax.jvp(lambda q, v, t: dynamics.initial_state(q, v, state.m, t), point, direction)

    return jax.vmap(along)(samples.states, samples.a)


@eqx.filter_jit
def _sizes_of_rates(dynamics: AbstractDynamics, samples: Samples) -> list[Array]:
    """The root mean square of dy/dt, for each part of y."""
    y, rates = _states_and_rates(dynamics, samples)
    spreads = [jnp.std(part, axis=0) for part in y]
    sizes = rate_sizes(jnp.concatenate(spreads), jnp.concatenate([jnp.sqrt(jnp.mean(r**2, axis=0)) for r in rates]))
    return jnp.split(sizes, np.cumsum([len(spread) for spread in spreads])[:-1])


class TrajectoryResidual(AbstractResidual):
    """Predicted motions against true ones, k = 1 … n intervals h after a true state (one step, or several):

        r_k = (q̂_k − q_k) / (k h V),  (v̂_k − v_k) / (k h A (1 + ‖ā_k/A‖)),    ā_k = (v_k − v_0) / (k h),

    errors of mean rates, so that all k weigh alike, tempered as `ScaledAcceleration` is, so that one short interval
    gives the error of the vector field. The motion is integrated by equal steps of `solver`, and differentiated by
    `adjoint`.
    """

    observations: Stretches
    """How many intervals are predicted, and how long they are where they are drawn from a law."""
    v: Float[Array, " dof"] = eqx.field(converter=as_float)
    a: Float[Array, " dof"] = eqx.field(converter=as_float)
    solver: diffrax.AbstractSolver = diffrax.Tsit5()
    adjoint: diffrax.AbstractAdjoint = diffrax.RecursiveCheckpointAdjoint()
    """`RecursiveCheckpointAdjoint` is exact; `BacksolveAdjoint` needs less memory and is not."""

    def __call__(self, dynamics: AbstractDynamics, batch: Segments) -> Residuals:
        """The residuals of a batch, (batch, 2 n dof)."""
        count = batch.q.shape[-2]
        elapsed = batch.interval * jnp.arange(1, count + 1, dtype=batch.q.dtype)[:, None]
        instants = batch.interval * jnp.arange(count + 1, dtype=batch.q.dtype)
        scale = self.v.astype(batch.q.dtype)

        def one(state: States, q: Array, velocity: Array, u: Array | None) -> Array:
            predicted_q, predicted_v = flow(
                dynamics,
                state,
                interval=batch.interval,
                count=count,
                solver=self.solver,
                substeps=batch.substeps,
                adjoint=self.adjoint,
                u=None if u is None else SampledInputs(state.t + instants, u),
            )
            predicted_rate, rate = (predicted_v - state.v) / elapsed, (velocity - state.v) / elapsed
            errors = [(predicted_q - q) / (scale * elapsed), _tempered(predicted_rate, rate, self.a)]
            return jnp.concatenate(errors, axis=-1).reshape(-1)

        return jax.vmap(one)(batch.states, batch.q, batch.v, batch.u)


ResidualBuilder = Callable[[AbstractDynamics, Scales, Samples], AbstractResidual]
"""What makes a residual of an untrained model, the natural scales of its system, and some samples."""


@dataclass(frozen=True)
class trajectory:
    """The builder of a `TrajectoryResidual` that predicts `count` intervals of each motion."""

    count: int = 2

    def __call__(self, dynamics: AbstractDynamics, scales: Scales, samples: Samples) -> TrajectoryResidual:
        """With the intervals and scales of a system."""
        return TrajectoryResidual(Stretches(self.count, scales.interval), scales.v, scales.a)


RESIDUALS: Mapping[str, ResidualBuilder] = {
    "acceleration": lambda dynamics, scales, samples: ScaledAcceleration(scales.a),
    "plain_acceleration": lambda dynamics, scales, samples: PlainAcceleration(),
    "euler_lagrange": lambda dynamics, scales, samples: EulerLagrangeResidual(scales.v, scales.a),
    "vector_field": lambda dynamics, scales, samples: VectorFieldResidual.scaled_by(dynamics, samples),
    "trajectory": trajectory(),
}
"""What a model can be trained on, by name: `--residual trajectory`."""


def find_residual(
    residual: str | AbstractResidual | ResidualBuilder, dynamics: AbstractDynamics, scales: Scales, samples: Samples
) -> AbstractResidual:
    """The residual of that name, of that builder, or itself. Raises `ValueError` for an unknown name."""
    if isinstance(residual, AbstractResidual):
        return residual
    if isinstance(residual, str):
        if residual not in RESIDUALS:
            raise ValueError(f"Unknown residual {residual!r}; choose one of {', '.join(RESIDUALS)}.")
        residual = RESIDUALS[residual]
    return residual(dynamics, scales, samples)


LOSSES: Mapping[str, Callable[[Residuals], Scalar]] = {
    "l1": lambda r: jnp.mean(jnp.sum(jnp.abs(r), axis=-1)),
    "l2": lambda r: jnp.mean(jnp.sum(r**2, axis=-1)),
}
"""Means over the batch of Σᵢ|rᵢ| and of Σᵢ rᵢ²."""
