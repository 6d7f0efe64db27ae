"""The coefficients of a law of given terms: a start without any, and the least squares of accelerations."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ._terms import Columns

_STEPS, _HALVINGS = 30, 8
_ENOUGH = 1e-10
_RANK = 1e-11
_NULL = (1, 2, 3, 4, 8, 16)
"""Directions of nearly the least error, among which a positive mass matrix is looked for."""
_POSITIVE = 0.98
_BALANCED = 1e-8
"""In natural units: where nothing acts between coordinates, the ratio of their masses could be anything."""
_TINY = 1e-150
_ROUNDING = 1e-13


@dataclass(frozen=True, eq=False)
class Solution:
    """Coefficients, and what they leave of the accelerations."""

    c: Float[np.ndarray, " term"]
    r: Float[np.ndarray, "row dof"]
    j: Float[np.ndarray, "row dof term"]
    """∂r/∂c."""

    def whitened(self, sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """∂(r/σ)/∂c as a matrix, and r/σ as a vector."""
        return (self.j / sigma[:, None]).reshape(-1, len(self.c)), (self.r / sigma).ravel()

    @property
    def squares(self) -> Float[np.ndarray, " dof"]:
        """Σ r², by coordinate."""
        return np.sum(self.r**2, axis=0)


def residual(columns: Columns, c: Float[np.ndarray, " term"]) -> Solution:
    """r = (H c)⁻¹ (E c), the error of the accelerations of the law c, and ∂r/∂cₖ = (H c)⁻¹ (Eₖ − Hₖ r).

    It does not change where c grows by a factor: (∂r/∂c) c = 0. At states E c = M a + h, so that r = a − a(c); with
    integrals over windows it is the mean of that, weighted by the mass matrix.
    """
    mass, r = _errors(columns, c)
    if not np.isfinite(r).all():
        return Solution(c, r, np.full(columns.e.shape, np.nan))
    # one product for all states: the terms are many, the degrees of freedom few
    rest = columns.e - np.matmul(r[:, None, None, :], np.moveaxis(columns.h, 2, -2))[..., 0, :]
    return Solution(c, r, np.linalg.solve(mass, rest))


def _errors(columns: Columns, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """H c, and r; not finite where H c is singular."""
    mass = columns.h @ c
    try:
        return mass, np.linalg.solve(mass, (columns.e @ c)[..., None])[..., 0]
    except np.linalg.LinAlgError:
        return mass, np.full(columns.e.shape[:2], np.nan)


def masses_of(columns: Columns) -> Float[np.ndarray, "dof term"]:
    """The mean diagonal of each term's mass matrix, in natural units: its sum fixes the scale of a law."""
    return np.einsum("riik->ik", columns.h) / len(columns.h)


def is_positive(columns: Columns, c: np.ndarray) -> bool:
    """Whether the mass matrix is positive definite at all but a few states, and no coordinate's mass is nothing beside
    the others'."""
    mass = columns.h @ c
    own = np.abs(np.einsum("rii->ri", mass)).mean(axis=0)
    if not own.min() > _BALANCED * own.max():
        return False
    positive = np.ones(len(mass), bool)
    for size in range(1, mass.shape[1] + 1):  # Sylvester's criterion
        positive &= np.linalg.det(mass[:, :size, :size]) > 0
    return bool(np.mean(positive) > _POSITIVE)


def starts(columns: Columns, anchor: int | None) -> list[Float[np.ndarray, " term"]]:
    """Coefficients with the least |E c| for |H c| = 1; where several directions come near to it, combinations of them
    with a positive mass matrix. With an anchor, a term whose coefficient is one, the least squares of E c."""
    e = columns.e.reshape(-1, columns.e.shape[-1])
    h = columns.h.reshape(-1, columns.h.shape[-1])
    sizes = np.sqrt(np.sum(e**2, axis=0) + np.sum(h**2, axis=0))
    if not np.isfinite(sizes).all():
        return []
    sizes = np.where(sizes > 0, sizes, 1.0)
    e, h = e / sizes, h / sizes
    if anchor is not None:
        others = np.delete(np.arange(e.shape[1]), anchor)
        c = np.ones(e.shape[1])
        c[others] = -np.linalg.lstsq(e[:, others], e[:, anchor], rcond=1e-10)[0] * sizes[anchor] / sizes[others]
        return [c] if is_positive(columns, c) else []
    r = np.linalg.qr(e, mode="r")
    _, values, directions = np.linalg.svd(r)
    values = np.append(values, np.zeros(len(directions) - len(values)))  # fewer rows than terms
    inverse = directions.T / np.maximum(values, max(1e-12 * values[0], _TINY))
    order = np.linalg.svd(np.linalg.qr(h, mode="r") @ inverse)[2]
    mean = np.einsum("rijk->ijk", columns.h) / len(columns.h)
    found = []
    for count in (n for n in _NULL if n <= len(order)):
        basis = inverse @ order[:count].T / sizes[:, None]
        basis /= np.linalg.norm(mean @ basis, axis=(0, 1)) + 1e-300
        masses = (mean @ basis).reshape(-1, count)
        c = basis @ np.linalg.lstsq(masses, np.eye(len(mean)).ravel(), rcond=None)[0]
        if np.isfinite(c).all() and is_positive(columns, c):
            found.append(c)
    return found


def polished(
    columns: Columns, c: np.ndarray, sigma: np.ndarray, anchor: int | None, *, steps: int = _STEPS
) -> Solution | None:
    """Gauss and Newton from c on Σ (r/σ)², the scale fixed by the mass or by the anchor; None if it is not finite."""
    mass = masses_of(columns).sum(axis=0)
    if anchor is None:
        c = c / (mass @ c)
    now = residual(columns, c)
    if not np.isfinite(now.r).all():
        return None
    fixed = mass if anchor is None else np.eye(len(c))[anchor]
    for _ in range(steps):
        of_data = now.whitened(sigma)[0]
        sizes = column_sizes(of_data)
        row = fixed / sizes
        row = row * (np.sqrt(len(of_data)) / np.linalg.norm(row))
        rows = np.concatenate([of_data / sizes, row[None]])
        if not np.isfinite(rows).all():
            return None  # of a trial whose terms overflow, or their squares
        step = -_least_squares(rows, np.append((now.r / sigma).ravel(), 0.0)) / sizes
        before, moved = np.sum((now.r / sigma) ** 2), None
        for halving in range(_HALVINGS):
            trial = now.c + step / 2**halving
            after = np.sum((_errors(columns, trial)[1] / sigma) ** 2)
            if after < before and is_positive(columns, trial):
                moved = trial
                break
        if moved is None:
            break
        gain = before - after
        now = residual(columns, moved)
        if gain < _ENOUGH * before:
            break
    return now


def loss(columns: Columns, c: np.ndarray, sigma: np.ndarray) -> float:
    """Σ (r/σ)²; infinite where that is not finite, and without a positive mass matrix."""
    if not is_positive(columns, c):
        return np.inf
    found = float(np.sum((_errors(columns, c)[1] / sigma) ** 2))
    return found if np.isfinite(found) else np.inf


def column_sizes(j: np.ndarray) -> Float[np.ndarray, " term"]:
    """The norms of the columns; those that are rounding have the largest one, so that they stay it when divided."""
    sizes = np.linalg.norm(j, axis=0)
    largest = sizes.max(initial=0.0)
    return np.where(sizes > _ROUNDING * largest, sizes, largest if largest > 0 else 1.0)


def _least_squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # QR first, of both at once: the rows are many
    r: np.ndarray = np.asarray(np.linalg.qr(np.concatenate([a, b[:, None]], axis=1), mode="r"))
    return np.linalg.lstsq(r[:, :-1], r[:, -1], rcond=_RANK)[0]


def covariance(
    solution: Solution, sigma: np.ndarray, fixed: Collection[int], repeated: float = 1.0
) -> Float[np.ndarray, "term term"]:
    """Of the coefficients, with those of some terms fixed; `repeated` is how often the rows tell the same."""
    count = len(solution.c)
    free = [k for k in range(count) if k not in fixed]
    found = np.zeros((count, count))
    if free:
        of_data = solution.whitened(sigma)[0][:, free]
        sizes = column_sizes(of_data)
        inverse = np.linalg.pinv(np.linalg.qr(of_data / sizes, mode="r"))
        found[np.ix_(free, free)] = repeated * (inverse @ inverse.T) / np.outer(sizes, sizes)
    return found
