"""Metrics of a model against the truth: pure functions, whose meaning is the same in every report.

A failed roll-out counts as infinite and is never dropped. A Lagrangian is defined only up to a factor and a total time
derivative, so Lagrangians are not compared; accelerations, motions and the analytic energy along them are.
"""

import math
from dataclasses import dataclass

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ._data import accelerations, sample_states
from ._dynamics import AbstractDynamics, SymbolicDynamics
from ._simulate import Rollout
from ._system import System
from ._types import RealScalar, Samples, States

VALID_TIME_THRESHOLD = 0.4
"""Share of the spread of the true motions that ends the valid time."""
_BATCH = 2000


@dataclass(frozen=True)
class AccelerationErrors:
    """Errors of accelerations over test states."""

    l1_sum: float
    """mean Σᵢ|aᵢ − âᵢ|, the paper's loss."""
    relative_rms: float
    """√(mean|a − â|² / mean|a|²)."""
    states: int


def batched_accelerations(dynamics: AbstractDynamics, states: States) -> Float[Array, "batch dof"]:
    """The accelerations at many states, in batches that bound the memory."""

    def one(state: States) -> Array:
        return dynamics.acceleration(state.q, state.v, state.m, state.u, state.t)

    return jax.lax.map(one, states, batch_size=_BATCH)


def acceleration_errors(truth: Float[Array, "batch dof"], model: Float[Array, "batch dof"]) -> AccelerationErrors:
    """The errors of the accelerations `model` against `truth`; infinite where the model's are not finite."""
    difference = jnp.abs(truth - model)
    squares = jnp.sum(difference**2, axis=-1)
    return AccelerationErrors(
        l1_sum=_finite_or_inf(jnp.mean(jnp.sum(difference, axis=-1))),
        relative_rms=_finite_or_inf(jnp.sqrt(jnp.mean(squares) / jnp.mean(jnp.sum(truth**2, axis=-1)))),
        states=truth.shape[0],
    )


def max_relative_error(a: Float[Array, "batch dof"], b: Float[Array, "batch dof"]) -> float:
    """max over states of ‖a − b‖₂ / max(‖b‖₂, floor), the floor being 1e-3 of the root mean square of ‖b‖₂.

    Element by element, or without the floor, cancellation alone would give 3e-10 in float64.
    """
    norm = jnp.linalg.norm(b, axis=-1)
    floor = 1e-3 * jnp.sqrt(jnp.mean(norm**2))
    floor = jnp.where(floor > 0, floor, 1.0)
    return _finite_or_inf(jnp.max(jnp.linalg.norm(a - b, axis=-1) / jnp.maximum(norm, floor)))


def _finite_or_inf(value: Array) -> float:
    number = float(value)
    return number if math.isfinite(number) else math.inf


def energy_scale(system: System, states: States) -> float:
    """Half the range of E(q, 0) over the states, or of E(q, v) where that is zero: the scale of energy errors.

    For the double pendulum of the paper, (m₁+m₂) g l₁ + m₂ g l₂ = 29.4 J.
    """
    energy = jax.vmap(SymbolicDynamics(system).energy)
    at_rest = energy(states.q, jnp.zeros_like(states.v), states.m, states.t)
    potential = float(jnp.max(at_rest) - jnp.min(at_rest)) / 2
    if potential > 0 and math.isfinite(potential):
        return potential
    moving = energy(states.q, states.v, states.m, states.t)
    return float(jnp.max(moving) - jnp.min(moving)) / 2


def energy_along(
    dynamics: SymbolicDynamics, rollout: Rollout, m: Float[Array, "batch m"]
) -> Float[Array, "batch time"]:
    """The analytic energy along roll-outs, of whatever dynamics."""
    along = jax.vmap(dynamics.energy, in_axes=(0, 0, None, 0))
    return jax.vmap(along, in_axes=(0, 0, 0, None))(rollout.q, rollout.v, m, rollout.t)


def energy_errors(
    energy: Float[Array, "batch time"], successful: Bool[Array, " batch"], scale: float
) -> Float[np.ndarray, "batch time"]:
    """|E(t) − E(0)| / scale along each motion; infinite from the failure of a failed one on."""
    values = np.asarray(energy)
    errors = np.abs(values - values[:, :1]) / scale
    errors = np.where(np.isfinite(errors), errors, np.inf)
    errors[~np.asarray(successful), -1] = np.inf
    return errors


def power_balance_errors(
    system: System, rollout: Rollout, start: States, scale: float
) -> Float[np.ndarray, "batch time"]:
    """|E(t) − E(0) − ∫₀ᵗ (v·Q − ∂L/∂t) dt'| / scale: what takes the place of the energy error where forces do work.

    The integral is by the trapezoidal rule on the observed times, whose own error the oracle's figure shows.
    """
    dynamics = SymbolicDynamics(system)
    along = jax.vmap(dynamics.power, in_axes=(0, 0, None, None, 0))
    power = np.asarray(jax.vmap(along, in_axes=(0, 0, 0, 0, None))(rollout.q, rollout.v, start.m, start.u, rollout.t))
    energy = np.asarray(energy_along(dynamics, rollout, start.m))
    t = np.asarray(rollout.t)
    work = np.concatenate(
        [np.zeros_like(power[:, :1]), np.cumsum(0.5 * (power[:, 1:] + power[:, :-1]) * np.diff(t), axis=1)],
        axis=1,
    )
    errors = np.abs(energy - energy[:, :1] - work) / scale
    errors = np.where(np.isfinite(errors), errors, np.inf)
    errors[~np.asarray(rollout.successful), -1] = np.inf
    return errors


def wrapped_difference(
    a: Float[np.ndarray, "*batch dof"], b: Float[np.ndarray, "*batch dof"], is_angle: tuple[bool, ...]
) -> Float[np.ndarray, "*batch dof"]:
    """a − b, with the differences of angles in [−π, π)."""
    difference = a - b
    with np.errstate(invalid="ignore"):
        return np.where(is_angle, (difference + np.pi) % (2 * np.pi) - np.pi, difference)


def state_errors(
    system: System, truth: Rollout, model: Rollout, *, spread_of: Rollout | None = None
) -> Float[np.ndarray, "batch time"]:
    """The distance of two batches of motions, in units of the spread of the true one, or of `spread_of`.

    Each coordinate and velocity is divided by its standard deviation over those motions (that of an angle at most
    π/√3, the uniform one), and the root mean square over them is taken.
    """
    q, v = np.asarray(truth.q), np.asarray(truth.v)
    spread = truth if spread_of is None else spread_of
    q_spread, v_spread = (np.std(np.asarray(x), axis=(0, 1)) for x in (spread.q, spread.v))
    q_spread = np.where(system.is_angle, np.minimum(q_spread, np.pi / np.sqrt(3)), q_spread)
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = [
            wrapped_difference(np.asarray(model.q), q, system.is_angle) / np.maximum(q_spread, 1e-300),
            (np.asarray(model.v) - v) / np.maximum(v_spread, 1e-300),
        ]
        errors = np.sqrt(np.mean(np.concatenate(parts, axis=-1) ** 2, axis=-1))
    return np.where(np.isfinite(errors), errors, np.inf)


def velocity_errors(truth: Rollout, model: Rollout) -> Float[np.ndarray, " batch"]:
    """‖v̂ − v‖₂ / ‖v‖₂ of each motion, over its instants and coordinates; infinite where the model's failed."""
    v, predicted = np.asarray(truth.v), np.asarray(model.v)
    with np.errstate(invalid="ignore"):
        errors = np.linalg.norm(predicted - v, axis=(1, 2)) / np.linalg.norm(v, axis=(1, 2))
    return np.where(np.asarray(model.successful) & np.isfinite(errors), errors, np.inf)


def valid_times(errors: Float[np.ndarray, "batch time"], t: Float[np.ndarray, " time"]) -> Float[np.ndarray, " batch"]:
    """The first time at which each error exceeds 0.4, or the whole duration where none does."""
    exceeded = errors > VALID_TIME_THRESHOLD
    first = np.where(exceeded.any(axis=1), exceeded.argmax(axis=1), -1)
    return np.where(first >= 0, t[first], t[-1])


def share_outside(system: System, rollout: Rollout) -> float:
    """The share of roll-out time spent where no state was sampled; time after a failure counts as outside."""
    outside = np.zeros(np.asarray(rollout.q).shape[:2], bool)
    for i, (position, velocity) in enumerate(system.state_distributions()):
        q, v = np.asarray(rollout.q)[..., i], np.asarray(rollout.v)[..., i]
        if not system.is_angle[i]:
            low, high = position.bounds
            outside |= ~((q >= low) & (q <= high))
        low, high = velocity.bounds
        outside |= ~((v >= low) & (v <= high))
    return float(outside.mean())


def lyapunov_exponents(
    dynamics: AbstractDynamics, start: States, duration: float, *, segments: int = 200
) -> tuple[Float[np.ndarray, " batch"], bool]:
    """Finite-time maximal Lyapunov exponents over the second half of the duration, and whether the motion is chaotic.

    A tangent vector follows the linearised flow, δ̇ = (∂f/∂y) δ, and is renormalised after every segment (Benettin et
    al. 1980); an exponent is its mean growth rate. Tangents of regular motion grow like a power of t, by a factor of
    two to four over the second half; the motion is called chaotic where the median growth exceeds e³ = 20.
    """

    def one(q: Array, v: Array, m: Array, u: Array) -> Array:
        y = dynamics.initial_state(q, v, m)

        def extended(t: RealScalar, state: tuple, args: tuple) -> tuple:
            return jax.jvp(lambda y: dynamics.vector_field(t, y, args), (state[0],), (state[1],))

        def segment(carry: tuple, i: Array) -> tuple[tuple, Array]:
            state, tangent = carry
            span = duration / segments
            solution = diffrax.diffeqsolve(
                diffrax.ODETerm(extended),
                diffrax.Dopri8(),
                i * span,
                (i + 1) * span,
                None,
                (state, tangent),
                args=(m, u),
                stepsize_controller=diffrax.PIDController(rtol=1e-6, atol=1e-6),
                max_steps=100_000,
                throw=False,
            )
            state, tangent = jax.tree.map(lambda x: x[-1], solution.ys)
            size = jnp.sqrt(sum(jnp.sum(x**2) for x in jax.tree.leaves(tangent)))
            return (state, jax.tree.map(lambda x: x / size, tangent)), jnp.log(size)

        tangent = jax.tree.map(jnp.ones_like, y)
        _, growth = jax.lax.scan(segment, (y, tangent), jnp.arange(segments))
        return jnp.sum(growth[segments // 2 :])

    growth = np.asarray(jax.jit(jax.vmap(one))(start.q, start.v, start.m, start.u))
    return growth / (duration / 2), bool(np.median(growth) > 3.0)


@dataclass(frozen=True)
class CrossCheck:
    """Two derivations of the same accelerations, compared."""

    max_relative_error: float
    states: int
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the largest error is within the tolerance."""
        return self.max_relative_error <= self.tolerance


def cross_check(system: System, *, states: int = 10_000, seed: int = 0) -> CrossCheck:
    """SymPy's equations of motion against automatic differentiation of the Lagrangian, at random states.

    The tolerance is 1e-10 in float64, and 1e-2 in float32, where cancellation near singular states costs four digits.
    """
    from ._dynamics import EulerLagrange, SymbolicForces, SymbolicLagrangian

    drawn = sample_states(system, states, key=jax.random.key(seed))
    symbolic = SymbolicDynamics(system)
    twin = EulerLagrange(SymbolicLagrangian(system), SymbolicForces(system))
    a, b = (jax.jit(lambda s, law=law: accelerations(law, s))(drawn) for law in (twin, symbolic))
    tolerance = 1e-10 if drawn.q.dtype == jnp.float64 else 1e-2
    return CrossCheck(max_relative_error(a, b), states, tolerance)


def draw_test_samples(system: System, n: int, key: Array) -> Samples:
    """n fresh test samples of a system."""
    states = sample_states(system, n, key=key)
    return Samples(states, eqx.filter_jit(batched_accelerations)(SymbolicDynamics(system), states))
