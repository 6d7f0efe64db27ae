"""Whether an expression vanishes identically, decided by the terms that cancel in it."""

import pytest
import sympy as sp

from symlnn._symbolic._zero import is_zero

x, y, z = sp.symbols("x y z", real=True)
ONE = sp.sin(x) ** 2 + sp.cos(x) ** 2

VANISH = [
    sp.S.Zero,
    ONE - 1,
    y * z * (ONE - 1) * sp.exp(x) / (1 + z),
    sp.log(ONE),
    sp.sqrt(ONE - 1),
    sp.sin(2 * x) - 2 * sp.sin(x) * sp.cos(x),
    sp.cosh(x) ** 2 - sp.sinh(x) ** 2 - 1,
    (x + 1) ** 2 / (x + 1) - x - 1,
    sp.atan2(y, x) - sp.atan2(2 * y, 2 * x),
]

REMAIN = [
    sp.S.One,
    x,
    x - y,
    (x - y) ** 10,
    ONE - 1 + sp.Rational(1, 10**30) * x,
    (x + 10**20) ** 3 - 10**60 - 3 * x * 10**40 - 3 * x**2 * 10**20,  # x³, and 61 digits cancel
    sp.erf(x),
    sp.Max(x, y),
    sp.Piecewise((0, x < 1), (0, x > 3), (1, True)),
]

UNITS = [-300, -30, -1, 0, 1, 30, 300]


@pytest.mark.parametrize("power", UNITS)
@pytest.mark.parametrize("expression", VANISH, ids=str)
def test_identities_vanish(expression: sp.Expr, power: int) -> None:
    assert is_zero(expression * sp.Integer(10) ** power)


@pytest.mark.parametrize("power", UNITS)
@pytest.mark.parametrize("expression", REMAIN, ids=str)
def test_what_remains_does_not_vanish(expression: sp.Expr, power: int) -> None:
    assert not is_zero(expression * sp.Integer(10) ** power)


@pytest.mark.parametrize("unit", [1e-30, 1e-18, 0.1, 1e30])
def test_floating_point_numbers_are_taken_as_rounded(unit: float) -> None:
    third = (0.1 + 0.2) * unit  # 0.30000000000000004
    assert third != 0.3 * unit
    assert is_zero(third * sp.sin(x) ** 2 + 0.3 * unit * sp.cos(x) ** 2 - 0.3 * unit)
    assert not is_zero(third * sp.sin(x) ** 2 + 0.3 * unit * sp.cos(x) ** 2 - 0.3 * unit * (1 + 1e-10 * x))
    assert not is_zero(unit * x)


def test_terms_that_cancel_do_not_hide_a_small_one() -> None:
    """L in units in which speeds are 1e-12: m l² θ̇² terms of 1e24 cancel by an identity, and m g l sin θ is left."""
    rest = 1e24 * y**2 * (ONE - 1) + 9.8 * sp.sin(z)
    assert not is_zero(rest)
    assert is_zero(rest - 9.8 * sp.sin(z))
