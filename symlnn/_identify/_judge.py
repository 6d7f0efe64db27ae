"""How far a law is to be trusted on motions that it was not identified from."""

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.signal
from jaxtyping import Bool, Float

from .._data import Motions, Run
from .._dynamics import AbstractDynamics, AbstractEquationOfMotion, without_constraint_forces
from ._method import Choices
from ._smooth import Stretch, stretches
from ._windows import Windows

_BUTTERWORTH = 3
_TIMES = 24
_SHARE = 0.2
"""Of the farthest horizon, at which predictions start."""


@dataclass(frozen=True, eq=False)
class Judgement:
    """What a law gets wrong on held-out motions, by coordinate."""

    force: Float[np.ndarray, " dof"] | None
    """The root mean square of M a − r, without the forces of constraints, in units of force, with positions and inputs
    filtered; None for a law that has no such equation."""
    median: dict[float, Float[np.ndarray, " dof"]]
    """Of |q predicted − q measured| so many seconds after a smoothed state, over all of them."""
    rms: dict[float, Float[np.ndarray, " dof"]]
    failed: int
    """Predictions that did not stay finite."""
    predictions: int
    last: Float[np.ndarray, " prediction"]
    """Of each prediction the error at the farthest horizon: the mean over coordinates of |q predicted − q measured|, in
    standard deviations of the coordinate; infinite where it failed."""

    @property
    def score(self) -> float:
        """The median of `last`."""
        return float(np.median(self.last))

    def better_than(self, other: "Judgement") -> bool:
        """Whether the same predictions are better than another law's, by more than two standard errors of the mean
        difference."""
        with np.errstate(invalid="ignore"):
            gain = other.last - self.last
        if not np.isfinite(gain).all():
            return bool(np.isfinite(self.last).sum() > np.isfinite(other.last).sum())
        independent = max(2.0, len(gain) * _SHARE)
        return float(gain.mean()) > 2 * float(gain.std()) / independent**0.5


def judge(dynamics: AbstractDynamics, motions: Motions, choices: Choices) -> Judgement:
    """Of a law, on these motions: force with a Butterworth filter of third order forward and backward, and prediction
    from smoothed states at every fifth of the longest horizon."""
    median, rms, failed, last = _prediction(dynamics, motions, choices)
    force = force_residual(dynamics, motions, choices.filter_hz)
    whole = None if force is None else np.sqrt(np.mean(np.concatenate([f for _, f in force]) ** 2, axis=0))
    return Judgement(whole, median, rms, failed, len(last), last)


def predictions(
    dynamics: AbstractDynamics, motions: Motions, choices: Choices
) -> list[tuple[Float[np.ndarray, " sample"], Float[np.ndarray, "sample dof"]]]:
    """(t, q predicted) from smoothed states, one after another, each for the longest horizon."""
    windows, predicted = _predicted(dynamics, motions, choices, share=1.0)
    seen = np.any(np.asarray(windows.seen), axis=-1)
    times = np.asarray(windows.t)[:, None] + np.asarray(windows.times)
    return [(t[known], q[known]) for t, q, known in zip(times, predicted, seen, strict=True)]


def errors_over_horizon(
    dynamics: AbstractDynamics, motions: Motions, choices: Choices
) -> tuple[Float[np.ndarray, " time"], Float[np.ndarray, "time dof"], Float[np.ndarray, "time dof"]]:
    """(t, median, root mean square) of |q predicted − q measured| so many seconds after smoothed states, to the longest
    horizon; infinite where half of the predictions, or all of them, have failed."""
    predicted = _Predicted.of(dynamics, motions, choices)
    times = np.linspace(0, max(choices.horizons), _TIMES + 1)[1:]
    found = [predicted.after(t) for t in times]
    return times, *(np.stack(x) for x in zip(*((median, rms) for median, rms, _ in found), strict=True))  # pyright: ignore


def force_residual(
    dynamics: AbstractDynamics, motions: Motions, filter_hz: float
) -> list[tuple[np.ndarray, np.ndarray]] | None:
    """For each run (t, M a − r), with everything filtered; None for a law without such an equation, or where no part is
    long enough to filter."""
    if not isinstance(dynamics, AbstractEquationOfMotion):
        return None
    found = []
    for run in motions:
        for part in stretches(run, 0, 0.0):
            filtered = _filtered(run, part, filter_hz)
            if filtered is not None:
                found.append((part.t, np.asarray(_residual(dynamics, *filtered))))
    return found or None


def _filtered(run: Run, part: Stretch, filter_hz: float) -> tuple | None:
    rate = 1 / part.step
    if filter_hz >= 0.4 * rate or len(part.t) < 30:
        return None
    sos = scipy.signal.butter(_BUTTERWORTH, filter_hz, fs=rate, output="sos")
    raw = np.stack([np.interp(part.t, run.t[k := np.isfinite(c)], c[k]) for c in run.q.T], axis=1)
    q, u = (scipy.signal.sosfiltfilt(sos, x, axis=0) if x.shape[1] else x for x in (raw, part.u))
    v = np.gradient(q, part.step, axis=0)
    m = np.broadcast_to(part.m, (len(q), len(part.m)))
    return tuple(jnp.asarray(x) for x in (q, v, np.gradient(v, part.step, axis=0), m, u, part.t))


@eqx.filter_jit
def _residual(dynamics: Any, q: Any, v: Any, a: Any, m: Any, u: Any, t: Any) -> Any:
    def one(q: Any, v: Any, a: Any, m: Any, u: Any, t: Any) -> Any:
        matrix, right = dynamics.equation(q, v, m, u, t)
        left = matrix.mv(a) - right
        if dynamics.constraints is None:
            return left
        return without_constraint_forces(dynamics.constraints, q, m, t, jnp.ones_like(q)) @ left

    return jax.vmap(one)(q, v, a, m, u, t)


def _predicted(
    dynamics: AbstractDynamics, motions: Motions, choices: Choices, *, share: float
) -> tuple[Windows, Float[np.ndarray, "window sample dof"]]:
    """Windows of the longest horizon that start at every such share of it, and the positions predicted in them."""
    parts = [part for place, run in enumerate(motions) for part in stretches(run, place, choices.window)]
    longest = max(choices.horizons)
    windows = Windows.of(motions, parts, duration=longest, every=share * longest, longest_step=choices.step)
    return windows, np.asarray(_all_predicted(dynamics, windows.batch()))


def _prediction(
    dynamics: AbstractDynamics, motions: Motions, choices: Choices
) -> tuple[dict[float, np.ndarray], dict[float, np.ndarray], int, np.ndarray]:
    predicted = _Predicted.of(dynamics, motions, choices)
    found = {horizon: predicted.after(horizon) for horizon in choices.horizons}
    spread = np.nanstd(np.concatenate([run.q for run in motions]), axis=0)
    last = np.mean(found[max(choices.horizons)][2] / np.where(spread > 0, spread, 1.0), axis=1)
    median = {horizon: median for horizon, (median, _, _) in found.items()}
    return median, {horizon: rms for horizon, (_, rms, _) in found.items()}, int(predicted.lost.sum()), last


@dataclass(frozen=True, eq=False)
class _Predicted:
    """Predictions from smoothed states beside what was measured."""

    times: Float[np.ndarray, "window sample"]
    seen: Bool[np.ndarray, "window sample dof"]
    off: Float[np.ndarray, "window sample dof"]
    """|q predicted − q measured|, infinite where a prediction has failed."""
    lost: Bool[np.ndarray, " window"]

    @staticmethod
    def of(dynamics: AbstractDynamics, motions: Motions, choices: Choices) -> "_Predicted":
        windows, predicted = _predicted(dynamics, motions, choices, share=_SHARE)
        seen = np.asarray(windows.seen)
        off = np.abs(predicted - np.asarray(windows.measured))
        lost = np.asarray(~np.isfinite(np.where(seen, off, 0.0)).all(axis=(1, 2)))
        return _Predicted(np.asarray(windows.times), seen, np.where(np.isfinite(off), off, np.inf), lost)

    def after(self, horizon: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Median and root mean square, without those that failed, in the sample of each window that is nearest to so
        many seconds after its start; and the errors there."""
        place = np.argmin(np.where(self.seen.any(axis=-1), np.abs(self.times - horizon), np.inf), axis=1)
        rows = np.arange(len(self.off))
        there, known = self.off[rows, place], self.seen[rows, place].all(axis=-1)
        whole = there[known & ~self.lost]
        rms = np.sqrt(np.mean(whole**2, axis=0)) if len(whole) else np.full(there.shape[1], np.inf)
        return np.median(there[known], axis=0), rms, there[known]


@eqx.filter_jit
def _all_predicted(dynamics: AbstractDynamics, windows: Windows) -> Any:
    return jax.vmap(lambda w: w.predicted(dynamics, w.q, w.v))(windows)
