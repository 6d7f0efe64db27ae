"""Systems as JSON and back, without executing anything: what data sets and model files carry."""

import json
import math
from dataclasses import asdict
from typing import Any

import sympy as sp

from ._distribution import AbstractDistribution, distribution_from_json
from ._expression_json import Decoder, encode
from ._files import decoding
from ._neighbourhoods import Graph
from ._system import Parameter, System, Unknown, checked_before

_PAIRS = 10**7
"""Of members of neighbourhoods, which graph networks look at."""


def _encode_value(value: AbstractDistribution | float | None) -> Any:
    return value.to_json() if isinstance(value, AbstractDistribution) else value


def _decode_value(data: Any) -> Any:
    return distribution_from_json(data) if isinstance(data, dict) else data


def _encode_parameter(parameter: Parameter) -> list[Any]:
    """Value and unit; whether it is free and its bounds where these say something; no infinity, which JSON lacks."""
    written = [_encode_value(parameter.value), parameter.unit]
    if parameter.bounds is not None:
        return [*written, parameter.free, [None if math.isinf(x) else x for x in parameter.bounds]]
    return [*written, True] if parameter.free else written


def _decode_parameter(data: Any) -> Parameter:
    known = dict(zip(("value", "unit", "free", "bounds"), data, strict=False))
    known["value"] = _decode_value(known["value"])
    if "bounds" in known:
        low, high = known["bounds"]
        known["bounds"] = (-math.inf if low is None else low, math.inf if high is None else high)
    return Parameter(**known)


def _decode_graph(data: Any) -> Graph | None:
    if data is None:
        return None
    if sum(len(row) ** 2 for row in data["neighbourhoods"]) > _PAIRS:
        raise ValueError("its neighbourhoods are too large")
    return Graph(
        data["sites"],
        data["fields"],
        tuple(map(tuple, data["neighbourhoods"])),
        data["ordered"],
        tuple(map(tuple, data["site_attributes"])),
        tuple(tuple(map(tuple, row)) for row in data["edge_attributes"]),
    )


def system_to_json(system: System) -> dict[str, Any]:
    """The whole declaration as JSON data. Raises `ValueError` where `system_from_json` would not give it back."""

    def pairs(mapping: Any, of_value: Any) -> list[Any]:
        return [[encode(key), of_value(value)] for key, value in mapping.items()]

    def drawn(mapping: Any) -> list[Any]:
        return [[list(map(encode, group)), _encode_value(value)] for group, value in mapping.items()]

    document = {
        "name": system.name,
        "coordinates": [encode(x) for x in system.coordinates],
        "lagrangian": encode(system.lagrangian),
        "parameters": pairs(system.parameters, _encode_parameter),
        "states": drawn(system.domain.states),
        "initial_states": drawn(system.experiment.initial_states),
        "angles": [encode(x) for x in system.angles],
        "units": pairs(system.units, str),
        "duration": system.duration,
        "dissipation": encode(system.dissipation),
        "forces": pairs(system.forces, encode),
        "constraints": [encode(x) for x in system.constraints],
        "velocity_constraints": [encode(x) for x in system.velocity_constraints],
        "inputs": pairs(system.inputs, _encode_value),
        "unknown": [[encode(f(sp.Symbol("x"))), asdict(known)] for f, known in system.unknown.items()],
        "time": _encode_value(system.time),
        "positions": [[encode(x), encode(y)] for x, y in system.positions],
        "reference": system.reference,
        "graph": None if system.graph is None else asdict(system.graph),
    }
    if system_from_json(json.loads(json.dumps(document))) != system:
        raise ValueError(f"The declaration of {system.name} cannot be kept in a file: it would come back as another.")
    return document


def system_from_json(data: Any) -> System:
    """The System of `system_to_json`; equal to the one that was written. Raises `ValueError` for anything else.

    It may come from anyone: nothing in it is run, and what would take long or much memory is refused.
    """
    decode = Decoder().expression

    def mapping(name: str, of_value: Any) -> dict[Any, Any]:
        return {decode(key): of_value(value) for key, value in data[name]}

    def drawn(name: str) -> dict[Any, Any]:
        return {tuple(map(decode, group)): _decode_value(value) for group, value in data[name]}

    with decoding("the declaration of a system cannot be read"), checked_before():
        return System(
            name=data["name"],
            coordinates=tuple(map(decode, data["coordinates"])),
            lagrangian=decode(data["lagrangian"]),
            parameters=mapping("parameters", _decode_parameter),
            states=drawn("states"),
            initial_states=drawn("initial_states"),
            angles=tuple(map(decode, data["angles"])),
            units=mapping("units", str),
            duration=data["duration"],
            dissipation=decode(data["dissipation"]),
            forces=mapping("forces", decode),
            constraints=tuple(map(decode, data["constraints"])),
            velocity_constraints=tuple(map(decode, data["velocity_constraints"])),
            inputs=mapping("inputs", _decode_value),
            unknown={decode(f).func: Unknown(**known) for f, known in data["unknown"]},
            time=_decode_value(data["time"]),
            positions=tuple((decode(x), decode(y)) for x, y in data["positions"]),
            reference=data["reference"],
            graph=_decode_graph(data["graph"]),
        )
