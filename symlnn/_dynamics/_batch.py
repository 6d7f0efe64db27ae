"""The accelerations of many states, and how large they are."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._types import Samples, States
from ._base import AbstractDynamics

_RELATIVE_FLOOR = 1e-3


@eqx.filter_jit
def accelerations(
    dynamics: AbstractDynamics, states: States, *, at_once: int | None = None
) -> Float[Array, "batch dof"]:
    """The accelerations at a batch of states; `at_once` of them at a time, where a number bounds the memory."""

    def one(state: States) -> Array:
        return dynamics.acceleration(state.q, state.v, state.m, state.u, state.t)

    return jax.vmap(one)(states) if at_once is None else jax.lax.map(one, states, batch_size=at_once)


def acceleration_sizes(samples: Samples) -> Float[Array, " dof"]:
    """A: the root mean square of each acceleration, or what `rate_sizes` says for one that is zero.

    Where none is accelerated, as in free motion, V²/Q.
    """
    q, v = jnp.std(samples.states.q, axis=0), rms(samples.states.v)
    found = rate_sizes(v, rms(samples.a))
    free = jnp.where((q > 0) & (v > 0), v**2 / jnp.where(q > 0, q, 1.0), 1.0)
    return jnp.where(jnp.any(samples.a != 0), found, free)


@eqx.filter_jit
def rate_sizes(sizes: Float[Array, " n"], rates: Float[Array, " n"]) -> Float[Array, " n"]:
    """The sizes of rates, made comparable where their units differ.

    What never changes still needs one: a thousandth of what the others suggest for it, by the time in which they change
    by their size; and 1 where it has no size either.
    """
    quickest = jnp.max(jnp.where(sizes > 0, rates / jnp.where(sizes > 0, sizes, 1.0), 0.0))
    found = jnp.maximum(rates, _RELATIVE_FLOOR * quickest * sizes)
    return jnp.where(found > 0, found, 1.0)


@eqx.filter_jit
def rms(x: Float[Array, "batch n"]) -> Float[Array, " n"]:
    """The root mean square of each column."""
    return jnp.sqrt(jnp.mean(jnp.square(x), axis=0))


def relative_rms(difference: Float[Array, "batch dof"], sizes: Float[Array, " dof"]) -> Float[Array, ""]:
    """√(meanᵢ mean|aᵢ − âᵢ|²/Aᵢ²): the same in all units, and 1 for a model that says a = 0."""
    return jnp.sqrt(jnp.mean(jnp.square(difference / sizes)))
