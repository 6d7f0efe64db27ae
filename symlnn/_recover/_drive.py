"""A periodic force that nobody declared: the frequency at which the residual of a law swings with time."""

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import scipy.optimize
import sympy as sp
from jaxtyping import Float

from .._system import System
from ._fit import Solution, column_sizes, covariance, polished, residual
from ._kept import Kept
from ._terms import Columns, Term

_CHANCE = 1e-6
_FINENESS = 5
"""Frequencies tried for each that the length of time can tell apart."""
_MOST = 4000
_STEPS, _HALVINGS, _SETTLED = 20, 6, 1e-3


@dataclass(frozen=True)
class Drive:
    """A force A cos ω t + B sin ω t on one coordinate."""

    place: int
    frequency: float
    """ω, in radians per second."""
    error: float
    """Its standard error."""

    def terms(self, system: System) -> tuple[Term, Term]:
        """cos ω t and sin ω t."""
        digits = 15 if self.error <= 0 else min(15, max(3, math.ceil(math.log10(self.frequency / self.error)) + 2))
        angle = sp.Float(f"{self.frequency:.{digits}g}") * system.t
        cosine, sine = (
            Term(forces=tuple(wave(angle) if k == self.place else sp.S.Zero for k in range(system.dof)))
            for wave in (sp.cos, sp.sin)
        )
        return cosine, sine


def refined(system: System, best: Kept, start: Drive, waves: Collection[Term]) -> Drive | None:
    """With the frequency that leaves least, by Gauss and Newton beside the terms of a law but for its waves; None where
    these have no amplitude."""
    task, sigma = best.task, best.found.sigma
    places = [k for k in best.places if task.terms[k] not in waves]
    known = dict(zip(best.places, best.found.solution.c, strict=True))
    anchor = None if task.anchor is None else places.index(task.anchor)
    w = sp.Symbol("omega")
    forms = (
        sp.cos(w * system.t),
        sp.sin(w * system.t),
        system.t * sp.cos(w * system.t),
        system.t * sp.sin(w * system.t),
    )
    terms = [Term(forces=tuple(f if k == start.place else sp.S.Zero for k in range(system.dof))) for f in forms]
    base = task.columns.of(places)

    def fitted(frequency: float, c: np.ndarray) -> tuple[Solution, Columns] | None:
        more, sizes = best.observed.more(system, terms, {w: frequency})
        more = Columns(more.e * sizes, more.h * sizes)
        law = polished(base.beside(more.of([0, 1])), c, sigma, anchor)
        if law is None:
            return None
        a, b = law.c[-2:]
        slope = Columns(b * more.e[..., 2:3] - a * more.e[..., 3:4], b * more.h[..., 2:3] - a * more.h[..., 3:4])
        return law, base.beside(more.of([0, 1])).beside(slope)

    frequency, now = start.frequency, fitted(start.frequency, np.array([*(known[k] for k in places), 0.0, 0.0]))
    error = start.error
    for _ in range(_STEPS):
        if now is None or not np.abs(now[0].c[-2:]).max() > 0:
            return None
        law, whole = now
        solution = residual(whole, np.append(law.c, 0.0))
        j, r = solution.whitened(sigma)
        free = [k for k in range(j.shape[1]) if k != anchor]
        sizes = column_sizes(j[:, free])
        if not np.isfinite(j[:, free] / sizes).all():
            return None
        step = -float((np.linalg.lstsq(j[:, free] / sizes, r, rcond=1e-10)[0] / sizes)[-1])
        spread = covariance(
            solution, np.sqrt(np.mean(law.r**2, axis=0)), {} if anchor is None else {anchor}, task.repeated
        )
        error, before, moved = float(np.sqrt(spread[-1, -1])), float(np.sum((law.r / sigma) ** 2)), None
        for halving in range(_HALVINGS):
            trial = fitted(frequency + step / 2**halving, law.c)
            if trial is not None and np.sum((trial[0].r / sigma) ** 2) < before:
                moved, frequency = trial, frequency + step / 2**halving
                break
        if moved is None or abs(step) < _SETTLED * error:
            break
        now = moved
    return Drive(start.place, frequency, error)


def drive(
    r: Float[np.ndarray, "row dof"],
    j: Float[np.ndarray, "row dof term"],
    inverse: Float[np.ndarray, "row dof coordinate"],
    t: Float[np.ndarray, " row"],
    *,
    fastest: float,
) -> Drive | None:
    """The frequency of the force that would leave least of the residuals r, beside what the candidates can, to first
    order with ∂r/∂c = j; `inverse` is the inverse mass matrix, ∂r/∂Q. None where noise may well hold as much of one,
    and where no time passes. Frequencies are at most `fastest`, in radians per second.

    For one coordinate and no candidates that is the periodogram of Lomb (Astrophys. Space Sci. 39, 1976).
    """
    length = float(np.ptp(t))
    if not length > 0:
        return None
    count = r.size
    steps = min(_MOST, int(_FINENESS * fastest * length / (2 * math.pi)))
    frequencies = 2 * math.pi / length * np.arange(_FINENESS // 2, steps + 1) / _FINENESS
    q = np.linalg.qr(j.reshape(count, -1))[0]
    rest = r.ravel() - q @ (q.T @ r.ravel())
    whole = float(rest @ rest)
    best: tuple[float, float, Drive] | None = None
    for place in range(inverse.shape[2]):

        def share(frequency: float, place: int = place) -> float:
            waves = np.stack([np.cos(frequency * t), np.sin(frequency * t)], axis=-1)
            columns = (inverse[:, :, place, None] * waves[:, None, :]).reshape(count, 2)
            across = columns - q @ (q.T @ columns)
            basis = np.linalg.qr(across)[0]
            return float(np.sum((basis.T @ rest) ** 2)) / whole

        shares = np.array([share(frequency) for frequency in frequencies])
        if not shares.size:
            continue
        at = int(np.argmax(shares))
        about = frequencies[max(0, at - 1)], frequencies[min(len(frequencies) - 1, at + 1)]
        found = scipy.optimize.minimize_scalar(lambda f: -share(f), bounds=about, method="bounded")
        told = min(-float(found.fun), 1 - 1e-12)
        degrees = max(1.0, (count - q.shape[1] - 3) / 2)
        chance = len(frequencies) / _FINENESS * (1 - told) ** degrees
        error = math.sqrt(24 / count * (1 - told) / told) / length
        if chance < _CHANCE and (best is None or told > best[1]):
            best = chance, told, Drive(place, float(found.x), error)
    return None if best is None else best[2]
