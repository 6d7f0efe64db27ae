"""Files of the functions that were learned as networks: with the declaration that leaves them open they are a law."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from .._array_file import read_arrays, read_header, write_arrays
from .._files import decoding
from .._models import Scales
from .._serialise import system_from_json, system_to_json
from .._system import System
from ._functions import calls_of
from ._networks import Network, WholeLagrangian, network

_KIND = "functions"


def save_functions(path: str | Path, system: System, functions: Mapping[str, Network | WholeLagrangian]) -> None:
    """Write what stands for the functions that a system leaves open; the file is whole or absent.

    Raises `ValueError` for a function that the system does not leave open.
    """
    unknown = sorted(set(functions) - {str(function) for function in system.unknown})
    if unknown:
        raise ValueError(f"{system.name} leaves no function {unknown[0]} open.")
    whole = {name: one for name, one in functions.items() if isinstance(one, WholeLagrangian)}
    scales = {name: one.lagrangian.features.scales.to_json() for name, one in whole.items()}
    header = {"kind": _KIND, "system": system_to_json(system), "functions": list(functions), "scales": scales}
    write_arrays(Path(path), header, dict(functions))


def load_functions(path: str | Path, system: System | None = None) -> dict[str, Network | WholeLagrangian]:
    """What `save_functions` wrote, by name: for `SymbolicLagrangian(system, functions=…)` and `SymbolicForces`.

    Nothing that the file holds is run. Raises `ValueError` where it is missing, damaged or of another precision, and
    where it is of another law than `system`'s, if that is given.
    """
    path = Path(path)
    header, body = read_header(path, _KIND)
    with decoding(f"{path} cannot be rebuilt"):
        own = system_from_json(header["system"])
        known = {str(function): (function, options) for function, options in own.unknown.items()}
        scales = {name: Scales.from_json(data, own) for name, data in header["scales"].items()}
        like = {name: _built(own, *known[name], scales.get(name)) for name in header["functions"]}
    if system is not None:
        system.require_same(own, f"{path} holds functions", "Learn them again.")
    return read_arrays(path, header, body, like)


def _built(system: System, function: Any, known: Any, scales: Any) -> Any:
    """A network with shapes in place of its arrays."""
    arguments = calls_of(system, function)[0]

    def build() -> Any:
        return network(
            known,
            system,
            arguments,
            np.zeros((2, len(arguments))),
            whole=scales,
            size=1.0,
            key=jax.random.key(0),
        )

    return eqx.filter_eval_shape(build)
