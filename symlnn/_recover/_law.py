"""A law that was found, cleared up: in its cheapest gauge, in a scale of its own, with what the data cannot tell."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp
from jaxtyping import Float

from .._system import System
from ._fit import covariance, residual
from ._gauge import Gauge
from ._observed import Observed, general_points
from ._rows import AtStates
from ._search import FLOOR, Found, Task, exchanged, with_anchor, with_support
from ._terms import Columns, Points, Term

_GENERAL = 600
_EXACT = 1e-8
"""The share of the accelerations that an exact symmetry of a law leaves, by rounding."""
_SURE = 3.0
_TIE = 2.0
"""Of scores: e to the one in likelihood."""


@dataclass(frozen=True, eq=False)
class Scaled:
    """The coefficients of a law in a scale of its own."""

    support: tuple[int, ...]
    c: Float[np.ndarray, " term"]
    error: Float[np.ndarray, " term"]
    """Standard errors; zero for what the scale is fixed by."""
    fixed: tuple[int, ...]
    """The places, within the support, of the terms that fix the scales."""


def in_cheapest_gauge(task: Task, found: Found, gauge: Gauge) -> Found:
    """With terms that were dropped as combinations of others in place of some of these, where that makes the law
    shorter or cheaper."""
    while True:
        better = found
        for dropped, relation in gauge.relations.items():
            inside = [k for k in found.support if k in relation and k not in task.required]
            for count in range(1, len(inside) + 1):
                for gone in itertools.combinations(inside, count):
                    support = tuple(sorted({*found.support, dropped} - set(gone)))
                    if not _operations(task, support) < _operations(task, found.support):
                        continue
                    trial = with_support(task, found, support)
                    if trial is not None and _order(task, trial) < _order(task, better):
                        better = trial
        if better is found:
            return found
        found = better


def with_simpler_terms(task: Task, found: Found, kept: Sequence[int]) -> Found:
    """With more ordinary or cheaper terms in place of others, where the data cannot tell them."""
    while True:
        laws = [law for law in exchanged(task, found, kept) if law.score < found.score + _TIE]
        simpler = [law for law in laws if _plainness(task, law) < _plainness(task, found)]
        if not simpler:
            return found
        found = min(simpler, key=lambda law: _plainness(task, law))


def _plainness(task: Task, law: Found) -> tuple[int, int]:
    return sum(task.terms[k].tier for k in law.support), _operations(task, law.support)


def _order(task: Task, found: Found) -> tuple[float, int]:
    """The score, to a hundredth of what a term costs; then the operations."""
    return round(found.score / task.penalty, 2), _operations(task, found.support)


def _operations(task: Task, support: Sequence[int]) -> int:
    return sum(task.terms[k].cost for k in support)


def freedoms(
    system: System, terms: Sequence[Term], law: Mapping[int, float], observed: Observed, points: Points, share: float
) -> Float[np.ndarray, "term direction"]:
    """Which combinations of terms are Lagrangians of the same motions as a law, at some states: those z with

        |M⁻¹ Σ zₖ Eₖ(q, v, a(q, v))| ≤ share · A,    |Σ zₖ Hₖ| = |M|,

    in units of A and of the mean of Mᵢᵢ, with the accelerations a and the mass matrix M of the law itself, which is one
    of them.
    """
    zero = AtStates.still(system, points, observed.speeds).columns(system, terms, {})
    c = np.array([law.get(k, 0.0) for k in range(len(terms))])
    kept = np.isfinite(zero.e).all(axis=(1, 2)) & np.isfinite(zero.h).all(axis=(1, 2, 3))
    mass = zero.h[kept] @ c
    a = -np.linalg.solve(mass, (zero.e[kept] @ c)[..., None])[..., 0]
    e = zero.e[kept] + np.einsum("rijk,rj->rik", zero.h[kept], a)
    left = np.linalg.solve(mass, e) / observed.a[:, None]
    # parts of a law that do not act on each other may have masses of any ratio: each counts in its own
    own = 1 / np.sqrt(np.abs(np.einsum("rii->ri", mass)).mean(axis=0))
    size = np.sqrt(np.mean(np.sum((mass * np.outer(own, own)) ** 2, axis=(1, 2))))
    h = zero.h[kept] * np.outer(own, own)[:, :, None] / size
    calm = np.abs(left @ c).max(axis=1) < 1.0  # beside singular states nothing is told
    return _least(Columns(left[calm], h[calm]), share)


def _least(columns: Columns, share: float) -> np.ndarray:
    count = columns.e.shape[-1]
    rows = len(columns.e)
    left = columns.e.reshape(-1, count) / np.sqrt(rows)
    h = columns.h.reshape(-1, count) / np.sqrt(rows)
    sizes = np.sqrt(np.sum(left**2, axis=0) + np.sum(h**2, axis=0))
    sizes = np.where(sizes > 0, sizes, 1.0)
    _, values, directions = np.linalg.svd(np.linalg.qr(left / sizes, mode="r"))
    values = np.append(values, np.zeros(len(directions) - len(values)))
    inverse = directions.T / np.maximum(values, 1e-13)
    _, sizes_of_h, order = np.linalg.svd(np.linalg.qr(h / sizes, mode="r") @ inverse)
    few = sizes_of_h >= 1 / max(share, 1e-12)
    return (inverse @ order[: len(few)][few].T) / sizes[:, None]


def scaled(system: System, task: Task, found: Found, observed: Observed) -> tuple[Scaled, int]:
    """The law with ½ before the first square of a velocity of each part whose scale is its own, or with one before its
    first kinetic term; and the number of such parts. What is known of a law, and inputs, fix its scale."""
    terms = [task.terms[k] for k in found.support]
    places = with_anchor(found.support, task.anchor)
    c = found.solution.c / observed.sizes[places]
    if task.anchor is not None:
        c = c / c[-1]
        error = np.sqrt(np.diag(covariance(found.solution, found.sigma, {len(c) - 1}, task.repeated)))
        return Scaled(found.support, c[:-1], (error / observed.sizes[places])[:-1], ()), 0
    points = general_points(system, observed.points, _GENERAL, 0)
    null = freedoms(system, terms, dict(enumerate(c)), observed, points, _EXACT)
    # what is in the null space of the support is a part of the law: one coefficient of each fixes its scale
    fixed = _pivots(system, terms, null)
    if not 0 < len(fixed) == null.shape[1]:
        null, fixed = c[:, None], fixed[:1] or [int(np.argmax(np.abs(c)))]
    wanted = np.array([_wanted(system, terms[k]) for k in fixed])
    c = null @ np.linalg.solve(null[fixed], np.abs(wanted) * np.sign(c[fixed]))
    whole = residual(task.columns.of(places), c * observed.sizes[places])
    error = np.sqrt(np.diag(covariance(whole, found.sigma, set(fixed), task.repeated))) / observed.sizes[places]
    return Scaled(found.support, c, error, tuple(fixed)), len(fixed) - 1


def _wanted(system: System, term: Term) -> float:
    """½ for a square of one velocity, times anything; else one."""
    squares = [v for v in system.v if sp.diff(term.lagrangian, v, 2) != 0]
    return 0.5 if len(squares) == 1 and sp.diff(term.lagrangian, squares[0], 3) == 0 else 1.0


def _pivots(system: System, terms: Sequence[Term], null: np.ndarray) -> list[int]:
    """Terms, kinetic ones first, whose coefficients tell a combination of the columns."""
    sizes = np.abs(null).max(axis=1, initial=0.0)
    kinetic = [bool(term.lagrangian.free_symbols & set(system.v)) for term in terms]
    found: list[int] = []
    for k in sorted(range(len(terms)), key=lambda k: (not kinetic[k], terms[k].cost, k)):
        trial = null[[*found, k]] / np.maximum(sizes[[*found, k], None], 1e-300)
        if np.linalg.matrix_rank(trial, tol=1e-6) > len(found):
            found.append(k)
        if len(found) == null.shape[1]:
            break
    return found


def share_of(found: Found, task: Task) -> float:
    """How exactly the data tell a law: three standard errors of a coefficient of order one."""
    noise = float(np.sqrt(np.mean(found.solution.r**2)))
    return max(_EXACT, _SURE * max(noise, FLOOR) / np.sqrt(task.rows))
