"""What the equation of motion says of candidate terms along data: at states with accelerations, or in windows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.ndimage
from jaxtyping import Float

from .._data import Motions
from .._identify import Stretch, joined, noise, stretches
from .._system import System
from .._types import Samples
from ._gauge import Gauge, gauge
from ._terms import Columns, Points, Term, at_states, evaluated

_MOSTLY = 0.8
_POWER = 6
_SHIFT = 3
"""Windows begin at every third of a half width."""
_REPEATED = 2.0
"""How often they tell the same: (1 − s²)⁶ is narrow."""
_GENERAL = 400
"""States in general position, at which terms are compared."""


@dataclass(frozen=True, eq=False)
class Observed:
    """The columns of candidates, without units, and what they were made from."""

    columns: Columns
    sizes: Float[np.ndarray, " term"]
    """What a coefficient is to be divided by, to be one of the term as it is written."""
    v: Float[np.ndarray, " dof"]
    a: Float[np.ndarray, " dof"]
    """The sizes of velocities and accelerations."""
    points: Points
    """For each row of the columns the state: of a window, its middle."""
    repeated: float
    """How often rows tell the same."""
    noise: Float[np.ndarray, " dof"] | None
    """The standard deviation of the noise of positions; None where accelerations are given."""

    def gauge(self, system: System, terms: Sequence[Term], *, seed: int) -> Gauge:
        """Which terms are independent, at states in general position within the range of the data."""
        points = general_points(self.points, _GENERAL, seed)
        _, force, hessian, mixed = evaluated(system, terms, points)
        count = len(terms)
        masses = (hessian * self.v[:, None, None] * self.a[:, None]).reshape(-1, count)
        columns = np.concatenate([masses, ((mixed - force) * self.v[:, None]).reshape(-1, count)])
        parts = np.concatenate([masses, ((np.abs(mixed) + np.abs(force)) * self.v[:, None]).reshape(-1, count)])
        if not np.isfinite(columns).all():
            bad = terms[int(np.flatnonzero(~np.isfinite(columns).all(axis=0))[0])]
            raise ValueError(
                f"The term {bad.expression} is not finite where the data are: leave it out, "
                f"dictionary(system, exclude=({bad.expression},))."
            )
        return gauge(columns, np.linalg.norm(parts, axis=0))


def general_points(points: Points, count: int, seed: int) -> Points:
    """States whose coordinates and velocities are drawn each by itself from the range that the data visit."""
    rng = np.random.default_rng(seed)

    def drawn(values: np.ndarray) -> np.ndarray:
        low, high = values.min(axis=0), values.max(axis=0)
        return rng.uniform(low, high, (count, values.shape[1]))

    t = drawn(points.t[:, None])[:, 0]
    return Points(drawn(points.q), drawn(points.v), drawn(points.m), drawn(points.u), t)


def of_samples(system: System, terms: Sequence[Term], samples: Samples) -> Observed:
    """At states whose accelerations are given."""
    states = samples.states
    points = Points(*(np.asarray(x, np.float64) for x in (states.q, states.v, states.m, states.u, states.t)))
    a = np.asarray(samples.a, np.float64)
    speeds = _unless_zero(np.sqrt(np.mean(points.v**2, axis=0)))
    sizes = np.sqrt(np.mean(a**2, axis=0))
    sizes = np.where(sizes > 0, sizes, speeds)
    whole = at_states(system, terms, points, a)
    kept = _finite(terms, whole.e, whole.h)
    columns, scales = Columns(whole.e[kept], whole.h[kept]).scaled(speeds, sizes)
    points = points.at(kept)
    return Observed(columns, scales, speeds, sizes, points, 1.0, None)


def of_motions(
    system: System,
    terms: Sequence[Term],
    motions: Motions,
    *,
    half_width: float,
    window: float,
    time_scale: float,
) -> Observed:
    """In windows ψ = c (1 − s²)⁶ with ∫ψ dt = 1 along smoothed motions,

        E = ∫ (−ψ′ ∂φ/∂v − ψ (∂φ/∂q + force)) dt,    H = ∫ ψ ∂²φ/∂v² dt,

    without accelerations. Raises `ValueError` where no part of the data is as long as a window.
    """
    parts = [part for place, run in enumerate(motions) for part in stretches(run, place, window)]
    made = [_of_part(system, terms, part, half_width) for part in parts]
    made = [one for one in made if one is not None]
    if not made:
        raise ValueError(
            f"No part of the data is without gaps for {2 * half_width:.3g} s, as long as a window: record longer ones."
        )
    e, h, q, v, m, u, t = (np.concatenate(x) for x in zip(*made, strict=True))
    kept = _finite(terms, e, h)
    e, h, q, v, m, u, t = (x[kept] for x in (e, h, q, v, m, u, t))
    speeds = _unless_zero(np.sqrt(np.mean(np.concatenate([part.v for part in parts]) ** 2, axis=0)))
    sizes = speeds / time_scale
    columns, scales = Columns(e, h).scaled(speeds, sizes)
    level = np.nanmean([noise(run) for run in motions], axis=0)
    return Observed(columns, scales, speeds, sizes, Points(q, v, m, u, t), _REPEATED, level)


def _of_part(system: System, terms: Sequence[Term], part: Stretch, half_width: float) -> tuple[np.ndarray, ...] | None:
    half = max(4, round(half_width / part.step))
    starts = np.arange(0, len(part.t) - 2 * half, max(1, half // _SHIFT))
    if not len(starts):
        return None
    s = np.linspace(-1, 1, 2 * half + 1)
    shape = (1 - s**2) ** _POWER
    slope = -2 * _POWER * s * (1 - s**2) ** (_POWER - 1) / (half * part.step)
    shape, slope = shape / shape.sum(), slope / shape.sum()
    points = Points(*joined([part]))
    momentum, force, hessian, _ = evaluated(system, terms, points)

    def integral(weight: np.ndarray, values: np.ndarray) -> np.ndarray:
        # a correlation along time, at the middles of the windows
        return scipy.ndimage.correlate1d(values, weight, axis=0, mode="constant")[starts + half]

    e = -integral(slope, momentum) - integral(shape, force)
    middle = points.at(starts + half)
    return e, integral(shape, hessian), middle.q, middle.v, middle.m, middle.u, middle.t


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
