"""Whether an expression vanishes, or does not depend on a symbol: decided at random points, not by SymPy's `equals`."""

import itertools
import random
from collections.abc import Mapping

import sympy as sp

from ._regions import has_switches, is_possible, regions

_DIGITS = 120
_MAGNITUDES = (1,) * 10 + (12,) * 20  # a point of magnitude k has symbols between 10⁻ᵏ and 10ᵏ
_SHARE = sp.Float("1e-60", _DIGITS)
_EXACT_ROUNDING = sp.Float("1e-80", _DIGITS)
_FLOAT_ROUNDING = sp.Float("1e-15", _DIGITS)
_MOST_REGIONS = 1024


def is_invariant(expression: sp.Expr, symbol: sp.Symbol) -> bool:
    """Whether f(x + s) = f(x) for every s, the symmetry that Noether's theorem asks for.

    By the derivative, except where the expression has switches or steps: f may jump at one, where its derivative does
    not show.
    """
    if symbol not in expression.free_symbols:
        return True
    if not (has_switches(expression) or expression.has(sp.floor, sp.ceiling, sp.frac, sp.Mod)):
        return is_zero(sp.diff(expression, symbol))
    return is_zero(expression.xreplace({symbol: symbol + sp.Dummy("shift", real=True)}) - expression)


def is_zero(expression: sp.Expr) -> bool:
    """Whether the expression vanishes identically.

    One with kinks or jumps does where every one of the analytic expressions does that it is made of. Those are
    evaluated at random points in general position, where an expression that is not identically zero is zero with
    probability zero; SymPy's symbolic test can take minutes for the same answer. The answer does not depend on units:
    what counts as zero is measured by the terms that cancel, 1e-80 of them, or 1e-15 where the expression holds
    floating-point numbers, which are rounded; and the symbols take all magnitudes, so that terms which cancel cannot
    hide one that is smaller than their rounding at all points. A single term never vanishes, however small.
    """
    if expression.has(sp.DiracDelta):
        return False
    if not has_switches(expression):
        return _vanishes(expression)
    found = list(itertools.islice(regions(expression), _MOST_REGIONS + 1))
    if len(found) > _MOST_REGIONS:
        return False
    return all(part == 0 or _vanishes(part) or not is_possible(signs) for part, signs in found)


def _vanishes(expression: sp.Expr) -> bool:
    rounding = _FLOAT_ROUNDING if expression.has(sp.Float) else _EXACT_ROUNDING
    generator = random.Random(0)
    symbols = sorted(expression.free_symbols, key=str)
    outside = 0
    for k in _MAGNITUDES:
        value, size = _value_and_size(expression, {symbol: _number(symbol, k, generator) for symbol in symbols})
        if value.is_finite and value.is_extended_real is False:
            outside += 1  # a root or a logarithm of what is negative: the law does not hold here
        elif not (value.is_finite and abs(value) <= rounding * size):
            return False
    return outside < len(_MAGNITUDES)


def _number(symbol: sp.Symbol, magnitude: int, generator: random.Random) -> sp.Expr:
    """A random number between 10⁻ᵏ and 10ᵏ that the symbol may stand for, negative where it may be."""
    size = 10 ** generator.uniform(-magnitude, magnitude)
    negative = symbol.is_nonpositive or (not symbol.is_nonnegative and generator.random() < 0.5)
    number = sp.Integer(max(1, round(size))) if symbol.is_integer else sp.Float(size, _DIGITS)
    return -number if negative else number


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
