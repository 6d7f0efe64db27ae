"""Equations as presentation MathML, which browsers draw without any script."""

import html
import re
from typing import Any
from xml.dom.minidom import Document, Element

import sympy as sp
from sympy.printing.mathml import MathMLPresentationPrinter

from .._system import System


class _Printer(MathMLPresentationPrinter):
    """SymPy's printer, with dots over velocities and accelerations."""

    def __init__(self, system: System):
        MathMLPresentationPrinter.__init__(self, {"mat_delim": "(", "fold_short_frac": False})
        self._dotted = {vi: (qi, "˙") for qi, vi in zip(system.q, system.v, strict=True)}
        self._dotted |= {ai: (qi, "¨") for qi, ai in zip(system.q, system.a, strict=True)}

    def _print_Symbol(self, sym: sp.Symbol, style: str = "plain") -> Element:
        base, dots = self._dotted.get(sym, (sym, ""))
        # SymPy writes names as they are, entities of its own among them: what stands in a name is none
        node = MathMLPresentationPrinter._print_Symbol(self, sp.Symbol(html.escape(readable(base.name))), style)
        if not dots:
            return node
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

    def _print_AppliedUndef(self, function: sp.Expr) -> Element:
        # SymPy writes the names of functions in small letters
        node = self._print_Function(function)
        name = node.getElementsByTagName("mi")[0]
        name.replaceChild(self.dom.createTextNode(html.escape(readable(function.func.__name__))), name.firstChild)
        return node

    def pieces(self, expression: sp.Basic) -> list[str]:
        """The terms of a sum, each with its sign, or the whole expression where it is none."""
        if not isinstance(expression, sp.Add):
            return [self._content(expression)]
        terms = self._as_ordered_terms(expression)
        first, *rest = terms
        signed = [self._content(first)]
        for term in rest:
            negative = term.could_extract_minus_sign()
            sign = f'<mo form="infix">{"−" if negative else "+"}</mo>'
            signed.append(f"<mrow>{sign}{self._content(-term if negative else term)}</mrow>")
        return signed

    def _content(self, expression: sp.Basic) -> str:
        node = self._print(expression)
        _escape(node)
        _polish(node)
        return node.toxml().replace("<mo>-</mo>", "<mo>−</mo>")


def readable(name: str) -> str:
    r"""A name that was written in LaTeX as SymPy's printers read names: `\theta_{2}` is `theta_2`."""
    return re.sub(r"\\([A-Za-z]+)|[{}]", lambda match: match[1] or "", name)


def _escape(node: Any) -> None:
    """Make every text that SymPy would write as it is, markup or not, one that shows what it says."""
    for child in list(node.childNodes):
        if isinstance(child, Element):
            _escape(child)
        else:
            node.replaceChild(Document().createTextNode(html.unescape(child.data)), child)


def _polish(node: Any) -> None:
    """Set a power of an indexed symbol over its index, and a thin space before the name of a function."""
    for child in [child for child in node.childNodes if isinstance(child, Element)]:
        _polish(child)
    if node.tagName == "msup" and node.firstChild.tagName == "msub":
        base, exponent = node.childNodes
        node.tagName = node.nodeName = "msubsup"
        for part in (*base.childNodes, exponent):
            node.appendChild(part)
        node.removeChild(base)
    if node.tagName == "mo" and node.firstChild.nodeValue == "\u2062" and _names_function(node.nextSibling):
        node.setAttribute("lspace", "0.17em")


def _names_function(node: Any) -> bool:
    while node is not None and node.tagName in ("mrow", "msup"):
        node = node.firstChild
    return node is not None and node.tagName == "mi" and len(node.firstChild.nodeValue) > 1


def inline(system: System, expression: sp.Basic) -> str:
    """A `<math>` element within a line of text, of an expression in the plain symbols of the system."""
    return f"<math>{''.join(_Printer(system).pieces(expression))}</math>"


def equation(system: System, expression: sp.Basic, *, left: sp.Basic) -> str:
    """`left = expression` as display mathematics that may break its lines between terms."""
    printer = _Printer(system)
    first, *rest = printer.pieces(expression)
    first = f'<mrow>{"".join(printer.pieces(left))}<mo form="infix">=</mo>{first}</mrow>'
    return " ".join(f'<math displaystyle="true">{piece}</math>' for piece in (first, *rest))
