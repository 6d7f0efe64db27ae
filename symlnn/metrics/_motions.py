"""Distances between learned and true motions."""

import numpy as np
from jaxtyping import Float

from .._rollout import Rollout
from .._system import System
from .._types import AbstractSizes

_STILL = 1e-3
VALID_TIME_THRESHOLD = 0.4
"""Share of the spread of the true motions that ends the valid time."""


def wrapped_difference(
    a: Float[np.ndarray, "*batch dof"], b: Float[np.ndarray, "*batch dof"], is_angle: tuple[bool, ...]
) -> Float[np.ndarray, "*batch dof"]:
    """a − b, with the differences of angles in [−π, π)."""
    difference = a - b
    with np.errstate(invalid="ignore"):
        return np.where(is_angle, (difference + np.pi) % (2 * np.pi) - np.pi, difference)


def state_errors(
    truth: Rollout,
    model: Rollout,
    *,
    is_angle: tuple[bool, ...],
    spread_of: Rollout | None = None,
    sizes: AbstractSizes | None = None,
) -> Float[np.ndarray, "batch time"]:
    """The distance of two batches of motions, in units of the spread of the true one, or of `spread_of`.

    Each coordinate and velocity is divided by its standard deviation over those motions (that of an angle at most
    π/√3, the uniform one), and the root mean square over them is taken. One that the truth leaves where it is counts
    in thousandths of its declared size, `sizes`, or of the largest spread.
    """
    q, v = np.asarray(truth.q), np.asarray(truth.v)
    spread = truth if spread_of is None else spread_of
    q_spread, v_spread = (np.std(np.asarray(x), axis=(0, 1)) for x in (spread.q, spread.v))
    q_spread = np.where(is_angle, np.minimum(q_spread, np.pi / np.sqrt(3)), q_spread)
    smallest = (np.max(q_spread), np.max(v_spread)) if sizes is None else (np.asarray(sizes.q), np.asarray(sizes.v))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        parts = [
            wrapped_difference(np.asarray(model.q), q, is_angle) / np.maximum(q_spread, _STILL * smallest[0]),
            (np.asarray(model.v) - v) / np.maximum(v_spread, _STILL * smallest[1]),
        ]
        errors = np.sqrt(np.mean(np.concatenate(parts, axis=-1) ** 2, axis=-1))
    return np.where(np.isfinite(errors), errors, np.inf)


def velocity_errors(truth: Rollout, model: Rollout) -> Float[np.ndarray, " batch"]:
    """‖v̂ − v‖₂ / ‖v‖₂ of each motion, over its instants and coordinates; infinite where the model's failed."""
    v, predicted = np.asarray(truth.v), np.asarray(model.v)
    with np.errstate(invalid="ignore"):
        errors = np.linalg.norm(predicted - v, axis=(1, 2)) / np.linalg.norm(v, axis=(1, 2))
    return np.where(np.asarray(model.successful) & np.isfinite(errors), errors, np.inf)


def valid_times(errors: Float[np.ndarray, "batch time"], t: Float[np.ndarray, " time"]) -> Float[np.ndarray, " batch"]:
    """The first time at which each error exceeds 0.4, or the whole duration where none does."""
    exceeded = errors > VALID_TIME_THRESHOLD
    first = np.where(exceeded.any(axis=1), exceeded.argmax(axis=1), -1)
    return np.where(first >= 0, t[first], t[-1])


def share_outside(system: System, rollout: Rollout) -> float:
    """The share of roll-out time spent where, or when, no state was sampled; time after a failure counts as outside."""
    q, v, t = (np.asarray(x) for x in (rollout.q, rollout.v, rollout.t))
    outside = np.zeros(q.shape[:2], bool)
    for i, (position, velocity) in enumerate(system.state_marginals()):
        outside |= ~_within(q[..., i], position.bounds, period=2 * np.pi if system.is_angle[i] else None)
        outside |= ~_within(v[..., i], velocity.bounds)
    if system.domain.time is not None:
        outside |= ~_within(t, system.domain.time.marginals[0].bounds)
    return float(outside.mean())


def _within(values: np.ndarray, bounds: tuple[float, float], period: float | None = None) -> np.ndarray:
    """Whether values lie in an interval, shifted by any number of periods."""
    low, high = bounds
    with np.errstate(invalid="ignore"):
        return (values - low) % period <= high - low if period else (values >= low) & (values <= high)
