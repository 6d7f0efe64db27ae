"""Simplification with a bound: SymPy's `simplify` takes minutes on what a few hundred operations hold."""

import random

import sympy as sp

_SIMPLIFY_BELOW = 70
_DIGITS = 30


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

    It is evaluated to 30 digits at three random points in general position, which an expression that is not
    identically zero passes with probability zero; SymPy's symbolic test can take minutes for the same answer.
    """
    generator = random.Random(0)
    symbols = sorted(expression.free_symbols, key=str)
    for _ in range(3):
        point = {symbol: sp.Rational(generator.randint(10**6, 10**7), 12345678) for symbol in symbols}
        # `chop` would need a threshold of its own; the comparison below is that threshold
        value = sp.N(expression.xreplace(point), _DIGITS, maxn=4 * _DIGITS)
        if not abs(value) < sp.Float(10) ** (-_DIGITS // 2):
            return False
    return True
