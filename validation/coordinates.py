"""Table 1 as an experiment: what can each model learn, on a system that asks for it?

The paper's table 1 gives ticks and blanks to a network, a neural ODE, a Hamiltonian network, DeLaN and the LNN. Here
each is a number: every model learns an elastic pendulum in polar coordinates (whose velocities are no momenta), a
relativistic particle (whose kinetic energy is not quadratic) and a charged particle in a magnetic field (whose
Lagrangian has a term linear in the velocity).

Source: Cranmer et al. 2020 (arXiv:2003.04630), table 1.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
from matplotlib.figure import Figure

import symlnn
from symlnn import MODELS, Budget, Effort, Model, Validation
from symlnn.metrics import state_errors
from symlnn.plots import over_time
from symlnn.report import ModelResult, ReportListener, Settings, examine, roll_out

from ._recipes import quickly
from ._study import Claim, Mode, Study, read_claims

POLAR, RELATIVISTIC, MAGNETIC = "elastic_pendulum", "relativistic_particle", "charged_particle"
_NAMES = ("nn", "node", "hnn_canonical", "hnn_observed", "delan", "lnn")
_MODELS = {name: MODELS[name.removesuffix("_canonical")] for name in _NAMES}
_FEW = {name: _MODELS[name] for name in ("nn", "delan", "lnn")}
COLUMNS = ("nn", "node", "hnn", "delan", "lnn")
_DURATION = {POLAR: 10.0, RELATIVISTIC: 1.0, MAGNETIC: 10.0}
_WINDOW = 3.0
"""The part of a roll-out over which motions are compared, in seconds: later, chaos would be measured."""


@dataclass(frozen=True)
class Config:
    """What one mode does."""

    effort: Effort
    systems: Mapping[str, Mapping[str, Model]]
    """The models that learn each system."""


_ALL: Mapping[str, Mapping[str, Model]] = {name: _MODELS for name in (POLAR, RELATIVISTIC, MAGNETIC)}

CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config(
        Effort(Budget(seconds=1.0), test_states=5_000, trajectories=10, check_states=1_000),
        {POLAR: quickly(_MODELS), RELATIVISTIC: quickly(_FEW), MAGNETIC: quickly(_FEW)},
    ),
    Mode.default: Config(Effort(Budget(seconds=22.0), test_states=20_000), _ALL),
    Mode.full: Config(Effort(Budget(seconds=1800.0)), _ALL),
}


@dataclass(frozen=True)
class Row:
    """A row of table 1: what the paper leaves blank in it, and how it is measured."""

    name: str
    blanks: Sequence[str]
    """The columns without a tick."""
    system: str
    measure: str
    """One of `MEASURES`."""
    words: str
    """The measure, in words."""
    threshold: float
    """Below it a tick is confirmed."""
    undecided: Sequence[str] = ()
    """The columns whose number says nothing about the paper's cell."""
    observed: bool = False
    """Whether the Hamiltonian network has (q, q̇) for its coordinates, and not canonical ones."""

    def measured(self, models: Mapping[tuple[str, str], tuple[Validation, ModelResult]]) -> dict[str, dict[str, Any]]:
        """Every cell; its number is None where the model was not trained."""
        kind, cells = "hnn_observed" if self.observed else "hnn_canonical", {}
        for column in COLUMNS:
            pair = models.get((self.system, kind if column == "hnn" else column))
            number = None if pair is None else MEASURES[self.measure](*pair)
            cells[column] = {"paper": column not in self.blanks, "here": number, "threshold": self.threshold}
        return cells

    def claim(self, column: str) -> Claim:
        """The cell of a column as a claim: the number confirms a tick below the threshold, a blank above it."""
        tick, path = column not in self.blanks, f"table.{self.name}.{column}.here"
        below, above = (self.threshold if side and column not in self.undecided else None for side in (tick, not tick))
        return Claim(f"{self.name}: {column}", path, "✓" if tick else "blank", at_most=below, at_least=above)


ROWS = tuple(Row(**row) for row in read_claims("coordinates")["row"])
CLAIMS = tuple(row.claim(column) for row in ROWS for column in COLUMNS)


def _distances(validation: Validation) -> Callable[[], Figure]:
    t = np.asarray(validation.bench.rollout.t)
    shown = t <= _WINDOW
    errors = {m.name: m.state_errors[:, shown] for m in validation.models}
    limits = (1e-10, 30.0)
    return partial(over_time, t[shown], errors, ylabel="distance from the motion", floor=1e-12, ylim=limits)


def run(config: Config, settings: Settings, listener: ReportListener) -> Study:
    """Train every model on every system, and fill the table."""
    validations = tuple(
        examine(
            dataclasses.replace(symlnn.load_system(name), duration=_DURATION[name]),
            models,
            effort=config.effort,
            settings=settings,
            listener=lambda doing, progress, name=name: listener(f"{name}: {doing}", progress),
        )
        for name, models in config.systems.items()
    )
    models = {(v.system.name, model.name): (v, model) for v in validations for model in v.models}
    return Study(
        figures={
            "table": {row.name: row.measured(models) for row in ROWS},
            "measures": {row.name: row.words for row in ROWS},
        },
        validations=validations,
        of_models={key: {"motion_error": motion_error(*pair)} for key, pair in models.items()},
        pictures={f"{v.system.name}_motion": _distances(v) for v in validations},
    )


def motion_error(validation: Validation, model: ModelResult) -> float:
    """The distance from the true motion, median over roll-outs of the root mean square over the first 3 s.

    In units of the spread of the true motions; infinite where more than half of the roll-outs fail before.
    """
    t = np.asarray(validation.oracle.rollout.t)
    errors = model.state_errors[:, t <= _WINDOW]
    return float(np.median(np.sqrt(np.mean(errors**2, axis=1))))


def _own_drift(validation: Validation, model: ModelResult) -> float:
    """How far the energy that the model has learned drifts, in units of its spread over the test states."""
    dynamics = model.dynamics
    if not isinstance(dynamics, symlnn.EulerLagrange | symlnn.Hamilton):
        return model.motion.spread.final_median
    states, rollout, m = validation.bench.test.states[:2000], model.motion.rollout, validation.bench.start.m
    over = np.asarray(jax.vmap(dynamics.energy)(states.q, states.v, states.m))
    ends = [jax.vmap(dynamics.energy)(rollout.q[:, i], rollout.v[:, i], m) for i in (0, -1)]
    drift = np.abs(np.asarray(ends[1] - ends[0])) / np.std(over)
    return float(np.median(np.where(np.isfinite(drift), drift, np.inf)))


def _step_dependence(validation: Validation, model: ModelResult) -> float:
    """How much the motion depends on the integrator's steps, in units of the spread of the true motions."""
    truth = validation.oracle.rollout
    fine = model.motion.rollout  # at 1e-8, as studies are in float64
    coarse = roll_out(model.dynamics, validation.bench.start, truth.t, tolerance=1e-5)
    errors = state_errors(fine, coarse, is_angle=validation.system.is_angle, spread_of=truth)
    early = int(np.searchsorted(np.asarray(truth.t), _WINDOW))
    return float(np.median(errors[:, early]))


MEASURES: Mapping[str, Callable[[Validation, ModelResult], float]] = {
    "relative_rms": lambda validation, model: model.acceleration.relative_rms,
    "step_dependence": _step_dependence,
    "own_drift": _own_drift,
    "motion_error": motion_error,
}
