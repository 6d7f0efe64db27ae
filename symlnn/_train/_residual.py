"""The residuals that training makes small."""

from collections.abc import Callable, Mapping

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._data import accelerations
from .._dynamics import AbstractDynamics
from .._types import Samples, Scalar

Residuals = Float[Array, "batch dof"]


class ScaledAcceleration(eqx.Module):
    """r = (â − a) / (A (1 + ‖a/A‖)), with ‖·‖ the root mean square over coordinates and A the acceleration scales.

    Absolute for small accelerations and relative for large ones, so that the rare violent states (a fold of the double
    pendulum, a close encounter) neither rule the fit nor are left out of it.
    """

    scales: tuple[float, ...] = eqx.field(static=True)
    """A, one per coordinate."""

    def __call__(self, dynamics: AbstractDynamics, samples: Samples) -> Residuals:
        """The residuals of a batch, (batch, dof)."""
        scales = jnp.asarray(self.scales, samples.a.dtype)
        scaled = samples.a / scales
        size = jnp.sqrt(jnp.mean(scaled**2, axis=-1, keepdims=True))
        return (accelerations(dynamics, samples.states) / scales - scaled) / (1 + size)


class PlainAcceleration(eqx.Module):
    """r = â − a, unscaled: with the loss `l1` the loss of the paper."""

    def __call__(self, dynamics: AbstractDynamics, samples: Samples) -> Residuals:
        """The residuals of a batch, (batch, dof)."""
        return accelerations(dynamics, samples.states) - samples.a


LOSSES: Mapping[str, Callable[[Residuals], Scalar]] = {
    "l1": lambda r: jnp.mean(jnp.sum(jnp.abs(r), axis=-1)),
    "l2": lambda r: jnp.mean(jnp.sum(r**2, axis=-1)),
}
"""Means over the batch of Σᵢ|rᵢ| and of Σᵢ rᵢ²."""
