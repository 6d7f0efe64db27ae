"""Equations as presentation MathML, which browsers draw without any script."""

from xml.dom.minidom import Element

import sympy as sp
from sympy.printing.mathml import MathMLPresentationPrinter

from .._system import System


class _Printer(MathMLPresentationPrinter):
    """SymPy's printer, with dots over velocities and accelerations."""

    def __init__(self, dotted: dict[sp.Symbol, tuple[sp.Symbol, str]]):
        super().__init__({"mat_delim": "(", "fold_short_frac": False})
        self._dotted = dotted

    def _print_Symbol(self, sym: sp.Symbol, style: str = "plain") -> Element:
        if sym not in self._dotted:
            return super()._print_Symbol(sym, style)
        base, dots = self._dotted[sym]
        node = super()._print_Symbol(base, style)
        letter = node.firstChild if node.tagName in ("msub", "msup", "msubsup") else node
        accent = self.dom.createElement("mover")
        accent.setAttribute("accent", "true")
        mark = self.dom.createElement("mo")
        mark.appendChild(self.dom.createTextNode(dots))
        if letter is node:
            accent.appendChild(node)
            accent.appendChild(mark)
            return accent
        node.replaceChild(accent, letter)
        accent.appendChild(letter)
        accent.appendChild(mark)
        return node


def mathml(system: System, expression: sp.Basic, *, left: sp.Basic | None = None) -> str:
    """A `<math>` element of the expression, or of `left = expression`, in the plain symbols of the system."""
    dotted = {vi: (qi, "˙") for qi, vi in zip(system.q, system.v, strict=True)}
    dotted |= {ai: (qi, "¨") for qi, ai in zip(system.q, system.a, strict=True)}
    body = expression if left is None else sp.Eq(left, expression, evaluate=False)
    content = _Printer(dotted)._print(body).toxml()
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">{content}</math>'
