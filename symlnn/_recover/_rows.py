"""Where the equation of motion is told: at states with accelerations, or in windows along smoothed motions."""

import abc
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.ndimage
import sympy as sp
from jaxtyping import Float

from .._identify import Stretch, joined
from .._system import System
from ._directions import Directions, Guides, reduced
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

    @property
    @abc.abstractmethod
    def basis(self) -> Float[np.ndarray, "row coordinate free"] | None:
        """Of the directions that constraints leave free, in units of the sizes of velocities; None where all are."""

    @abc.abstractmethod
    def columns(self, system: System, terms: Sequence[Term], inner: Mapping[sp.Symbol, float]) -> Columns:
        """E and H of some terms, for values of the numbers within them."""


@dataclass(frozen=True, eq=False)
class AtStates(AbstractRows):
    """E = H a + h at states, h = (∂²φ/∂v∂q) v + ∂²φ/∂v∂t − ∂φ/∂q − force; of a system with constraints, NᵀE and NᵀH N
    in the `Directions` that are free."""

    states: Points
    a: Float[np.ndarray, "row dof"]
    directions: Directions | None = None

    @staticmethod
    def still(system: System, points: Points, sizes: Float[np.ndarray, " dof"]) -> "AtStates":
        """With the smallest accelerations that there may be, zero where there are no constraints."""
        if not system.law.is_constrained:
            return AtStates(points, np.zeros_like(points.v))
        directions = Directions.of(system, points, sizes)
        return AtStates(points, directions.rest, directions)

    @staticmethod
    def moving(
        system: System, points: Points, a: Float[np.ndarray, "row dof"], sizes: Float[np.ndarray, " dof"]
    ) -> "AtStates":
        """With accelerations that were measured, the nearest to them that obey the constraints."""
        if not system.law.is_constrained:
            return AtStates(points, a)
        directions = Directions.of(system, points, sizes)
        return AtStates(points, directions.obeying(a), directions)

    @property
    def points(self) -> Points:
        return self.states

    @property
    def basis(self) -> Float[np.ndarray, "row coordinate free"] | None:
        return None if self.directions is None else self.directions.basis

    def columns(self, system: System, terms: Sequence[Term], inner: Mapping[sp.Symbol, float]) -> Columns:
        _, force, hessian, mixed = evaluated(system, terms, self.states, inner)
        whole = Columns(np.einsum("rijk,rj->rik", hessian, self.a) + mixed - force, hessian)
        return whole if self.directions is None else self.directions.reduced(whole)


@dataclass(frozen=True, eq=False)
class _Windows:
    """Those of one stretch of a motion."""

    along: Points
    step: float
    half: int
    starts: np.ndarray
    guides: Guides | None = None
    """Where there are constraints."""

    @property
    def middles(self) -> np.ndarray:
        return self.starts + self.half

    def columns(self, system: System, terms: Sequence[Term], inner: Mapping[sp.Symbol, float]) -> Columns:
        s = np.linspace(-1, 1, 2 * self.half + 1)
        shape = (1 - s**2) ** _POWER
        slope = -2 * _POWER * s * (1 - s**2) ** (_POWER - 1) / (self.half * self.step)
        shape, slope = shape / shape.sum(), slope / shape.sum()
        momentum, force, hessian, _ = evaluated(system, terms, self.along, inner)
        guides = self.guides
        if guides is not None:
            sizes = guides.sizes[:, None]
            momentum, force = sizes * momentum, sizes * force
            momentum, force = (
                np.einsum("tij,tjk->tik", guides.p, momentum),
                np.einsum("tij,tjk->tik", guides.p, force) + np.einsum("tij,tjk->tik", guides.change, momentum),
            )
            hessian = np.einsum(
                "tij,tjmk,tnm->tink", guides.p, hessian * sizes[..., None] * sizes, guides.p, optimize=True
            )

        def integral(weight: np.ndarray, values: np.ndarray) -> np.ndarray:
            # a correlation along time, at the middles of the windows
            return scipy.ndimage.correlate1d(values, weight, axis=0, mode="constant")[self.middles]

        found = Columns(-integral(slope, momentum) - integral(shape, force), integral(shape, hessian))
        return found if self.basis is None else reduced(found, self.basis)

    @functools.cached_property
    def basis(self) -> np.ndarray | None:
        """At the middles."""
        if self.guides is None:
            return None
        values, vectors = np.linalg.eigh(self.guides.p[self.middles])
        return vectors[..., int(np.sum(values[0] < 0.5)) :]


@dataclass(frozen=True, eq=False)
class InWindows(AbstractRows):
    """In windows ψ = c (1 − s²)⁶ with ∫ψ dt = 1 along smoothed motions, without accelerations,

    E = ∫ (−ψ′ ∂φ/∂v − ψ (∂φ/∂q + force)) dt,    H = ∫ ψ ∂²φ/∂v² dt;

    of a system with constraints with ψ P N₀ in place of ψ, P(t) the projection onto the directions that are free, and
    N₀ a basis of them at the middle of the window.
    """

    parts: tuple[_Windows, ...]

    @property
    def along(self) -> Points:
        """The smoothed motions."""
        return Points.joined([part.along for part in self.parts])

    @property
    def points(self) -> Points:
        return Points.joined([part.along.at(part.middles) for part in self.parts])

    @property
    def basis(self) -> Float[np.ndarray, "row coordinate free"] | None:
        found = [part.basis for part in self.parts if part.basis is not None]
        return np.concatenate(found) if found else None

    def free(self, system: System, sizes: Float[np.ndarray, " dof"]) -> "InWindows":
        """Without the forces of the constraints of a system, where it has any; with the sizes of velocities."""
        if not system.law.is_constrained:
            return self
        return InWindows(tuple(replace(part, guides=Guides.of(system, part.along, sizes)) for part in self.parts))

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
