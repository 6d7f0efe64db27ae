"""The law that comes next: how much worse it is, and whether it moves otherwise."""

from dataclasses import dataclass

import numpy as np

from .._system import System
from ._kept import Kept
from ._observed import general_points
from ._rows import AtStates
from ._search import Found, exchanged, with_anchor

_GENERAL = 400


@dataclass(frozen=True)
class Rival:
    """The best law with another term in place of one; terms that are combinations of the law's own, up to a total
    derivative, are none."""

    gap: float
    """By how much its score is higher."""
    term: str
    """The other term."""
    differs: float
    """The root mean square of the difference of accelerations where the data are, as a share of theirs."""


def rival(system: System, best: Kept, *, seed: int) -> Rival | None:
    """The next law; None where no term can stand for another."""
    task, found = best.task, best.found
    inside = {k + i for k, member in best.members.items() for i in range(1 + len(member.values))}
    laws = exchanged(task, found, best.gauge.kept, fixed=inside)
    if not laws:
        return None
    law = min(laws, key=lambda law: law.score)
    other = next(k for k in law.support if k not in found.support)
    off = _accelerations(system, best, law, seed) - _accelerations(system, best, found, seed)
    differs = float(np.sqrt(np.mean((off / best.observed.a) ** 2)))
    return Rival(law.score - found.score, str(task.terms[other].expression), differs)


def _accelerations(system: System, best: Kept, law: Found, seed: int) -> np.ndarray:
    """At states in general position within the range of the data, not finite where the mass matrix is singular."""
    places = with_anchor(law.support, best.task.anchor)
    points = general_points(system, best.observed.points, _GENERAL, seed)
    still = AtStates.still(system, points, best.observed.speeds)
    columns = still.columns(system, [best.task.terms[k] for k in places], {})
    c = law.solution.c / best.observed.sizes[places]
    try:
        return -np.linalg.solve(columns.h @ c, (columns.e @ c)[..., None])[..., 0]
    except np.linalg.LinAlgError:
        return np.full(columns.e.shape[:2], np.nan)
