"""What a user writes as an expression, as a scalar SymPy expression."""

from collections.abc import Iterable
from typing import Any

import sympy as sp


def scalar(value: Any, what: str) -> sp.Expr:
    """The expression. Raises `ValueError` that names `what` where it is none, is complex, or is not finite."""
    try:
        expression = sp.sympify(value)
    except (sp.SympifyError, TypeError) as error:
        raise ValueError(f"{what} must be a scalar SymPy expression, but is {value!r}.") from error
    if not isinstance(expression, sp.Expr) or isinstance(expression, sp.MatrixBase | sp.MatrixExpr):
        raise ValueError(
            f"{what} must be a scalar SymPy expression, but is a {type(value).__name__}. "
            "Take a dot product or an element of a vector or matrix."
        )
    if expression.has(sp.I):
        raise ValueError(f"{what} is complex (it contains the imaginary unit): write it with real functions.")
    if expression.has(sp.nan, sp.zoo, sp.oo, -sp.oo):
        raise ValueError(f"{what} contains an infinite or undefined number: {expression}.")
    return expression


def listed(items: Iterable[Any]) -> str:
    """The items in alphabetical order, with commas."""
    return ", ".join(sorted(str(item) for item in items))
