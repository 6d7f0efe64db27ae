"""`recover`: from motions, or from states with accelerations, to a law in SymPy."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from .._data import Motions
from .._identify import time_scale
from .._system import System
from .._timer import Timer
from .._types import Samples
from ._dictionary import dictionary
from ._drive import Drive, drive
from ._explained import noise_floor
from ._fit import residual
from ._gauge import Gauge
from ._law import Scaled, freedoms, in_cheapest_gauge, scaled, share_of
from ._observed import Observed, general_points, of_motions, of_samples
from ._rational import fraction
from ._recovery import PARAMETER, FrontLaw, RecoveredTerm, Recovery, free_terms, known_term
from ._search import FLOOR, Found, Task, search, with_support
from ._terms import Term

_HALF_WIDTHS = (1.5, 2.0, 3.0)
"""In time scales of the data; laws are compared on windows of the middle one."""
_WINDOW = 1.0
"""Of smoothing, in time scales."""
_FEW = 2.0
"""Equations for each candidate, below which the data are too few."""
_GENERAL = 600
_CLEAR = 3.0
_NEWTON, _SETTLED = 6, 1e-4
"""Steps of free parameters, and the relative change at which they end."""
_REFINEMENTS = 3
"""Of the frequency of a drive."""


def recover(
    system: System,
    data: Motions | Samples,
    *,
    terms: Sequence[Term] | None = None,
    half_width: float | None = None,
    seed: int = 0,
) -> Recovery:
    """The law of some data as a SymPy expression, among the Lagrangians Σ cₖ φₖ and forces of candidate terms.

    `data` are positions (`Motions`), or states with accelerations (`Samples`), with noise. Of the system coordinates,
    angles, units, inputs and what is drawn are used, not its law; but where it leaves functions open, its law is what
    is known, with the declared values of parameters, and candidates stand for these functions. `terms` are the
    candidates, by default `dictionary(system)`; `half_width` is that of the windows for motions, in seconds, by default
    one of several that follow from the time scale of the data.

    With Eₖ = Hₖ a + hₖ, the Euler–Lagrange expression of term k, in windows its weak form:
    1. Terms that are combinations of cheaper ones, up to a total time derivative, are put aside.
    2. The least |E c| for |H c| = 1 is the start: no scale and no mass matrix is given.
    3. Gauss and Newton make (H c)⁻¹ E c small, the error of the accelerations.
    4. The support is searched for by adding, dropping and exchanging terms, with a penalty for each, about the best law
       so far, until nothing changes; for the ordinary terms first and then for more of them.
    5. Terms put aside come back where they make the law shorter, and fractions stand for coefficients where chance
       would seldom give them.

    A law is found always; `explained`, `null_dimension`, `free_scales` and `diagnosis` say what it is worth. Raises
    `ValueError` where no candidates have a positive mass matrix, and where the data are too short.
    """
    timer = Timer()
    with timer("dictionary"):
        candidates = tuple(dictionary(system) if terms is None else terms)
        if not candidates:
            raise ValueError("There are no candidates: give terms, or include some in the dictionary.")
    with timer("search"):
        system, best = _with_free(system, candidates, data, half_width, seed)
    with timer("drive"):
        swing = _drive(best)
        for _ in range(_REFINEMENTS):
            if swing is None:
                break
            waves = swing.terms(system)
            system, best = _with_free(system, (*candidates, *waves), data, half_width, seed)
            swing = _drive(best, swing, waves) or swing
    with timer("judge"):
        return _judged(system, best, swing, timer, seed)


def _with_free(
    system: System, candidates: tuple[Term, ...], data: Motions | Samples, half_width: float | None, seed: int
) -> tuple[System, "_Best"]:
    """The system with the values of its free parameters that are the best beside the law, by Newton's steps, and that
    law: a step is the coefficient of ∂L/∂p."""
    for step in range(_NEWTON):
        known, free = known_term(system), free_terms(system)
        whole = (*candidates, *free.values(), *([] if known is None else [known]))
        required = range(len(candidates), len(candidates) + len(free))
        best = _best(system, whole, data, known is not None, half_width, seed, frozenset(required))
        if not free:
            break
        c = dict(zip(best.found.support, best.found.solution.c / _sizes(best), strict=False))
        symbols = {symbol.name: p.value for symbol, p in system.parameters.items()}
        moved = {name: symbols[name] + float(c.get(k, 0.0)) for name, k in zip(free, required, strict=True)}
        last = all(abs(moved[name] - symbols[name]) <= _SETTLED * abs(moved[name]) for name in free)
        if last or step == _NEWTON - 1:
            break
        system = system.with_parameters(moved)
    return system, best


def _sizes(best: "_Best") -> np.ndarray:
    places = [*best.found.support] + ([] if best.task.anchor is None else [best.task.anchor])
    return best.observed.sizes[places]


def _drive(best: "_Best", near: Drive | None = None, waves: Sequence[Term] = ()) -> Drive | None:
    """What swings with time in the residual of a law, when these waves are taken out of it."""
    task, law, observed = best.task, best.found, best.observed
    places = [*law.support] + ([] if task.anchor is None else [task.anchor])
    if near is None and np.sqrt(np.mean(law.solution.r**2)) < 2 * FLOOR:
        return None
    kept = sorted({*best.gauge.kept, *places})
    c = np.zeros(len(kept))
    c[[kept.index(k) for k in places]] = law.solution.c
    columns = task.columns.of(kept)
    whole, inverse = residual(columns, c), np.linalg.inv(columns.h @ c)
    rows, t = slice(None, None, round(observed.repeated)), observed.points.t
    length = float(np.ptp(t))
    fastest = math.pi / best.half_width if best.half_width else math.pi * len(t) / max(length, 1e-300) / 2
    taken = [task.terms[k] in waves for k in kept]
    r = whole.r - whole.j[..., taken] @ c[taken]
    j = whole.j[..., np.logical_not(taken)]
    return drive(r[rows], j[rows], inverse[rows], t[rows], fastest=fastest, near=near)


@dataclass(frozen=True, eq=False)
class _Best:
    """The law that was kept, and what it was found on."""

    observed: Observed
    task: Task
    gauge: Gauge
    found: Found
    half_width: float | None


def _best(
    system: System,
    terms: tuple[Term, ...],
    data: Any,
    anchored: bool,
    half_width: float | None,
    seed: int,
    required: frozenset[int],
) -> _Best:
    if isinstance(data, Motions):
        scale = time_scale(data, [x.name for x, turns in zip(system.q, system.is_angle, strict=True) if turns])
        widths = [half_width] if half_width is not None else [share * scale for share in _HALF_WIDTHS]
        seen: list[tuple[float | None, Observed]] = []
        for width in widths:
            try:
                made = of_motions(system, terms, data, half_width=width, window=_WINDOW * scale, time_scale=scale)
            except ValueError:
                if not seen:
                    raise
                break
            seen.append((width, made))
    else:
        seen = [(None, of_samples(system, terms, data))]
    gauge = seen[0][1].gauge(system, terms, seed=seed)
    anchor = len(terms) - 1 if anchored else None
    kept: list[int] = sorted({*gauge.kept, *required} | (set() if anchor is None else {anchor}))
    tasks = [Task(observed.columns, terms, anchor, required, observed.repeated) for _, observed in seen]
    middle = len(seen) // 2
    width, observed = seen[middle]
    task = tasks[middle]
    options = {law.support: law for law in search(task, kept)[:2]}
    if options:
        tier = max(task.terms[k].tier for k in min(options.values(), key=lambda law: law.score).support)
        few = [k for k in kept if k == anchor or terms[k].tier <= tier]
        for other in (*tasks[:middle], *tasks[middle + 1 :]):
            options |= {law.support: law for law in search(other, few)[:1] if law.support not in options}
    if not options:
        raise ValueError(
            f"No combination of the {len(terms)} candidates has a positive mass matrix and moves as {system.name}: "
            "include kinetic terms, and check units and signs of the data."
        )
    near = next(iter(options.values()))
    again = [with_support(task, near, support) for support in options]
    found = min((law for law in again if law is not None), key=lambda law: law.score)
    return _Best(observed, task, gauge, in_cheapest_gauge(task, found, gauge), width)


def _judged(system: System, best: _Best, swing: Drive | None, timer: Timer, seed: int) -> Recovery:
    task, observed, found = best.task, best.observed, best.found
    law, free_scales = scaled(system, task, found, observed)
    among = sum(1 for k in range(len(law.c)) if k not in law.fixed)
    terms = tuple(
        RecoveredTerm(
            task.terms[place],
            float(c),
            float(error),
            fraction(float(c), float(error), among) if k not in law.fixed else fraction(float(c), 0.0),
        )
        for k, (place, c, error) in enumerate(zip(law.support, law.c, law.error, strict=True))
    )
    r = found.solution.r
    floor, explained = noise_floor(r, observed.points, system.is_angle, every=round(observed.repeated), floor=2 * FLOOR)
    left = float(np.sqrt(np.mean(r**2)))
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
            "part of that. Include other terms, or forces."
        )
    if task.rows < _FEW * len(task.terms):
        explained = False
        diagnosis.append(
            f"The data are few: {task.rows:.0f} equations for {len(task.terms)} candidates. Record more, or give fewer."
        )
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
        parameters={
            str(x.term.shape): (values[str(x.term.shape)] + x.coefficient, x.standard_error)
            for x in terms
            if x.term.of == PARAMETER
        },
        candidates=len(task.terms) - (task.anchor is not None) - len(task.required),
        rows=task.rows,
        half_width=best.half_width,
        seconds=timer.spent,
        diagnosis=tuple(diagnosis),
    )


def _freedoms(system: System, best: _Best, law: Scaled, seed: int) -> tuple[int, bool, tuple[sp.Expr, ...]]:
    """How many Lagrangians move as this one, whether more do so where the data are, and examples."""
    task, observed = best.task, best.observed
    if task.anchor is not None:
        return 1, False, ()
    tier = max(task.terms[k].tier for k in law.support)
    places = [k for k in sorted({*best.gauge.kept, *law.support}) if task.terms[k].tier <= tier]
    places = [k for k in places if k in law.support or k in best.gauge.kept]
    terms = [task.terms[k] for k in places]
    values: Mapping[int, float] = {places.index(k): float(c) for k, c in zip(law.support, law.c, strict=True)}
    share = share_of(best.found, task)
    general = freedoms(system, terms, values, observed, general_points(observed.points, _GENERAL, seed), share)
    there = freedoms(system, terms, values, observed, observed.points, share)
    inside = np.zeros((len(terms), len(law.support)))
    inside[list(values), range(len(values))] = 1.0
    others = []
    for z in _beside(general, inside):
        parts = [(c, term) for c, term in zip(z, terms, strict=True) if abs(c) > max(1e-6, _CLEAR * share)]
        others.append(sp.Add(*(sp.Float(f"{c:.4g}") * term.lagrangian for c, term in parts)))
    count = max(1, general.shape[1])
    return count, there.shape[1] > count, tuple(others)


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
        smaller = [with_support(task, now, tuple(k for k in now.support if k != gone)) for gone in now.support]
        options = [law for law in smaller if law is not None]
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
    places = [*found.support] + ([] if task.anchor is None else [task.anchor])
    c = np.zeros(len(task.terms))
    c[places] = found.solution.c
    now = residual(task.columns, c)
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
