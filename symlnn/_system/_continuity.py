"""Whether a Lagrangian that switches does so without a shock."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sympy as sp

from .. import _symbolic
from .._lambdify import lambdified
from ._domain import Domain
from ._law import Law
from ._probes import Drawing, arguments_of, real_values

_TRIALS = 20
"""Starts from which states on a surface are looked for."""
_ITERATIONS = 50
_REACHED = 1e-9
_NEAR = 3.0
"""In standard deviations: so far from where it is drawn a state may be moved."""
_APART = 1e-4, 1e-6, 1e-8
"""Half the distances of two states on both sides of a surface, in standard deviations: what is as much over each of
them jumps. A slope or a root becomes less, a pole more."""
_SAME, _ROUNDING, _ALONG = 0.1, 1e-9, 1e-3
_MODULES = ["scipy", "numpy"]


def check_continuity(name: str, law: Law, domain: Domain, duration: float) -> None:
    """Raise a `ValueError` where a motion would be given an impulse as it passes a surface g(q, v, t) = 0, at which a
    `Piecewise` of the Lagrangian switches.

    Velocities do not change at a surface g(q, t) = 0 where momenta p and energy h = v·p − L obey

        [p] = μ ∇g,        [h] = −μ ∂g/∂t        for some μ,

    with the jumps [·] across it (Weierstrass and Erdmann); at one that depends on velocities, where p and L are
    continuous. Tested by numbers, near states of the domain, of laws without constraints; steps and signs show in the
    derivatives of SymPy.
    """
    conditions = [condition for p in law.plain_lagrangian.atoms(sp.Piecewise) for _, condition in p.args]
    if not conditions or law.is_constrained:
        return
    sides = _Sides(law, domain, duration)
    for g in sorted(_symbolic.surfaces(sp.Tuple(*conditions)), key=str):
        smooth = not (_symbolic.has_switches(g) or g.has(sp.floor, sp.ceiling, sp.frac, sp.Mod))
        if smooth and any(sides.shock(g, *place) for place in sides.on_surface(g)):
            raise ValueError(
                f"The Lagrangian of {name} jumps where {g} = 0, which would change velocities by an impulse, that no "
                "integrator sees: make it continuous there, with a steep slope in place of a step, say."
            )


@dataclass(frozen=True)
class _Sides:
    """What a law is on both sides of a surface."""

    law: Law
    domain: Domain
    duration: float

    @cached_property
    def _states(self) -> list[np.ndarray]:
        return [np.array(state, float) for state in Drawing(self.law, self.domain).states(_TRIALS)]

    @cached_property
    def _places(self) -> list[int]:
        """Of q, v and t among the arguments."""
        return [arguments_of(self.law).index(x) for x in (*self.law.q, *self.law.v, self.law.t)]

    @cached_property
    def _sizes(self) -> np.ndarray:
        """Those of q, v and t."""
        time = 0.0 if self.domain.time is None else self.domain.time.marginals[0].std
        q, v = Drawing(self.law, self.domain).sizes
        sizes = np.array([*q, *v, time or self.duration])
        return np.where(sizes > 0, sizes, 1.0)

    @cached_property
    def _values(self) -> Callable:
        """p, h and L."""
        known = self.law.unsimplified
        found = [*known.momenta, known.energy, self.law.plain_lagrangian]
        return lambdified(arguments_of(self.law), list(map(_symbolic.without_impulses, found)), modules=_MODULES)

    @cached_property
    def _scale(self) -> np.ndarray:
        found = [x for x in (real_values(self._values, state) for state in self._states) if x is not None]
        return np.max(np.abs(found), axis=0, initial=0.0) if found else np.zeros(self.law.dof + 2)

    def on_surface(self, g: sp.Expr) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """States with g = 0 near those that are drawn, and the slopes of g there, in units of the sizes."""
        law = self.law
        slopes = [sp.diff(g, x) for x in (*law.q, *law.v, law.t)]
        if any(slope.has(sp.Derivative, sp.Subs) for slope in slopes):
            return
        crossing = lambdified(arguments_of(law), [g, *slopes], modules=_MODULES)
        for start in self._states:
            moved = np.zeros(len(self._sizes))
            for _ in range(_ITERATIONS):
                at = start.copy()
                at[self._places] += self._sizes * moved
                found = real_values(crossing, at)
                if found is None or not np.any(slope := found[1:] * self._sizes):
                    break
                step = -found[0] * slope / (slope @ slope)
                if np.abs(step).max() <= _REACHED:
                    yield at, slope
                    break
                moved = moved + step / max(1.0, float(np.abs(step).max()))
                if np.abs(moved).max() > _NEAR:
                    break

    def shock(self, g: sp.Expr, at: np.ndarray, slope: np.ndarray) -> bool:
        """Whether velocities change there."""
        law, step = self.law, np.zeros(len(at))
        step[self._places] = self._sizes * slope / np.linalg.norm(slope)
        found = [self._jump(at, distance * step) for distance in _APART]
        far, middle, near = found
        if far is None or middle is None or near is None:
            return False
        stays = np.maximum(np.abs(far - near), np.abs(middle - near)) <= _SAME * np.abs(near)
        jump = np.where(stays & (np.abs(near) > _ROUNDING * self._scale), near, 0.0)
        momenta, energy, whole = jump[: law.dof], jump[law.dof], jump[-1]
        if g.free_symbols & set(law.v):
            return bool(momenta.any() or whole)
        place_and_time = [*range(law.dof), -1]
        jump, normal = np.array([*momenta, -energy]) * self._sizes[place_and_time], slope[place_and_time]
        across = jump - normal * (normal @ jump) / (normal @ normal)
        return float(np.linalg.norm(across)) > _ALONG * float(np.linalg.norm(jump))

    def _jump(self, at: np.ndarray, step: np.ndarray) -> np.ndarray | None:
        one, other = real_values(self._values, at + step), real_values(self._values, at - step)
        return None if one is None or other is None else one - other
