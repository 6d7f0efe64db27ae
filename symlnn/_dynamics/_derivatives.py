"""The derivatives of a Lagrangian that its equation of motion is made of."""

import functools as ft
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .._types import Coordinates, Matrix, RealScalar, Varying
from ._base import AbstractLagrangian


class Derivatives(NamedTuple):
    """The terms of M a = ∇_q L − (∇_q∇ᵥᵀL) v − ∂ₜ∇ᵥL at one state."""

    mass_matrix: Matrix
    """M = ∇ᵥ∇ᵥᵀL."""
    force: Coordinates
    """∇_q L."""
    transport: Coordinates
    """(∇_q∇ᵥᵀL) v + ∂ₜ∇ᵥL: the change of the momenta ∇ᵥL along the motion, at constant v."""

    def scaled(self, factor: Array) -> "Derivatives":
        """Those of the Lagrangian times a constant."""
        return Derivatives(*(factor * each for each in self))

    def plus(self, other: "Derivatives") -> "Derivatives":
        """Those of the sum of two Lagrangians."""
        return Derivatives(*(a + b for a, b in zip(self, other, strict=True)))


@ft.singledispatch
def derivatives(
    lagrangian: AbstractLagrangian, q: Coordinates, v: Coordinates, m: Varying | None, t: RealScalar
) -> Derivatives:
    """The derivatives of any Lagrangian: its gradient in (q, v, t), differentiated along each velocity.

    The derivative along vᵢ holds row i of ∇ᵥ∇ᵥᵀL, of ∇_q∇ᵥᵀL and of ∂ₜ∇ᵥL, since second derivatives commute. A
    Lagrangian of a structure that gives them in fewer operations registers its own.
    """
    gradient = jax.grad(lambda q, v, t: lagrangian(q, v, m, t), argnums=(0, 1, 2))
    time = jnp.asarray(t, q.dtype)

    def along(direction: Coordinates) -> tuple[tuple, tuple]:
        return jax.jvp(lambda velocity: gradient(q, velocity, time), (v,), (direction,))

    basis = jnp.eye(q.shape[0], dtype=q.dtype)
    (force, _, _), (mixed, mass_matrix, explicit) = jax.vmap(along, out_axes=(None, 0))(basis)
    return Derivatives(mass_matrix, force, mixed @ v + explicit)
