"""Dirac's delta in a derivative: without weight where what it is multiplied by vanishes, an impulse elsewhere."""

import sympy as sp

from ._zero import is_zero


def without_impulses(expression: sp.Expr) -> sp.Expr:
    """The expression without the terms c(x) δ(g(x)) that vanish, since c = 0 where g = 0: those of x² H(x), say.

    Raises `ValueError`, which names g, for one that does not vanish, and where g cannot be solved for its zero.
    """
    for delta in expression.atoms(sp.DiracDelta):
        g, order = delta.args[0], int(delta.args[1]) if len(delta.args) > 1 else 0
        strength = sp.Dummy("strength")
        coefficient = sp.diff(expression.xreplace({delta: strength}), strength)
        if not any(_vanishes_to(coefficient, g, x, order) for x in sorted(g.free_symbols, key=str)):
            raise ValueError(f"it jumps, or its slope does in a velocity, where {g} = 0: make it continuous there")
        expression = expression.xreplace({delta: sp.S.Zero})
    return expression


def _vanishes_to(coefficient: sp.Expr, g: sp.Expr, x: sp.Symbol, order: int) -> bool:
    """Whether the coefficient and its first derivatives in x vanish where g does; g must be linear in x."""
    slope = sp.diff(g, x)
    if x in slope.free_symbols:
        return False
    root = x - g / slope
    return all(is_zero(sp.diff(coefficient, x, k).subs(x, sp.expand(root))) for k in range(order + 1))
