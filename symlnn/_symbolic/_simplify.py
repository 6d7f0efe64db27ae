"""Simplification with a bound: SymPy's `simplify` takes minutes on what a few hundred operations hold."""

import random
from collections.abc import Mapping

import sympy as sp

_SIMPLIFY_BELOW = 70
_DIGITS = 120
_MAGNITUDES = (1,) * 10 + (12,) * 20  # a point of magnitude k has symbols between 10⁻ᵏ and 10ᵏ
_SHARE = sp.Float("1e-60", _DIGITS)
_EXACT_ROUNDING = sp.Float("1e-80", _DIGITS)
_FLOAT_ROUNDING = sp.Float("1e-15", _DIGITS)


def tidy(expression: sp.Expr) -> sp.Expr:
    """The expression in a readable form: equal in value, never longer, and found quickly whatever its size.

    Small expressions get `simplify`; large ones are expanded, which cancels terms, and their common factors taken out.
    """
    candidates = [expression]
    if sp.count_ops(expression) < _SIMPLIFY_BELOW:
        candidates.append(sp.simplify(expression))
    else:
        expanded = sp.expand(expression)
        candidates += [expanded, sp.factor_terms(expanded)]
    return min(candidates, key=sp.count_ops)


def is_zero(expression: sp.Expr) -> bool:
    """Whether the expression vanishes identically.

    It is evaluated at random points in general position, where an expression that is not identically zero is zero with
    probability zero; SymPy's symbolic test can take minutes for the same answer. The answer does not depend on units:
    what counts as zero is measured by the terms that cancel, 1e-80 of them, or 1e-15 where the expression holds
    floating-point numbers, which are rounded; and the symbols take all magnitudes, so that terms which cancel cannot
    hide one that is smaller than their rounding at all points. A single term never vanishes, however small.
    """
    rounding = _FLOAT_ROUNDING if expression.has(sp.Float) else _EXACT_ROUNDING
    generator = random.Random(0)
    symbols = sorted(expression.free_symbols, key=str)
    for k in _MAGNITUDES:
        point = {symbol: sp.Float(10 ** generator.uniform(-k, k), _DIGITS) for symbol in symbols}
        value, size = _value_and_size(expression, point)
        if not (value.is_finite and abs(value) <= rounding * size):
            return False
    return True


def _value_and_size(expression: sp.Expr, point: Mapping[sp.Basic, sp.Expr]) -> tuple[sp.Expr, sp.Expr]:
    """The value of an expression f(x₁, x₂, …) at a point, and the size of what it is computed from,

        |f(x)| + |f(x + ε s) − f(x)|/ε,

    with the sizes s of its arguments: a change of each by a share of its size moves the value by that share of this.
    It is far above |f| where f vanishes because its terms cancel, which may happen at any depth.
    """
    if expression.is_Rational:
        return expression, sp.S.Zero
    arguments = expression.args
    if not arguments or not all(isinstance(argument, sp.Expr) for argument in arguments):  # such as a Piecewise
        value = sp.N(expression.xreplace(point), _DIGITS)
        return value, abs(value)
    values, sizes = zip(*(_value_and_size(argument, point) for argument in arguments), strict=True)
    value = sp.N(expression.func(*values), _DIGITS)
    if expression.is_Add:
        return value, sp.Add(*sizes)
    moved = expression.func(*(x + _SHARE * size for x, size in zip(values, sizes, strict=True)))
    return value, abs(value) + abs(sp.N(moved, _DIGITS) - value) / _SHARE
