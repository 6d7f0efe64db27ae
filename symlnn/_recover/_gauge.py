"""What two Lagrangians of the same motion differ by: total time derivatives, constants, identities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_DEPENDENT = 1e-7
"""The share of a column that the others leave of it, below which it is one of them."""


@dataclass(frozen=True, eq=False)
class Gauge:
    """Which terms are independent, and what the others are in terms of them."""

    kept: tuple[int, ...]
    relations: Mapping[int, Mapping[int, float]]
    """φ_d = Σₖ cₖ φₖ up to a total time derivative, for each term d that was dropped; empty for one that is nothing."""


def gauge(columns: Float[np.ndarray, "row term"], parts: Float[np.ndarray, " term"]) -> Gauge:
    """By Gram and Schmidt in the order of the columns, [H; h] of each term at states in general position: the first
    ones, the cheapest, are kept. `parts` are the sizes of what the columns are differences of: one that is far smaller
    is nothing."""
    sizes = np.linalg.norm(columns, axis=0)
    basis = np.zeros((len(columns), 0))
    kept: list[int] = []
    dropped: list[int] = []
    for place in range(columns.shape[1]):
        if not sizes[place] > _DEPENDENT * parts[place]:
            dropped.append(place)
            continue
        rest = columns[:, place] / sizes[place]
        for _ in range(2):  # once more, against rounding
            rest = rest - basis @ (basis.T @ rest)
        left = np.linalg.norm(rest)
        if left < _DEPENDENT:
            dropped.append(place)
            continue
        kept.append(place)
        basis = np.concatenate([basis, rest[:, None] / left], axis=1)
    return Gauge(tuple(kept), {place: _relation(columns, sizes, kept, place) for place in dropped})


def _relation(columns: np.ndarray, sizes: np.ndarray, kept: Sequence[int], place: int) -> dict[int, float]:
    if not sizes[place] > 0:
        return {}
    scaled = columns[:, kept] / sizes[list(kept)]
    shares, *_ = np.linalg.lstsq(scaled, columns[:, place] / sizes[place], rcond=None)
    return {
        k: float(share * sizes[place] / sizes[k]) for k, share in zip(kept, shares, strict=True) if abs(share) > 1e-6
    }
