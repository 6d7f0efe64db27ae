"""Errors of accelerations over test states."""

import math
from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._dynamics import acceleration_sizes, relative_rms
from .._types import Samples


@dataclass(frozen=True)
class AccelerationErrors:
    """Errors of accelerations over test states."""

    l1_sum: float
    """mean Σᵢ|aᵢ − âᵢ|, the paper's loss; where coordinates have different units it means little."""
    relative_rms: float
    """√(meanᵢ mean|aᵢ − âᵢ|²/Aᵢ²), the same in all units; Aᵢ is the root mean square of aᵢ."""
    coordinates: tuple[float, ...]
    """√(mean|aᵢ − âᵢ|²)/Aᵢ of each coordinate."""
    states: int


def acceleration_errors(truth: Samples, model: Float[Array, "batch dof"]) -> AccelerationErrors:
    """The errors of the accelerations `model` against true ones; infinite where the model's are not finite."""
    difference, sizes = jnp.abs(truth.a - model), acceleration_sizes(truth)
    return AccelerationErrors(
        l1_sum=_finite_or_inf(jnp.mean(jnp.sum(difference, axis=-1))),
        relative_rms=_finite_or_inf(relative_rms(difference, sizes)),
        coordinates=tuple(map(_finite_or_inf, jnp.sqrt(jnp.mean((difference / sizes) ** 2, axis=0)))),
        states=truth.size,
    )


def _finite_or_inf(value: Array) -> float:
    number = float(value)
    return number if math.isfinite(number) else math.inf
