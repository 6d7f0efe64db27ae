"""Fields: the Euler–Lagrange equation of a Lagrangian density, its energy, and Noether's currents.

For fields φ(t, x) with a density ℒ(φ, ∂φ, x, t) the action is stationary where

    ∂ₜ(∂ℒ/∂φₜ) + Σⱼ ∂ⱼ(∂ℒ/∂φⱼ) − ∂ℒ/∂φ = 0.

A current is a density ρ and a flux jⱼ in each direction with ∂ₜρ + Σⱼ ∂ⱼjⱼ = 0 along every solution.

Source: Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., ch. 13.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import sympy as sp

from ._zero import is_invariant


class Current(NamedTuple):
    """A conserved density and its flux along each axis."""

    density: sp.Expr
    flux: tuple[sp.Expr, ...]


@dataclass(frozen=True)
class Jet:
    """The fields and their first derivatives as plain symbols, which a density is a function of."""

    fields: tuple[sp.Expr, ...]
    """φ(t, x), as SymPy functions."""
    time: sp.Symbol
    space: tuple[sp.Symbol, ...]
    values: tuple[sp.Symbol, ...]
    """φ."""
    rates: tuple[sp.Symbol, ...]
    """φₜ."""
    slopes: tuple[tuple[sp.Symbol, ...], ...]
    """φⱼ, for each field and axis."""

    @staticmethod
    def of(fields: Sequence[sp.Expr], time: sp.Symbol, space: Sequence[sp.Symbol]) -> "Jet":
        """The jet of these fields, with symbols `phi`, `phi_t`, `phi_x`."""
        names = [str(field.func) for field in fields]  # pyright: ignore[reportAttributeAccessIssue]
        return Jet(
            tuple(fields),
            time,
            tuple(space),
            tuple(sp.Symbol(name, real=True) for name in names),
            tuple(sp.Symbol(f"{name}_{time}", real=True) for name in names),
            tuple(tuple(sp.Symbol(f"{name}_{x}", real=True) for x in space) for name in names),
        )

    @property
    def _rule(self) -> dict[sp.Basic, sp.Symbol]:
        rule: dict[sp.Basic, sp.Symbol] = {}
        for field, value, rate, slopes in zip(self.fields, self.values, self.rates, self.slopes, strict=True):
            rule |= {field.diff(x): slope for x, slope in zip(self.space, slopes, strict=True)}
            rule |= {field.diff(self.time): rate, field: value}
        return rule

    def plain(self, expression: sp.Expr) -> sp.Expr:
        """The expression in plain symbols."""
        return sp.sympify(expression).doit().xreplace(self._rule)

    def functions(self, expression: sp.Expr) -> sp.Expr:
        """The expression in the functions φ(t, x) and their derivatives."""
        return expression.xreplace({symbol: function for function, symbol in self._rule.items()})

    def total(self, expression: sp.Expr, variable: sp.Symbol) -> sp.Expr:
        """The total derivative d/dx of an expression in plain symbols, in functions."""
        return self.functions(expression).diff(variable).doit()


def field_equations(density: sp.Expr, jet: Jet) -> tuple[sp.Expr, ...]:
    """∂ₜ(∂ℒ/∂φₜ) + Σⱼ ∂ⱼ(∂ℒ/∂φⱼ) − ∂ℒ/∂φ of each field, in functions: each vanishes along the motion."""
    equations = []
    for value, rate, slopes in zip(jet.values, jet.rates, jet.slopes, strict=True):
        terms = [jet.total(sp.diff(density, rate), jet.time), -jet.functions(sp.diff(density, value))]
        terms += [jet.total(sp.diff(density, s), x) for s, x in zip(slopes, jet.space, strict=True)]
        equations.append(sp.expand(sp.Add(*terms)))
    return tuple(equations)


def energy_density(density: sp.Expr, jet: Jet) -> sp.Expr:
    """Σ φₜ ∂ℒ/∂φₜ − ℒ, in plain symbols."""
    return sp.expand(sp.Add(*(rate * sp.diff(density, rate) for rate in jet.rates)) - density)


def conserved_currents(density: sp.Expr, jet: Jet) -> Mapping[str, Current]:
    """The currents that the density shows, by name, in plain symbols:

    - `energy`, where ℒ has no explicit time: ρ = Σ φₜ ∂ℒ/∂φₜ − ℒ, jⱼ = Σ φₜ ∂ℒ/∂φⱼ;
    - `momentum_X`, where ℒ has no explicit x: ρ = −Σ φₓ ∂ℒ/∂φₜ, jⱼ = δₓⱼ ℒ − Σ φₓ ∂ℒ/∂φⱼ;
    - `charge_NAME`, where ℒ does not depend on φ but through its derivatives: ρ = ∂ℒ/∂φₜ, jⱼ = ∂ℒ/∂φⱼ.

    Symmetries that mix fields or coordinates are not searched for.
    """
    count, axes = len(jet.fields), len(jet.space)

    def flow(along: Sequence[sp.Symbol], axis: int) -> sp.Expr:
        return sp.Add(*(along[i] * sp.diff(density, jet.slopes[i][axis]) for i in range(count)))

    found: dict[str, Current] = {}
    if is_invariant(density, jet.time):
        fluxes = tuple(sp.expand(flow(jet.rates, j)) for j in range(axes))
        found["energy"] = Current(energy_density(density, jet), fluxes)
    for k, x in enumerate(jet.space):
        if is_invariant(density, x):
            slopes = [jet.slopes[i][k] for i in range(count)]
            carried = -sp.Add(*(slopes[i] * sp.diff(density, jet.rates[i]) for i in range(count)))
            fluxes = tuple(sp.expand((density if j == k else sp.S.Zero) - flow(slopes, j)) for j in range(axes))
            found[f"momentum_{x}"] = Current(sp.expand(carried), fluxes)
    for value, rate, slopes in zip(jet.values, jet.rates, jet.slopes, strict=True):
        if is_invariant(density, value):
            found[f"charge_{value}"] = Current(sp.diff(density, rate), tuple(sp.diff(density, s) for s in slopes))
    return found
