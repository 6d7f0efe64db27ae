"""What a law that was kept is worth: its errors, its freedoms, what it leaves, and the laws beside it."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
import sympy as sp

from .._data import Motions
from .._system import System
from .._timer import Timer
from .._types import Samples
from ._directions import in_coordinates
from ._drive import Drive
from ._explained import noise_floor, noise_of_positions
from ._fit import residual
from ._kept import Kept
from ._law import Scaled, freedoms, scaled, share_of
from ._observed import general_points
from ._rational import fraction, written
from ._recovery import FrontLaw, RecoveredTerm, Recovery
from ._rival import rival
from ._search import Found, Task, promising, spread, with_anchor, with_support
from ._terms import PARAMETER, Term

_FEW = 2.0
"""Equations for each candidate, below which the data are too few."""
_FEWEST, _STRONG = 0.5, 4.0
"""Of windows, for each candidate; and the penalties by which the next law must be worse where they are few."""
_BIASED = 1.1
"""What smoothing may add to the noise of positions: nearly half as much."""
_GENERAL = 600
_CLEAR = 3.0
"""What is so many times larger than another is so for certain, and so many standard errors."""


def judged(
    system: System, best: Kept, data: Motions | Samples, swing: Drive | None, timer: Timer, seed: int
) -> Recovery:
    """The law with its figures, and with sentences on what it cannot tell."""
    task, observed, found = best.task, best.observed, best.found
    law, free_scales = scaled(system, task, found, observed)
    among = sum(1 for k in range(len(law.c)) if k not in law.fixed)
    inner = _inner(best, law)
    terms = tuple(
        RecoveredTerm(
            _written(best, place, inner),
            float(c),
            float(error),
            fraction(float(c), float(error), among) if k not in law.fixed else fraction(float(c), 0.0),
        )
        for k, (place, c, error) in enumerate(zip(law.support, law.c, law.error, strict=True))
    )
    r = found.solution.r
    floor, explained = noise_floor(
        in_coordinates(observed.basis, r),
        observed.points,
        system.is_angle,
        every=round(observed.repeated),
        floor=2 * task.noise,
    )
    left = float(np.sqrt(np.mean(r**2)))
    if isinstance(data, Motions) and best.widths is not None:
        floor = max(noise_of_positions(system, best, data, best.widths, seed), 2 * task.noise)
        explained = explained and left <= floor * (_BIASED + _CLEAR / math.sqrt(2 * task.rows))
    null, single, others = _freedoms(system, best, law, seed)
    diagnosis = []
    if swing is not None:
        diagnosis.append(
            f"A force on {system.q[swing.place]} swings with the angular frequency {swing.frequency:.6g} ± "
            f"{swing.error:.2g} rad/s."
        )
    if not explained:
        diagnosis.append(
            f"Something is missing: the law leaves {left:.2g} of the accelerations, and a function of the state tells "
            f"part of that, or it is more than the noise, {floor:.2g}. Include other terms, or forces."
        )
    other = rival(system, best, seed=seed)
    strong = other is None or other.gap >= _STRONG * task.penalty
    share = task.rows / len(task.terms)
    # neighbouring samples of a motion tell more than windows are counted for: where these are few, the evidence decides
    if share < _FEW and (isinstance(data, Samples) or share < _FEWEST or not strong):
        explained = False
        diagnosis.append(
            f"The data are few: {task.rows:.0f} equations for {len(task.terms)} candidates. Record more, or give fewer."
        )
    if other is not None and other.gap < task.penalty:
        explained = explained and other.differs <= max(left, 2 * task.noise)
        diagnosis.append(f"The data hardly tell this law from one with {other.term}: record other motions, or more.")
    if single:
        explained = False
        diagnosis.append(
            "The data visit so few states, a single orbit perhaps, that other laws of these candidates move there as "
            "this one does: record motions from other starts."
        )
    if null > 1 + free_scales:
        diagnosis.append(f"{null - 1} other Lagrangians of these candidates have the same motions; one may be added.")
    if free_scales:
        diagnosis.append(
            f"{free_scales + 1} parts of the Lagrangian do not act on each other: the data tell no ratio of theirs."
        )
    values = {symbol.name: p.value for symbol, p in system.parameters.items()}
    free = {str(x.term.shape): x for x in terms if x.term.of == PARAMETER and str(x.term.shape) in values}
    return Recovery(
        declared=system,
        terms=tuple(x for x in terms if x.term.of != PARAMETER),
        residual=left,
        noise_floor=floor,
        explained=explained,
        free_scales=free_scales,
        null_dimension=null,
        alternatives=others,
        front=_front(task, found),
        parameters={name: (values[name] + x.coefficient, x.standard_error) for name, x in free.items()}
        | {symbol.name: number for symbol, number in inner.items()},
        candidates=len(task.terms) - (task.anchor is not None) - len(task.required),
        rows=task.rows,
        half_width=best.widths.half if best.widths else None,
        seconds=timer.spent,
        diagnosis=tuple(diagnosis),
    )


def _inner(best: Kept, law: Scaled) -> dict[sp.Symbol, tuple[float, float]]:
    """The numbers within terms, with their standard errors: a change of one is the coefficient of what it adds, by that
    of its term."""
    c, error = (dict(zip(law.support, values, strict=True)) for values in (law.c, law.error))
    return {
        symbol: (value + float(c[place + 1 + i] / c[place]), float(error[place + 1 + i] / abs(c[place])))
        for place, member in best.members.items()
        for i, (symbol, value) in enumerate(member.numbers.items())
    }


def _written(best: Kept, place: int, inner: Mapping[sp.Symbol, tuple[float, float]]) -> Term:
    """A term as it is to read: numbers within it as fractions, or rounded to a tenth of their standard errors."""
    if place not in best.members:
        return best.task.terms[place]
    family = best.members[place].family
    return family.within({symbol: written(*inner[symbol], among=len(inner)) for symbol, _ in family.inner})


def _freedoms(system: System, best: Kept, law: Scaled, seed: int) -> tuple[int, bool, tuple[sp.Expr, ...]]:
    """How many Lagrangians move as this one, whether more do so where the data are, and examples."""
    task, observed = best.task, best.observed
    if task.anchor is not None:
        return 1, False, ()
    tier = max(task.terms[k].tier for k in law.support)
    places = [k for k in sorted({*best.gauge.kept, *law.support}) if task.terms[k].tier <= tier]
    terms = [task.terms[k] for k in places]
    values: Mapping[int, float] = {places.index(k): float(c) for k, c in zip(law.support, law.c, strict=True)}
    share = share_of(best.found, task)
    points = general_points(system, observed.points, _GENERAL, seed)
    general = freedoms(system, terms, values, observed, points, share)
    looser = freedoms(system, terms, values, observed, points, _CLEAR * share)
    there = freedoms(system, terms, values, observed, observed.points, share / _CLEAR)
    inside = np.zeros((len(terms), len(law.support)))
    inside[list(values), range(len(values))] = 1.0
    others = []
    for z in _beside(general, inside):
        parts = [(c, term) for c, term in zip(z, terms, strict=True) if abs(c) > max(1e-6, _CLEAR * share)]
        others.append(sp.Add(*(sp.Float(f"{c:.4g}") * term.lagrangian for c, term in parts)))
    count = max(1, general.shape[1])
    return count, there.shape[1] > max(1, looser.shape[1]), tuple(others)


def _beside(null: np.ndarray, inside: np.ndarray) -> Iterator[np.ndarray]:
    """Directions of a null space that are not among the terms of the law, each with its largest coefficient one."""
    sizes = np.abs(null).max(axis=0)
    outside = (null - inside @ (inside.T @ null)) / np.where(sizes > 0, sizes, 1.0)
    _, values, mixed = np.linalg.svd(outside, full_matrices=False)
    for value, mix in zip(values, mixed, strict=True):
        if value > 1e-3:
            z = (null / np.where(sizes > 0, sizes, 1.0)) @ mix
            yield z / z[np.argmax(np.abs(z))]


def _front(task: Task, found: Found) -> tuple[FrontLaw, ...]:
    """The best law of every smaller number of terms, one after another, and of one term more."""
    laws = [found]
    now = found
    while len(now.support) > 1:
        smaller = [tuple(k for k in now.support if k != gone) for gone in now.support]
        options = [law for support in promising(task, now, smaller) if (law := with_support(task, now, support))]
        if not options:
            break
        now = min(options, key=lambda law: law.score)
        laws.append(now)
    more = _one_more(task, found)
    laws += [] if more is None else [more]
    return tuple(
        FrontLaw(
            tuple(str(task.terms[k].expression) for k in law.support),
            law.score - found.score,
            float(np.sqrt(np.mean(law.solution.r**2))),
        )
        for law in sorted(laws, key=lambda law: len(law.support))
    )


def _one_more(task: Task, found: Found) -> Found | None:
    """With the term that the rest of the residual asks for most."""
    places = with_anchor(found.support, task.anchor)
    now = residual(task.columns, spread(found.solution, found.support, task.anchor, len(task.terms)))
    j, r = now.whitened(found.sigma)
    q = np.linalg.qr(j[:, places])[0]
    across = j - q @ (q.T @ j)
    sizes = np.sum(across**2, axis=0)
    usable = sizes > 1e-9 * np.sum(j**2, axis=0)
    usable[places] = False
    if not usable.any():
        return None
    gain = np.where(usable, (r @ across) ** 2 / np.where(usable, sizes, 1.0), -1.0)
    return with_support(task, found, tuple(sorted((*found.support, int(np.argmax(gain))))))
