"""Data sets as xarray, on disk as NetCDF: they carry the declaration that they were generated from."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array

from .._atomic import atomic_path
from .._serialise import system_from_json, system_to_json
from .._system import System
from .._types import Samples, States

_ATTRIBUTE = "symlnn"
_VARIABLES = ("q", "v", "a", "u", "m", "t")


def describe(dataset: xr.Dataset, system: System, *, seed: int, noise: float = 0.0) -> xr.Dataset:
    """The data set with the names and units of its coordinates and one JSON attribute that tells its origin."""
    from .. import __version__

    units = [system.units.get(x, "") for x in system.coordinates]
    parameters = [system.parameters[symbol].unit for symbol in system.m]
    origin = {"version": __version__, "seed": seed, "noise": noise, "system": system_to_json(system)}
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


def samples_of(dataset: xr.Dataset) -> Samples:
    """The samples of a data set as JAX arrays; trajectories are taken apart into their instants.

    Raises `ValueError` where it holds a value that is not finite, or nothing.
    """
    if "trajectory" in dataset.dims:
        dataset = dataset.isel(trajectory=np.flatnonzero(dataset["successful"].values))
        batch: tuple[str, ...] = ("trajectory", "time")
    else:
        batch = ("sample",)
    shape = tuple(dataset.sizes[dim] for dim in batch)
    size = math.prod(shape)
    if size == 0:
        raise ValueError("The data set holds no samples.")

    def rows(variable: str, *axis: str) -> Array:
        """The variable as one row per sample; one that is constant along a batch dimension is repeated."""
        own = [dim for dim in batch if dim in dataset[variable].dims]
        values = dataset[variable].transpose(*own, *axis).values
        places = tuple(slice(None) if dim in own else None for dim in batch)
        whole = np.broadcast_to(values[places], (*shape, *values.shape[len(own) :]))
        return jnp.asarray(whole.reshape(size, *whole.shape[len(shape) :]), jnp.result_type(float))

    states = States(
        q=rows("q", "coordinate"),
        v=rows("v", "coordinate"),
        m=rows("m", "parameter"),
        u=rows("u", "input"),
        t=rows("t"),
    )
    samples = Samples(states, rows("a", "coordinate"))
    if not all(bool(jnp.all(jnp.isfinite(x))) for x in (samples.a, samples.states.q, samples.states.v)):
        raise ValueError("The data set holds values that are not finite: remove those samples or generate it again.")
    return samples
