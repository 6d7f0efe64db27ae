"""The Legendre transform H(q, p, t) = p·v − L, in closed form where the momenta are linear in the velocities."""

from collections.abc import Sequence

import sympy as sp

from ._tidy import tidy


def hamiltonian(
    lagrangian: sp.Expr,
    mass_matrix: sp.ImmutableMatrix,
    v: Sequence[sp.Symbol],
    p: Sequence[sp.Symbol],
) -> sp.Expr | None:
    """H in the symbols q, p, t, or None where L is not quadratic in v.

    With L = ½ vᵀM v + A·v − V the momenta are p = M v + A, and H = ½ (p − A)ᵀM⁻¹(p − A) + V.
    Above two degrees of freedom H is returned as it comes out of the elimination, unsimplified.
    For other Lagrangians invert p(v) numerically: SymPy's `solve` returns spurious branches slowly.
    """
    if mass_matrix.free_symbols & set(v):
        return None
    at_rest = dict.fromkeys(v, sp.Integer(0))
    linear = sp.Matrix([sp.diff(lagrangian, vi).subs(at_rest) for vi in v])
    kinetic_momenta = sp.Matrix(p) - linear
    velocities = mass_matrix.LUsolve(kinetic_momenta)
    potential = -lagrangian.subs(at_rest)
    energy = sp.Rational(1, 2) * (kinetic_momenta.T * velocities)[0, 0] + potential
    return tidy(energy) if len(v) <= 2 else energy
