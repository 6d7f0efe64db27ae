"""Roll-outs of any dynamics, analytic or learned, with diffrax."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ._dynamics import AbstractDynamics
from ._inputs import Control
from ._types import RealScalar, Scalar, States, as_float


class Rollout(eqx.Module):
    """A motion, or a batch of them along the leading axis."""

    t: Float[Array, " time"]
    """The times, in seconds."""
    q: Float[Array, "*batch time dof"]
    v: Float[Array, "*batch time dof"]
    result: diffrax.RESULTS
    """diffrax's result code, one per motion: `successful`, `max_steps_reached`, `dt_min_reached`, …"""
    dense: diffrax.DenseInterpolation | diffrax.Solution | None = None
    """With `dense=True`, what evaluates the state y at any time; else None."""

    @property
    def successful(self) -> Bool[Array, "*batch"]:
        """Whether the integration reached the end with finite states; after a failure q and v are infinite."""
        finite = jnp.all(jnp.isfinite(self.q) & jnp.isfinite(self.v), axis=(-2, -1))
        return (self.result == diffrax.RESULTS.successful) & finite


def simulate(
    dynamics: AbstractDynamics,
    q: Float[Array, "*batch dof"],
    v: Float[Array, "*batch dof"],
    *,
    times: Float[Array, " time"] | None = None,
    duration: RealScalar | None = None,
    rate: float = 50.0,
    m: Float[Array, "*batch m"] | None = None,
    u: Control | Float[Array, "*batch u"] | None = None,
    solver: diffrax.AbstractSolver | None = None,
    stepsize_controller: diffrax.AbstractStepSizeController | None = None,
    rtol: float | Scalar | None = None,
    atol: float | Scalar | None = None,
    dense: bool = False,
    max_steps: int = 200_000,
) -> Rollout:
    """Integrate ẏ = f(t, y) from the states (q, v), one motion or a batch along the leading axis.

    The motion is observed at `times` (increasing; it starts at the first), or from 0 to `duration` at `rate` per
    second. The control `u` is None, an array held constant (one row per motion), or a function u(t, q, v).
    Defaults: `Dopri8` with adaptive steps, tolerances 1e-8 in float64 and 1e-5 in float32. A motion that fails has its
    own result code and does not disturb the others; it never raises.

    Raises `ValueError` unless exactly one of `times` and `duration` is given, and for a batch of unequal sizes.
    """
    if (times is None) == (duration is None):
        raise ValueError("simulate needs exactly one of times and duration.")
    q, v = as_float(q), as_float(v)
    if q.shape != v.shape or q.ndim not in (1, 2):
        raise ValueError(f"q and v must have one shape, (dof,) or (batch, dof), but have {q.shape} and {v.shape}.")
    if times is None:
        assert duration is not None
        if not (float(duration) > 0 and rate > 0):
            raise ValueError(f"duration and rate must be positive, but are {duration} and {rate}.")
        times = jnp.linspace(0.0, float(duration), round(float(duration) * rate) + 1, dtype=q.dtype)
    tolerance = 1e-8 if q.dtype == jnp.float64 else 1e-5
    if stepsize_controller is None:
        span = jnp.abs(times[-1] - times[0])
        stepsize_controller = diffrax.PIDController(
            rtol=tolerance if rtol is None else rtol,
            atol=tolerance if atol is None else atol,
            # a motion that runs into a singularity ends there, instead of creeping on for max_steps
            dtmin=1e-10 * span if q.dtype == jnp.float64 else 1e-7 * span,
        )
    integrate = _Integrator(solver or diffrax.Dopri8(), stepsize_controller, dense, max_steps)
    return _integrate(integrate, dynamics, times, q, v, m, u)


def flow(
    dynamics: AbstractDynamics,
    state: States,
    *,
    interval: float,
    count: int,
    solver: diffrax.AbstractSolver,
    substeps: int,
    adjoint: diffrax.AbstractAdjoint,
) -> tuple[Float[Array, "step dof"], Float[Array, "step dof"]]:
    """(q, v) of one motion at `count` equal steps of time after a state, by equal steps of the solver.

    Every motion costs the same and can be differentiated through, by the `adjoint`: training goes through here.
    """

    def shifted(t: RealScalar, y: Any, args: tuple) -> Any:
        dynamics, state = args
        return dynamics.vector_field(state.t + t, y, (state.m, state.u))

    times = interval * jnp.arange(1, count + 1, dtype=state.q.dtype)
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(shifted),
        solver,
        0.0,
        interval * count,
        interval / substeps,
        dynamics.initial_state(state.q, state.v, state.m, state.t),
        args=(dynamics, state),  # what is differentiated must not be closed over: BacksolveAdjoint forbids it
        saveat=diffrax.SaveAt(ts=times),
        adjoint=adjoint,
        # rounding may add a last, tiny step
        max_steps=count * substeps + 1,
        throw=False,
    )
    return jax.vmap(lambda t, y: dynamics.observe(t, y, state.m))(state.t + times, solution.ys)


class _Integrator(eqx.Module):
    solver: diffrax.AbstractSolver
    controller: diffrax.AbstractStepSizeController
    dense: bool = eqx.field(static=True)
    max_steps: int = eqx.field(static=True)

    def __call__(
        self,
        dynamics: AbstractDynamics,
        times: Array,
        q: Array,
        v: Array,
        m: Array | None,
        u: Control | None,
    ) -> Rollout:
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(dynamics.vector_field),
            self.solver,
            times[0],
            times[-1],
            dt0=None
            if isinstance(self.controller, diffrax.AbstractAdaptiveStepSizeController)
            else times[1] - times[0],
            y0=dynamics.initial_state(q, v, m, times[0]),
            args=(m, u),
            saveat=diffrax.SaveAt(ts=times, dense=self.dense),
            stepsize_controller=self.controller,
            max_steps=self.max_steps,
            throw=False,
        )
        observed = jax.vmap(lambda t, y: dynamics.observe(t, y, m))(times, solution.ys)
        return Rollout(times, *observed, solution.result, solution if self.dense else None)


@eqx.filter_jit
def _integrate(
    integrator: _Integrator,
    dynamics: AbstractDynamics,
    times: Array,
    q: Array,
    v: Array,
    m: Array | None,
    u: Control | Array | None,
) -> Rollout:
    if q.ndim == 1:
        return integrator(dynamics, times, q, v, m, u)
    per_motion = None if u is None or callable(u) or u.ndim == 1 else 0
    axes = (None, None, 0, 0, None if m is None or m.ndim == 1 else 0, per_motion)
    batch = eqx.filter_vmap(integrator, in_axes=axes)(dynamics, times, q, v, m, u)
    return eqx.tree_at(lambda rollout: rollout.t, batch, times)
