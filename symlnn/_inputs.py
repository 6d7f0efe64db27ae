"""Control inputs u: none, held constant, sampled over time, or a function of time and state."""

from collections.abc import Callable
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._types import Coordinates, RealScalar


class SampledInputs(eqx.Module):
    """u(t), linear between samples, and held at the first and the last value before and after them.

    A batch of motions has its own samples each: `values` then has a leading axis, along which callers `vmap`.
    """

    times: Float[Array, " time"]
    """The times of the samples, increasing, in seconds."""
    values: Float[Array, "*batch time u"]

    def __check_init__(self) -> None:
        if self.values.shape[-2] != self.times.shape[-1]:
            raise ValueError(
                f"Sampled inputs need a row of values for each of the {self.times.shape[-1]} times, "
                f"but have values of shape {self.values.shape}."
            )

    def __call__(self, t: RealScalar, q: Coordinates, v: Coordinates) -> Float[Array, " u"]:
        """u at the time t, whatever the state."""
        return jax.vmap(lambda column: jnp.interp(t, self.times, column), in_axes=-1)(self.values)


Control: TypeAlias = Float[Array, "... u"] | SampledInputs | Callable[..., Array]
"""An array, held constant; samples over time; or a function u(t, q, v)."""


def inputs_at(u: Control | None, t: RealScalar, q: Coordinates, v: Coordinates) -> Float[Array, " u"] | None:
    """The inputs of one state, from whatever they were given as; None where there are none."""
    return u(t, q, v) if callable(u) else u


def motion_axes(u: Control | None, motions: int | None) -> Any:
    """Along which axis of the arrays of u the motions of a batch lie, None where they share it; for `jax.vmap`.

    `motions` is their number, None for one motion without a leading axis. Raises `ValueError` where u is of others.
    """
    sampled = isinstance(u, SampledInputs)
    if u is None or (callable(u) and not sampled):
        return None
    values = u.values if sampled else u
    batch = values.shape[: -2 if sampled else -1]
    if batch not in {(), () if motions is None else (motions,)}:
        row = "time, u" if sampled else "u"
        each = "" if motions is None else f", or ({motions}, {row}) for {motions} motions with inputs of their own"
        raise ValueError(f"The inputs u have the shape {values.shape}: give them the shape ({row}){each}.")
    axis = 0 if batch else None
    return eqx.tree_at(lambda s: (s.times, s.values), u, (None, axis)) if sampled else axis
