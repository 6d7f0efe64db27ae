"""Data sets as xarray, on disk as NetCDF: they carry the declaration that they were generated from."""

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

from .._files import decoding, parsed, write_file
from .._serialise import system_from_json, system_to_json
from .._system import System, listed
from .._types import Samples, Segments
from .._version import __version__

ATTRIBUTE = "symlnn"
_AXES = {"q": "coordinate", "v": "coordinate", "a": "coordinate", "u": "input", "m": "parameter"}
_VARIABLES = (*_AXES, "t")
_UNPACKED = 2**26
_INFLATED = 20
"""How many bytes of memory an array may take: so many, and so many times the length of its file."""
_ATTRIBUTES = 64


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
    return described.assign_attrs({ATTRIBUTE: json.dumps(origin), "title": f"symlnn data of {system.name}"})


def with_noise(dataset: xr.Dataset, noise: float) -> xr.Dataset:
    """The data set, whose description says how large its noise is."""
    origin = {**json.loads(dataset.attrs[ATTRIBUTE]), "noise": noise}
    return dataset.assign_attrs({ATTRIBUTE: json.dumps(origin)})


def save_dataset(path: str | Path, dataset: xr.Dataset) -> None:
    """Write a data set as NetCDF, whole or not at all, with a checksum after its end that NetCDF does not look at."""
    # no number stands for what is missing: NaN is what it is
    body = dataset.to_netcdf(engine="h5netcdf", encoding={name: {"_FillValue": None} for name in dataset.variables})
    write_file(Path(path), body, _trailer(hashlib.sha256(body)))


def load_dataset(path: str | Path, system: System | None = None) -> xr.Dataset:
    """Read a data set of `save_dataset`, with the coordinates in the order of the system, where one is given.

    Raises `ValueError` where the file is missing, damaged, foreign, or of another system. What it says of its system is
    not run, and it cannot make much more be read than it holds; but the HDF5 library reads it, which is not made for
    files of an enemy.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no data set {path}. `symlnn generate` writes one.")
    _check_whole(path)
    with decoding(f"{path} is no data set of symlnn"):
        _check_stored(path)
        with xr.open_dataset(path, engine="h5netcdf", decode_times=False, mask_and_scale=False) as opened:
            _require_small(path, opened.nbytes)  # of its dimensions too, which the arrays are padded to
            dataset = opened.load()
        missing = [name for name in _VARIABLES if name not in dataset]
        if missing or ATTRIBUTE not in dataset.attrs:
            raise ValueError(f"it lacks {', '.join(missing) or 'its description'}")
        source = system_from_json(parsed(dataset.attrs[ATTRIBUTE])["system"])
        dataset = matching(dataset, source)
    if system is not None:
        remedy = "Generate data of this system, or name the one that the data are of."
        system.require_same(source, f"{path} holds data", remedy)
    return dataset


def matching(data: Samples | Segments | xr.Dataset, system: System) -> Any:
    """The data; a data set with its coordinates, inputs and varying parameters in the order of the system.

    Raises `ValueError` where they are those of another system.
    """
    if not isinstance(data, xr.Dataset):
        states = data.states
        sizes = tuple(x.shape[-1] for x in (states.q, states.m, states.u))
        if sizes != (system.dof, len(system.m), len(system.u)):
            raise ValueError(
                "The data have {} coordinates, {} varying parameters and {} inputs, but ".format(*sizes)
                + f"{system.name} has {system.dof}, {len(system.m)} and {len(system.u)}."
            )
        return data
    for dimension, symbols in (("coordinate", system.q), ("parameter", system.m), ("input", system.u)):
        data = _in_order(data, dimension, [symbol.name for symbol in symbols])
    batch = {"sample"} if "sample" in data.dims else {"trajectory", "time"}
    for name, axis in _AXES.items():
        if name not in data:
            continue
        axes = set(data[name].dims)
        if not (axis in axes and axes <= {*batch, axis}):
            raise ValueError(f"{name} of the data stands along {listed(axes)}, not along {listed({*batch, axis})}.")
        if data[name].dtype.kind not in "iuf":
            raise ValueError(f"{name} of the data holds no numbers.")
    return data


def _in_order(data: xr.Dataset, dimension: str, names: Sequence[str]) -> xr.Dataset:
    found = [str(name) for name in data[dimension].values] if dimension in data.coords else []
    if not found and data.sizes.get(dimension, 0) == len(names):
        return data
    if sorted(found) != sorted(names):
        raise ValueError(
            f"The data name the {dimension}s {listed(found) or 'none'}, but the system has {listed(names) or 'none'}: "
            "name them alike."
        )
    return data if found == list(names) else data.sel({dimension: list(names)})


def _trailer(digest: Any) -> bytes:
    return f"\nsymlnn-sha256 {digest.hexdigest()}\n".encode()


def _check_whole(path: Path) -> None:
    """Raise a `ValueError` where the bytes of a file are not those that were written."""
    length = len(_trailer(hashlib.sha256()))
    left = path.stat().st_size - length
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while left > 0:
            block = file.read(min(left, 2**20))
            digest.update(block)
            left -= len(block) or left
        trailer = file.read()
    if trailer != _trailer(digest):
        raise ValueError(
            f"{path} is damaged, or no data set that symlnn wrote as it is: its checksum does not match. Generate it "
            "again, or, if you changed it, write it with symlnn.save_dataset."
        )


def _check_stored(path: Path) -> None:
    """Raise a `ValueError` where a file of HDF5 holds something else than arrays of its own, or too large ones."""
    with h5py.File(path, "r") as file:
        _check_attributes(file)
        for name in file:
            stored = file[name] if isinstance(file.get(name, getlink=True), h5py.HardLink) else None
            if not isinstance(stored, h5py.Dataset) or stored.is_virtual or stored.external:
                raise ValueError(f"{name} is not an array within the file")
            _check_attributes(stored)
            _require_small(path, stored.size * stored.dtype.itemsize)
            if stored.dtype.kind == "O":  # texts, any number of which can be one in the file
                length = 0
                for place in range(stored.shape[0] if stored.ndim == 1 else 0):
                    length += len(stored[place])
                    _require_small(path, length)
                if stored.ndim != 1:
                    raise ValueError(f"{name} is no list of texts")


def _check_attributes(stored: Any) -> None:
    for name in stored.attrs:
        if math.prod(stored.attrs.get_id(name).shape) > _ATTRIBUTES:
            raise ValueError(f"its attribute {name} is long")


def _require_small(path: Path, size: int) -> None:
    if size > _UNPACKED + _INFLATED * path.stat().st_size:
        raise ValueError(f"it would take {size / 2**20:,.0f} MiB of memory")
