"""Which parameters the data can tell apart."""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
from jaxtyping import Float

_RANK = 1e-7
"""Singular values below this share of the largest are zero: directions of rounding lie at 1e-12, those that data tell
badly, which the standard errors speak of, at 1e-4."""
_PART = 1e-4
_CHOICES = 3000


@dataclass(frozen=True)
class Rank:
    """Places of the parameters that are kept and held, and the groups of those that are confounded."""

    kept: tuple[int, ...]
    held: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]


def rank(jacobian: Float[np.ndarray, "residuals free"]) -> Rank:
    """From the Jacobian of the residuals, whose columns count by their direction: J n = 0 for n within the null space.

    For each direction n of it one parameter is held, by pivoting, so that the others are determined; the group of a
    held one are those that change together with it.
    """
    free = jacobian.shape[1]
    if not free:
        return Rank((), (), ())
    lengths = np.linalg.norm(jacobian, axis=0)
    lengths = np.where(lengths > _RANK * lengths.max(initial=0.0), lengths, np.inf)
    jacobian = jacobian / lengths
    _, singular, directions = np.linalg.svd(np.linalg.qr(jacobian, mode="r"))
    singular = np.pad(singular, (0, free - len(singular)))
    null = directions[singular <= _RANK * max(singular.max(), np.finfo(float).tiny)]
    if not len(null):
        return Rank(tuple(range(free)), (), ())
    null = null / np.where(np.isfinite(lengths), lengths, 1.0)
    null = null / np.linalg.norm(null, axis=1, keepdims=True)
    held = _held(null)
    reduced = np.linalg.solve(null[:, held], null)
    groups = (tuple(map(int, np.flatnonzero(np.abs(row) > _PART))) for row in reduced)
    return Rank(tuple(k for k in range(free) if k not in held), tuple(sorted(held)), tuple(sorted(groups)))


def _held(null: Float[np.ndarray, "directions free"]) -> list[int]:
    """One parameter for each direction: those that leave the smallest groups, and by pivoting where there are too many
    choices."""
    count = len(null)
    touched = np.flatnonzero(np.abs(null).max(axis=0) > _PART)
    if math.comb(len(touched), count) > _CHOICES:
        factors: Any = scipy.linalg.qr(null, pivoting=True, mode="economic")
        return [int(k) for k in factors[2][:count]]
    best, chosen = math.inf, list(map(int, touched[:count]))
    for choice in itertools.combinations(map(int, touched), count):
        square = null[:, choice]
        if np.linalg.cond(square) < 1 / _PART:
            size = int((np.abs(np.linalg.solve(square, null)) > _PART).sum())
            if size < best:  # of equal ones those that are declared first
                best, chosen = size, list(choice)
    return chosen
