"""Constraints, holonomic and on velocities, as equations in the velocities and in the accelerations.

A holonomic constraint φ(q, t) = 0 holds along the whole motion, so its derivative in time is a constraint ψ = φ̇ on the
velocities; others are given as such, linear in v:

    ψ(q, v, t) = A v + b = 0,        A = ∂ψ/∂v.

Differentiated once more they are equations for the accelerations:

    A a + c = 0,        c = (∂ψ/∂q) v + ∂ψ/∂t.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp


@dataclass(frozen=True)
class ConstraintEquations:
    """The constraints of a law in plain symbols: first those of positions, then those of velocities alone."""

    positions: tuple[sp.Expr, ...]
    """φ(q, t) of the holonomic ones."""
    rates: tuple[sp.Expr, ...]
    """ψ(q, v, t) of all."""
    matrix: sp.ImmutableMatrix
    """A(q, t), (constraints, coordinates)."""
    bias: sp.ImmutableMatrix
    """c(q, v, t), (constraints, 1)."""
    drift: tuple[sp.Expr, ...]
    """b(q, t) = ψ at v = 0: other than zero where what holds the system moves."""


def constraint_equations(
    positions: Sequence[sp.Expr],
    velocities: Sequence[sp.Expr],
    q: Sequence[sp.Symbol],
    v: Sequence[sp.Symbol],
    t: sp.Symbol,
) -> ConstraintEquations:
    """A, b and c of holonomic constraints φ(q, t) and of others ψ(q, v, t), which are linear in v."""

    def along(expression: sp.Expr) -> sp.Expr:
        slopes = (vi * sp.diff(expression, qi) for qi, vi in zip(q, v, strict=True))
        return sp.Add(sp.diff(expression, t), *slopes)

    rates = (*map(along, positions), *velocities)
    at_rest = dict.fromkeys(v, sp.S.Zero)
    return ConstraintEquations(
        positions=tuple(positions),
        rates=rates,
        matrix=sp.ImmutableMatrix(len(rates), len(v), lambda i, j: sp.diff(rates[i], v[j])),
        bias=sp.ImmutableMatrix(len(rates), 1, lambda i, _: along(rates[i])),
        drift=tuple(sp.expand(rate).xreplace(at_rest) for rate in rates),
    )
