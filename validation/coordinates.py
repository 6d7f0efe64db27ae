"""Table 1 as an experiment: what can each model learn, on a system that asks for it?

The paper's table 1 gives ticks and blanks to a network, a neural ODE, a Hamiltonian network, DeLaN and the LNN. Here
each is a number: every model learns an elastic pendulum in polar coordinates (whose velocities are no momenta), a
relativistic particle (whose kinetic energy is not quadratic) and a charged particle in a magnetic field (whose
Lagrangian has a term linear in the velocity).

Source: Cranmer et al. 2020 (arXiv:2003.04630), table 1.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
from matplotlib.figure import Figure

import symlnn
from symlnn import MODELS, Budget, Effort, Model, System, Validation
from symlnn.metrics import state_errors
from symlnn.plots import bands
from symlnn.report import Listener, ModelResult, Settings, examine, roll_out
from symlnn.report import number as in_words

from ._recipes import IN_WORDS, quickly
from ._study import Claim, Mode, Picture, Results, Section, Study, Table

POLAR, RELATIVISTIC, MAGNETIC = "elastic_pendulum", "relativistic_particle", "charged_particle"
_NAMES = ("nn", "node", "hnn_canonical", "hnn_observed", "delan", "lnn")
_MODELS = {name: MODELS[name.removesuffix("_canonical")] for name in _NAMES}
_FEW = {name: _MODELS[name] for name in ("nn", "delan", "lnn")}
COLUMNS = ("nn", "node", "hnn", "delan", "lnn")
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
    blanks: tuple[str, ...]
    """The columns without a tick."""
    measure: str
    threshold: float
    """Below it a tick is confirmed."""
    undecided: tuple[str, ...] = ()
    """The columns whose number says nothing about the paper's cell."""


_STEPS = "elastic pendulum: change of the motion when the integrator's tolerance goes from 1e-5 to 1e-8"
_DRIFT = "elastic pendulum: drift of the model's own energy over 10 s; of the analytic one for models without"
_KINETIC = "Learns arbitrary Lagrangians: kinetic energy not quadratic"
_MAGNETIC = "Learns arbitrary Lagrangians: magnetic force"
_OVER = f"on (q, q̇): distance of the motion over {_WINDOW:g} s"
_DIRECT = ("nn", "node")
ROWS: tuple[Row, ...] = (
    Row("Can model dynamical systems", (), "elastic pendulum: relative error of the accelerations", 0.02),
    Row("Learns differential equations", ("nn",), _STEPS, 1e-3, undecided=("nn",)),
    Row("Learns exact conservation laws", _DIRECT, _DRIFT, 1e-5),
    Row("Learns from arbitrary coordinates", ("hnn",), f"elastic pendulum {_OVER}", 0.05),
    Row(_KINETIC, COLUMNS[:-1], "relativistic particle on (q, q̇): distance of the motion over 1 s", 0.05, _DIRECT),
    Row(_MAGNETIC, COLUMNS[:-1], f"charged particle {_OVER}", 0.05, _DIRECT),
)


@dataclass(frozen=True)
class Cell:
    """A cell of table 1."""

    row: Row
    column: str
    tick: bool
    """In the paper's table."""
    number: float | None
    """What was measured here; None where the model was not trained."""

    @property
    def agrees(self) -> bool | None:
        """Whether the number confirms the paper's cell; None where it says nothing about it."""
        if self.number is None or self.column in self.row.undecided:
            return None
        return (self.number < self.row.threshold) == self.tick


def run(mode: Mode, settings: Settings, listener: Listener) -> Study:
    """Train every model on every system, and fill the table."""
    config = CONFIG[mode]
    validations = tuple(
        examine(
            _shortened(symlnn.load_system(name)),
            models,
            effort=config.effort,
            settings=settings,
            listener=lambda doing, progress, name=name: listener(f"{name}: {doing}", progress),
        )
        for name, models in config.systems.items()
    )
    by_name = {validation.system.name: validation for validation in validations}
    cells = _measure(by_name)
    return Study(
        name="coordinates",
        title="Which model for which system: table 1, measured",
        summary=_summary(cells),
        claims=tuple(
            Claim(
                f"{cell.row.name}: {cell.column}",
                "✓" if cell.tick else "blank",
                cell.number,
                f"tick below {cell.row.threshold:g}",
                cell.agrees,
            )
            for cell in cells
        ),
        differences=(
            "The paper's table is a matter of principle and has no figures. Ours are of models trained for "
            f"{config.effort.budget.seconds:g} s each, {IN_WORDS[mode]}, with 3 hidden layers of 64 SiLU units; a "
            "number below the threshold that each row names is a tick.",
            "“Hamiltonian network” has canonical coordinates where the row does not ask for arbitrary ones, and (q, "
            "q̇) where it does.",
            "The paper's “neural network” does not say what it predicts; ours predicts accelerations.",
        ),
        sections=(_table(cells), *(_system_section(validation) for validation in validations)),
        validations=validations,
        settings=settings,
        mode=mode,
        extra={
            "table": {
                row.name: {
                    cell.column: {"paper": cell.tick, "here": cell.number, "threshold": row.threshold}
                    for cell in cells
                    if cell.row == row
                }
                for row in ROWS
            }
        },
        model_extra={
            (validation.system.name, model.name): {"motion_error": motion_error(validation, model)}
            for validation in validations
            for model in validation.models
        },
    )


def _shortened(system: System) -> System:
    return dataclasses.replace(system, duration=min(system.duration, 10.0))


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


def _measure(by_name: Mapping[str, Validation]) -> list[Cell]:
    """Every cell of the table."""
    models = {(name, model.name): model for name, validation in by_name.items() for model in validation.models}

    def number(place: int, column: str) -> float | None:
        name = (POLAR, POLAR, POLAR, POLAR, RELATIVISTIC, MAGNETIC)[place]
        coordinates = "canonical" if place < 3 else "observed"
        model = models.get((name, f"hnn_{coordinates}" if column == "hnn" else column))
        if model is None:
            return None
        if place == 0:
            return model.acceleration.relative_rms
        return (_step_dependence, _own_drift, *[motion_error] * 3)[place - 1](by_name[name], model)

    return [
        Cell(row, column, column not in row.blanks, number(place, column))
        for place, row in enumerate(ROWS)
        for column in COLUMNS
    ]


def _table(cells: Sequence[Cell]) -> Section:
    def texts(row: Row) -> list[str]:
        return [f"{'✓' if cell.tick else '○'} {in_words(cell.number)}" for cell in cells if cell.row == row]

    return Section(
        "Table 1 in numbers",
        Table(
            ("", *COLUMNS, "tick below"),
            tuple((f"{row.name} ({row.measure})", *texts(row), row.threshold) for row in ROWS),
            "✓ and ○ are the paper's ticks and blanks; the number beside each is what was measured, and below the last "
            "column's threshold it counts as a tick. Distances are in units of the spread of the true motions.",
        ),
        "How to read the blanks. A network and a neural ODE have no Lagrangian, so they cannot learn an arbitrary one, "
        "but they can learn its motion: their numbers in the last two rows are those of motions. A network that "
        "predicts accelerations is a differential equation, whatever the integrator's steps: the paper's blank in the "
        "second row is for one that predicts the next state.",
    )


def _system_section(validation: Validation) -> Section:
    name = validation.system.name
    return Section(
        name.replace("_", " ").capitalize(),
        Results(validation),
        Picture(
            f"{name}_motion",
            partial(_distances, validation),
            "Distance from the analytic motion: medians and 10–90 % ranges.",
        ),
    )


def _summary(cells: Sequence[Cell]) -> tuple[str, ...]:
    agree = [cell.agrees for cell in cells if cell.agrees is not None]
    values = {(cell.row, cell.column): cell.number for cell in cells}
    coordinates, kinetic, magnetic = ROWS[3:]
    return (
        f"Of the {len(agree)} cells that a measurement decides, {sum(agree)} come out as in the paper's table.",
        "On (q, q̇) of a pendulum in polar coordinates the Hamiltonian network is off by "
        f"{values[coordinates, 'hnn']:.2g} of the spread of the motions and the LNN by "
        f"{values[coordinates, 'lnn']:.2g}. DeLaN is off by {values[kinetic, 'delan']:.2g} for a relativistic particle "
        f"and {values[magnetic, 'delan']:.2g} in a magnetic field, where the LNN is off by "
        f"{values[kinetic, 'lnn']:.2g} and {values[magnetic, 'lnn']:.2g}.",
        "A network and a neural ODE have no Lagrangian to learn, which their blanks say, and may learn the motions of "
        "one nevertheless, which their numbers say.",
    )


def _distances(validation: Validation) -> Figure:
    figure = Figure(figsize=(8.0, 2.8))
    axes, t = figure.subplots(), np.asarray(validation.bench.rollout.t)
    shown = t <= _WINDOW
    bands(axes, t[shown], {m.name: m.state_errors[:, shown] for m in validation.models}, floor=1e-12)
    axes.set_ylim(top=30)
    axes.set_ylabel("distance from the motion")
    axes.legend(loc="lower right", ncols=3)
    return figure
