"""A periodic force that nobody declared: the frequency at which the residual of a law swings with time."""

import math
from dataclasses import dataclass

import numpy as np
import scipy.optimize
import sympy as sp
from jaxtyping import Float

from .._system import System
from ._terms import Term

_CHANCE = 1e-6
_FINENESS = 5
"""Frequencies tried for each that the length of time can tell apart."""
_MOST = 4000


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


def drive(
    r: Float[np.ndarray, "row dof"],
    j: Float[np.ndarray, "row dof term"],
    inverse: Float[np.ndarray, "row dof dof"],
    t: Float[np.ndarray, " row"],
    *,
    fastest: float,
    near: Drive | None = None,
) -> Drive | None:
    """The frequency of the force that would leave least of the residuals r, beside what the candidates can, to first
    order with ∂r/∂c = j; `inverse` is the inverse mass matrix. None where noise may well hold as much of one, and where
    no time passes. Frequencies are at most `fastest`, in radians per second, or about those of a drive `near`.

    For one coordinate and no candidates that is the periodogram of Lomb (Astrophys. Space Sci. 39, 1976).
    """
    length = float(np.ptp(t))
    if not length > 0:
        return None
    count = r.size
    steps = min(_MOST, int(_FINENESS * fastest * length / (2 * math.pi)))
    frequencies = 2 * math.pi / length * np.arange(_FINENESS // 2, steps + 1) / _FINENESS
    if near is not None:
        frequencies = near.frequency + near.error * np.linspace(-6, 6, 13)
    q = np.linalg.qr(j.reshape(count, -1))[0]
    rest = r.ravel() - q @ (q.T @ r.ravel())
    whole = float(rest @ rest)
    best: tuple[float, float, Drive] | None = None
    for place in range(r.shape[1]):

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
