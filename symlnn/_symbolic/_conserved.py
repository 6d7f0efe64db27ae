"""Momenta, energy, and which of them are conserved (Noether, for the symmetries that can be read off)."""

from collections.abc import Mapping, Sequence

import sympy as sp

from ._simplify import is_zero, tidy


def momenta(lagrangian: sp.Expr, v: Sequence[sp.Symbol]) -> tuple[sp.Expr, ...]:
    """The canonical momenta pᵢ = ∂L/∂vᵢ."""
    return tuple(tidy(sp.diff(lagrangian, vi)) for vi in v)


def energy(lagrangian: sp.Expr, v: Sequence[sp.Symbol]) -> sp.Expr:
    """The Jacobi energy h = v·∂L/∂v − L; it is T + V where T is quadratic in v and V free of it."""
    return tidy(sp.Add(*(vi * sp.diff(lagrangian, vi) for vi in v)) - lagrangian)


def power(lagrangian: sp.Expr, forces: Sequence[sp.Expr], v: Sequence[sp.Symbol], t: sp.Symbol) -> sp.Expr:
    """The rate of change of the Jacobi energy along the motion: dh/dt = v·Q − ∂L/∂t."""
    return tidy(sp.Add(*(vi * qi for vi, qi in zip(v, forces, strict=True))) - sp.diff(lagrangian, t))


def conserved_quantities(
    lagrangian: sp.Expr,
    forces: Sequence[sp.Expr],
    q: Sequence[sp.Symbol],
    v: Sequence[sp.Symbol],
    t: sp.Symbol,
) -> Mapping[str, sp.Expr]:
    """The conserved quantities that the declaration shows, by name.

    - `energy`, where neither L depends on time nor a force does work: v·Q − ∂L/∂t = 0;
    - `momentum_NAME` for each cyclic coordinate, ∂L/∂qᵢ = 0, on which no force acts, since dpᵢ/dt = ∂L/∂qᵢ + Qᵢ.

    Symmetries that mix coordinates (a rotation in Cartesian ones, say) are not searched for.
    """
    found: dict[str, sp.Expr] = {}
    if is_zero(power(lagrangian, forces, v, t)):
        found["energy"] = energy(lagrangian, v)
    for qi, force, p in zip(q, forces, momenta(lagrangian, v), strict=True):
        if is_zero(force) and is_zero(sp.diff(lagrangian, qi)):
            found[f"momentum_{qi.name}"] = p
    return found
