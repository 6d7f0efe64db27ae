"""Control inputs u: none, held constant, sampled over time, or a function of time and state."""

from collections.abc import Callable
from typing import TypeAlias

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


Control: TypeAlias = Float[Array, "*batch u"] | SampledInputs | Callable[..., Array]
"""An array, held constant; samples over time; or a function u(t, q, v)."""


def inputs_at(u: Control | None, t: RealScalar, q: Coordinates, v: Coordinates) -> Float[Array, " u"] | None:
    """The inputs of one state, from whatever they were given as; None where there are none."""
    return u(t, q, v) if callable(u) else u
