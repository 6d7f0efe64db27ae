"""The Euler–Lagrange equation, symbolically.

Expanding the total time derivative in

    d/dt ∂L/∂v − ∂L/∂q = Q,        v = q̇,  a = q̈,

gives an equation that is linear in the accelerations:

    (∇ᵥ∇ᵥᵀL) a  =  ∇_q L − (∇_q∇ᵥᵀL) v − ∂ₜ∇ᵥL + Q.

Source: Cranmer et al. 2020 (arXiv:2003.04630), eqs. 5 and 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from ._simplify import tidy


@dataclass(frozen=True)
class DerivativeBlocks:
    """The derivatives of L that the Euler–Lagrange equation is made of, as immutable SymPy matrices."""

    gradient: sp.ImmutableMatrix
    """∇_q L, (dof, 1)."""
    mixed: sp.ImmutableMatrix
    """∇_q∇ᵥᵀL, (dof, dof): ∂²L/∂vᵢ∂qⱼ in row i, column j."""
    mass_matrix: sp.ImmutableMatrix
    """∇ᵥ∇ᵥᵀL, (dof, dof), symmetric: ∂²L/∂vᵢ∂vⱼ."""
    explicit: sp.ImmutableMatrix
    """∂ₜ∇ᵥL, (dof, 1): zero where L has no explicit time."""

    def bias(self, v: Sequence[sp.Symbol]) -> sp.ImmutableMatrix:
        """b = (∇_q∇ᵥᵀL) v + ∂ₜ∇ᵥL − ∇_q L, (dof, 1), so that M a + b = Q."""
        terms = self.mixed * sp.Matrix(v) + self.explicit - self.gradient
        return sp.ImmutableMatrix(terms.applyfunc(tidy))


def derivative_blocks(
    lagrangian: sp.Expr, q: Sequence[sp.Symbol], v: Sequence[sp.Symbol], t: sp.Symbol
) -> DerivativeBlocks:
    """The blocks of the Euler–Lagrange equation of `lagrangian`, an expression in the plain symbols q, v and t."""
    momenta = [sp.diff(lagrangian, vi) for vi in v]
    dof = len(q)
    upper = {(i, j): tidy(sp.diff(momenta[i], v[j])) for i in range(dof) for j in range(i, dof)}
    return DerivativeBlocks(
        gradient=sp.ImmutableMatrix([sp.diff(lagrangian, qi) for qi in q]),
        mixed=sp.ImmutableMatrix(dof, dof, lambda i, j: sp.diff(momenta[i], q[j])),
        mass_matrix=sp.ImmutableMatrix(dof, dof, lambda i, j: upper[min(i, j), max(i, j)]),
        explicit=sp.ImmutableMatrix([sp.diff(p, t) for p in momenta]),
    )


def accelerations(mass_matrix: sp.ImmutableMatrix, right_hand_side: sp.ImmutableMatrix) -> sp.ImmutableMatrix:
    """The closed form a = M⁻¹ rhs, for reading: (dof, 1), by the adjugate. Meant for one or two degrees of freedom."""
    determinant = tidy(mass_matrix.det())
    numerators = mass_matrix.adjugate() * right_hand_side
    return sp.ImmutableMatrix([tidy(numerator / determinant) for numerator in numerators])
