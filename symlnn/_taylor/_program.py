"""From the equations of motion in SymPy to operations on series, each of which is done once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax.numpy as jnp
import jax.scipy.special
import numpy as np
import sympy as sp

from .._system import Law
from ._nodes import Against, Along, Given, Node, Power, Product, Quotient, Sum

_REASON = "has no Taylor series that symlnn knows: integrate it by another solver, diffrax.Dopri8() say"


@dataclass(frozen=True)
class Program:
    """M(q, v, t) a = r(q, v, t) as operations on series: first those of q, v and t, then the others in order."""

    nodes: tuple[Node, ...]
    levels: tuple[tuple[int, ...], ...]
    """The others in groups, each of which needs those before it."""
    constants: tuple[sp.Expr, ...]
    """What does not change along a motion: parameters, inputs, numbers."""
    mass_matrix: tuple[tuple["Place | None", ...], ...]
    """Of each entry; None where it is zero."""
    right_hand_side: tuple["Place | None", ...]


@dataclass(frozen=True)
class Place:
    """Where a quantity is found: among the series, or among the constants."""

    number: int
    constant: bool


@cache
def program_of(law: Law) -> Program:
    """The program of a law. Raises `ValueError` for functions that have no series, a `Piecewise` say."""
    law.require_complete()
    builder = _Builder(law)
    upper = {(i, j): law.unsimplified.mass_matrix[i, j] for i in range(law.dof) for j in range(i, law.dof)}
    right = [_shorter(r) for r in law.generalized_forces - law.unsimplified.bias]
    replaced, reduced = sp.cse([*upper.values(), *right])
    for symbol, expression in replaced:
        builder.names[symbol] = builder.place(expression)
    places = [None if x == 0 else builder.place(x) for x in reduced]
    entries = dict(zip(upper, places[: len(upper)], strict=True))
    matrix = tuple(tuple(entries[min(i, j), max(i, j)] for j in range(law.dof)) for i in range(law.dof))
    return Program(
        tuple(builder.nodes), builder.levels(), tuple(builder.constants), matrix, tuple(places[len(upper) :])
    )


def _shorter(expression: sp.Expr) -> sp.Expr:
    """It, or its expansion, in which Coriolis terms cancel: the one with fewer products."""
    return min((expression, sp.expand(expression)), key=sp.count_ops)


class _Builder:
    def __init__(self, law: Law):
        self.given = (*law.q, *law.v, law.t)
        self.nodes: list[Node] = [Given() for _ in self.given]
        self.names: dict[sp.Symbol, Place] = {s: Place(k, constant=False) for k, s in enumerate(self.given)}
        self.constants: list[sp.Expr] = []
        self._found: dict[Any, int] = {}

    def levels(self) -> tuple[tuple[int, ...], ...]:
        """Groups of nodes, by how many must be known before them."""
        level = dict.fromkeys(range(len(self.given)), 0)
        for k in range(len(self.given), len(self.nodes)):
            level[k] = 1 + max((level[x] for x in self.nodes[k].inputs), default=0)
        return tuple(
            tuple(k for k, own in level.items() if own == one) for one in range(1, 1 + max(level.values(), default=0))
        )

    def place(self, expression: sp.Expr) -> Place:
        """Where it is found, when the operations that make it have been added."""
        if self._is_constant(expression):
            return Place(self._constant(self._plain(expression)), constant=True)
        return Place(self._node(expression), constant=False)

    def _is_constant(self, expression: sp.Expr) -> bool:
        return all(s not in self.names or self.names[s].constant for s in expression.free_symbols)

    def _plain(self, expression: sp.Expr) -> sp.Expr:
        """A constant without names of our own."""
        names = {s: self.constants[self.names[s].number] for s in expression.free_symbols if s in self.names}
        return expression.xreplace(names)

    def _constant(self, expression: sp.Expr) -> int:
        if expression not in self.constants:
            self.constants.append(expression)
        return self.constants.index(expression)

    def _add(self, node: Node) -> int:
        if node not in self._found:
            self._found[node] = len(self.nodes)
            self.nodes.append(node)
        return self._found[node]

    def _node(self, expression: sp.Expr) -> int:
        """The series of what changes along a motion."""
        if expression in self._found:
            return self._found[expression]
        if isinstance(expression, sp.Symbol):
            return self.names[expression].number
        if isinstance(expression, sp.Add):
            found = self._sum(expression.args)
        elif isinstance(expression, sp.Mul):
            found = self._product(expression)
        elif isinstance(expression, sp.Pow):
            found = self._power(*expression.as_base_exp())
        else:
            found = self._function(expression)
        self._found[expression] = found
        return found

    def _sum(self, parts: Iterable[sp.Expr]) -> int:
        offset, terms = sp.S.Zero, []
        for part in parts:
            if self._is_constant(part):
                offset += self._plain(part)
                continue
            factor, rest = self._split(part)
            terms.append((self._constant(factor), self._node(rest)))
        return self._add(Sum(None if offset == 0 else self._constant(offset), tuple(terms)))

    def _split(self, expression: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
        """Its constant factor, and the rest."""
        factors = sp.Mul.make_args(expression)
        constant = [self._plain(x) for x in factors if self._is_constant(x)]
        return sp.Mul(*constant), sp.Mul(*(x for x in factors if not self._is_constant(x)))

    def _product(self, expression: sp.Expr) -> int:
        factor, rest = self._split(expression)
        if factor != 1:
            return self._add(Sum(None, ((self._constant(factor), self._node(rest)),)))
        above, below = [], []
        for x in sp.Mul.make_args(rest):
            base, exponent = x.as_base_exp()
            (below if exponent == -1 and base != sp.E else above).append(base if exponent == -1 else x)
        if not above:
            return self._power(sp.Mul(*below), sp.S.NegativeOne)
        numerator = self._multiplied(above)
        return self._add(Quotient(numerator, self._multiplied(below))) if below else numerator

    def _multiplied(self, factors: Iterable[sp.Expr]) -> int:
        found, *others = sorted(self._node(x) for x in factors)
        for other in others:
            found = self._add(Product(found, other))
        return found

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> int:
        if not self._is_constant(exponent):
            return self._node(sp.exp(exponent * sp.log(base)))
        if exponent.is_Integer and exponent > 1:
            half = self._node(base ** (exponent // 2))
            even = self._add(Product(half, half))
            return self._add(Product(*sorted((even, self._node(base))))) if exponent % 2 else even
        return self._add(Power(self._node(base), self._constant(self._plain(exponent))))

    def _function(self, expression: sp.Expr) -> int:
        rule = _RULES.get(expression.func)
        if rule is None or len(expression.args) != 1:
            raise ValueError(f"{expression.func.__name__} {_REASON}.")
        return rule(self, expression.args[0])

    def pair(self, x: sp.Expr, rules: tuple[Any, Any, float]) -> tuple[int, int]:
        """f and g with ḟ = g ẋ and ġ = c f ẋ, as sin and cos."""
        f, g, sign = rules
        inner, first = self._node(x), len(self.nodes)
        return self._add_new(Along(f, inner, first + 1, 0.0, 1.0), inner, f), self._add_new(
            Along(g, inner, first, 0.0, sign), inner, g
        )

    def itself(self, function: Any, x: sp.Expr) -> int:
        """z = f(x) with ż = z ẋ."""
        inner = self._node(x)
        return self._add_new(Along(function, inner, len(self.nodes), 0.0, 1.0), inner, function)

    def squared(self, function: Any, x: sp.Expr, b: float) -> int:
        """z = f(x) with ż = (1 + b z²) ẋ."""
        inner = self._node(x)
        found = self._add_new(Along(function, inner, len(self.nodes) + 1, 1.0, b), inner, function)
        self._add(Product(found, found))
        return found

    def _add_new(self, node: Node, inner: int, function: Any) -> int:
        """A node that refers to one after it; the same function of the same series is not added again."""
        key = (function, inner)
        if key not in self._found:
            self._found[key] = len(self.nodes)
            self.nodes.append(node)
        return self._found[key]

    def along(self, function: Any, x: sp.Expr, b: float, w: sp.Expr) -> int:
        """z = f(x) with ż = b w ẋ."""
        return self._add(Along(function, self._node(x), self._node(w), 0.0, b))

    def against(self, function: Any, x: sp.Expr, w: sp.Expr) -> int:
        """z = f(x) with w ż = ẋ."""
        return self._add(Against(function, self._node(x), self._node(w)))

    def scaled(self, offset: sp.Expr, factor: sp.Expr, node: int) -> int:
        """offset + factor · z."""
        return self._add(Sum(self._constant(offset), ((self._constant(factor), node),)))


_CIRCULAR = (jnp.sin, jnp.cos, -1.0)
_HYPERBOLIC = (jnp.sinh, jnp.cosh, 1.0)
_RULES: Mapping[Any, Callable[[_Builder, sp.Expr], int]] = {
    sp.exp: lambda b, x: b.itself(jnp.exp, x),
    sp.log: lambda b, x: b.against(jnp.log, x, x),
    sp.sin: lambda b, x: b.pair(x, _CIRCULAR)[0],
    sp.cos: lambda b, x: b.pair(x, _CIRCULAR)[1],
    sp.sinh: lambda b, x: b.pair(x, _HYPERBOLIC)[0],
    sp.cosh: lambda b, x: b.pair(x, _HYPERBOLIC)[1],
    sp.tan: lambda b, x: b.squared(jnp.tan, x, 1.0),
    sp.tanh: lambda b, x: b.squared(jnp.tanh, x, -1.0),
    sp.atan: lambda b, x: b.against(jnp.arctan, x, 1 + x**2),
    sp.asin: lambda b, x: b.against(jnp.arcsin, x, sp.sqrt(1 - x**2)),
    sp.acos: lambda b, x: b.scaled(sp.pi / 2, sp.S.NegativeOne, b.against(jnp.arcsin, x, sp.sqrt(1 - x**2))),
    sp.asinh: lambda b, x: b.against(jnp.arcsinh, x, sp.sqrt(1 + x**2)),
    sp.erf: lambda b, x: b.along(jax.scipy.special.erf, x, 2 / np.sqrt(np.pi), sp.exp(-(x**2))),
}
"""Each function by the differential equation that it solves."""
