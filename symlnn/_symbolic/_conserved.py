"""Momenta, energy, and which of them are conserved (Noether, for the symmetries that can be read off)."""

from collections.abc import Sequence

import sympy as sp

from ._regions import has_switches
from ._zero import is_invariant, is_zero


def momenta(lagrangian: sp.Expr, v: Sequence[sp.Symbol]) -> tuple[sp.Expr, ...]:
    """The canonical momenta pᵢ = ∂L/∂vᵢ."""
    return tuple(sp.diff(lagrangian, vi) for vi in v)


def energy(lagrangian: sp.Expr, v: Sequence[sp.Symbol]) -> sp.Expr:
    """The Jacobi energy h = v·∂L/∂v − L; it is T + V where T is quadratic in v and V free of it."""
    return sp.Add(*(vi * sp.diff(lagrangian, vi) for vi in v)) - lagrangian


def power(lagrangian: sp.Expr, forces: Sequence[sp.Expr], v: Sequence[sp.Symbol], t: sp.Symbol) -> sp.Expr:
    """The rate of change of the Jacobi energy along the motion: dh/dt = v·Q − ∂L/∂t."""
    return work_rate(forces, v) - sp.diff(lagrangian, t)


def work_rate(forces: Sequence[sp.Expr], v: Sequence[sp.Symbol]) -> sp.Expr:
    """v·Q."""
    return sp.Add(*(vi * qi for vi, qi in zip(v, forces, strict=True)))


def conserved(
    lagrangian: sp.Expr,
    forces: Sequence[sp.Expr],
    q: Sequence[sp.Symbol],
    v: Sequence[sp.Symbol],
    t: sp.Symbol,
) -> tuple[bool, tuple[bool, ...]]:
    """Whether the energy is conserved, and which of the momenta, as far as the declaration shows:

    - the energy, where neither L depends on time nor a force does work: v·Q − ∂L/∂t = 0;
    - the momentum of each cyclic coordinate, ∂L/∂qᵢ = 0, on which no force acts, since dpᵢ/dt = ∂L/∂qᵢ + Qᵢ.

    Symmetries that mix coordinates (a rotation in Cartesian ones, say) are not searched for.
    """
    if has_switches(lagrangian):
        steady = is_invariant(lagrangian, t) and is_zero(work_rate(forces, v))
    else:
        steady = is_zero(power(lagrangian, forces, v, t))
    cyclic = (is_zero(force) and is_invariant(lagrangian, qi) for qi, force in zip(q, forces, strict=True))
    return steady, tuple(cyclic)
