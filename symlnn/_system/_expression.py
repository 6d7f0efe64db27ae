"""What a user writes as an expression, as a scalar SymPy expression."""

from collections.abc import Iterable, Mapping, Set
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.vector.basisdependent import BasisDependent
from sympy.vector.scalar import BaseScalar

_FINISHED = ("sympy.core.", "sympy.functions.", "sympy.logic.")


def scalar(value: Any, what: str) -> sp.Expr:
    """The expression, with its sums, integrals and derivatives worked out where SymPy can.

    Raises `ValueError` that names `what` where it is none, is complex, or is not finite. A string is none: SymPy would
    run it as code.
    """
    try:
        expression = sp.sympify(value, strict=True)
    except (sp.SympifyError, TypeError) as error:
        raise ValueError(f"{what} must be a scalar SymPy expression, but is {value!r}.") from error
    if not isinstance(expression, sp.Expr) or isinstance(expression, sp.MatrixBase | sp.MatrixExpr):
        raise ValueError(
            f"{what} must be a scalar SymPy expression, but is a {type(value).__name__}. "
            "Take a dot product or an element of a vector or matrix."
        )
    if expression.has(BasisDependent, BaseScalar):
        raise ValueError(
            f"{what} holds a vector or frame coordinate of sympy.vector, {expression}: take a dot product, and write "
            "positions with coordinates of the system."
        )
    if expression.has(sp.I):
        raise ValueError(f"{what} is complex (it contains the imaginary unit): write it with real functions.")
    if expression.has(sp.nan, sp.zoo, sp.oo, -sp.oo):
        raise ValueError(f"{what} contains an infinite or undefined number: {expression}.")
    return finished(expression)


def finished(expression: Any) -> Any:
    """The expression with its sums, integrals and derivatives worked out where SymPy can."""
    return expression if all(map(_is_finished, sp.preorder_traversal(expression))) else expression.doit()


def _is_finished(node: Any) -> bool:
    if isinstance(node, sp.Derivative):
        return isinstance(node.expr, AppliedUndef)
    if isinstance(node, AppliedUndef):
        return True
    return type(node).__module__.startswith(_FINISHED) and not isinstance(node, sp.Subs | sp.UnevaluatedExpr)


def ordered(value: Any, what: str) -> tuple[Any, ...]:
    """The items of a sequence. Raises `ValueError` that names `what` where their order is not given."""
    if isinstance(value, sp.Expr):
        raise ValueError(
            f"{what} must be a tuple or a list, but is {value} itself: write {what}=({value},), with a comma."
        )
    if isinstance(value, Set | Mapping | str) or not isinstance(value, Iterable):
        raise ValueError(f"{what} must be a tuple or a list, but is a {type(value).__name__}.")
    return tuple(value)


def listed(items: Iterable[Any]) -> str:
    """The items in alphabetical order, with commas."""
    return ", ".join(sorted(str(item) for item in items))


def is_name(text: str) -> bool:
    """Whether a symbol may have this name: printable characters, 200 at most."""
    return text.isprintable() and 0 < len(text) <= 200
