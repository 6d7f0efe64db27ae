"""Reading recordings: CSV, Parquet, NetCDF, MAT and NPZ, by pandas, xarray, SciPy and NumPy."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.io
import xarray as xr

from .._files import decoding
from .._system import System
from ._columns import TIME, Column, read_columns
from ._dataset import ATTRIBUTE as OF_DATASETS
from ._dataset import load_dataset
from ._motions import ATTRIBUTE as OF_MOTIONS
from ._motions import Motions, Run

Log = str | Path | pd.DataFrame | Mapping[str, Any]
"""A file, or a table: columns by name."""


def read_motions(
    logs: Log | Sequence[Log], system: System | None = None, columns: Mapping[str, Any] | str | Path | None = None
) -> Motions:
    """Measured motions of a system: one run for each file or table, or all of a file that `Motions.save` or
    `save_dataset` wrote, which has names of its own.

    `columns` says which column stands for t, each coordinate, its velocity NAME_dot where it was measured, each
    input and each varying parameter (constant in a run): {"theta": "pos1", "F": {"column": "force", "unit": "mN"}}, or
    the path of a TOML file; what it does not name is looked for under its own name, t also as `time`. Values that are
    missing are gaps. Without a system every column of numbers counts as a coordinate: enough to `inspect` them.

    Raises `ValueError` that names the file, the column and the line.
    """
    whole: Sequence[Log] = logs if isinstance(logs, Sequence) and not isinstance(logs, str) else [logs]
    chosen = read_columns(system, columns)
    shared: tuple[str, ...] = ()
    runs, names = [], set()
    for place, log in enumerate(whole):
        source = f"{log}" if isinstance(log, str | Path) else f"table {place}"
        stem = Path(log).stem if isinstance(log, str | Path) else f"run{place}"
        if stem in names:  # run1/trajectory.csv, run2/trajectory.csv
            stem = f"{Path(log).parent.name}_{stem}" if isinstance(log, str | Path) else stem
        names.add(stem)
        own = _own(log, system)
        if own is not None:
            named = (
                own.runs if len(whole) == 1 else [dataclasses.replace(run, name=f"{stem}_{run.name}") for run in own]
            )
            # without a system there are no inputs to read them as
            runs += named if system is not None else [dataclasses.replace(run, u=None, m=None) for run in named]
            shared = own.coordinates
            continue
        table = _table(log, source)
        try:
            if system is None:
                run, found = _plain_run(table, chosen, stem)
                if shared and found != shared:
                    raise ValueError(f"its columns {', '.join(found)} are others than {', '.join(shared)} before.")
                shared = found
            else:
                run = _run(table, system, chosen, stem)
        except ValueError as error:
            raise ValueError(f"{source}: {error}") from error
        runs.append(run)
    return Motions(tuple(runs), shared) if system is None else Motions.of(system, runs)


def _own(log: Any, system: System | None) -> Motions | None:
    """The motions of a file that symlnn wrote; None of any other log."""
    if not isinstance(log, str | Path) or Path(log).suffix.lower() != ".nc" or not Path(log).is_file():
        return None
    with decoding(f"{log} cannot be read"), xr.open_dataset(log, decode_times=False) as opened:
        names = set(opened.attrs)
    if OF_MOTIONS in names:
        found = Motions.load(log)
    elif OF_DATASETS in names:
        dataset = load_dataset(log)
        if "trajectory" not in dataset.dims:
            raise ValueError(f"{log} holds single states, no motions: generate some with --trajectories.")
        found = Motions.of_dataset(dataset)
    else:
        return None
    try:
        return found if system is None else found.of_system(system)
    except ValueError as error:
        raise ValueError(f"{log}: {error}") from error


def _plain_run(table: pd.DataFrame, columns: Mapping[str, Column], name: str) -> tuple[Run, tuple[str, ...]]:
    time = _column(table, TIME, columns, required=True)
    t = _times(table, time)
    read: dict[str, np.ndarray] = {}
    for column in table.columns:
        if str(column) != time.column and pd.api.types.is_numeric_dtype(table[column]):
            values = _numbers(table, Column(str(column)))
            if np.isfinite(values).any():
                read[str(column)] = values
    if not read:
        raise ValueError("it holds no column of numbers beside the time.")
    return Run(name, t, np.stack(list(read.values()), axis=1)), tuple(read)


def _run(table: pd.DataFrame, system: System, columns: Mapping[str, Column], name: str) -> Run:
    t = _times(table, _column(table, TIME, columns, required=True))

    def values(symbols: Iterable[Any], required: bool) -> np.ndarray | None:
        found = [_column(table, symbol.name, columns, required=required) for symbol in symbols]
        if not found or any(column is None for column in found):
            return None
        return np.stack([_at_its_time(t, _numbers(table, column), column.delay) for column in found], axis=1)

    q = values(system.q, True)
    assert q is not None
    for place, (symbol, angle) in enumerate(zip(system.q, system.is_angle, strict=True)):
        column = _column(table, symbol.name, columns, required=True)
        if column.unwrap:
            seen = np.isfinite(q[:, place])
            q[seen, place] = np.unwrap(q[seen, place])
        if not np.isfinite(q[:, place]).any():
            raise ValueError(f"the column {column.column!r} of {symbol.name} holds no number.")
        jumps = np.flatnonzero(np.abs(np.diff(q[:, place])) > np.pi)
        if angle and jumps.size and not column.unwrap:
            raise ValueError(
                f"the column {column.column!r} of the angle {symbol.name} jumps by more than half a turn in line "
                f"{int(jumps[0]) + 3}: give unwrap = true for it, if it is written between −π and π."
            )
    m = values(system.m, True)
    return Run(name, t, q, values(system.v, False), values(system.u, True), None if m is None else m[0])


def _times(table: pd.DataFrame, column: Column) -> np.ndarray:
    t = _numbers(table, column)
    if np.isnan(t).any():
        row = int(np.flatnonzero(np.isnan(t))[0])
        raise ValueError(f"line {row + 2} has no time: leave it out.")
    back = np.flatnonzero(np.diff(t) <= 0)
    if back.size:
        row = int(back[0]) + 1
        raise ValueError(
            f"line {row + 2} has the time {t[row]:.9g} s after {t[row - 1]:.9g} s, but times must increase: leave out "
            "repeated rows, and give each recording a file of its own."
        )
    return t


def _column(table: pd.DataFrame, variable: str, columns: Mapping[str, Column], *, required: bool) -> Any:
    candidates = [variable, "time"] if variable == TIME else [variable]
    column = columns.get(variable)
    if column is None:
        column = next((Column(name) for name in candidates if name in table), None)
        if column is None and required:
            raise ValueError(
                f"there is no column {variable!r}: name the one that stands for it, --column {variable}=NAME. "
                f"The columns are: {_shown(table)}."
            )
        return column
    if column.column not in table:
        raise ValueError(f"there is no column {column.column!r} for {variable}. The columns are: {_shown(table)}.")
    return column


def _numbers(table: pd.DataFrame, column: Column) -> np.ndarray:
    """The values in the unit of the declaration."""
    written = table[column.column]
    numbers = np.asarray(pd.to_numeric(written, errors="coerce"), np.float64)
    lost = np.flatnonzero(np.isnan(numbers) & ~pd.isna(written).to_numpy())
    if lost.size:
        row = int(lost[0])
        raise ValueError(
            f"the column {column.column!r} has {str(written.iloc[row])[:40]!r} in line {row + 2}, no number."
        )
    numbers = np.where(np.isinf(numbers), np.nan, numbers)
    return column.factor * (numbers - column.offset)


def _at_its_time(t: np.ndarray, values: np.ndarray, delay: float) -> np.ndarray:
    """Of a column that is written `delay` seconds late, the values at t; NaN after the last of them."""
    if delay == 0:
        return values
    return np.interp(t + delay, t, values, left=np.nan, right=np.nan)


def _shown(table: pd.DataFrame) -> str:
    return ", ".join(map(str, list(table.columns)[:40])) or "none"


def _table(log: Any, source: str) -> pd.DataFrame:
    if isinstance(log, pd.DataFrame):
        return log
    if isinstance(log, Mapping):
        return _of_arrays(log, source)
    path = Path(log)
    if not path.is_file():
        raise ValueError(f"There is no file {path}.")
    with decoding(f"{path} cannot be read"):  # ImportError too: pandas says which package reads Parquet
        match path.suffix.lower():
            case ".csv":
                return pd.read_csv(path, low_memory=False)
            case ".txt" | ".tsv":
                return pd.read_csv(path, sep=None, engine="python")
            case ".parquet" | ".pq":
                return pd.read_parquet(path)
            case ".nc" | ".h5":
                with xr.open_dataset(path, decode_times=False) as opened:
                    return _of_arrays({str(name): x.values for name, x in opened.variables.items()}, source)
            case ".mat":
                return _of_arrays(scipy.io.loadmat(path, squeeze_me=True), source)
            case ".npz":
                with np.load(path, allow_pickle=False) as opened:
                    return _of_arrays(dict(opened), source)
    raise ValueError(f"{path} is of no kind that is read: .csv, .txt, .tsv, .parquet, .nc, .mat or .npz.")


def _of_arrays(arrays: Mapping[str, Any], source: str) -> pd.DataFrame:
    """A table of arrays by name; the columns of one of two dimensions are NAME1, NAME2, …"""
    columns: dict[str, np.ndarray] = {}
    for name, values in arrays.items():
        array = np.asarray(values)
        if array.dtype.kind not in "iufOUS" or array.ndim not in (1, 2):
            continue
        if array.ndim == 1:
            columns[str(name)] = array
        else:
            columns |= {f"{name}{k + 1}": column for k, column in enumerate(array.T)}
    lengths = {len(column) for column in columns.values()}
    if not columns:
        raise ValueError(f"{source} holds no columns: arrays of numbers by name are needed.")
    longest = max(lengths)
    return pd.DataFrame({name: column for name, column in columns.items() if len(column) == longest})
