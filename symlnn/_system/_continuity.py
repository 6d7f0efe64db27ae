"""Whether a Lagrangian that switches does so without a shock."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import sympy as sp

from .._lambdify import lambdified
from ._domain import Domain
from ._law import Law
from ._probes import Drawing, arguments_of

_TRIALS = 20
"""Starts from which states on a surface are looked for."""
_ITERATIONS = 50
_REACHED = 1e-9
_APART = 1e-7, 1e-8
"""Half the distances of two states on both sides of a surface, in standard deviations: what changes as much over the
shorter one jumps."""
_ROUNDING, _ALONG = 1e-9, 1e-3

Point = np.ndarray
"""In the order of `arguments_of`."""


def check_continuity(name: str, law: Law, domain: Domain) -> None:
    """Raise a `ValueError` where a motion would be given an impulse as it passes a surface g(q, v, t) = 0, at which a
    `Piecewise` of the Lagrangian switches.

    Velocities do not change at a surface g(q, t) = 0 where momenta p and energy h = v·p − L obey

        [p] = μ ∇g,        [h] = −μ ∂g/∂t        for some μ,

    with the jumps [·] across it (Weierstrass and Erdmann); at one that depends on velocities, where p and L are
    continuous. Tested at states near those of the domain. (Steps and signs show in the derivatives of SymPy.)
    """
    lagrangian = law.plain_lagrangian
    conditions = {c for p in lagrangian.atoms(sp.Piecewise) for _, condition in p.args for c in _relations(condition)}
    surfaces = [c.lhs - c.rhs for c in sorted(conditions, key=str)]
    moving = {*law.q, *law.v, law.t}
    for g in surfaces:
        if g.free_symbols & moving and not g.has(sp.Piecewise):
            _check_surface(name, law, domain, g)


def _relations(condition: Any) -> Iterator[Any]:
    yield from condition.atoms(sp.Gt, sp.Ge, sp.Lt, sp.Le)


def _check_surface(name: str, law: Law, domain: Domain, g: sp.Expr) -> None:
    variables, arguments = [*law.q, *law.v, law.t], arguments_of(law)
    places = [arguments.index(x) for x in variables]
    slopes = [sp.diff(g, x) for x in variables]
    crossing: Callable = lambdified(arguments, [g, *slopes], modules=["scipy", "numpy"])
    switched = [*law.unsimplified.momenta, law.unsimplified.energy, law.plain_lagrangian]
    values: Callable = lambdified(arguments, switched, modules=["scipy", "numpy"])
    drawing = Drawing(law, domain)
    time = 1.0 if domain.time is None else domain.time.marginals[0].std
    sizes = np.array([*drawing.sizes[0], *drawing.sizes[1], time])
    depends_on_velocity = bool(g.free_symbols & set(law.v))
    found = [_numbers(values, np.array(state)) for state in drawing.states(_TRIALS)]
    scale = np.max(np.abs([x for x in found if x is not None]), axis=0, initial=0.0)
    for state in drawing.states(_TRIALS):
        place = _on_surface(crossing, np.array(state, float), places, sizes)
        if place is None:
            continue
        at, slope = place
        step = np.zeros(len(at))
        step[places] = sizes * slope / np.linalg.norm(slope)
        far, near = (_jump(values, at, distance * step) for distance in _APART)
        if far is None or near is None:
            continue
        jump = np.where(np.abs(near) > np.maximum(0.5 * np.abs(far), _ROUNDING * scale), near, 0.0)
        momenta, energy, whole = jump[: law.dof], jump[law.dof], jump[-1]
        if depends_on_velocity:
            shock = bool(momenta.any() or whole)
        else:
            place_and_time = [*range(law.dof), -1]
            jump, normal = np.array([*momenta, -energy]) * sizes[place_and_time], slope[place_and_time]
            across = jump - normal * (normal @ jump) / (normal @ normal)
            shock = float(np.linalg.norm(across)) > _ALONG * float(np.linalg.norm(jump))
        if shock:
            raise ValueError(
                f"The Lagrangian of {name} jumps where {g} = 0, which would change velocities by an impulse, that no "
                "integrator sees: make it continuous there, with a steep slope in place of a step, say."
            )


def _on_surface(crossing: Callable, at: Point, places: list[int], sizes: np.ndarray) -> tuple[Point, np.ndarray] | None:
    """A state with g = 0 near another, and the slopes of g there in units of the sizes; None where none is found."""
    for _ in range(_ITERATIONS):
        found = _numbers(crossing, at)
        if found is None:
            return None
        slope = found[1:] * sizes
        square = slope @ slope
        if not square > 0:
            return None
        step = -found[0] * slope / square
        if np.abs(step).max() <= _REACHED:
            return at, slope
        step /= max(1.0, float(np.abs(step).max()))
        at = at.copy()
        at[places] += sizes * step
    return None


def _jump(values: Callable, at: Point, step: np.ndarray) -> np.ndarray | None:
    """What changes from one side to the other."""
    one, other = _numbers(values, at + step), _numbers(values, at - step)
    return None if one is None or other is None else one - other


def _numbers(function: Callable, at: Point) -> np.ndarray | None:
    """The values of a function, None where they are no real numbers."""
    with np.errstate(all="ignore"):
        found = np.asarray(function(*at))
    return found.astype(float) if np.isrealobj(found) and np.all(np.isfinite(found)) else None
