"""The accelerations of many states."""

import jax
from jaxtyping import Array, Float

from .._types import States
from ._base import AbstractDynamics


def accelerations(
    dynamics: AbstractDynamics, states: States, *, at_once: int | None = None
) -> Float[Array, "batch dof"]:
    """The accelerations at a batch of states; `at_once` of them at a time, where a number bounds the memory."""

    def one(state: States) -> Array:
        return dynamics.acceleration(state.q, state.v, state.m, state.u, state.t)

    return jax.vmap(one)(states) if at_once is None else jax.lax.map(one, states, batch_size=at_once)
