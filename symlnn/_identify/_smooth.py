"""Smoothed positions and velocities of a recording, on equal steps of time, wherever it has no gap.

They serve the weak form and as starting values. Accelerations are never taken from them: at the noise of ordinary
encoders every estimator of accelerations biases inertias by tens of per cent.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.ndimage
import scipy.signal
from jaxtyping import Float

from .._data import Motions, Run

_ORDER = 3
_FEWEST = 2 * _ORDER + 1
_FEWEST_SPECTRUM = 16
_POINTS_A_WIDTH = 12
_ABOVE = 10.0
"""How many times the level of the noise a part of the spectrum must have to count as motion."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """A part of a run without gaps, at equal steps of time."""

    run: int
    t: Float[np.ndarray, " time"]
    q: Float[np.ndarray, "time dof"]
    v: Float[np.ndarray, "time dof"]
    u: Float[np.ndarray, "time u"]
    m: Float[np.ndarray, " params"]

    @property
    def step(self) -> float:
        """In seconds."""
        return float((self.t[-1] - self.t[0]) / (len(self.t) - 1))


def joined(parts: Sequence[Stretch]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(q, v, m, u, t) of all of them, one after another, as the fields of `States`."""
    q, v, u, t = (np.concatenate([getattr(part, name) for part in parts]) for name in ("q", "v", "u", "t"))
    m = np.concatenate([np.broadcast_to(part.m, (len(part.t), len(part.m))) for part in parts])
    return q, v, m, u, t


def stretches(run: Run, place: int, window: float) -> Iterator[Stretch]:
    """The parts of a run that are as long as `window` seconds, smoothed by cubic polynomials over that window
    (Savitzky & Golay, Anal. Chem. 36, 1964)."""
    step = run.interval
    count = max(round(window / step) | 1, _FEWEST)
    for t, q, u in _unbroken(run):
        if len(t) < 4:
            continue
        even = np.linspace(t[0], t[-1], max(2, round((t[-1] - t[0]) / step) + 1))
        if len(even) < count:
            continue
        spacing = (even[-1] - even[0]) / (len(even) - 1)
        raw = _interpolated(even, t, q)
        smooth, v = (
            np.asarray(scipy.signal.savgol_filter(raw, count, _ORDER, deriv=order, delta=spacing, axis=0))
            for order in (0, 1)
        )
        m = np.zeros(0) if run.m is None else run.m
        yield Stretch(place, even, smooth, v, _interpolated(even, t, u), m)


def coarse(parts: Sequence[Stretch], width: float) -> list[Stretch]:
    """Stretches with a dozen points in so many seconds where they had more, with the means of inputs between them:
    positions and velocities are smooth already."""
    found = []
    for part in parts:
        every = max(1, int(width / part.step / _POINTS_A_WIDTH))
        u = scipy.ndimage.uniform_filter1d(part.u, every, axis=0, mode="nearest") if part.u.size else part.u
        found.append(
            replace(part, **{k: x[::every] for k, x in {"t": part.t, "q": part.q, "v": part.v, "u": u}.items()})
        )
    return found


def _interpolated(at: np.ndarray, t: np.ndarray, values: np.ndarray) -> np.ndarray:
    found = np.empty((len(at), values.shape[1]))
    for place, column in enumerate(values.T):
        found[:, place] = np.interp(at, t, column)
    return found


def _unbroken(run: Run) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Times, positions and inputs between the gaps; a single missing value is passed over."""
    u = np.zeros((len(run.t), 0)) if run.u is None else run.u
    kept = np.isfinite(run.q).all(axis=1) & np.isfinite(u).all(axis=1)
    t = run.t[kept]
    cuts = np.flatnonzero(np.diff(t) > run.longest_step) + 1
    yield from zip(*(np.split(x, cuts) for x in (t, run.q[kept], u[kept])), strict=True)


def time_scale(motions: Motions, angles: Collection[str] = ()) -> float:
    """The shortest time in which a coordinate changes by its size: min √(∫P dω / ∫ω²P dω), in seconds; of an angle, in
    which (sin q, cos q) does, so that one that turns round and round has a size.

    P is the power spectrum of the positions where it exceeds that of white noise, which is taken from its upper half:
    no velocity is estimated.
    """
    turning = np.array([name in angles for name in motions.coordinates])
    power, speed = np.zeros(len(turning)), np.zeros(len(turning))
    for run in motions:
        for t, q, _ in _unbroken(run):
            if len(t) < _FEWEST_SPECTRUM:
                continue
            even = np.linspace(t[0], t[-1], len(t))
            rate = (len(t) - 1) / (t[-1] - t[0])
            columns = [*enumerate(np.where(turning, np.sin(q), q).T)]
            columns += [(place, np.cos(q[:, place])) for place in np.flatnonzero(turning)]
            for place, column in columns:
                frequency, spectrum = scipy.signal.periodogram(np.interp(even, t, column), rate, window="hann")
                signal = np.where(spectrum > _ABOVE * np.median(spectrum[len(spectrum) // 2 :]), spectrum, 0.0)
                power[place] += signal.sum() * frequency[1]
                speed[place] += (signal * (2 * np.pi * frequency) ** 2).sum() * frequency[1]
    if not speed.any():
        raise ValueError(
            "Nothing moves in the data, or no part of them is without gaps for sixteen samples: record a longer motion."
        )
    return float(np.sqrt(np.min((power / np.where(speed > 0, speed, np.nan))[speed > 0])))


def noise(run: Run) -> Float[np.ndarray, " dof"]:
    """The standard deviation of what is white in each coordinate: from third differences, by their median size."""
    found = []
    for column in run.q.T:
        difference = np.diff(column[np.isfinite(column)], 3)
        found.append(np.median(np.abs(difference)) / 0.6745 / np.sqrt(20.0) if difference.size else np.nan)
    return np.array(found)
