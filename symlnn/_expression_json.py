"""SymPy expressions as JSON and back, for files that come from anyone.

An expression is a whole number, or `["Add", arg, arg, …]` with the name of its SymPy class; symbols carry their
assumptions. Decoding builds the classes listed here and no others, evaluates nothing, and refuses numbers that would
fill the memory when they are evaluated later.
"""

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.functions.elementary.piecewise import ExprCondPair

from ._system import is_name


def _named(names: str) -> Mapping[str, Any]:
    """SymPy's classes of those names, by the names that they have themselves: `Eq` is called Equality."""
    return {cls.__name__: cls for cls in (getattr(sp, name) for name in names.split())}


_BOUNDED = _named(
    "sin cos tanh sech sinc atan acot atan2 erf erfc sign Heaviside arg frac Eq Ne Lt Le Gt Ge And Or Not Xor"
)
"""No larger than one, or a truth."""
_OF_ONE_SIZE = _named("Abs re im conjugate floor ceiling Max Min Mod Add Piecewise ITE")
"""No larger than the sum of the arguments."""
_COMPUTED = _named("Mul Pow exp sinh cosh log")
_EXACT = _named("gamma loggamma factorial binomial")
"""Of a whole number SymPy writes them out."""
_OTHERS = _named("tan cot sec csc asin acos asec acsc coth csch asinh acosh atanh acoth asech acsch beta DiracDelta")
_CLASSES: Mapping[str, Any] = {
    **{**_BOUNDED, **_OF_ONE_SIZE, **_COMPUTED, **_EXACT, **_OTHERS},
    "ExprCondPair": ExprCondPair,
}
_CONSTANTS: Mapping[str, Any] = {
    type(value).__name__: value
    for value in (*(sp.pi, sp.E, sp.I, sp.GoldenRatio, sp.EulerGamma, sp.Catalan), *(sp.oo, -sp.oo, sp.true, sp.false))
}

_ASSUMPTIONS = """
algebraic antihermitian commutative complex composite even extended_negative extended_nonnegative extended_nonpositive
extended_nonzero extended_positive extended_real finite hermitian imaginary infinite integer irrational negative
noninteger nonnegative nonpositive nonzero odd polar positive prime rational real transcendental zero
"""

_NODES = 60_000
_DEPTH = 100
_BITS = 4096
"""Of a whole number, and of the precision of a Float."""
_EXACT_BITS = 1_000_000
"""Of a rational number that powers of others could come to."""
_EXPONENT = 1000
_ARGUMENTS: Mapping[str, int] = {
    **dict.fromkeys(("Add", "Mul"), _NODES),
    **dict.fromkeys(("And", "Or", "Max", "Min", "Piecewise"), 100),
    **dict.fromkeys(("Pow", "Mod"), 2),  # a third one turns evaluation on
}
"""The most of each class, three of any other."""
_MAGNITUDES = np.array([0.1, -0.1, 1, -1, 10, -10, -40, -80])
"""Of the logarithms of the values that a symbol takes: of lengths of atoms, too."""
_GROWING = ("Pow", "exp", "sinh", "cosh", *_EXACT)
_LARGEST = 1e300
_LARGEST_ARGUMENT = 1000.0
"""Of functions that are written out: gamma of a billion has as many digits as memory holds."""
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.IGNORECASE)


def encode(expression: sp.Basic) -> Any:
    """JSON data of an expression. Raises `ValueError` for a class that is not listed."""
    if isinstance(expression, sp.Integer):
        return int(expression)
    if isinstance(expression, sp.Rational):
        return ["Rational", int(expression.p), int(expression.q)]
    if isinstance(expression, sp.Float):
        digits = int(expression._prec * math.log10(2)) + 3  # as many as tell it from its neighbours
        return ["Float", str(sp.Float(expression, digits)), expression._prec]
    if isinstance(expression, sp.Symbol):
        return ["Symbol", expression.name, dict(expression._assumptions_orig)]
    if isinstance(expression, AppliedUndef):
        assumptions = {name: value for name, value in expression.func._kwargs.items() if name in _ASSUMPTIONS.split()}
        return ["Function", str(expression.func), assumptions, *map(encode, expression.args)]
    if isinstance(expression, sp.Derivative):
        variable, order = _declared_derivative(expression)
        return ["Derivative", encode(expression.expr), encode(variable), order]
    name = type(expression).__name__
    if _CONSTANTS.get(name) is expression:
        return ["Singleton", name]
    if _CLASSES.get(name) is not type(expression):
        raise ValueError(f"{expression} is a {name}, which files of symlnn cannot hold: write it with functions.")
    return [name, *map(encode, expression.args)]


def _declared_derivative(expression: sp.Derivative) -> tuple[sp.Basic, int]:
    """The variable and the order of a derivative of a coordinate."""
    ((variable, order), *others) = expression.variable_count
    if others or not isinstance(expression.expr, AppliedUndef) or not order.is_Integer:
        raise ValueError(f"{expression} is not the derivative of a coordinate, and files of symlnn cannot hold it.")
    return variable, int(order)


@dataclass
class _Part:
    """A decoded expression, with what it could come to."""

    expression: Any
    bits: float | int = 1
    """Of the exact number."""
    values: Any = 1.0
    """The absolute value, roughly, at eight points."""
    pieces: bool = False
    """Whether a Piecewise is in it."""


class Decoder:
    """Builds the expressions of one file: the bounds hold for all of them together."""

    def __init__(self) -> None:
        self._nodes = 0
        self._points: dict[Any, np.ndarray] = {}
        self._random = np.random.default_rng(0)

    def expression(self, data: Any) -> Any:
        """The expression of `encode`, in the same structure. Raises `ValueError` for anything else."""
        composed = isinstance(data, list) and data[:1] != ["Symbol"]
        with sp.evaluate(False) if composed else nullcontext():  # which empties SymPy's cache
            return self._part(data, 0).expression

    def _part(self, data: Any, depth: int) -> _Part:
        self._nodes += 1
        _require(self._nodes <= _NODES, f"it has more than {_NODES:,} parts")
        _require(depth <= _DEPTH, f"it is nested more than {_DEPTH} deep")
        match data:
            case bool():
                pass
            case int():
                return _number(sp.Integer(data), data, 1)
            case ["Rational", int(p), int(q)] if q > 0:
                return _number(sp.Rational(p, q), p, q)
            case ["Float", str(digits), int(precision)]:
                _require(0 < precision <= _BITS, f"a number has a precision of {precision} bits")
                _require(len(digits) <= _BITS and bool(_FLOAT.fullmatch(digits)), f"{digits[:20]!r} is no number")
                number = sp.Float(digits, precision=precision)
                return _Part(number, values=abs(float(number)))
            case ["Symbol", str(name), dict(assumptions)]:
                return self._variable(sp.Symbol(_name(name), **_assumptions(assumptions)))
            case ["Function", str(name), dict(assumptions), *arguments] if arguments:
                function = sp.Function(_name(name), **_assumptions(assumptions))
                return self._variable(function(*(self._part(x, depth + 1).expression for x in arguments)))
            case ["Derivative", ["Function", *_] as function, variable, 1 | 2 as order]:
                coordinate = self._part(function, depth + 1).expression
                return self._variable(sp.Derivative(coordinate, (self._symbol(variable, depth + 1), order)))
            case ["Singleton", str(name)] if name in _CONSTANTS:
                return _Part(_CONSTANTS[name])
            case [str(name), *arguments] if name in _CLASSES:
                _require(
                    len(arguments) <= _ARGUMENTS.get(name, 3),
                    f"a {name} has {len(arguments)} arguments",
                )
                return _combined(name, [self._part(argument, depth + 1) for argument in arguments])
        raise ValueError(f"not an expression that files of symlnn hold: {str(data)[:80]!r}")

    def _symbol(self, data: Any, depth: int) -> sp.Symbol:
        symbol = self._part(data, depth).expression
        _require(isinstance(symbol, sp.Symbol), f"{str(data)[:80]!r} is not a symbol")
        return symbol

    def _variable(self, variable: Any) -> _Part:
        """With random values of all sizes: what is large at all of them is so because of its numbers."""
        if variable not in self._points:
            self._points[variable] = 2.0 ** (self._random.uniform(0.5, 1, 8) * _MAGNITUDES)
        return _Part(variable, values=self._points[variable])


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ValueError(f"an expression is refused: {otherwise}")


def _name(name: str) -> str:
    _require(is_name(name), f"{name[:80]!r} is no name")
    return name


def _assumptions(given: Mapping[str, Any]) -> Mapping[str, bool]:
    known = all(name in _ASSUMPTIONS.split() and isinstance(value, bool) for name, value in given.items())
    _require(known and given.get("commutative", True), f"{given} are no assumptions of a symbol")
    return given


def _number(number: Any, p: int, q: int) -> _Part:
    bits = abs(p).bit_length() + q.bit_length()
    _require(bits <= _BITS, f"a number has {bits} bits")
    return _Part(number, bits=bits, values=np.exp(min(math.log(abs(p) or 1) - math.log(q), 709.0)))


def _combined(name: str, parts: Sequence[_Part]) -> _Part:
    arguments = [part.expression for part in parts]
    pieces = any(part.pieces for part in parts)
    power = 1.0
    if name == "ExprCondPair":
        # the constructor would work out conditions that hold pieces themselves, in exponential time
        _require(len(parts) == 2 and not parts[1].pieces, "a condition holds a Piecewise")
        expression = sp.Tuple.__new__(ExprCondPair, *arguments)
    elif name == "Piecewise":
        _require(all(isinstance(x, ExprCondPair) for x in arguments) and bool(arguments), "a Piecewise of no pieces")
        expression, pieces = sp.Basic.__new__(sp.Piecewise, *arguments), True
    else:
        try:
            expression = _CLASSES[name](*arguments)
        except (TypeError, AttributeError) as error:
            raise ValueError(f"an expression is refused: {name} of {len(parts)} arguments: {error}") from error
    _require(type(expression) is _CLASSES[name], f"{len(parts)} arguments make no {name}")
    values = [np.broadcast_to(part.values, 8) for part in parts]
    if name == "Pow":
        power = float(np.min(values[1]))
        _require(power <= _EXPONENT, f"an exponent is {power:g} or more")
    bits = sum(part.bits for part in parts) * max(1.0, power)
    _require(bits <= _EXACT_BITS, "an exact number has more than a million bits")
    with np.errstate(all="ignore"):
        largest = _values(name, values)
    if name in _GROWING:
        _require(bool((largest < _LARGEST).any()), f"a {name} is too large to be evaluated, or infinite, everywhere")
    return _Part(expression, bits, largest, pieces or name == "ITE")


def _values(name: str, x: Sequence[np.ndarray]) -> Any:
    """Bounds of the absolute value where the arguments have at most these: not sharp, since signs are not known."""
    if not x or name in _BOUNDED:
        return np.ones(8)
    if name in _OF_ONE_SIZE or name == "ExprCondPair":
        return np.sum(x, axis=0)
    if name == "Mul":
        return np.prod(x, axis=0)
    if name == "Pow":
        return np.maximum(x[0] ** x[1], x[0] ** -x[1])
    if name == "log":
        return np.abs(np.log(x[0]))
    if name in _COMPUTED:
        return np.exp(x[0])
    if name in _EXACT:
        return np.where(np.all(np.stack(x) <= _LARGEST_ARGUMENT, axis=0), 1.0, np.inf)
    return np.ones(8)
