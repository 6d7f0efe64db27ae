"""What the equation of motion says of candidate terms along data: at states with accelerations, or in windows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from jaxtyping import Bool, Float

from .._data import Motions
from .._identify import noise, stretches
from .._system import System
from .._types import Samples
from ._directions import obeying
from ._gauge import Gauge, gauge
from ._rows import AbstractRows, AtStates, InWindows, in_windows
from ._terms import Columns, Points, Term, evaluated

_MOSTLY = 0.8
_REPEATED = 2.0
"""How often they tell the same: (1 − s²)⁶ is narrow."""
_GENERAL, _FEWEST = 400, 50
"""States in general position, at which terms are compared."""


@dataclass(frozen=True, eq=False)
class Observed:
    """The columns of candidates, without units, and what they were made from."""

    columns: Columns
    sizes: Float[np.ndarray, " term"]
    """What a coefficient is to be divided by, to be one of the term as it is written."""
    v: Float[np.ndarray, " free"]
    a: Float[np.ndarray, " free"]
    """The sizes of velocities and accelerations; of the `Directions` that are free where there are constraints."""
    speeds: Float[np.ndarray, " coordinate"]
    """The sizes of the velocities of the coordinates."""
    points: Points
    """For each row of the columns the state: of a window, its middle."""
    repeated: float
    """How often rows tell the same."""
    noise: Float[np.ndarray, " coordinate"] | None
    """The standard deviation of the noise of positions; None where accelerations are given."""
    rows: AbstractRows
    kept: Bool[np.ndarray, " all_rows"]
    """Of these rows, at which all terms are finite."""

    def more(self, system: System, terms: Sequence[Term], inner: Mapping[sp.Symbol, float]) -> tuple[Columns, Any]:
        """The columns of other terms, and their sizes."""
        return self.rows.columns(system, terms, inner).at(self.kept).scaled(self.v, self.a)

    @property
    def basis(self) -> Float[np.ndarray, "row coordinate free"] | None:
        """That of the directions in which the equation is told; None where these are the coordinates."""
        return None if self.rows.basis is None else self.rows.basis[self.kept]

    def gauge(self, system: System, terms: Sequence[Term], *, seed: int) -> Gauge:
        """Which terms are independent, at states in general position within the range of the data."""
        points = general_points(system, self.points, _GENERAL, seed)
        powers = AtStates.still(system, points, self.speeds).columns(system, terms, {}).as_powers(self.v, self.a)
        _, force, hessian, mixed = evaluated(system, terms, points)
        a = self.speeds * self.a[0] if system.law.is_constrained else self.a
        sizes = Columns(np.abs(mixed) + np.abs(force), hessian).as_powers(self.speeds, a)
        columns, parts = (
            np.concatenate([part.reshape(-1, len(terms)) for part in (x.h, x.e)]) for x in (powers, sizes)
        )
        if not np.isfinite(columns).all():
            bad = terms[int(np.flatnonzero(~np.isfinite(columns).all(axis=0))[0])]
            raise ValueError(
                f"The term {bad.expression} is not finite where the data are: leave it out, "
                f"dictionary(system, exclude=({bad.expression},))."
            )
        return gauge(columns, np.linalg.norm(parts, axis=0))


@dataclass(frozen=True)
class Widths:
    """Of windows along motions, in seconds."""

    half: float
    """Of the windows ψ."""
    smoothed: float
    """Of the polynomials that motions are smoothed by."""
    time_scale: float
    """In which a coordinate changes by its size."""


def general_points(system: System, points: Points, count: int, seed: int) -> Points:
    """States whose coordinates and velocities are drawn each by itself from the range that the data visit, and moved to
    where the constraints of the system hold."""
    rng = np.random.default_rng(seed)

    def drawn(values: np.ndarray) -> np.ndarray:
        low, high = values.min(axis=0), values.max(axis=0)
        return rng.uniform(low, high, (count, values.shape[1]))

    t = drawn(points.t[:, None])[:, 0]
    found = obeying(system, Points(drawn(points.q), drawn(points.v), drawn(points.m), drawn(points.u), t))
    if len(found.q) < _FEWEST:
        raise ValueError(
            f"No states near the data obey the constraints of {system.name}: are they data of this system?"
        )
    return found


def of_samples(system: System, terms: Sequence[Term], samples: Samples) -> Observed:
    """At states whose accelerations are given."""
    points = Points.of(samples.states)
    a = np.asarray(samples.a, np.float64)
    speeds = _unless_zero(np.sqrt(np.mean(points.v**2, axis=0)))
    sizes = np.sqrt(np.mean(a**2, axis=0))
    rows = AtStates.moving(system, points, a, speeds)
    if rows.basis is not None:
        sizes = speeds * np.sqrt(np.mean(np.einsum("rif,ri->rf", rows.basis, rows.a / speeds) ** 2))
    return _observed(system, terms, rows, speeds, np.where(sizes > 0, sizes, speeds), 1.0, None)


def of_motions(
    system: System,
    terms: Sequence[Term],
    motions: Motions,
    widths: Widths,
) -> Observed:
    """In windows along smoothed motions. Raises `ValueError` where no part of the data is as long as a window."""
    rows = rows_of(motions, widths)
    speeds = _unless_zero(np.sqrt(np.mean(rows.along.v**2, axis=0)))
    level = np.nanmean([noise(run) for run in motions], axis=0)
    rates = speeds / widths.time_scale
    return _observed(system, terms, rows.free(system, speeds), speeds, rates, _REPEATED, level)


def rows_of(motions: Motions, widths: Widths) -> InWindows:
    """The windows of motions. Raises `ValueError` where no part of the data is as long as one."""
    parts = [part for place, run in enumerate(motions) for part in stretches(run, place, widths.smoothed)]
    return in_windows(parts, widths.half)


def _observed(
    system: System,
    terms: Sequence[Term],
    rows: AbstractRows,
    speeds: np.ndarray,
    a: np.ndarray,
    repeated: float,
    level: np.ndarray | None,
) -> Observed:
    v, whole = speeds, rows.columns(system, terms, {})
    if system.law.is_constrained:  # the directions that are free have the sizes of velocities in them
        v = np.ones(whole.e.shape[1])
        a = v * np.max(a / speeds)
    kept = _finite(terms, whole.e, whole.h)
    columns, scales = whole.at(kept).scaled(v, a)
    return Observed(columns, scales, v, a, speeds, rows.points.at(kept), repeated, level, rows, kept)


def _finite(terms: Sequence[Term], e: np.ndarray, h: np.ndarray) -> np.ndarray:
    """The rows at which all terms are finite. Raises `ValueError` for a term that is so at few of them."""
    finite = np.asarray(np.isfinite(e).all(axis=1) & np.isfinite(h).all(axis=(1, 2)))
    worst = int(np.argmin(finite.mean(axis=0)))
    if finite[:, worst].mean() < _MOSTLY:
        shown = terms[worst].expression
        raise ValueError(
            f"The term {shown} is not finite along the data: leave it out, dictionary(system, exclude=({shown},))."
        )
    return np.asarray(np.all(finite, axis=1))


def _unless_zero(sizes: np.ndarray) -> np.ndarray:
    return np.where(sizes > 0, sizes, 1.0)
