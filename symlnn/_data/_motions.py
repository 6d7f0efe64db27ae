"""`Motions`: measured or generated runs, each with times of its own, and gaps where nothing was measured."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from .._files import decoding, parsed, write_file
from .._system import System, listed

ATTRIBUTE = "symlnn_motions"


@dataclass(frozen=True, eq=False)
class Run:
    """One recording: values at increasing times, NaN where one was not measured."""

    name: str
    t: Float[np.ndarray, " time"]
    """In seconds."""
    q: Float[np.ndarray, "time dof"]
    v: Float[np.ndarray, "time dof"] | None = None
    """Velocities, where they were measured."""
    u: Float[np.ndarray, "time u"] | None = None
    """Inputs, linear between samples; None where the system has none."""
    m: Float[np.ndarray, " params"] | None = None
    """The parameters that vary from run to run."""

    def __post_init__(self) -> None:
        where = f"The run {self.name!r}"
        for name in ("t", "q", "v", "u", "m"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, np.asarray(value, np.float64))
        if self.t.ndim != 1 or len(self.t) < 2:
            raise ValueError(f"{where} has {self.t.size} sample{'s' * (self.t.size != 1)}: a motion needs two or more.")
        if not np.isfinite(self.t).all():
            raise ValueError(f"{where} has a time that is not finite: leave out those rows.")
        back = np.flatnonzero(np.diff(self.t) <= 0)
        if back.size:
            row = back[0] + 1
            raise ValueError(
                f"{where} has the time {self.t[row]:.9g} s after {self.t[row - 1]:.9g} s, in sample {row + 1}: times "
                "must increase. Leave out repeated rows, or give each recording as a run of its own."
            )
        for name in ("q", "v", "u"):
            value = getattr(self, name)
            if value is not None and (value.ndim != 2 or len(value) != len(self.t)):
                raise ValueError(f"{where} has {len(self.t)} times, but {name} of the shape {value.shape}.")

    @property
    def seconds(self) -> float:
        """From the first sample to the last."""
        return float(self.t[-1] - self.t[0])

    @property
    def interval(self) -> float:
        """The median step of time, in seconds."""
        return float(np.median(np.diff(self.t)))

    @property
    def longest_step(self) -> float:
        """3.5 of the median: where a step is longer, nothing was measured."""
        return 3.5 * self.interval

    @property
    def gaps(self) -> np.ndarray:
        """The steps, by the sample before them, that are longer than `longest_step`."""
        return np.flatnonzero(np.diff(self.t) > self.longest_step)

    def between(self, start: float, end: float) -> "Run":
        """The samples at times from `start` to `end`, both included."""
        kept = (self.t >= start) & (self.t <= end)
        cut = [None if x is None else x[kept] for x in (self.q, self.v, self.u)]
        return Run(self.name, self.t[kept], cut[0], cut[1], cut[2], self.m)  # pyright: ignore[reportArgumentType]


@dataclass(frozen=True, eq=False)
class Motions:
    """Runs of one system, with the names of its coordinates, inputs and varying parameters."""

    runs: tuple[Run, ...]
    coordinates: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.runs:
            raise ValueError("There is no run: give one recording or more.")
        names = [run.name for run in self.runs]
        if len(set(names)) < len(names):
            raise ValueError(f"Two runs are called {next(n for n in names if names.count(n) > 1)!r}: rename one.")
        for run in self.runs:
            for what, values, expected in (
                ("q", run.q, self.coordinates),
                ("v", run.v, self.coordinates),
                ("u", run.u, self.inputs),
            ):
                if values is None and what == "u" and self.inputs:
                    raise ValueError(f"The run {run.name!r} has no inputs: give {listed(self.inputs)}.")
                if values is not None and values.shape[1] != len(expected):
                    raise ValueError(
                        f"{what} of the run {run.name!r} has {values.shape[1]} columns, not those of "
                        f"{listed(expected) or 'nothing'}."
                    )
            for column, name in zip(run.q.T, self.coordinates, strict=True):
                if not np.isfinite(column).any():
                    raise ValueError(f"The run {run.name!r} has no value of {name}: every sample is empty.")

    @staticmethod
    def of(system: System, runs: Iterable[Run]) -> "Motions":
        """Runs of a system, with its names."""
        q, u, m = (tuple(symbol.name for symbol in symbols) for symbols in (system.q, system.u, system.m))
        return Motions(tuple(runs), q, u, m)

    @staticmethod
    def of_dataset(dataset: xr.Dataset) -> "Motions":
        """The trajectories of `generate_trajectories`, those that reached their end."""
        kept = np.flatnonzero(dataset["successful"].values)
        if not kept.size:
            raise ValueError("No trajectory of the data set reached its end.")
        q, v = (dataset[name].transpose("trajectory", "time", "coordinate").values for name in ("q", "v"))
        held = dataset["u"].transpose("trajectory", ..., "input").values
        times = dataset["t"].values
        u = held if held.ndim == 3 else np.repeat(held[:, None], len(times), axis=1)
        m = dataset["m"].transpose("trajectory", "parameter").values
        names = [tuple(map(str, dataset[axis].values)) for axis in ("coordinate", "input", "parameter")]
        runs = (Run(f"trajectory{k}", times, q[k], v[k], u[k] if names[1] else None, m[k]) for k in kept)
        return Motions(tuple(runs), *names)

    def __len__(self) -> int:
        return len(self.runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(self.runs)

    def split(self, held_out: Sequence[str] | None = None, *, share: float = 0.2) -> tuple["Motions", "Motions"]:
        """The runs that are trained on, and those that are held out: whole runs by name, by default the last ones, a
        `share` of them; where there is one run its last part. Never samples of a motion that is trained on.

        Raises `ValueError` for a name that is no run, and where no run is left.
        """
        names = [run.name for run in self.runs]
        if held_out is None and len(self) == 1:
            run = self.runs[0]
            cut = run.t[-1] - share * run.seconds
            parts = run.between(-np.inf, cut), run.between(np.nextafter(cut, np.inf), np.inf)
            return self.only(parts[:1]), self.only(parts[1:])
        held = set(names[-max(1, round(share * len(self))) :] if held_out is None else held_out)
        unknown = sorted(held - set(names))
        if unknown:
            raise ValueError(f"There is no run {unknown[0]!r} to hold out. The runs are: {', '.join(names)}.")
        if len(held) == len(names):
            raise ValueError("Every run is held out: leave at least one to learn from.")
        parts = tuple(r for r in self if r.name not in held), tuple(r for r in self if r.name in held)
        return self.only(parts[0]), self.only(parts[1])

    def of_system(self, system: System) -> "Motions":
        """The same with the names in the order of a system. Raises `ValueError` where it has others."""
        q, u, m = (tuple(symbol.name for symbol in symbols) for symbols in (system.q, system.u, system.m))
        for what, own, theirs in (
            ("coordinates", self.coordinates, q),
            ("inputs", self.inputs, u),
            ("varying parameters", self.parameters, m),
        ):
            if set(own) != set(theirs):
                raise ValueError(
                    f"The motions have the {what} {listed(own) or 'none'}, but {system.name} has "
                    f"{listed(theirs) or 'none'}: name them alike."
                )
        of_q, of_u, of_m = (
            [a.index(x) for x in b] for a, b in ((self.coordinates, q), (self.inputs, u), (self.parameters, m))
        )
        runs = (
            Run(
                run.name,
                run.t,
                run.q[:, of_q],
                None if run.v is None else run.v[:, of_q],
                None if run.u is None else run.u[:, of_u],
                None if run.m is None else run.m[of_m],
            )
            for run in self
        )
        return Motions(tuple(runs), q, u, m)

    def only(self, runs: Iterable[Run]) -> "Motions":
        """The same names with other runs."""
        return Motions(tuple(runs), self.coordinates, self.inputs, self.parameters)

    def save(self, path: str | Path) -> None:
        """Write a NetCDF file, whole or not at all, that `Motions.load` reads back equal to the bit."""
        variables: dict[str, Any] = {}
        for place, run in enumerate(self.runs):
            variables[f"t{place}"] = ((f"time{place}",), run.t)
            for name, axis in (("q", "coordinate"), ("v", "coordinate"), ("u", "input")):
                if (values := getattr(run, name)) is not None:
                    variables[f"{name}{place}"] = ((f"time{place}", axis), values)
            if run.m is not None:
                variables[f"m{place}"] = (("parameter",), run.m)
        names = {key: getattr(self, key) for key in ("coordinates", "inputs", "parameters")}
        names["runs"] = [run.name for run in self.runs]
        dataset = xr.Dataset(variables, attrs={ATTRIBUTE: json.dumps(names)})
        body = dataset.to_netcdf(engine="h5netcdf", encoding={name: {"_FillValue": None} for name in dataset.variables})
        write_file(Path(path), body)

    @staticmethod
    def load(path: str | Path) -> "Motions":
        """Read a file of `save`. Raises `ValueError` where it is another one."""
        with decoding(f"{path} holds no motions that symlnn wrote"):
            with xr.open_dataset(path, engine="h5netcdf", decode_times=False, mask_and_scale=False) as opened:
                dataset = opened.load()
            if ATTRIBUTE not in dataset.attrs:
                raise ValueError("it lacks the names of its runs")
            names = parsed(dataset.attrs[ATTRIBUTE])

            def values(name: str, place: int) -> np.ndarray | None:
                return dataset[f"{name}{place}"].values if f"{name}{place}" in dataset else None

            runs = (
                Run(
                    str(name),
                    dataset[f"t{place}"].values,
                    dataset[f"q{place}"].values,
                    *(values(x, place) for x in "vum"),
                )
                for place, name in enumerate(names["runs"])
            )
            return Motions(tuple(runs), *(tuple(names[key]) for key in ("coordinates", "inputs", "parameters")))
