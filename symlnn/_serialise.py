"""Systems as JSON and back, without executing anything: what data sets and model files carry.

An expression is `["Add", arg, arg, …]` with the name of its SymPy class; symbols carry their assumptions. Decoding
builds only classes that SymPy itself exports.
"""

import math
from dataclasses import asdict
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from ._distribution import AbstractDistribution, distribution_from_json
from ._neighbourhoods import Graph
from ._system import Parameter, System


def _encode(expression: sp.Basic) -> Any:
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
        return ["Function", str(expression.func), dict(expression.func._kwargs), *map(_encode, expression.args)]
    name = type(expression).__name__
    if not expression.args:
        return ["Singleton", name]
    return [name, *map(_encode, expression.args)]


def _decode(data: Any) -> Any:
    if isinstance(data, int):
        return sp.Integer(data)
    match data:
        case ["Rational", int(p), int(q)]:
            return sp.Rational(p, q)
        case ["Float", str(digits), int(precision)]:
            return sp.Float(digits, precision=precision)
        case ["Symbol", str(name), dict(assumptions)]:
            return sp.Symbol(name, **assumptions)
        case ["Function", str(name), dict(assumptions), *arguments]:
            return sp.Function(name, **assumptions)(*map(_decode, arguments))
        case ["Singleton", str(name)]:
            return getattr(sp.S, name)
        case [str(name), *arguments]:
            function = getattr(sp, name, None) or getattr(sp.functions.elementary.piecewise, name, None)
            if isinstance(function, type) and issubclass(function, sp.Basic):
                return function(*map(_decode, arguments))
    raise ValueError(f"not the JSON of a SymPy expression: {data!r}")


def _encode_value(value: AbstractDistribution | float | None) -> Any:
    return value.to_json() if isinstance(value, AbstractDistribution) else value


def _decode_value(data: Any) -> Any:
    return distribution_from_json(data) if isinstance(data, dict) else data


def _decode_graph(data: Any) -> Graph | None:
    if data is None:
        return None
    return Graph(
        data["sites"],
        data["fields"],
        tuple(map(tuple, data["neighbourhoods"])),
        data["ordered"],
        tuple(map(tuple, data["site_attributes"])),
        tuple(tuple(map(tuple, row)) for row in data["edge_attributes"]),
    )


def system_to_json(system: System) -> dict[str, Any]:
    """The whole declaration as JSON data."""

    def pairs(mapping: Any, encode: Any) -> list[Any]:
        return [[_encode(key), encode(value)] for key, value in mapping.items()]

    def drawn(mapping: Any) -> list[Any]:
        return [[list(map(_encode, group)), _encode_value(value)] for group, value in mapping.items()]

    return {
        "name": system.name,
        "coordinates": [_encode(x) for x in system.coordinates],
        "lagrangian": _encode(system.lagrangian),
        "parameters": pairs(system.parameters, lambda p: [_encode_value(p.value), p.unit]),
        "states": drawn(system.domain.states),
        "initial_states": drawn(system.experiment.initial_states),
        "angles": [_encode(x) for x in system.angles],
        "units": pairs(system.units, str),
        "duration": system.duration,
        "dissipation": _encode(system.dissipation),
        "forces": pairs(system.forces, _encode),
        "inputs": pairs(system.inputs, _encode_value),
        "time": _encode_value(system.time),
        "positions": [[_encode(x), _encode(y)] for x, y in system.positions],
        "reference": system.reference,
        "graph": None if system.graph is None else asdict(system.graph),
    }


def system_from_json(data: dict[str, Any]) -> System:
    """The System of `system_to_json`; equal to the one that was written. Raises `ValueError` for anything else."""

    def mapping(name: str, decode: Any) -> dict[Any, Any]:
        return {_decode(key): decode(value) for key, value in data[name]}

    def drawn(name: str) -> dict[Any, Any]:
        return {tuple(map(_decode, group)): _decode_value(value) for group, value in data[name]}

    try:
        return System(
            name=data["name"],
            coordinates=tuple(map(_decode, data["coordinates"])),
            lagrangian=_decode(data["lagrangian"]),
            parameters=mapping("parameters", lambda p: Parameter(_decode_value(p[0]), p[1])),
            states=drawn("states"),
            initial_states=drawn("initial_states"),
            angles=tuple(map(_decode, data["angles"])),
            units=mapping("units", str),
            duration=data["duration"],
            dissipation=_decode(data["dissipation"]),
            forces=mapping("forces", _decode),
            inputs=mapping("inputs", _decode_value),
            time=_decode_value(data["time"]),
            positions=tuple((_decode(x), _decode(y)) for x, y in data["positions"]),
            reference=data["reference"],
            graph=_decode_graph(data.get("graph")),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not the JSON of a System ({type(error).__name__}: {error})") from error
