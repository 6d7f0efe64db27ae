"""What is trained, alone or as the members of an ensemble, and the compiled steps that move it."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._results import RESULTS
from .._types import Keys
from ._error import AbstractError
from ._stage import AbstractStage, Problem

_DIVERGED = 1.5
_PATIENCE = 20


class Member(eqx.Module):
    """A model in training; those of an ensemble are stacked along a leading axis."""

    params: Any
    best: Any
    """The parameters of the lowest held-out error."""
    state: Any
    """That of the optimiser."""
    lowest: Float[Array, "*members"]
    """The lowest held-out error so far."""
    undone: Int[Array, "*members"]
    """The chunks of steps, up to now, that were undone one after another."""
    code: RESULTS
    """`successful` while it is trained."""


def _vectorised(function: Any, key: Keys) -> Any:
    """The function of one member, or that of all members of an ensemble, which has a key for each."""
    return function if key.ndim == 0 else eqx.filter_vmap(function)


def begin(stage: AbstractStage, problem: Problem, error: AbstractError, params: Any, key: Keys) -> Member:
    """The members before the first step. The error is infinite where it is not a number."""
    return _begun(stage, params, _found(error, params, problem.rest, key), key)


@eqx.filter_jit
def _begun(stage: AbstractStage, params: Any, found: Array, key: Keys) -> Member:
    def one(params: Any, found: Array, key: Keys) -> Member:
        lowest = jnp.where(jnp.isfinite(found), found, jnp.inf)
        return Member(params, params, stage.init(params), lowest, jnp.zeros((), int), RESULTS.successful)

    return _vectorised(one, key)(params, found, key)


@eqx.filter_jit
def _found(error: AbstractError, params: Any, rest: Any, key: Keys) -> Float[Array, "*members"]:
    """The held-out errors: a program of its own, which all stages share."""
    return _vectorised(lambda params, rest: error(eqx.combine(params, rest)), key)(params, rest)


@eqx.filter_jit
def change_stage(stage: AbstractStage, member: Member, key: Keys) -> Member:
    """The members at the beginning of another stage."""
    state = _vectorised(lambda params, key: stage.init(params), key)(member.params, key)
    return eqx.tree_at(lambda m: m.state, member, state, is_leaf=lambda x: x is None)


def advance(
    stage: AbstractStage, problem: Problem, error: AbstractError, member: Member, key: Keys, span: tuple[Any, Any, Any]
) -> tuple[Member, Float[Array, "*members chunk"], Float[Array, "*members"]]:
    """`stage.chunk` steps, or those that are left: (members, loss of each step, held-out error after them).

    `span` is (first, offset, total): the number of the first step, that of the stage's first, and the steps of the
    stage. Step i draws from `jax.random.fold_in(key, i)`. Steps that end in an error of more than one and a half times
    that of no prediction, and of the lowest so far, are undone; the next ones draw other observations, with more
    caution: a black-box Lagrangian diverges where its mass matrix loses its sign at some states, and most often does
    not meet the same fate twice. After twenty such chunks in a row it has `diverged`. A loss or an error that is not a
    number ends it at once as `not_finite`, with the parameters before.
    """
    params, state, losses = _advanced(stage, problem, member.params, member.state, key, span)
    found = _found(error, params, problem.rest, key)
    return _judged(stage, member, params, state, losses, found, key), losses, found


@eqx.filter_jit
def _advanced(
    stage: AbstractStage, problem: Problem, params: Any, state: Any, key: Keys, span: tuple[Any, Any, Any]
) -> tuple[Any, Any, Float[Array, "*members chunk"]]:
    """The parameters and the state of the optimiser after these steps, and the loss of each."""
    first, offset, total = span

    def one(params: Any, state: Any, rest: Any, key: Keys) -> tuple[Any, Any, Array]:
        own = Problem(rest, problem.residual, problem.source)

        def body(carry: tuple[Any, Any], i: Array) -> tuple[tuple[Any, Any], Array]:
            def step(params: Any, state: Any) -> tuple[Any, Any, Array]:
                return stage.step(own, params, state, jax.random.fold_in(key, i), (i - offset) / total)

            def skip(params: Any, state: Any) -> tuple[Any, Any, Array]:
                return params, state, jnp.zeros((), jnp.result_type(*jax.tree.leaves(params)))

            *moved, loss = jax.lax.cond(i - offset < total, step, skip, *carry)
            return tuple(moved), loss

        (params, state), losses = jax.lax.scan(body, (params, state), first + jnp.arange(stage.chunk))
        return params, state, losses

    return _vectorised(one, key)(params, state, problem.rest, key)


@eqx.filter_jit
def _judged(
    stage: AbstractStage, member: Member, params: Any, state: Any, losses: Array, found: Array, key: Keys
) -> Member:
    """The members after a chunk of steps: each moved, undone, or ended."""

    def one(member: Member, params: Any, state: Any, losses: Array, found: Array, key: Keys) -> Member:
        finite = jnp.all(jnp.isfinite(losses)) & jnp.isfinite(found)
        astray = found > _DIVERGED * jnp.maximum(1.0, member.lowest)
        alive = member.code == RESULTS.successful
        kept = alive & finite & ~astray
        better = kept & (found < member.lowest)
        undone = jnp.where(kept, 0, member.undone + 1)
        code = RESULTS.where(alive & (undone >= _PATIENCE), RESULTS.diverged, member.code)
        code = RESULTS.where(alive & ~finite, RESULTS.not_finite, code)

        def choose(condition: Array, new: Any, old: Any) -> Any:
            return jax.tree.map(lambda x, y: jnp.where(condition, x, y), new, old)

        return Member(
            params=choose(kept, params, member.params),
            best=choose(better, params, member.best),
            state=choose(kept, state, choose(alive & finite, stage.retreat(member.state), member.state)),
            lowest=jnp.where(better, found, member.lowest),
            undone=undone,
            code=code,
        )

    return _vectorised(one, key)(member, params, state, losses, found, key)
