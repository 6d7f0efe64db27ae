"""SymPy expressions to functions of numbers, by SymPy's own `lambdify`, which writes source code and runs it.

No name out of a declaration or a file gets into that source. Every symbol, bound ones too, is replaced by one of ours
first, and what holds a name in another way is refused.
"""

from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.core.symbol import Str

_ROOMS = tuple(f"sympy.{room}." for room in ("core", "functions", "logic", "concrete", "integrals", "matrices"))


def lambdified(arguments: Sequence[sp.Symbol], expressions: Any, *, modules: Any) -> Callable[..., Any]:
    """The function of scalars that returns the values of the expressions, a list or a matrix of them.

    Raises `ValueError` for what SymPy would print by a name that is not its own: an undefined function, a class from
    elsewhere, a symbol of matrices.
    """
    whole = expressions if isinstance(expressions, sp.Basic) else sp.Tuple(*expressions)
    others = sorted(whole.atoms(sp.Symbol) - set(arguments), key=sp.default_sort_key)
    names = {
        symbol: sp.Symbol(f"symlnn_{number}", **symbol.assumptions0)
        for number, symbol in enumerate((*arguments, *others))
    }
    renamed = whole.xreplace(names)
    for node in sp.preorder_traversal(renamed):
        _require_printable(node, set(names.values()))
    values = renamed if isinstance(expressions, sp.Basic) else list(renamed)
    return sp.lambdify([names[symbol] for symbol in arguments], values, modules=modules, cse=True)


def _require_printable(node: Any, symbols: set[sp.Symbol]) -> None:
    if isinstance(node, AppliedUndef):
        raise ValueError(f"{node.func} is an undefined function, which has no values: write what it is.")
    if isinstance(node, sp.Symbol):
        if node not in symbols:
            raise ValueError(f"The symbol {node.name!r} cannot be given a name of its own: use a plain sympy.Symbol.")
    elif isinstance(node, Str) or not type(node).__module__.startswith(_ROOMS):
        raise ValueError(f"A {type(node).__name__} cannot be compiled: write it with SymPy's own functions of scalars.")
