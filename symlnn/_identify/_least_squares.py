"""Levenberg's and Marquardt's method, with bounds from below."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

_DAMPING, _LARGEST, _SMALLEST = 1e-3, 1e12, 1e-12


def least_squares(
    residuals: Callable[[np.ndarray], np.ndarray],
    both: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    x: Float[np.ndarray, " free"],
    kept: Sequence[int],
    lowest: Float[np.ndarray, " free"],
    *,
    steps: int,
    enough: float,
) -> tuple[Float[np.ndarray, " free"], Float[np.ndarray, "kept kept"]]:
    """x with the least |r(x)|², of which the places `kept` are searched, and JᵀJ there.

    `both` gives r and its Jacobian in these places. One that is at its bound stays there while the residuals push it.
    The search ends where a step makes the sum smaller by less than the share `enough` of it, or none does, and before
    r or its Jacobian is not finite.
    """
    x, places, damping = np.maximum(x, lowest), np.asarray(kept, int), _DAMPING
    r, jacobian = both(x)
    cost = float(r @ r)
    hessian = jacobian.T @ jacobian
    for _ in range(steps):
        pull = -(jacobian.T @ r)
        free = (x[places] > lowest[places]) | (pull > 0)
        inside, square = places[free], hessian[np.ix_(free, free)]
        sizes = np.where(np.diag(square) > 0, np.diag(square), 1.0)
        new, trial = np.inf, x
        while damping < _LARGEST:
            trial = x.copy()
            trial[inside] += np.linalg.solve(square + damping * np.diag(sizes), pull[free])
            trial = np.maximum(trial, lowest)
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
