"""A system as the text of a declaration: a .py file that a person reads, and that `load_system` loads."""

import dataclasses
import itertools
import keyword
import math
from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp
from sympy.printing.str import StrPrinter

from ._system import System, Unknown

_LONG = 300
"""Operations of a Lagrangian, above which it is written by its parts."""


class _Printer(StrPrinter):
    """Python with SymPy as `sp`; exact numbers stay exact. `functions` names those that are left open."""

    def __init__(self, functions: Mapping[str, str]):
        StrPrinter.__init__(self, {"full_prec": False})
        self.functions = functions

    def _print_AppliedUndef(self, expr: Any) -> str:
        return f"{self.functions[str(expr.func)]}({self.stringify(expr.args, ', ')})"

    def _print_Function(self, expr: Any) -> str:
        return f"sp.{expr.func.__name__}({self.stringify(expr.args, ', ')})"

    def _print_LatticeOp(self, expr: Any) -> str:
        return self._print_Function(expr)  # Max and Min

    def _print_Pow(self, expr: Any, rational: bool = False) -> str:
        if expr.exp == sp.Rational(1, 2):
            return f"sp.sqrt({self._print(expr.base)})"
        return StrPrinter._print_Pow(self, expr, rational=True)  # no Rational of SymPy becomes a float of Python

    def _print_Rational(self, expr: Any) -> str:
        return f"sp.Rational({expr.p}, {expr.q})"

    def _print_Float(self, expr: Any) -> str:
        return repr(float(expr)) if sp.Float(float(expr)) == expr else f"sp.Float('{expr}', precision={expr._prec})"

    def _print_Pi(self, expr: Any) -> str:
        return "sp.pi"

    def _print_Exp1(self, expr: Any) -> str:
        return "sp.E"

    def _print_Piecewise(self, expr: Any) -> str:
        return f"sp.Piecewise({', '.join(f'({self._print(e)}, {self._print(c)})' for e, c in expr.args)})"

    def _print_Derivative(self, expr: Any) -> str:
        return f"{self._print(expr.expr)}.diff({', '.join(self._print(v) for v in expr.variables)})"


def system_to_text(system: System, comments: Mapping[str, str], title: str) -> str:
    """The declaration of a system, with a comment beside each parameter that has one.

    Raises `ValueError` where it has a field that is not written: a graph, or joint distributions.
    """
    if system.graph is not None:
        raise ValueError(f"The declaration of {system.name} stands on a graph: it is written as JSON only.")
    names = _identifiers(system)
    shown = _Printer({str(function): names[_call(function)] for function in system.unknown})
    law = system.law

    def text(expression: Any) -> str:
        return shown.doprint(law.plain(expression).xreplace({s: sp.Symbol(names[s.name]) for s in symbols}))

    symbols = [*system.parameters, *system.q, *system.v, *system.u, system.t]
    lines = [
        f'"""{title}"""',
        "",
        "import sympy as sp",
        "",
        f"from symlnn import Parameter, System, {'Unknown, ' if system.unknown else ''}normal, uniform",
        "",
    ]
    lines.append(f"{names[system.t.name]} = {_symbol(system.t)}")
    for x, q, v in zip(system.coordinates, system.q, system.v, strict=True):
        assumed = {"real": True} if x.is_real else {}
        lines.append(f"{names[q.name]} = sp.Function({q.name!r}{_assumed(assumed)})({names[system.t.name]})")
        lines.append(f"{names[v.name]} = {names[q.name]}.diff({names[system.t.name]})")
    lines += [f"{names[s.name]} = {_symbol(s)}" for s in (*system.parameters, *system.u)]
    lines += [f"{names[_call(f)]} = sp.Function({str(f)!r}{_assumed(f._kwargs)})" for f in system.unknown]
    lines += ["", *_lagrangian(system, text), "", "SYSTEM = System("]

    def entries(mapping: Mapping[Any, Any], of_value: Any) -> str:
        return "{" + ", ".join(f"{text(key)}: {of_value(value)}" for key, value in mapping.items()) + "}"

    lines.append(f"    name={system.name!r},")
    lines.append(f"    coordinates=({', '.join(names[q.name] for q in system.q)},),")
    if system.angles:
        lines.append(f"    angles=({', '.join(text(x) for x in system.angles)},),")
    if system.units:
        lines.append(f"    units={entries(system.units, repr)},")
    lines.append("    lagrangian=LAGRANGIAN,")
    if system.dissipation != 0:
        lines.append(f"    dissipation={text(system.dissipation)},")
    if system.forces:
        lines += ["    forces={", *(f"        {text(x)}: {text(f)}," for x, f in system.forces.items()), "    },"]
    for field in ("constraints", "velocity_constraints"):
        if getattr(system, field):
            lines += [f"    {field}=(", *(f"        {text(x)}," for x in getattr(system, field)), "    ),"]
    if system.inputs:
        inputs = zip(system.u, system.inputs.values(), strict=True)
        lines.append("    inputs={" + ", ".join(f"{names[u.name]}: {_drawn(d)}" for u, d in inputs) + "},")
    if system.unknown:
        known = ", ".join(f"{names[_call(f)]}: {_options(known)}" for f, known in system.unknown.items())
        lines.append(f"    unknown={{{known}}},")
    if system.parameters:
        lines.append("    parameters={")
        for symbol, parameter in system.parameters.items():
            value = _drawn(parameter.value) if parameter.varies else repr(parameter.value)
            options = ", free=True" if parameter.free else ""
            if parameter.bounds is not None:
                options += f", bounds=({', '.join(map(_number, parameter.bounds))})"
            comment = comments.get(symbol.name)
            after = f"  # {comment}" if comment else ""
            lines.append(f"        {names[symbol.name]}: Parameter({value}, {parameter.unit!r}{options}),{after}")
        lines.append("    },")
    for field in ("states", "initial_states"):
        if getattr(system, field):
            lines.append(f"    {field}={entries(getattr(system, field), _drawn)},")
    if system.time is not None:
        lines.append(f"    time={_drawn(system.time)},")
    lines.append(f"    duration={system.duration!r},")
    if system.positions:
        shown_positions = ", ".join(f"({text(x)}, {text(y)})" for x, y in system.positions)
        lines.append(f"    positions=({shown_positions},),")
    if system.reference:
        lines.append(f"    reference={system.reference!r},")
    return "\n".join([*lines, ")", ""])


def _lagrangian(system: System, text: Callable[[Any], str]) -> list[str]:
    """The line of the Lagrangian; of a long one, after its common subexpressions."""
    plain = system.law.plain(system.lagrangian)
    if sp.count_ops(plain) <= _LONG:
        return [f"LAGRANGIAN = {text(plain)}"]
    taken = {symbol.name for symbol in plain.free_symbols}
    names = (sp.Symbol(f"part{k}") for k in itertools.count(1) if f"part{k}" not in taken)
    parts, (whole,) = sp.cse([plain], symbols=names)
    return [*(f"{symbol} = {text(part)}" for symbol, part in parts), f"LAGRANGIAN = {text(whole)}"]


def _identifiers(system: System) -> dict[str, str]:
    """A name of Python for each symbol, by its own name, and for each function that is left open."""
    found: dict[str, str] = {}
    taken = {"sp", "Parameter", "System", "Unknown", "normal", "uniform", "LAGRANGIAN", "SYSTEM"}
    symbols = [(symbol.name, symbol.name) for symbol in (*system.q, *system.v, *system.parameters, *system.u, system.t)]
    for key, written in (*symbols, *((_call(function), str(function)) for function in system.unknown)):
        name = "".join(c if c.isalnum() or c == "_" else "_" for c in written)
        name = f"_{name}" if not name.isidentifier() else name
        while keyword.iskeyword(name) or name in taken:
            name += "_"
        taken.add(name)
        found[key] = name
    return found


def _call(function: Any) -> str:
    """The key of a function, which may have the name of a symbol."""
    return f"{function}()"


def _options(known: Unknown) -> str:
    """What differs from an `Unknown` of which nothing is said."""
    plain = Unknown()
    said = (f.name for f in dataclasses.fields(known) if getattr(known, f.name) != getattr(plain, f.name))
    return f"Unknown({', '.join(f'{name}={getattr(known, name)!r}' for name in said)})"


def _number(x: float) -> str:
    """Of Python, where infinity is a call."""
    return repr(x) if math.isfinite(x) else f'float("{x}")'


def _symbol(symbol: Any) -> str:
    return f"sp.Symbol({symbol.name!r}{_assumed(symbol._assumptions_orig)})"


def _assumed(assumptions: Mapping[str, Any]) -> str:
    return "".join(f", {name}={value}" for name, value in sorted(assumptions.items()))


def _drawn(value: Any) -> str:
    match type(value).__name__:
        case "Normal":
            return f"normal({value.location!r}, {value.scale!r})"
        case "Uniform":
            return f"uniform({value.low!r}, {value.high!r})"
        case "Fixed":
            return repr(value.value)
        case "float" | "int":
            return repr(value)
    raise ValueError(f"A {type(value).__name__} is not written in a declaration: it is written as JSON only.")
