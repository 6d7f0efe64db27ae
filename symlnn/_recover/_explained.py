"""Whether what a law leaves is noise: it is not, where a function of the state tells it beforehand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import scipy.spatial
import scipy.stats
from jaxtyping import Float

from .._data import Motions
from .._identify import noise
from .._system import System
from ._directions import in_coordinates
from ._fit import residual
from ._kept import Kept
from ._observed import Widths, rows_of
from ._terms import Points

_SURE = 1e-5
"""The probability of noise that looks as regular as this, below which it is not taken for noise."""
_DRAWS = 3
_CLOSEST = 0.2
"""The share of pairs of neighbours, the closest ones, that the noise is taken from."""


def noise_floor(
    r: Float[np.ndarray, "row dof"], points: Points, turns: Sequence[bool], *, every: int, floor: float
) -> tuple[float, bool]:
    """How much of the residuals no function of the state tells, as a root mean square, and whether the rest is chance.

    Residuals are regressed on polynomials of second degree in coordinates (sines and cosines of angles), velocities,
    inputs and time, and compared between neighbouring states: F test, and the correlation of neighbours. Rows that tell
    the same are passed over, all but one of `every`. What lies below the `floor` is rounding.
    """
    chosen = slice(None, None, every)
    r, points = r[chosen], points.at(chosen)
    whole = float(np.sqrt(np.mean(r**2)))
    if whole <= floor:
        return max(whole, floor), True
    features = _features(points, turns)
    left, probable = [], 1.0
    for column in r.T:
        if not np.sqrt(np.mean(column**2)) > floor:
            left.append(column)
            continue
        rest, chance = _regressed(column, features)
        left.append(rest)
        probable = min(probable, chance, _alike(column, features))
    found = float(np.sqrt(np.mean(np.square(left))))
    return found, probable > _SURE / r.shape[1]


def noise_of_positions(system: System, best: Kept, motions: Motions, widths: Widths, seed: int) -> float:
    """What the noise of the positions leaves of the accelerations of a law, as a root mean square: the change of the
    residuals where as much noise again is added to them."""
    random = np.random.default_rng(seed)
    terms, law, observed = [best.task.terms[k] for k in best.places], best.found.solution, best.observed
    squares = []
    for _ in range(_DRAWS):
        runs = [replace(run, q=run.q + noise(run) * random.normal(size=run.q.shape)) for run in motions]
        rows = rows_of(replace(motions, runs=tuple(runs)), widths).free(system, observed.speeds)
        columns = rows.columns(system, terms, {}).at(observed.kept).as_powers(observed.v, observed.a)
        basis = None if rows.basis is None else rows.basis[observed.kept]
        again = in_coordinates(basis, residual(columns, law.c / best.sizes).r)
        squares.append(np.mean((again - in_coordinates(observed.basis, law.r)) ** 2))
    return float(np.sqrt(np.mean(squares)))


def _features(points: Points, turns: Sequence[bool]) -> np.ndarray:
    angles = np.asarray(turns, bool)
    parts = [
        points.q[:, ~angles],
        np.sin(points.q[:, angles]),
        np.cos(points.q[:, angles]),
        points.v,
        points.u,
        points.m,
    ]
    columns = np.concatenate([*parts, points.t[:, None]], axis=1)
    spread = columns.std(axis=0)
    varying = spread > 1e-9 * np.maximum(np.abs(columns).max(axis=0), 1e-300)
    return (columns[:, varying] - columns[:, varying].mean(axis=0)) / spread[varying]


def _regressed(column: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, float]:
    """What a polynomial of the second degree leaves, and the probability that noise is told as well by one."""
    count = len(column)
    x = np.concatenate([np.ones((count, 1)), features], axis=1)
    places = np.triu_indices(x.shape[1])
    whole = (x[:, places[0]] * x[:, places[1]])[:, : max(2, count // 4)]
    q, upper = np.linalg.qr(whole)
    q = q[:, np.abs(np.diag(upper)) > 1e-8 * np.abs(upper).max()]
    told = q @ (q.T @ column)
    rest = column - told
    degrees = q.shape[1], count - q.shape[1]
    if degrees[1] < 1 or not rest.any():
        return rest, 1.0
    ratio = (told @ told / degrees[0]) / (rest @ rest / degrees[1])
    return rest * np.sqrt(count / degrees[1]), float(scipy.stats.f.sf(ratio, *degrees))


def _alike(column: np.ndarray, features: np.ndarray) -> float:
    """The probability that residuals of neighbours are as alike as these by chance."""
    distance, neighbour = (np.asarray(x) for x in scipy.spatial.KDTree(features).query(features, k=2))
    near = np.argsort(distance[:, 1])[: max(10, int(_CLOSEST * len(column)))]
    pairs = {(min(i, j), max(i, j)) for i, j in zip(near, neighbour[near, 1], strict=True)}
    first, second = np.array(sorted(pairs)).T
    return float(scipy.stats.spearmanr(column[first], column[second], alternative="greater").pvalue)  # pyright: ignore
