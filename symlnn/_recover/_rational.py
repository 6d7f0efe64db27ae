"""Fractions in place of coefficients, where chance would seldom give one so simple."""

import math
from fractions import Fraction

import sympy as sp

_NEAR = 2.5
"""Standard errors."""
_CHANCE = 0.05
_LARGEST = 64
"""Of numerators and denominators."""


def fraction(value: float, error: float, among: int = 1) -> Fraction | None:
    """The simplest fraction within 2.5 standard errors of a value, or None where that may well be chance.

    There are at most n (n + 1)/2 fractions with a numerator and a denominator of sum n at most, of a sign, on the line
    of all magnitudes; near the value x they lie so densely that an interval of length ℓ holds one with the probability
    ℓ n²/(2 x) at most. That, times the number of coefficients, must be below 0.05.
    """
    if not (math.isfinite(value) and value and error >= 0):
        return None
    size = abs(value)
    width = max(_NEAR * error, 1e-9 * size)
    if not width < size:  # not even the sign is told
        return None
    for total in range(2, 2 * _LARGEST):
        for denominator in range(1, total):
            numerator = total - denominator
            if math.gcd(numerator, denominator) > 1 or abs(numerator / denominator - size) > width:
                continue
            chance = 2 * width / size * _density(total, size) * among
            found = Fraction(numerator, denominator)
            return (found if value > 0 else -found) if chance < _CHANCE else None
    return None


def written(value: float, error: float, among: int = 1) -> sp.Expr:
    """A number as it is to read: such a fraction, or a decimal, rounded to a tenth of its standard error."""
    exact = fraction(value, error, among)
    return decimal(value, error) if exact is None else sp.Rational(exact.numerator, exact.denominator)


def decimal(value: float, error: float) -> sp.Expr:
    """Rounded to a tenth of its standard error."""
    if not error > 0:
        return sp.Float(value)
    digits = max(2, math.ceil(math.log10(abs(value) / error)) + 2)
    return sp.Float(f"{value:.{min(digits, 17)}g}")


def _density(total: int, size: float) -> float:
    """The fractions of at most this sum per unit of ln x, near x: Σ over denominators of those that fit."""
    return sum(1 for d in range(1, total) for n in range(1, total - d + 1) if 0.5 < n / d / size < 2) / math.log(4)
