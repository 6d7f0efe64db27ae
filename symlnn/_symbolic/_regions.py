"""Expressions with kinks and jumps, region by region: between the surfaces at which they switch they are analytic."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import scipy.optimize
import sympy as sp

_SWITCHES = (sp.Abs, sp.sign, sp.Heaviside, sp.Max, sp.Min, sp.Piecewise)
_ORDERS = (sp.Gt, sp.Ge, sp.Lt, sp.Le)
_ROUNDING = 1e-7
"""Of linear programming, beside the distances of the surfaces."""

Signs = Mapping[sp.Expr, int]
"""The sign of each switching function g in a region."""


def has_switches(expression: sp.Expr) -> bool:
    """Whether it holds Abs, sign, Heaviside, Max, Min or Piecewise."""
    return expression.has(*_SWITCHES)


def surfaces(expression: sp.Basic) -> frozenset[sp.Expr]:
    """The functions g, up to a factor, at whose zeros something in an expression or in a condition switches.

    Besides what `regions` knows of, whole numbers of h, where floor(h), frac(h) and Mod(h, 1) do: sin(π h) = 0.
    """
    found = {g for node in sp.preorder_traversal(expression) for g in _switched_by(node)}
    return frozenset(_surface(g)[0] for g in found if not g.is_number) - {sp.S.One}


def _switched_by(node: Any) -> Iterator[sp.Expr]:
    if isinstance(node, sp.Max | sp.Min):
        yield from (a - b for a, b in itertools.combinations(node.args, 2))
    elif isinstance(node, sp.floor | sp.ceiling | sp.frac):
        yield sp.sin(sp.pi * node.args[0])
    elif isinstance(node, sp.Mod):
        yield sp.sin(sp.pi * node.args[0] / node.args[1])
    elif isinstance(node, sp.Eq | sp.Ne):
        yield node.lhs - node.rhs
    elif (g := _switching_function(node)) is not None:
        yield g


def regions(expression: sp.Expr) -> Iterator[tuple[sp.Expr, Signs]]:
    """The analytic expressions that one with switches is made of, each with the signs that hold where it does.

    Abs(g), sign(g) and Heaviside(g) switch where g = 0, Max(a, b) where a = b, and a Piecewise where both sides of a
    condition are equal. Surfaces themselves are left out. The signs may contradict each other: see `is_possible`.
    """
    pending: list[tuple[sp.Expr, dict[sp.Expr, int]]] = [(_without_equalities(expression), {})]
    while pending:
        found, signs = pending.pop()
        g = _innermost(found)
        if g is None:
            yield found, signs
            continue
        sides = (1,) if g.is_number else (-1, 1)
        for sign in sides:
            part = _on_side(found, g, sign)
            if part == found:  # a switch that cannot be decided stays, and is evaluated as it is
                yield found, signs
                break
            pending.append((part, signs if g.is_number else {**signs, g: sign}))


def _without_equalities(expression: sp.Expr) -> sp.Expr:
    """With equalities taken for false: they hold on a surface only."""
    return expression.replace(lambda e: isinstance(e, sp.Eq), lambda e: sp.false).replace(
        lambda e: isinstance(e, sp.Ne), lambda e: sp.true
    )


def _innermost(expression: sp.Expr) -> sp.Expr | None:
    """A switching function that holds no other; 1 for one whose sign is known; None where nothing switches."""
    for node in sp.postorder_traversal(expression):
        h = _switching_function(node)
        if h is not None and not has_switches(h):
            return _surface(h)[0]
    return None


def _switching_function(node: Any) -> sp.Expr | None:
    if isinstance(node, sp.Abs | sp.sign | sp.Heaviside):
        return node.args[0]
    if isinstance(node, sp.Max | sp.Min):
        return node.args[0] - node.args[1]
    if isinstance(node, _ORDERS):
        return node.lhs - node.rhs
    return None


def _surface(h: sp.Expr) -> tuple[sp.Expr, int]:
    """(g, s) with h = s c g and c > 0, so that x − 2, 4 − 2x and k (x/2 − 1) are one surface; g = 1 where h ≠ 0."""
    if h.is_positive or h.is_negative:
        return sp.S.One, 1 if h.is_positive else -1
    sign, rest = 1, []
    for factor in sp.Mul.make_args(sp.factor_terms(sp.expand(h))):
        if factor.is_negative:
            sign = -sign
        elif not factor.is_positive:
            rest.append(factor)
    g = sp.expand(sp.Mul(*rest))
    lead = (g.as_ordered_terms()[0] if g.is_Add else g).as_coeff_Mul()[0]
    return sp.expand(g / lead), sign if lead > 0 else -sign


def _on_side(expression: sp.Expr, surface: sp.Expr, sign: int) -> sp.Expr:
    """The expression where the function of a surface has this sign."""

    def decided(node: Any) -> Any:
        h = _switching_function(node)
        if h is None or has_switches(h):
            return node
        g, s = _surface(h)
        if g != surface and not g.is_number:
            return node
        s = s if g.is_number else s * sign
        if isinstance(node, sp.Abs):
            return s * node.args[0]
        if isinstance(node, sp.sign):
            return sp.Integer(s)
        if isinstance(node, sp.Heaviside):
            return sp.Integer(s > 0)
        if isinstance(node, sp.Max | sp.Min):
            first = (s > 0) is isinstance(node, sp.Max)
            return node.func(node.args[0] if first else node.args[1], *node.args[2:])
        return sp.true if isinstance(node, sp.Gt | sp.Ge) is (s > 0) else sp.false

    return expression.replace(lambda node: _switching_function(node) is not None, decided)


def is_possible(signs: Signs) -> bool:
    """Whether the region of these signs is not empty.

    Decided exactly in one symbol, and by linear programming in several, where all its surfaces are planes. Else, and
    where rounding could decide, it counts as possible: that a quantity is not conserved can be said in error, the
    opposite cannot.
    """
    symbols = sorted(set().union(*(g.free_symbols for g in signs)), key=str)
    rows, offsets = [], []
    for g, sign in signs.items():
        gradient = [sp.diff(g, symbol) for symbol in symbols]
        offset = g.xreplace(dict.fromkeys(symbols, sp.S.Zero))
        if not all(x.is_number and x.is_finite for x in (*gradient, offset)):
            return True
        rows.append([sign * x for x in gradient])
        offsets.append(sign * offset)
    if len(symbols) == 1:
        return _is_interval(symbols[0], [row[0] for row in rows], offsets)
    return _has_inside(symbols, np.array(rows, float), np.array(offsets, float))


def _is_interval(symbol: sp.Symbol, slopes: list[sp.Expr], offsets: list[sp.Expr]) -> bool:
    """Whether some x has slope x + offset > 0 for all."""
    bounds = [(-offset / slope, slope) for slope, offset in zip(slopes, offsets, strict=True)]
    low = [bound for bound, slope in bounds if slope > 0] + ([sp.S.Zero] if symbol.is_nonnegative else [])
    high = [bound for bound, slope in bounds if slope < 0] + ([sp.S.Zero] if symbol.is_nonpositive else [])
    return not low or not high or bool(sp.Max(*low) < sp.Min(*high))


def _has_inside(symbols: list[sp.Symbol], rows: np.ndarray, offsets: np.ndarray) -> bool:
    """Whether some x has rows x + offsets > 0: the largest d with rows x + offsets ≥ d for all is positive."""
    sizes = np.abs(rows).max(axis=1)
    rows, offsets = rows / sizes[:, None], offsets / sizes
    unit = np.abs(offsets).max()  # of length, so that the distances are of order one
    offsets = offsets / unit if unit > 0 else offsets
    bounds = [(0 if s.is_nonnegative else None, 0 if s.is_nonpositive else None) for s in symbols]
    found = scipy.optimize.linprog(
        [0.0] * len(symbols) + [-1.0],
        A_ub=np.column_stack([-rows, np.ones(len(rows))]),
        b_ub=offsets,
        bounds=[*bounds, (None, 1.0)],
    )
    # of planes through the origin the region is a cone, and d is 1 or 0
    return bool(found.status != 0 or found.x[-1] > (-_ROUNDING if unit > 0 else _ROUNDING))
