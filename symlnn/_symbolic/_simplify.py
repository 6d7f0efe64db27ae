"""Simplification with a bound: SymPy's `simplify` takes minutes on what a few hundred operations hold."""

import sympy as sp

_SIMPLIFY_BELOW = 120
_TRIGSIMP_BELOW = 600


def tidy(expression: sp.Expr) -> sp.Expr:
    """The expression in a readable form; equal in value, and cheap whatever its size.

    Small expressions get `simplify`, middling ones `trigsimp`, and large ones stay as they are.
    """
    operations = int(sp.count_ops(expression))
    if operations < _SIMPLIFY_BELOW:
        return min((sp.simplify(expression), expression), key=sp.count_ops)
    if operations < _TRIGSIMP_BELOW and expression.is_polynomial(*expression.free_symbols) is False:
        return min((sp.trigsimp(expression), expression), key=sp.count_ops)
    return expression


def is_zero(expression: sp.Expr) -> bool:
    """Whether the expression vanishes identically, by simplification and then by SymPy's numerical test."""
    return expression == 0 or sp.simplify(expression) == 0 or bool(expression.equals(0))
