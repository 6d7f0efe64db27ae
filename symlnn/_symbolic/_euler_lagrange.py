"""The Euler–Lagrange equation, symbolically.

Expanding the total time derivative in

    d/dt ∂L/∂v − ∂L/∂q = Q,        v = q̇,  a = q̈,

gives an equation that is linear in the accelerations:

    (∇ᵥ∇ᵥᵀL) a  =  ∇_q L − (∇_q∇ᵥᵀL) v − ∂ₜ∇ᵥL + Q.

Source: Cranmer et al. 2020 (arXiv:2003.04630), eqs. 5 and 6.
"""

from collections.abc import Sequence

import sympy as sp

from ._tidy import tidy


def equation_of_motion(
    lagrangian: sp.Expr, q: Sequence[sp.Symbol], v: Sequence[sp.Symbol], t: sp.Symbol
) -> tuple[sp.ImmutableMatrix, sp.ImmutableMatrix]:
    """M and b of M a + b = Q, with L in the plain symbols q, v and t:

        M = ∇ᵥ∇ᵥᵀL, (dof, dof),        b = d/dt ∇ᵥL at a = 0 − ∇_q L, (dof, 1).

    As the derivatives come, unsimplified. The derivative in time is taken along q(t) at once, which gives half the
    operations of (∇_q∇ᵥᵀL) v term by term.
    """
    whole = _terms(lagrangian)
    momenta = [_slope(whole, vi) for vi in v]
    dof = len(q)
    upper = {(i, j): _slope(terms, v[j]) for i, terms in enumerate(map(_terms, momenta)) for j in range(i, dof)}
    motion = {qi: sp.Function(f"q{i}", real=True)(t) for i, qi in enumerate(q)}
    instant = {x.diff(t): vi for x, vi in zip(motion.values(), v, strict=True)}
    instant |= {x: qi for qi, x in motion.items()}
    rates = [p.xreplace(motion).diff(t).xreplace(instant) for p in momenta]
    return (
        sp.ImmutableMatrix(dof, dof, lambda i, j: upper[min(i, j), max(i, j)]),
        sp.ImmutableMatrix([rate - _slope(whole, qi) for rate, qi in zip(rates, q, strict=True)]),
    )


def _terms(expression: sp.Expr) -> list[tuple[sp.Expr, set[sp.Basic]]]:
    """Those of a sum, each with its symbols: of a long chain's L a coordinate is in few."""
    return [(term, term.free_symbols) for term in sp.Add.make_args(expression)]


def _slope(terms: Sequence[tuple[sp.Expr, set[sp.Basic]]], x: sp.Symbol) -> sp.Expr:
    """The derivative of their sum."""
    return sp.Add(*(term.diff(x) for term, symbols in terms if x in symbols))


def accelerations(mass_matrix: sp.ImmutableMatrix, right_hand_side: sp.ImmutableMatrix) -> sp.ImmutableMatrix:
    """The closed form a = M⁻¹ rhs, for reading: (dof, 1), by the adjugate. Meant for one or two degrees of freedom."""
    determinant = tidy(mass_matrix.det())
    numerators = mass_matrix.adjugate() * right_hand_side
    return sp.ImmutableMatrix([tidy(numerator / determinant) for numerator in numerators])
