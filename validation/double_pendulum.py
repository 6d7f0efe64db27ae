"""The double pendulum: do learned dynamics follow the motion, and keep its energy? (section 5, figures 1 and 2)

L = ½ (m₁+m₂) l₁² θ̇₁² + ½ m₂ l₂² θ̇₂² + m₂ l₁ l₂ θ̇₁ θ̇₂ cos(θ₁−θ₂) + (m₁+m₂) g l₁ cos θ₁ + m₂ g l₂ cos θ₂,
with m = l = 1 and g = 9.8. The paper trains an LNN and a baseline network on accelerations at random states, and rolls
both out for 100 s.

Source: Cranmer et al. 2020 (arXiv:2003.04630), section 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import symlnn
from symlnn import Budget, Effort, Model, Validation, metrics
from symlnn.plots import in_order, over_time, shades, wrapped
from symlnn.report import Motion, ReportListener, Settings, examine, figures_of, roll_out, typical_motion

from ._recipes import PAPER_LNN, quickly
from ._study import Mode, Study, claims

_ENERGY = {"lnn": 4e-3, "nn": 8e-2}
"""The paper's mean errors, of the scale."""
_UNIT = "|E(t) − E(0)| / E scale"
_MODELS = {name: symlnn.MODELS[name] for name in ("lnn", "nn", "delan", "node")}

CLAIMS = claims("double_pendulum")


@dataclass(frozen=True)
class Config:
    """What one mode does."""

    effort: Effort
    models: Mapping[str, Model]
    long: float
    """The length of the one long roll-out, in seconds."""


CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config(Effort(Budget(seconds=4.0), test_states=20_000), quickly(_MODELS), long=200.0),
    Mode.default: Config(Effort(Budget(seconds=135.0)), _MODELS, long=1000.0),
    Mode.full: Config(Effort(Budget(seconds=3600.0)), _MODELS | {"lnn_paper": PAPER_LNN}, long=1000.0),
}


def run(config: Config, settings: Settings, listener: ReportListener) -> Study:
    """Train, roll out and compare."""
    system = symlnn.load_system("double_pendulum")
    validation = examine(system, config.models, effort=config.effort, settings=settings, listener=listener)
    listener("One long roll-out", None)
    long = _long_roll_out(validation, config.long)
    models = {model.name: model for model in validation.models}
    final = {name: model.motion.balance[:, -1] for name, model in models.items()}
    long_energy, long_times = {n: m.balance for n, m in long.items()}, np.asarray(long["analytic"].rollout.t)
    return Study(
        figures={
            "long_roll_out": {
                "duration": config.long,
                "energy": {name: _ends(motion) for name, motion in long.items()},
            },
            "followed_to_the_end": {
                name: int((model.valid_seconds >= system.duration).sum()) for name, model in models.items()
            },
        },
        validations=(validation,),
        pictures=figures_of(validation, "training", "errors_over_states", "energy", "state_distance", "phase_portraits")
        | {
            "energy_by_state": partial(in_order, final, xlabel="initial states", ylabel=_UNIT, marks=_ENERGY),
            "long_energy": partial(over_time, long_times, long_energy, ylabel=_UNIT, ylim=(1e-11, 1e2)),
            "angles": partial(_angles, validation),
        },
    )


def _long_roll_out(validation: Validation, duration: float) -> dict[str, Motion]:
    """The motion from the first initial state, for the analytic system and every model."""
    bench, times = validation.bench, jnp.linspace(0.0, duration, 2001)
    found = {}
    for name, dynamics in {"analytic": bench.truth, **{m.name: m.dynamics for m in validation.models}}.items():
        rollout = roll_out(dynamics, bench.start[:1], times)
        errors = metrics.balance_errors(validation.system, rollout, bench.start[:1], bench.scale)
        found[name] = Motion(rollout, errors, metrics.Spread.of(errors, np.asarray(rollout.successful)))
    return found


def _ends(motion: Motion) -> dict[str, Any]:
    spread = motion.spread
    return {"final": spread.final_max, "max": float(motion.balance.max()), "reached": not spread.failed}


def _angles(validation: Validation) -> Figure:
    figure = Figure(figsize=(8.0, 4.0))
    grid = figure.subplots(2, 2, sharey=True)
    t = np.asarray(validation.oracle.rollout.t)
    motion = typical_motion(validation)
    rollouts = {"analytic": validation.oracle.rollout} | {m.name: m.motion.rollout for m in validation.models}
    shade = shades(list(rollouts))
    for row, symbol in enumerate(validation.system.q):
        for column, span in enumerate(((0.0, 20.0), (t[-1] - 20.0, t[-1]))):
            axes = grid[row][column]
            shown = (t >= span[0]) & (t <= span[1])
            for name, rollout in rollouts.items():
                angle = wrapped(np.asarray(rollout.q)[motion, shown, row], True)
                axes.plot(t[shown], angle, color=shade[name], lw=2.0 if name == "analytic" else 1.0, label=name)
            axes.set_ylabel(f"${validation.system.latex(symbol)}$ (rad)" if column == 0 else "")
            axes.set_xlabel("t (s)" if row == 1 else "")
    grid[0][0].set_title("Short times")
    grid[0][1].set_title("Long times")
    grid[0][0].legend(loc="upper right", ncols=3)
    return figure
