"""Levenberg's and Marquardt's method, within bounds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float


@dataclass(frozen=True, eq=False)
class Bounds:
    """lowest ≤ x ≤ highest; either may be infinite."""

    lowest: Float[np.ndarray, " free"]
    highest: Float[np.ndarray, " free"]

    def nearest(self, x: Float[np.ndarray, " free"]) -> Float[np.ndarray, " free"]:
        """The point within that is nearest to x."""
        return np.clip(x, self.lowest, self.highest)

    def movable(self, x: Float[np.ndarray, " free"], pull: Float[np.ndarray, " free"]) -> Bool[np.ndarray, " free"]:
        """Which of x are off their bounds, or pulled from them."""
        return ((x > self.lowest) | (pull > 0)) & ((x < self.highest) | (pull < 0))

    def holds(self, x: Float[np.ndarray, " free"]) -> Bool[np.ndarray, " free"]:
        """Which of x are at a bound, but for rounding."""
        return np.isclose(x, self.lowest, rtol=1e-9, atol=0) | np.isclose(x, self.highest, rtol=1e-9, atol=0)

    def of(self, places: Sequence[int]) -> "Bounds":
        """Of some of x."""
        return Bounds(self.lowest[list(places)], self.highest[list(places)])


_DAMPING, _LARGEST, _SMALLEST = 1e-3, 1e12, 1e-12


def least_squares(
    residuals: Callable[[np.ndarray], np.ndarray],
    both: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    x: Float[np.ndarray, " free"],
    kept: Sequence[int],
    bounds: Bounds,
    *,
    steps: int,
    enough: float,
) -> tuple[Float[np.ndarray, " free"], Float[np.ndarray, "kept kept"]]:
    """x with the least |r(x)|², of which the places `kept` are searched, and JᵀJ there.

    `both` gives r and its Jacobian in these places. One that is at its bound stays there while the residuals push it.
    The search ends where a step makes the sum smaller by less than the share `enough` of it, or none does, and before
    r or its Jacobian is not finite.
    """
    x, places, damping = bounds.nearest(x), np.asarray(kept, int), _DAMPING
    r, jacobian = both(x)
    cost = float(r @ r)
    hessian = jacobian.T @ jacobian
    for _ in range(steps):
        pull = -(jacobian.T @ r)
        free = bounds.of(kept).movable(x[places], pull)
        inside, square = places[free], hessian[np.ix_(free, free)]
        sizes = np.where(np.diag(square) > 0, np.diag(square), 1.0)
        new, trial = np.inf, x
        while damping < _LARGEST:
            trial = x.copy()
            trial[inside] += np.linalg.solve(square + damping * np.diag(sizes), pull[free])
            trial = bounds.nearest(trial)
            with np.errstate(all="ignore"):
                new = float(np.sum(residuals(trial) ** 2))
            if new < cost:  # false for NaN
                break
            damping *= 10
        if not new < cost:
            break
        fresh, slopes = both(trial)
        if not np.isfinite(slopes).all():
            break
        ended = cost - new < enough * cost
        x, damping = trial, max(damping / 10, _SMALLEST)
        r, jacobian = fresh, slopes
        cost, hessian = float(r @ r), jacobian.T @ jacobian
        if ended:
            break
    return x, hessian
