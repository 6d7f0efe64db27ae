"""The search for one law: from all candidates to the few that it needs, tier after tier."""

import itertools
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from ._fit import Solution, is_positive, loss, masses_of, polished, residual, starts
from ._support import SupportSearch
from ._terms import Columns, Term

FLOOR = 1e-6
"""The standard deviation of accelerations, as a share of theirs, below which they are rounding."""
_PENALTY, _SHARE = 25.0, 0.01
_ROUNDS = 10
_FIRST_STEPS, _ROUGH_STEPS = 8, 2
_EXCHANGED = 3
"""Laws with another term in place of one that are looked at closely."""
_PROMISING = 4
"""Of the laws with a term or two less, the ones that are looked at closely."""
_TRIED = 2
"""Of the starts of a support, the best ones."""
_MANY = 8
"""Terms, beyond which a law is pruned by one at a time."""
_ROUNDING, _TOGETHER = 1e-9, 1e-3
"""Of a mass, relative to the largest: what counts as none, and what is enough of one."""
_PREFIXES = (1.0, 0.6, 0.35, 0.2, 0.1)
"""Of the candidates, the cheapest first: where all of them have no start with a positive mass matrix, fewer may."""


@dataclass(frozen=True, eq=False)
class Found:
    """A law of a few terms."""

    support: tuple[int, ...]
    """The places of its terms among the candidates."""
    solution: Solution
    """Of these terms."""
    sigma: Float[np.ndarray, " dof"]
    """The standard deviation of the accelerations, as a share of theirs."""
    score: float


@dataclass(frozen=True, eq=False)
class Task:
    """Candidates on data, without units."""

    columns: Columns
    terms: tuple[Term, ...]
    anchor: int | None = None
    """The column whose coefficient is one: what is known of the law."""
    required: frozenset[int] = frozenset()
    repeated: float = 1.0
    """How often rows tell the same: those of overlapping windows."""
    noise: float = FLOOR
    """The least standard deviation of accelerations, as a share of theirs."""

    @property
    def rows(self) -> float:
        """The number of rows that tell something of their own."""
        return self.columns.e.shape[0] * self.columns.e.shape[1] / self.repeated

    @property
    def penalty(self) -> float:
        """Of each term, on the scale of χ²."""
        return max(_PENALTY, math.log(self.rows) + 2 * math.log(len(self.terms)), _SHARE * self.rows)

    def score(self, solution: Solution, count: int) -> float:
        """n log σ² + penalty · terms, up to a constant: what is lowest is kept."""
        mean = np.maximum(np.mean(solution.r**2, axis=0), self.noise**2)
        return self.rows * float(np.mean(np.log(mean))) + self.penalty * count


def search(task: Task, kept: Sequence[int]) -> list[Found]:
    """The best law of each tier, among the terms `kept`; the lowest score first."""
    tiers = sorted({task.terms[k].tier for k in kept if k != task.anchor})
    found: list[Found] = []
    for tier in tiers:
        places = [k for k in kept if k == task.anchor or k in task.required or task.terms[k].tier <= tier]
        best = _search(task, places, [f.support for f in found])
        if best is not None:
            found.append(best)
    return sorted(found, key=lambda f: f.score)


def _search(task: Task, places: list[int], earlier: Sequence[tuple[int, ...]]) -> Found | None:
    whole = task.columns.of(places)
    anchor = None if task.anchor is None else places.index(task.anchor)
    required = {i for i, k in enumerate(places) if k in task.required}
    dense = _dense(task, whole, anchor, places)
    if dense is None:
        return None
    rows = len(dense.r)
    freedoms = rows - task.repeated * len(places) / dense.r.shape[1]
    sigma = np.maximum(np.sqrt(dense.squares / max(freedoms, 0.1 * rows)), task.noise)
    begun: Sequence[Collection[int]] = [{places.index(k) for k in support} for support in earlier]
    best, now = None, dense
    for _ in range(_ROUNDS):
        j, r = now.whitened(sigma * math.sqrt(task.repeated))
        finder = SupportSearch(j, r, masses_of(whole), now.c, anchor=anchor, required=required, penalty=task.penalty)
        found = {finder.best(begun)} if best is not None else {finder.best(), (), *(finder.best([b]) for b in begun)}
        found = {_with_masses(whole, s) for s in found}
        score, law, chosen = min((_true(task, whole, s, now.c, sigma, anchor) for s in found), key=lambda x: x[0])
        if law is None:
            break
        score, law, chosen = _pruned(task, whole, (score, law, chosen), required, sigma, anchor)
        if best is not None and not score < best.score:
            break
        best, begun = Found(tuple(places[i] for i in chosen), law, sigma, score), [chosen]
        now = residual(whole, spread(law, chosen, anchor, len(places)))
    return best


def _with_masses(whole: Columns, chosen: tuple[int, ...]) -> tuple[int, ...]:
    """With a kinetic term for a coordinate that has none: where nothing acts on it, any mass will do."""
    own = np.einsum("riik->ik", np.abs(whole.h[..., list(chosen)])).sum(axis=1)
    return tuple(sorted({*chosen, *(place for i, place in _kinetic(whole) if not own[i] > 0)}))


def spread(law: Solution, chosen: Sequence[int], anchor: int | None, count: int) -> np.ndarray:
    """The coefficients of a law among those of all candidates."""
    c = np.zeros(count)
    c[with_anchor(chosen, anchor)] = law.c
    return c


def _pruned(
    task: Task,
    whole: Columns,
    found: tuple[float, Solution, tuple[int, ...]],
    required: Collection[int],
    sigma: np.ndarray,
    anchor: int | None,
) -> tuple[float, Solution, tuple[int, ...]]:
    """Without one or two of its terms, where that is better in truth and not only to first order."""
    while True:
        score, law, chosen = found
        near = spread(law, chosen, anchor, whole.e.shape[-1])
        free = [k for k in chosen if k not in required]
        fewer = [
            tuple(k for k in chosen if k not in gone)
            for out in ((1, 2) if len(free) <= _MANY else (1,))
            for gone in itertools.combinations(free, out)
        ]
        fewer = sorted((s for s in fewer if s), key=lambda s: _roughly(task, whole, s, near, sigma, anchor))
        options = [_true(task, whole, support, near, sigma, anchor) for support in fewer[:_PROMISING]]
        found = min(options, key=lambda option: option[0], default=found)
        if not found[0] < score or found[1] is None:
            return score, law, chosen


def exchanged(task: Task, found: Found, among: Collection[int], fixed: Collection[int] = ()) -> list[Found]:
    """The laws with another term, of some, in place of one, that leave least to first order; terms that cannot be told
    from the law's own are none."""
    places = with_anchor(found.support, task.anchor)
    near = spread(found.solution, found.support, task.anchor, len(task.terms))
    j, r = residual(task.columns, near).whitened(found.sigma)
    outside = np.isin(np.arange(len(task.terms)), list(among))
    outside[places] = False
    options: list[tuple[float, tuple[int, ...]]] = []
    for gone in (k for k in found.support if k not in task.required and k not in fixed):
        q = np.linalg.qr(j[:, [k for k in found.support if k != gone]])[0]
        rest = r - j[:, gone] * near[gone]
        rest = rest - q @ (q.T @ rest)
        across = j - q @ (q.T @ j)
        sizes = np.sum(across**2, axis=0)
        usable = outside & (sizes > 1e-9 * np.sum(j**2, axis=0))
        gain = np.where(usable, (rest @ across) ** 2 / np.where(usable, sizes, 1.0), -np.inf)
        for entering in np.argsort(-gain)[:_EXCHANGED]:
            if usable[entering]:
                support = tuple(sorted({*found.support, int(entering)} - {gone}))
                options.append((float(rest @ rest - gain[entering]), support))
    laws = [with_support(task, found, support) for _, support in sorted(options)[:_EXCHANGED]]
    return [law for law in laws if law is not None]


def promising(task: Task, found: Found, supports: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The few of these supports that look best after a few steps from a law."""
    near = spread(found.solution, found.support, task.anchor, len(task.terms))
    ordered = sorted(supports, key=lambda s: _roughly(task, task.columns, s, near, found.sigma, task.anchor))
    return ordered[:_PROMISING]


def with_support(task: Task, found: Found, support: tuple[int, ...]) -> Found | None:
    """The law of other terms, from one that was found; None where there is none of a positive mass matrix."""
    near = spread(found.solution, found.support, task.anchor, len(task.terms))
    score, law, _ = _true(task, task.columns, support, near, found.sigma, task.anchor)
    return None if law is None else Found(support, law, found.sigma, score)


def with_anchor(chosen: Collection[int], anchor: int | None) -> list[int]:
    """The places of a support, and of what is known last."""
    return [*chosen] if anchor is None else [*chosen, anchor]


def _true(
    task: Task, whole: Columns, chosen: tuple[int, ...], near: np.ndarray, sigma: np.ndarray, anchor: int | None
) -> tuple[float, Any, tuple[int, ...]]:
    """The score of a support with coefficients of its own, its law, and itself."""
    of = with_anchor(chosen, anchor)
    columns, place = whole.of(of), None if anchor is None else len(of) - 1
    begins = [(loss(columns, c, sigma), k, c) for k, c in enumerate([near[of], *starts(columns, place)])]
    begins = [begin for begin in sorted(begins, key=lambda begin: begin[:2]) if np.isfinite(begin[0])]
    laws = [law for _, _, c in begins[:_TRIED] if (law := polished(columns, c, sigma, place)) is not None]
    if not laws:
        return math.inf, None, chosen
    law = min(laws, key=lambda s: float(np.sum((s.r / sigma) ** 2)))
    return task.score(law, len(chosen)), law, chosen


def _roughly(
    task: Task, whole: Columns, chosen: tuple[int, ...], near: np.ndarray, sigma: np.ndarray, anchor: int | None
) -> float:
    """The score of a support after a few steps from these coefficients."""
    of = with_anchor(chosen, anchor)
    columns, place = whole.of(of), None if anchor is None else len(of) - 1
    if not is_positive(columns, near[of]):
        return math.inf
    law = polished(columns, near[of], sigma, place, steps=_ROUGH_STEPS)
    return math.inf if law is None else task.score(law, len(chosen))


def _dense(task: Task, whole: Columns, anchor: int | None, places: Sequence[int]) -> Solution | None:
    """The least squares of all candidates, from the best of several starts."""
    count, ones = len(places), np.ones(whole.e.shape[1])
    for share in _PREFIXES:
        few = [i for i in range(count) if i < math.ceil(share * count) or i == anchor or places[i] in task.required]
        few = sorted(set(few) | {place for _, place in _kinetic(whole)})
        columns = whole.of(few)
        laws = []
        for c in starts(columns, None if anchor is None else few.index(anchor)):
            from_few = np.zeros(count)
            from_few[few] = c
            law = polished(whole, from_few, ones, anchor, steps=_FIRST_STEPS)
            if law is not None:
                laws.append(law)
        if laws:
            return min(laws, key=lambda s: float(s.squares.sum()))
    alone = np.zeros(count)
    alone[[place for _, place in _kinetic(whole)]] = 1.0
    return polished(whole, alone, ones, anchor, steps=_FIRST_STEPS) if is_positive(whole, alone) else None


def free_motion(task: Task, found: Found) -> Found | None:
    """The law in which nothing acts, with the first mass of each coordinate."""
    return with_support(task, found, tuple(sorted({place for _, place in _kinetic(task.columns)})))


def _kinetic(columns: Columns) -> list[tuple[int, int]]:
    """For each coordinate the first term with a mass for it alone, if there is one; where there is none for any, as
    along directions that constraints leave free, which mix coordinates, the first terms that together have a mass for
    all, each for the first direction."""
    sizes = np.abs(columns.h).sum(axis=0)
    found = []
    for i in range(len(sizes)):
        alone = np.flatnonzero((sizes[i, i] > 0) & (sizes[i, i] > 0.999 * sizes.sum(axis=(0, 1))))
        found += [(i, int(place)) for place in alone[:1]]
    return found or [(0, place) for place in _together(columns)]


def _together(columns: Columns) -> list[int]:
    """The first terms whose masses are nowhere negative, as many as make all of them positive together."""
    mass, found = np.zeros(columns.h.shape[:-1]), []
    for place in range(columns.h.shape[-1]):
        own = columns.h[..., place]
        values = np.linalg.eigvalsh(own)
        if not values.max() > 0 or values.min() < -_ROUNDING * values.max():
            continue
        mass, found = mass + own, [*found, place]
        smallest, largest = np.median(np.linalg.eigvalsh(mass), axis=0)[[0, -1]]
        if smallest > _TOGETHER * largest:
            break
    return found
