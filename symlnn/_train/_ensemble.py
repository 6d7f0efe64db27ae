"""Several trainings of one model at once, from different keys, under one `vmap`."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._data import SegmentSource, Source
from .._dynamics import AbstractDynamics
from .._models._spec import trainable
from .._types import Key, Samples
from ._fit import Recipe
from ._residual import AbstractResidual
from ._stage import AbstractStage, Problem, diverged

_ENDLESS = 2**30
"""Steps of a stage that the clock ends."""


@dataclass(frozen=True)
class Ensemble:
    """Models of one kind, trained side by side."""

    members: tuple[AbstractDynamics, ...]
    """Each member at its lowest validation error."""
    seconds: Float[np.ndarray, " time"]
    """Training time of all members together, without compilation, after each chunk of steps."""
    validation: Float[np.ndarray, "time members"]
    """The relative error of the accelerations; infinite for a member whose parameters are no longer finite."""
    steps: tuple[int, ...]
    """Of each stage."""


def fit_ensemble(
    members: tuple[AbstractDynamics, ...],
    source: Source | SegmentSource,
    residual: AbstractResidual,
    *,
    key: Key,
    validation: Samples,
    recipe: Recipe,
    seconds: float | None = None,
    steps: int | None = None,
) -> Ensemble:
    """Train models that differ in their parameters only, each on its own samples, in equal steps.

    The budget is `seconds` for all together, divided among the stages as in `fit`, or `steps`. A member that diverges
    does not stop the others.
    """
    if not members:
        raise ValueError("An ensemble needs at least one member.")
    if (seconds is None) == (steps is None):
        raise ValueError("fit_ensemble needs exactly one of seconds and steps.")
    if seconds is not None and not 0 < seconds < math.inf:
        raise ValueError(f"The training budget must be positive, but is {seconds} seconds.")
    if len({jax.tree.structure(member) for member in members}) > 1:
        raise ValueError("The members of an ensemble must be built alike and differ in their parameters only.")
    _, static = eqx.partition(members[0], trainable(members[0]))
    problem = Problem(static, residual, source)
    params = jax.tree.map(lambda *x: jnp.stack(x), *(eqx.filter(m, trainable(m)) for m in members))
    error = eqx.filter_jit(eqx.filter_vmap(lambda params: problem.error(params, validation)))
    best, lowest = params, np.asarray(error(params))
    lowest = np.where(np.isfinite(lowest), lowest, np.inf)
    times, errors, counts, spent = [], [], [], 0.0
    for index, stage in enumerate(recipe.stages):
        keys = jax.random.split(jax.random.fold_in(key, index), len(members))
        state = eqx.filter_vmap(stage.init)(params)
        chunk = _chunk(stage, problem, keys, params, state)
        deadline = None if seconds is None else seconds * sum(recipe.time_shares[: index + 1])
        if steps is not None:
            total = recipe.divide(steps)[index]
        elif stage.scheduled:
            assert deadline is not None
            per_chunk = _seconds_of(chunk, params, state)
            total = max(1, round((deadline - spent) / per_chunk)) * stage.chunk
        else:
            total = _ENDLESS
        done = 0
        while done < total and (deadline is None or stage.scheduled or spent < deadline):
            begin = time.monotonic()
            moved = jax.block_until_ready(chunk(params, state, jnp.asarray(done), jnp.asarray(total)))
            spent += time.monotonic() - begin
            done = min(total, done + stage.chunk)
            found = np.asarray(error(moved[0]))
            found = np.where(np.isfinite(found), found, np.inf)
            kept = jnp.asarray(~diverged(found, lowest))
            params, state = jax.tree.map(lambda x, y, kept=kept: _where(kept, x, y), moved, (params, state))
            better = jnp.asarray(found < lowest)
            best = jax.tree.map(lambda x, y, better=better: _where(better, x, y), params, best)
            lowest = np.minimum(found, lowest)
            times.append(spent)
            errors.append(found)
        counts.append(done)
    trained = tuple(eqx.combine(jax.tree.map(lambda x, i=i: x[i], best), problem.static) for i in range(len(members)))
    return Ensemble(trained, np.array(times), np.array(errors).reshape(-1, len(members)), tuple(counts))


def _where(condition: Array, x: Array, y: Array) -> Array:
    return jnp.where(condition.reshape(-1, *[1] * (x.ndim - 1)), x, y)


def _chunk(stage: AbstractStage, problem: Problem, keys: Array, params: Any, state: Any) -> Callable[..., Any]:
    """`stage.chunk` steps of every member, compiled; steps beyond the last leave a member as it is."""

    def one(params: Any, state: Any, key: Key, first: Array, total: Array) -> tuple[Any, Any]:
        def body(carry: tuple[Any, Any], i: Array) -> tuple[tuple[Any, Any], None]:
            params, state, _ = stage.step(problem, *carry, jax.random.fold_in(key, i), i / total)
            return jax.tree.map(lambda new, old: jnp.where(i < total, new, old), (params, state), carry), None

        return jax.lax.scan(body, (params, state), first + jnp.arange(stage.chunk))[0]

    run = eqx.filter_jit(eqx.filter_vmap(one, in_axes=(0, 0, 0, None, None)))
    zero = jnp.asarray(0)
    compiled = run.lower(params, state, keys, zero, zero).compile()
    return lambda params, state, first, total: compiled(params, state, keys, first, total)


def _seconds_of(chunk: Callable[..., Any], params: Any, state: Any) -> float:
    for _ in range(2):  # the first call also pays for what is done once
        begin = time.monotonic()
        jax.block_until_ready(chunk(params, state, jnp.asarray(0), jnp.asarray(1)))
        elapsed = time.monotonic() - begin
    return elapsed
