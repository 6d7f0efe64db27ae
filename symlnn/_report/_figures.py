"""The figures of a report: functions of a validation, each to one matplotlib figure."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from .._system import System
from ..metrics import VALID_TIME_THRESHOLD
from ..plots import TRUTH, bands, colours, mathematics, plain, shades, wrapped
from ._bench import Motion
from ._results import Validation

WIDTH = 8.0
"""Of every figure, in inches: the page shows all of them at one scale."""


def label(system: System, index: int, velocity: bool = False) -> str:
    """What stands beside an axis: the symbol of a coordinate or of its velocity, and the unit."""
    symbol = (system.v if velocity else system.q)[index]
    unit = system.units.get(system.coordinates[index], "")
    unit = f"{unit}/s" if velocity and unit else unit
    return mathematics(system.latex(symbol), symbol.name) + (f" ({plain(unit)})" if unit else "")


def _window(validation: Validation, motion: int) -> int:
    """The frame up to which a roll-out is shown: one and a half of the longest valid time of that motion."""
    t = np.asarray(validation.oracle.rollout.t)
    longest = max(model.valid_seconds[motion] for model in validation.models)
    return int(min(len(t), np.searchsorted(t, max(1.5 * longest, 0.05 * t[-1])) + 1))


def typical_motion(validation: Validation) -> int:
    """The initial state whose valid time with the best model is the median one."""
    best = max(validation.models, key=lambda model: model.valid_time)
    order = np.argsort(best.valid_seconds, kind="stable")
    return int(order[len(order) // 2])


def _plot_coordinate(axes: Axes, validation: Validation, motion: int, index: int, last: int) -> None:
    system, angle = validation.system, validation.system.is_angle[index]
    t = np.asarray(validation.oracle.rollout.t)[:last]
    shade = colours([model.name for model in validation.models])
    truth = np.asarray(validation.oracle.rollout.q)[motion, :last, index]
    axes.plot(t, wrapped(truth, angle), color=TRUTH, label="analytic", lw=2.0, alpha=0.9)
    for model in validation.models:
        q = np.asarray(model.motion.rollout.q)[motion, :last, index]
        axes.plot(t, wrapped(q, angle), color=shade[model.name], label=model.name, lw=1.0)
    spread = np.nanmax(np.abs(wrapped(truth, angle)))
    centre = np.nanmean(wrapped(truth, angle)) if not angle else 0.0
    half = np.pi * 1.05 if angle else max(1.6 * np.nanmax(np.abs(truth - centre)), 1e-3 * spread, 1e-9)
    axes.set_ylim(float(centre - half), float(centre + half))
    axes.set_ylabel(label(system, index))


def _motions(validation: Validation) -> dict[str, Motion]:
    return {"analytic": validation.oracle} | {model.name: model.motion for model in validation.models}


def _plot_balance(axes: Axes, validation: Validation) -> None:
    t = np.asarray(validation.bench.rollout.t)
    largest = bands(axes, t, {name: motion.balance for name, motion in _motions(validation).items()})
    axes.set_ylim(top=3 * max(1.0, min(1e4, largest)))
    axes.set_ylabel(f"|E(t) − E(0){'' if validation.system.conserves_energy else ' − work'}| / E scale")
    axes.legend(loc="lower right", ncols=2)


def overview(validation: Validation) -> Figure:
    """The first coordinate of a typical roll-out, and the energy error of all of them."""
    figure = Figure(figsize=(WIDTH, 2.7))
    left, right = figure.subplots(1, 2)
    motion = typical_motion(validation)
    _plot_coordinate(left, validation, motion, 0, _window(validation, motion))
    left.set_xlabel("t (s)")
    left.legend(loc="upper right", ncols=3)
    left.set_title("A typical roll-out")
    _plot_balance(right, validation)
    right.set_title("Energy error, median and 10 to 90 %" if validation.system.conserves_energy else "Power balance")
    return figure


def training(validation: Validation) -> Figure | None:
    """Held-out error over training time; None where no model was trained."""
    trained = [model for model in validation.models if model.history is not None]
    if not trained:
        return None
    figure = Figure(figsize=(WIDTH, 2.8))
    axes = figure.subplots()
    shade = colours([model.name for model in validation.models])
    for model in trained:
        history = model.history
        assert history is not None
        axes.plot(history.seconds, history.error, color=shade[model.name], label=model.name)
        changes = [i for i in range(1, len(history.stage)) if history.stage[i] != history.stage[i - 1]]
        for i in changes:
            axes.plot(history.seconds[i - 1], history.error[i - 1], "o", color=shade[model.name], ms=4)
    axes.set_yscale("log")
    axes.set_xlabel("training time (s)")
    axes.set_ylabel("relative error of accelerations")
    axes.legend()
    return figure


def errors_over_states(validation: Validation) -> Figure:
    """Where each model errs: the mean acceleration error over a plane of the state space."""
    system = validation.system
    states = validation.bench.test.states
    q, v = np.asarray(states.q), np.asarray(states.v)
    x, y, labels = q[:, 0], v[:, 0], (label(system, 0), label(system, 0, velocity=True))
    if system.dof > 1:
        x, y, labels = q[:, 0], q[:, 1], (label(system, 0), label(system, 1))
    truth = np.asarray(validation.bench.test.a)
    size = float(np.sqrt(np.mean(np.sum(truth**2, axis=1))))
    models = validation.models
    figure = Figure(figsize=(WIDTH, max(2.2, 6.4 / len(models)) if len(models) > 1 else 3.6))
    grid = figure.subplots(1, len(models), squeeze=False, sharex=True, sharey=True)[0]
    bins = 40
    maps = []
    for model in models:
        error = np.linalg.norm(model.judgement.test_accelerations - truth, axis=1) / size
        error = np.where(np.isfinite(error), error, 1e6)
        total, xe, ye = np.histogram2d(x, y, bins=bins, weights=error)
        count, _, _ = np.histogram2d(x, y, bins=(xe, ye))
        with np.errstate(invalid="ignore", divide="ignore"):
            maps.append((np.where(count > 0, total / count, np.nan), xe, ye))
    finite = np.concatenate([m[np.isfinite(m) & (m > 0)] for m, _, _ in maps]) if maps else np.ones(1)
    low, high = (finite.min(), finite.max()) if finite.size else (1e-16, 1.0)
    norm = LogNorm(low, max(high, low * 1.01))
    for axes, model, (values, xe, ye) in zip(grid, models, maps, strict=True):
        mesh = axes.pcolormesh(xe, ye, np.maximum(values.T, low), norm=norm, cmap="cividis", rasterized=True)
        axes.set_title(model.name)
        axes.set_xlabel(labels[0])
    grid[0].set_ylabel(labels[1])
    figure.colorbar(mesh, ax=list(grid), label="mean |a − â| / rms |a|")
    return figure


def roll_outs(validation: Validation) -> Figure:
    """Every coordinate of a typical motion, truth and models on one another."""
    system = validation.system
    motion = typical_motion(validation)
    last = _window(validation, motion)
    figure = Figure(figsize=(WIDTH, 1.7 * system.dof + 0.9))
    rows = figure.subplots(system.dof, 1, sharex=True, squeeze=False)[:, 0]
    for index, axes in enumerate(rows):
        _plot_coordinate(axes, validation, motion, index, last)
    rows[0].legend(loc="upper right", ncols=4)
    rows[-1].set_xlabel("t (s)")
    return figure


def state_distance(validation: Validation) -> Figure:
    """The distance between learned and analytic motions over time, with the threshold of the valid time."""
    figure = Figure(figsize=(WIDTH, 2.8))
    axes = figure.subplots()
    bands(axes, np.asarray(validation.bench.rollout.t), {m.name: m.state_errors for m in validation.models})
    axes.axhline(VALID_TIME_THRESHOLD, color="0.5", lw=0.8, ls="--")
    axes.set_ylim(top=30)
    axes.set_ylabel("distance from the analytic motion")
    axes.legend(loc="lower right")
    return figure


def energy(validation: Validation) -> Figure:
    """The energy error (or power balance) of all motions over time."""
    figure = Figure(figsize=(WIDTH, 2.8))
    _plot_balance(figure.subplots(), validation)
    return figure


def phase_portraits(validation: Validation) -> Figure:
    """Coordinate against velocity of the first motions, truth and models side by side."""
    system = validation.system
    last = _window(validation, typical_motion(validation))
    motions = _motions(validation)
    shade = shades(list(motions))
    shown = min(system.dof, 3)
    figure = Figure(figsize=(WIDTH, 2.3 * shown + 0.3))
    grid = figure.subplots(shown, len(motions), squeeze=False, sharex="row", sharey="row")
    for row in range(shown):
        truth_v = np.asarray(validation.oracle.rollout.v)[:4, :last, row]
        finite = truth_v[np.isfinite(truth_v)]
        bound = 1.3 * float(np.abs(finite).max()) if finite.size else 1.0
        for axes, (name, motion) in zip(grid[row], motions.items(), strict=True):
            for k in range(min(4, motion.rollout.q.shape[0])):
                q = wrapped(np.asarray(motion.rollout.q)[k, :last, row], system.is_angle[row])
                v = np.asarray(motion.rollout.v)[k, :last, row]
                axes.plot(
                    q,
                    np.where(np.isfinite(v), v, np.nan),
                    color=shade[name],
                    lw=0.7,
                    alpha=0.8,
                    rasterized=True,
                )
            axes.set_ylim(-bound, bound)
            if row == 0:
                axes.set_title(name)
            axes.set_xlabel(label(system, row))
        truth_q = wrapped(np.asarray(validation.oracle.rollout.q)[:4, :last, row].ravel(), system.is_angle[row])
        low, high = float(np.nanmin(truth_q)), float(np.nanmax(truth_q))
        margin = 0.15 * max(high - low, 1e-9)
        grid[row][0].set_xlim(low - margin, high + margin)
        grid[row][0].set_ylabel(label(system, row, velocity=True))
    return figure


FIGURES: Mapping[str, Callable[[Validation], Figure | None]] = {
    "overview": overview,
    "training": training,
    "errors_over_states": errors_over_states,
    "roll_outs": roll_outs,
    "state_distance": state_distance,
    "energy": energy,
    "phase_portraits": phase_portraits,
}
"""Each figure of a report by the name of its files."""

_STILL = ("training", "errors_over_states")
"""Those that show no motion."""


def figures_of(validation: Validation, *names: str) -> dict[str, Callable[[], Figure | None]]:
    """What draws these figures of a validation, or all of `FIGURES`; without a true motion, those of none."""
    drawn = [name for name in names or FIGURES if validation.bench.moves or name in _STILL]
    return {name: partial(FIGURES[name], validation) for name in drawn}
