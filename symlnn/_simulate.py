"""Roll-outs of any dynamics, analytic or learned, with diffrax."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._dynamics import (
    AbstractDynamics,
    Accumulating,
    Canonical,
    Doubled,
    Integrand,
    all_finite,
    constraint_errors,
    constraints_of,
    in_natural_units,
    kept,
    ode_terms,
    onto_constraints,
    sizes_of,
    splits,
)
from ._geometric import Variational
from ._inputs import Control, motion_axes
from ._integrator import Integration, Integrator, default_tolerance, is_known, with_root_finder, with_tolerances
from ._many import in_lanes, suits_lanes
from ._results import RESULTS
from ._rollout import DenseMotion, Rollout
from ._types import RealScalar, States, as_float, require_memory

_USUAL = Integrator()
_OBEYED = 10.0
"""How far a start may be from its constraints, in roots of the precision and in the sizes of its coordinates."""
_INCONSISTENT: Any = RESULTS.inconsistent
USUAL_INSTANTS = 500
"""Of a motion, after its start: so many whatever its duration, which may be of femtoseconds or of years."""


def simulate(
    dynamics: AbstractDynamics,
    start: States | tuple[Float[Array, "*batch dof"], Float[Array, "*batch dof"]],
    *,
    duration: RealScalar | None = None,
    times: Float[Array, " time"] | None = None,
    rate: float | None = None,
    u: Control | None = None,
    integrand: Integrand | None = None,
    integrator: Integrator = _USUAL,
) -> Rollout:
    """Integrate ẏ = f(t, y) from the start, one motion or a batch along the leading axis.

    The start is `States`, with the parameters m and inputs u of each motion, or (q, v) where the system has none. The
    motion is observed for `duration` from the time of the start, at `rate` per second, by default at 500 equal steps;
    or at `times`, the first of which it then starts at. `u` stands for the inputs of the start: an array held constant,
    (u,) or a row for each motion; `SampledInputs`; or a function u(t, q, v). It is integrated in units of the sizes
    that the law holds of its coordinates and velocities, so that tolerances mean the same in metres and in ångström.

    An `integrand` g(q, v, m, u, t), of order one, is integrated along with the motion: see `Rollout.integral`.

    A motion that fails has its own result code and does not disturb the others; it never raises. The code is that of
    the law where, at the last state that was reached, ẏ is not finite or does not solve its equation, `singular` say;
    else that of the integrator. A start that is not finite fails at once.

    A batch takes the steps of all its motions until the last one is done; through the solver `Taylor` each core moves
    256 at a time, and goes on with the next motion where one is done. `Variational` takes no tolerances, and moves in
    (q, p).

    Nothing but shapes, static fields and the kinds of things is compiled in: another call with other parameters,
    starts, times, inputs or tolerances compiles nothing.

    Of a law with constraints every step is projected onto them (`Projected`), and so is what is observed between
    steps, unless they have `Baumgarte`'s terms. A start that does not obey them fails as `inconsistent`: see `project`.

    Raises `ValueError` unless exactly one of `times` and `duration` is given, for times that do not increase, for
    starts at different times with one duration, and for inputs of another number of motions.
    """
    states = start if isinstance(start, States) else States.of(*start)
    if states.q.ndim > 2:
        raise ValueError(f"The start must be one state or a batch of them, but q has the shape {states.q.shape}.")
    instants = _instants(states, duration, times, rate)
    motions = states.q.shape[0] if states.q.ndim == 2 else None
    control = states.u if u is None else u if callable(u) else as_float(u)
    axes = motion_axes(control, motions)
    law = dynamics if integrand is None else Accumulating(dynamics, integrand)
    integration = integrator.prepared(instants)
    if states.q.ndim == 2 and suits_lanes(integration, law, control):
        return in_lanes(integration, law, instants, states, control)
    return _integrate(integration, law, instants, states, control, axes)


def flow(
    dynamics: AbstractDynamics,
    state: States,
    *,
    interval: RealScalar,
    count: int,
    solver: diffrax.AbstractSolver,
    substeps: int,
    adjoint: diffrax.AbstractAdjoint,
    u: Control | None = None,
) -> tuple[Float[Array, "step dof"], Float[Array, "step dof"]]:
    """(q, v) of one motion at `count` equal steps of time after a state, by equal steps of the solver.

    The inputs are those of the state, held constant, or `u`, in the time of the state. Every motion costs the same
    and can be differentiated through, by the `adjoint`: training goes through here.
    """
    law = Doubled(dynamics) if splits(solver) else dynamics
    tolerance = default_tolerance(state.q.dtype)
    solver = with_tolerances(with_root_finder(solver), tolerance, tolerance)

    def shifted(t: RealScalar, y: Any, args: tuple) -> Any:
        dynamics, state, inputs = args
        return dynamics.vector_field(state.t + t, y, (state.m, inputs))

    step = jnp.asarray(interval, state.q.dtype)
    times = step * jnp.arange(1, count + 1, dtype=state.q.dtype)
    solution = diffrax.diffeqsolve(
        ode_terms(shifted, solver),
        solver,
        jnp.zeros_like(step),
        times[-1],
        step / substeps,
        law.initial_state(state.q, state.v, state.m, state.t),
        # what is differentiated must not be closed over: BacksolveAdjoint forbids it
        args=(dynamics, state, state.u if u is None else u),
        saveat=diffrax.SaveAt(ts=times),
        adjoint=adjoint,
        # rounding may add a last, tiny step
        max_steps=count * substeps + 1,
        throw=False,
    )
    return jax.vmap(lambda t, y: law.observe(t, y, state.m))(state.t + times, solution.ys)


def _instants(
    states: States, duration: RealScalar | None, times: Array | None, rate: float | None
) -> Float[Array, " time"]:
    """The times at which a motion is observed."""
    if (times is None) == (duration is None):
        raise ValueError("simulate needs exactly one of times and duration.")
    dtype = states.q.dtype
    if times is not None:
        instants = as_float(times).astype(dtype)
        if instants.ndim != 1 or len(instants) < 2:
            raise ValueError(f"times must be two instants or more along one axis, but have the shape {instants.shape}.")
        if is_known(instants) and not (np.isfinite(instants).all() and (np.diff(instants) > 0).all()):
            raise ValueError("times must be finite and increase.")
        return instants
    length = float(duration)  # pyright: ignore[reportArgumentType]
    if rate is None:
        rate = USUAL_INSTANTS / length if length else np.inf
    if not (0 < length < np.inf and 0 < rate < np.inf):
        raise ValueError(f"duration and rate must be positive and finite, but are {duration} and {rate}.")
    require_memory(length * rate * states.q.size, f"{length:g} s at {rate:g} instants per second")
    elapsed = np.linspace(0.0, length, max(1, round(length * rate)) + 1)
    first = states.t if states.t.ndim == 0 else states.t[0]
    unequal = (
        "The motions start at different times, and one duration cannot say when they are observed: "
        "give `times`, or starts with one t."
    )
    if not is_known(states.t):
        return eqx.error_if(first, jnp.any(states.t != first), unequal) + jnp.asarray(elapsed, dtype)
    if np.any(np.asarray(states.t) != np.asarray(first)):
        raise ValueError(unequal)
    return jnp.asarray(np.asarray(first, np.float64) + elapsed, dtype)


@eqx.filter_jit
def _integrate(
    integration: Integration,
    dynamics: AbstractDynamics,
    times: Array,
    start: States,
    u: Control | None,
    axes: Any,
) -> Rollout:
    if start.q.ndim == 1:
        return _motion(integration, dynamics, times, start, u)
    batch = eqx.filter_vmap(_motion, in_axes=(None, None, None, 0, axes))(integration, dynamics, times, start, u)
    return eqx.tree_at(lambda rollout: rollout.t, batch, times)


def _motion(
    integration: Integration, dynamics: AbstractDynamics, times: Array, start: States, u: Control | None
) -> Rollout:
    solver = integration.solver
    if isinstance(solver, Variational):  # it has no tolerances, and wants L itself
        terms_of = law = Canonical.of(dynamics, sizes_of(dynamics, start.q)[1])
    else:
        terms_of = in_natural_units(dynamics, start.q, start.m, times[0])
        law = Doubled(terms_of) if splits(solver) else terms_of
    args = (start.m, u)
    y0 = law.initial_state(start.q, start.v, start.m, times[0])
    constraints = constraints_of(dynamics)
    obeys = jnp.asarray(True)
    if constraints is not None:
        if splits(solver):
            raise ValueError(
                f"The solver {type(integration.solver).__name__} splits the state, and keeps no constraints: choose "
                "another, diffrax.Dopri8() say."
            )
        found = constraint_errors(constraints(start.q, start.v, start.m, times[0]), sizes_of(dynamics, start.q))
        obeys = jnp.max(jnp.concatenate(found)) <= _OBEYED * float(jnp.finfo(times.dtype).eps) ** 0.5
        if not constraints.corrected:  # the q̇ of a Hamiltonian need not be the v that the start was given
            y0 = onto_constraints(law, times[0], y0, args)
    # a start from which there is no motion is integrated over no time: it ends at once, and the others go on. None of
    # its instants is ever passed, or the loop of the batch would go through all of them at every step of the others
    finite = all_finite((y0, law.vector_field(times[0], y0, args)))
    moving = finite & obeys
    end = jnp.where(moving, times[-1], times[0])
    instants = jnp.where(moving, times, jnp.nan)
    solution = diffrax.diffeqsolve(
        terms_of.terms(solver),
        kept(solver, law),
        times[0],
        end,
        integration.step,
        y0,
        args=args,
        saveat=diffrax.SaveAt(
            subs=[diffrax.SubSaveAt(ts=instants), diffrax.SubSaveAt(t1=True)], dense=integration.dense
        ),
        stepsize_controller=integration.controller,
        max_steps=integration.max_steps,
        throw=False,
    )
    states, last = solution.ys  # pyright: ignore[reportGeneralTypeIssues]
    last_time, last = jax.tree.map(lambda x: jax.lax.stop_gradient(x[0]), (solution.ts[1], last))  # pyright: ignore
    result = _result(law, solution.result, last_time, last, args, finite)
    result = RESULTS.where(obeys | ~finite, result, _INCONSISTENT)
    if constraints is not None and not constraints.corrected:
        states = jax.vmap(lambda t, y: onto_constraints(law, t, y, args))(times, states)
    q, v = jax.vmap(lambda t, y: law.observe(t, y, start.m))(times, states)
    q, v = (jnp.where(moving, along, jnp.inf).at[0].set(first) for along, first in ((q, start.q), (v, start.v)))
    dense = DenseMotion(law, solution.interpolation, start.m) if integration.dense else None
    integral = jax.tree.leaves(states)[-1] if isinstance(dynamics, Accumulating) else None
    return Rollout(times, q, v, result, integral, dense)


def _result(law: AbstractDynamics, reported: diffrax.RESULTS, t: Array, y: Any, args: tuple, moving: Array) -> RESULTS:
    """What became of a motion that ended at y: the integrator's word, unless the law has one of its own."""
    status = law.status(t, y, args)
    failed = RESULTS.where(moving, RESULTS.promote(reported), RESULTS.not_finite)
    return RESULTS.where(status == RESULTS.successful, failed, status)
