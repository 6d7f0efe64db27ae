"""Errors of accelerations over test states."""

import math
from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float


@dataclass(frozen=True)
class AccelerationErrors:
    """Errors of accelerations over test states."""

    l1_sum: float
    """mean Σᵢ|aᵢ − âᵢ|, the paper's loss."""
    relative_rms: float
    """√(mean|a − â|² / mean|a|²)."""
    states: int


def acceleration_errors(truth: Float[Array, "batch dof"], model: Float[Array, "batch dof"]) -> AccelerationErrors:
    """The errors of the accelerations `model` against `truth`; infinite where the model's are not finite."""
    difference = jnp.abs(truth - model)
    squares = jnp.sum(difference**2, axis=-1)
    return AccelerationErrors(
        l1_sum=_finite_or_inf(jnp.mean(jnp.sum(difference, axis=-1))),
        relative_rms=_finite_or_inf(jnp.sqrt(jnp.mean(squares) / jnp.mean(jnp.sum(truth**2, axis=-1)))),
        states=truth.shape[0],
    )


def max_relative_error(a: Float[Array, "batch dof"], b: Float[Array, "batch dof"]) -> float:
    """max over states of ‖a − b‖₂ / max(‖b‖₂, floor), the floor being 1e-3 of the root mean square of ‖b‖₂.

    Element by element, or without the floor, cancellation alone would give 3e-10 in float64.
    """
    norm = jnp.linalg.norm(b, axis=-1)
    floor = 1e-3 * jnp.sqrt(jnp.mean(norm**2))
    floor = jnp.where(floor > 0, floor, 1.0)
    return _finite_or_inf(jnp.max(jnp.linalg.norm(a - b, axis=-1) / jnp.maximum(norm, floor)))


def _finite_or_inf(value: Array) -> float:
    number = float(value)
    return number if math.isfinite(number) else math.inf
