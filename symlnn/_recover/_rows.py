"""Where the equation of motion is told: at states with accelerations, or in windows along smoothed motions."""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.ndimage
import sympy as sp
from jaxtyping import Float

from .._identify import Stretch, joined
from .._system import System
from ._terms import Columns, Points, Term, evaluated

_POWER = 6
_SHIFT = 3
"""Windows begin at every third of a half width."""


class AbstractRows(abc.ABC):
    """Equations that terms can be put into, as often as one likes."""

    @property
    @abc.abstractmethod
    def points(self) -> Points:
        """The state of each: of a window, its middle."""

    @abc.abstractmethod
    def columns(self, system: System, terms: Sequence[Term], inner: Mapping[sp.Symbol, float]) -> Columns:
        """E and H of some terms, for values of the numbers within them."""


@dataclass(frozen=True, eq=False)
class AtStates(AbstractRows):
    """E = H a + h at states, h = (∂²φ/∂v∂q) v + ∂²φ/∂v∂t − ∂φ/∂q − force."""

    states: Points
    a: Float[np.ndarray, "row dof"]

    @property
    def points(self) -> Points:
        return self.states

    def columns(self, system: System, terms: Sequence[Term], inner: Mapping[sp.Symbol, float]) -> Columns:
        _, force, hessian, mixed = evaluated(system, terms, self.states, inner)
        return Columns(np.einsum("rijk,rj->rik", hessian, self.a) + mixed - force, hessian)


@dataclass(frozen=True, eq=False)
class _Windows:
    """Those of one stretch of a motion."""

    along: Points
    step: float
    half: int
    starts: np.ndarray

    def columns(self, system: System, terms: Sequence[Term], inner: Mapping[sp.Symbol, float]) -> Columns:
        s = np.linspace(-1, 1, 2 * self.half + 1)
        shape = (1 - s**2) ** _POWER
        slope = -2 * _POWER * s * (1 - s**2) ** (_POWER - 1) / (self.half * self.step)
        shape, slope = shape / shape.sum(), slope / shape.sum()
        momentum, force, hessian, _ = evaluated(system, terms, self.along, inner)

        def integral(weight: np.ndarray, values: np.ndarray) -> np.ndarray:
            # a correlation along time, at the middles of the windows
            return scipy.ndimage.correlate1d(values, weight, axis=0, mode="constant")[self.starts + self.half]

        return Columns(-integral(slope, momentum) - integral(shape, force), integral(shape, hessian))


@dataclass(frozen=True, eq=False)
class InWindows(AbstractRows):
    """In windows ψ = c (1 − s²)⁶ with ∫ψ dt = 1 along smoothed motions, without accelerations,

    E = ∫ (−ψ′ ∂φ/∂v − ψ (∂φ/∂q + force)) dt,    H = ∫ ψ ∂²φ/∂v² dt.
    """

    parts: tuple[_Windows, ...]

    @property
    def along(self) -> Points:
        """The smoothed motions."""
        return Points.joined([part.along for part in self.parts])

    @property
    def points(self) -> Points:
        return Points.joined([part.along.at(part.starts + part.half) for part in self.parts])

    def columns(self, system: System, terms: Sequence[Term], inner: Mapping[sp.Symbol, float]) -> Columns:
        made = [part.columns(system, terms, inner) for part in self.parts]
        return Columns(np.concatenate([one.e for one in made]), np.concatenate([one.h for one in made]))


def in_windows(stretches: Sequence[Stretch], half_width: float) -> InWindows:
    """The windows of so many seconds. Raises `ValueError` where no part of the data is as long as one."""
    parts = []
    for part in stretches:
        half = max(4, round(half_width / part.step))
        starts = np.arange(0, len(part.t) - 2 * half, max(1, half // _SHIFT))
        if len(starts):
            parts.append(_Windows(Points(*joined([part])), part.step, half, starts))
    if not parts:
        raise ValueError(
            f"No part of the data is without gaps for {2 * half_width:.3g} s, as long as a window: record longer ones."
        )
    return InWindows(tuple(parts))
