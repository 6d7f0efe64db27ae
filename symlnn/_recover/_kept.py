"""The law that is kept of those that several windows suggest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._data import Motions
from .._identify import noise, time_scale
from .._system import System
from ._gauge import Gauge
from ._law import in_cheapest_gauge, with_simpler_terms
from ._observed import Observed, Widths, of_motions, of_samples
from ._search import Found, Task, search, with_anchor, with_support
from ._terms import Member, Term

_HALF_WIDTHS = (1.5, 2.0, 3.0)
"""In time scales of the data; laws are compared on windows of the middle one."""
_USUAL_NOISE, _SHORTEST, _LONGEST = 0.01, 0.3, 1.5
"""The noise, as a share of the spread of a coordinate, at which motions are smoothed over one time scale; and what they
are smoothed over at least and at most, in time scales."""


@dataclass(frozen=True, eq=False)
class Wishes:
    """What the caller says of the search."""

    half_width: float | None
    noise: float
    seed: int


@dataclass(frozen=True, eq=False)
class Kept:
    """The law that was kept, and what it was found on."""

    observed: Observed
    task: Task
    gauge: Gauge
    found: Found
    widths: Widths | None
    """Of the windows; None where accelerations were given."""
    members: Mapping[int, Member] = field(default_factory=dict)
    """The terms with numbers within them that were sought, by their places; after each stand the terms that stand for
    a change of its numbers."""

    @property
    def places(self) -> list[int]:
        """Of the terms of the law, and of what is known, among the candidates."""
        return with_anchor(self.found.support, self.task.anchor)

    @property
    def sizes(self) -> np.ndarray:
        """What its coefficients are to be divided by, to be those of the terms as they are written."""
        return self.observed.sizes[self.places]


def _window(system: System, motions: Motions) -> float:
    """Of smoothing by cubics, in time scales: as σ^(2/11), where the bias, which grows with the fourth power of the
    window, and the noise of velocities, σ window^(−3/2), are of one size."""
    whole = np.concatenate([run.q for run in motions])
    spread = np.where(system.is_angle, np.minimum(np.nanstd(whole, axis=0), 1.0), np.nanstd(whole, axis=0))
    level = np.nanmean([noise(run) for run in motions], axis=0)
    share = float(np.max(level / np.where(spread > 0, spread, 1.0)))
    return float(np.clip((share / _USUAL_NOISE) ** (2 / 11), _SHORTEST, _LONGEST))


def kept_law(
    system: System,
    terms: tuple[Term, ...],
    data: Any,
    anchored: bool,
    required: frozenset[int],
    wishes: Wishes,
) -> Kept:
    """The law of the lowest score on windows of the middle width, or on the states; in its cheapest gauge."""
    if isinstance(data, Motions):
        scale = time_scale(data, [x.name for x, turns in zip(system.q, system.is_angle, strict=True) if turns])
        window = scale * _window(system, data)
        halves = [wishes.half_width] if wishes.half_width is not None else [share * scale for share in _HALF_WIDTHS]
        seen: list[tuple[Widths | None, Observed]] = []
        for width in (Widths(half, window, scale) for half in halves):
            try:
                made = of_motions(system, terms, data, width)
            except ValueError:
                if not seen:
                    raise
                break
            seen.append((width, made))
    else:
        seen = [(None, of_samples(system, terms, data))]
    gauge = seen[0][1].gauge(system, terms, seed=wishes.seed)
    anchor = len(terms) - 1 if anchored else None
    kept: list[int] = sorted({*gauge.kept, *required} | (set() if anchor is None else {anchor}))
    tasks = [Task(observed.columns, terms, anchor, required, observed.repeated, wishes.noise) for _, observed in seen]
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
    found = with_simpler_terms(task, in_cheapest_gauge(task, found, gauge), gauge.kept)
    return Kept(observed, task, gauge, found, width)
