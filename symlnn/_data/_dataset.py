"""Data sets as xarray, on disk as NetCDF: they carry the declaration that they were generated from."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from .._atomic import atomic_path
from .._serialise import system_from_json, system_to_json
from .._system import System
from .._version import __version__

_ATTRIBUTE = "symlnn"
_VARIABLES = ("q", "v", "a", "u", "m", "t")


def describe(dataset: xr.Dataset, system: System, *, seed: int) -> xr.Dataset:
    """The data set with the names and units of its coordinates and one JSON attribute that tells its origin."""
    units = [system.units.get(x, "") for x in system.coordinates]
    parameters = [system.parameters[symbol].unit for symbol in system.m]
    origin = {"version": __version__, "seed": seed, "noise": 0.0, "system": system_to_json(system)}
    described = dataset.assign_coords(
        coordinate=[symbol.name for symbol in system.q],
        unit=("coordinate", np.array(units, dtype=str)),
        input=np.array([symbol.name for symbol in system.u], dtype=str),
        parameter=np.array([symbol.name for symbol in system.m], dtype=str),
        parameter_unit=("parameter", np.array(parameters, dtype=str)),
    )
    meanings = {
        "q": "generalised coordinates",
        "v": "generalised velocities, per second",
        "a": "generalised accelerations, per second squared",
        "u": "control inputs",
        "m": "varying parameters",
        "t": "time in seconds",
    }
    for name, meaning in meanings.items():
        described[name].attrs["long_name"] = meaning
    return described.assign_attrs({_ATTRIBUTE: json.dumps(origin), "title": f"symlnn data of {system.name}"})


def with_noise(dataset: xr.Dataset, noise: float) -> xr.Dataset:
    """The data set, whose description says how large its noise is."""
    origin = {**json.loads(dataset.attrs[_ATTRIBUTE]), "noise": noise}
    return dataset.assign_attrs({_ATTRIBUTE: json.dumps(origin)})


def save_dataset(path: str | Path, dataset: xr.Dataset) -> None:
    """Write a data set as NetCDF, whole or not at all."""
    with atomic_path(Path(path)) as temporary:
        dataset.to_netcdf(temporary, engine="h5netcdf")


def load_dataset(path: str | Path, system: System | None = None) -> xr.Dataset:
    """Read a data set. Raises `ValueError` where the file is missing, damaged, foreign, or of another system."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no data set {path}. `symlnn generate` writes one.")
    try:
        with xr.open_dataset(path, engine="h5netcdf") as opened:
            dataset = opened.load()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ValueError(f"{path} is no readable NetCDF data set ({error}). Generate it again.") from error
    missing = [name for name in _VARIABLES if name not in dataset]
    if missing or _ATTRIBUTE not in dataset.attrs:
        raise ValueError(f"{path} is no data set of symlnn: it lacks {', '.join(missing) or 'its description'}.")
    if system is not None:
        _check_origin(path, json.loads(dataset.attrs[_ATTRIBUTE]), system)
    return dataset


def _check_origin(path: Path, origin: Mapping[str, Any], system: System) -> None:
    try:
        source = system_from_json(origin["system"])
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path} is damaged: {error}. Generate it again.") from error
    for what in ("name", "q", "plain_lagrangian", "parameters", "generalized_forces"):
        theirs, ours = getattr(source, what), getattr(system, what)
        if theirs != ours:
            shown = what.replace("plain_", "").replace("_", " ")
            raise ValueError(
                f"{path} holds data of another system: its {shown} is {theirs}, but {system.name} has {ours}. "
                "Generate data of this system, or name the one that the data are of."
            )
