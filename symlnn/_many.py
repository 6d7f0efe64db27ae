"""Batches of motions through the Taylor method, in lanes, on every core."""

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from ._dynamics import AbstractDynamics, SymbolicDynamics, in_natural_units
from ._inputs import Control
from ._integrator import Integration, is_known
from ._results import RESULTS
from ._rollout import Rollout
from ._step_control import RelativeToMotion
from ._taylor import LANES, Taylor, moved
from ._types import States

_SUCCESSFUL: Any = RESULTS.successful
_TOO_MANY: Any = RESULTS.max_steps_reached
_TOO_SMALL: Any = RESULTS.dt_min_reached


def suits_lanes(integration: Integration, law: AbstractDynamics, control: Control | None) -> bool:
    """Whether a batch can be moved in lanes: by `Taylor`, with steps that follow the tolerances of an `Integrator`."""
    return (
        isinstance(integration.solver, Taylor)
        and isinstance(integration.controller, RelativeToMotion)
        and isinstance(law, SymbolicDynamics)
        and not callable(control)
        and not integration.dense
    )


def in_lanes(
    integration: Integration, law: AbstractDynamics, times: Array, start: States, control: Control | None
) -> Rollout:
    """Every motion of a batch with steps of its own. On a CPU each core has its share of them: a program of XLA that
    does little at a time runs on one."""
    control = start.u if control is None else control
    u = jnp.broadcast_to(jnp.asarray(control), (*start.t.shape, *jnp.shape(control)[-1:]))  # pyright: ignore[reportArgumentType]
    start = eqx.tree_at(lambda s: s.u, start, u)
    count = len(start.q)
    shares = min(os.cpu_count() or 1, count // LANES) if jax.default_backend() == "cpu" else 1
    known = all(is_known(x) for x in jax.tree.leaves((integration, law, times, start)))
    if shares < 2 or not known:
        return _in_lanes(integration, law, times, start)

    def share(cut: tuple[int, int]) -> Rollout:
        found = _in_lanes(integration, law, times, start[slice(*cut)])
        return jax.block_until_ready(eqx.tree_at(lambda rollout: rollout.t, found, None))

    with ThreadPoolExecutor(shares) as pool:
        parts = pool.map(share, itertools.pairwise(count * k // shares for k in range(shares + 1)))
        whole = jax.tree.map(lambda *x: jnp.concatenate(x), *parts)
    return eqx.tree_at(lambda rollout: rollout.t, whole, times, is_leaf=lambda x: x is None)


@eqx.filter_jit
def _in_lanes(integration: Integration, law: Any, times: Array, start: States) -> Rollout:
    solver: Any = integration.solver
    control: Any = integration.controller
    sizes = in_natural_units(law, start.q[0], start.m[0], times[0]).sizes
    shared = start.m.shape[-1] == 0 and start.u.shape[-1] == 0
    # numbers that all motions share need not be looked up in each step
    constants = (
        law.series_constants(start.m[0], start.u[0], start.q[0])
        if shared
        else jax.vmap(law.series_constants)(start.m, start.u, start.q)
    )
    found = moved(
        law.law,
        solver,
        times,
        jnp.concatenate([start.q, start.v], -1),
        constants,
        jnp.concatenate(sizes),
        rtol=control.rtol,
        atol=control.atol,
        dtmin=control.dtmin,
        max_steps=integration.max_steps,
    )
    q, v = jnp.split(found.y, 2, -1)
    most = integration.max_steps

    def result(failed: Array, steps: Array, t: Array, y: Array, m: Array, u: Array) -> RESULTS:
        status = law.status(t, tuple(jnp.split(y, 2)), (m, u))
        reported = RESULTS.where(steps > most, _TOO_MANY, _TOO_SMALL)
        reported = RESULTS.where(status == RESULTS.successful, reported, status)
        return RESULTS.where(failed, reported, _SUCCESSFUL)

    results = jax.vmap(result)(found.failed, found.steps, found.time, found.end, start.m, start.u)
    return Rollout(times, q, v, results)
