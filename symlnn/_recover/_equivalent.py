"""Whether two Lagrangians have the same equations of motion."""

import random
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import sympy as sp

from .._data import sample_states
from .._symbolic import equation_of_motion, is_zero
from .._system import System
from .._types import States
from ._directions import obeying
from ._rows import AtStates
from ._terms import Points, Term, evaluated

_POINTS = 24
_DIGITS = 30
_STATES = 200
_ROUNDING = 1e-8


def equivalent(
    first: System | sp.Expr,
    second: System | sp.Expr,
    coordinates: Sequence[Any] | None = None,
    *,
    tolerance: float = 0.0,
) -> bool:
    """Whether E[L₁] = λ E[L₂] for some number λ, with the Euler–Lagrange expressions

        E[L] = (∇ᵥ∇ᵥᵀL) a + (∇_q∇ᵥᵀL) v + ∂ₜ∇ᵥL − ∇_q L − Q:

    whether the laws are one up to a factor and a total time derivative. λ may depend on parameters. Of systems the
    values of parameters are put in; the forces count with L. Lagrangians given as expressions need the `coordinates`,
    functions of time. With a `tolerance`, coefficients that differ by such a share of the largest term are equal.

    With constraints, which both systems must have, E[L₁] and λ E[L₂] may differ by forces of these: they are compared
    at states that obey them, by numbers, to a relative 1e-8 at least.

    Raises `ValueError` for systems of different coordinates or constraints, and for expressions without coordinates.
    """
    if isinstance(first, System) and isinstance(second, System):
        if first.law.is_constrained and _conditions(first) == _conditions(second):
            return _alike(first, second, max(tolerance, _ROUNDING))
        if first.law.is_constrained or second.law.is_constrained:
            raise ValueError("The laws have different coordinates, inputs or constraints: declare both with the same.")
    expressions = [_expressions(law, coordinates) for law in (first, second)]
    if expressions[0][1] != expressions[1][1]:
        raise ValueError(
            f"The laws have different coordinates, {expressions[0][1]} and {expressions[1][1]}: declare both with one."
        )
    (one, variables), (other, _) = expressions
    if all(e == 0 for e in one) or all(e == 0 for e in other):
        return all(is_zero(e) for e in (*one, *other))
    if tolerance > 0:
        return _nearly(one, other, tolerance)
    generator = random.Random(0)
    point = {x: sp.Rational(generator.randint(1, 999), 1009) for x in variables}
    for left, right in zip(one, other, strict=True):
        here = right.xreplace(point)
        if not is_zero(here):
            factor = left.xreplace(point), here
            return not is_zero(factor[0]) and all(
                is_zero(a * factor[1] - b * factor[0]) for a, b in zip(one, other, strict=True)
            )
        if not is_zero(left.xreplace(point)):
            return False
    return False


def _conditions(system: System) -> tuple[Any, ...]:
    """What two laws must share: coordinates, inputs, what varies, and constraints with their numbers."""
    values = _values(system)
    constraints = [system.plain(x).xreplace(values) for x in (*system.constraints, *system.velocity_constraints)]
    return system.coordinates, system.u, system.m, constraints


def _values(system: System) -> dict[sp.Symbol, sp.Float]:
    return {symbol: sp.Float(p.value) for symbol, p in system.parameters.items() if not p.varies}


@np.errstate(all="ignore")  # states where something is infinite are left out
def _alike(first: System, second: System, tolerance: float) -> bool:
    """NᵀE of both at states that obey, for all accelerations that do."""
    if first.states:
        drawn = sample_states(first, _STATES, key=jax.random.key(0))
    else:
        random = np.random.default_rng(0)
        q, v = random.normal(size=(2, _STATES, first.dof))
        u, m = (random.uniform(0.5, 2.0, size=len(symbols)) for symbols in (first.u, first.m))
        drawn = States.of(q, v, m=m, u=u, t=random.uniform(0.5, 2.0))
    points = obeying(first, Points.of(drawn))
    speeds = np.sqrt(np.mean(points.v**2, axis=0))
    speeds = np.where(speeds > 0, speeds, 1.0)
    terms = []
    for law in (first, second):
        forces = tuple(force.xreplace(_values(law)) for force in law.generalized_forces)
        terms.append(Term(law.plain_lagrangian.xreplace(_values(law)), forces))
    rows = AtStates.still(first, points, speeds)
    columns = rows.columns(first, terms, {})
    _, force, hessian, mixed = evaluated(first, terms, points)
    # what e is the difference of
    parts = speeds[:, None] * (np.abs(mixed) + np.abs(force) + np.abs(np.einsum("rijk,rj->rik", hessian, rows.a)))
    finite = np.isfinite(columns.e).all(axis=(1, 2)) & np.isfinite(columns.h).all(axis=(1, 2, 3))
    if not finite.any():
        raise ValueError(f"The law of {first.name} is finite at no state that obeys its constraints.")
    (e, f), (h, k), (size, _) = (part[finite].reshape(-1, 2).T for part in (columns.e, columns.h, parts))
    if not (k.any() and h.any()):
        return False
    factor = float(h @ k / (k @ k))
    pairs = ((h, k, h), (e, f, size))
    return all(np.linalg.norm(a - factor * b) <= tolerance * np.linalg.norm(whole) for a, b, whole in pairs)


def _expressions(law: System | sp.Expr, coordinates: Sequence[Any] | None) -> tuple[list[sp.Expr], list[sp.Symbol]]:
    """E[L] in plain symbols, and the symbols of q, v, a and t."""
    if isinstance(law, System):
        values = {s: sp.nsimplify(p.value, rational=True) for s, p in law.parameters.items() if not p.varies}
        lagrangian = law.plain_lagrangian.xreplace(values)
        forces = [force.xreplace(values) for force in law.generalized_forces]
        q, v, a, t = law.q, law.v, law.a, law.t
    else:
        if not coordinates:
            raise ValueError("Give the coordinates of the Lagrangians, equivalent(L1, L2, (x, theta)).")
        t = next(iter(sp.sympify(coordinates[0]).free_symbols))
        q, v, a = (sp.symbols([f"{k}{i}" for i in range(len(coordinates))], real=True) for k in "qva")
        rule: dict[Any, Any] = {x.diff(t): symbol for x, symbol in zip(coordinates, v, strict=True)}
        rule |= dict(zip(coordinates, q, strict=True))
        lagrangian, forces = sp.sympify(law).doit().xreplace(rule), [sp.S.Zero] * len(q)
    mass, bias = equation_of_motion(lagrangian, q, v, t)
    left = mass * sp.Matrix(a) + bias
    return [sp.expand(x - force) for x, force in zip(left, forces, strict=True)], [*q, *v, *a, t]


def _nearly(one: Sequence[sp.Expr], other: Sequence[sp.Expr], tolerance: float) -> bool:
    """At random points: |E₁ − λ E₂| ≤ tolerance · |E₁|, each with its largest term, λ the least squares."""
    generator = random.Random(0)
    symbols = sorted(set().union(*(e.free_symbols for e in (*one, *other))), key=str)
    pairs = []
    for _ in range(_POINTS):
        point = {x: sp.Float(generator.uniform(0.2, 1.5), _DIGITS) for x in symbols}
        for a, b in zip(one, other, strict=True):
            size = sum(abs(sp.N(term.xreplace(point), _DIGITS)) for term in sp.Add.make_args(a))
            left, right = (complex(sp.N(x.xreplace(point), _DIGITS)) for x in (a, b))
            pairs.append((left, right, float(size)))
    below = sum(abs(b) ** 2 for _, b, _ in pairs)
    if not below:
        return False
    factor = sum(a * b.conjugate() for a, b, _ in pairs) / below
    return factor != 0 and all(abs(a - factor * b) <= tolerance * size for a, b, size in pairs)
