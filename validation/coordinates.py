"""Table 1 as an experiment: what can each model learn, on a system that asks for it?

The paper's table 1 gives ticks and blanks to a network, a neural ODE, a Hamiltonian network, DeLaN and the LNN. Here
each is a number: every model learns an elastic pendulum in polar coordinates (whose velocities are no momenta), a
relativistic particle (whose kinetic energy is not quadratic) and a charged particle in a magnetic field (whose
Lagrangian has a term linear in the velocity).

Source: Cranmer et al. 2020 (arXiv:2003.04630), table 1.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
from matplotlib.figure import Figure

import symlnn
from symlnn import System, Validation
from symlnn._compare import state_errors
from symlnn._report import Candidate, Effort, ModelResult, Progress, Settings, colours, examine, roll_out
from symlnn._report import number as number_text

from ._recipes import IN_WORDS, quickly
from ._study import Claim, Mode, Picture, Results, Section, Study, Table, Text

POLAR, RELATIVISTIC, MAGNETIC = "elastic_pendulum", "relativistic_particle", "charged_particle"
MODELS = {
    "nn": Candidate("nn"),
    "node": Candidate("node"),
    "hnn_canonical": Candidate("hnn"),
    "hnn_observed": Candidate("hnn_observed"),
    "delan": Candidate("delan"),
    "lnn": Candidate("lnn"),
}
_FEW = {name: MODELS[name] for name in ("nn", "delan", "lnn")}
COLUMNS = ("nn", "node", "hnn", "delan", "lnn")
_WINDOW = 3.0
"""The part of a roll-out over which motions are compared, in seconds: later, chaos would be measured."""


@dataclass(frozen=True)
class Config:
    """What one mode does."""

    effort: Effort
    systems: Mapping[str, Mapping[str, Candidate]]
    """The models that learn each system."""


_ALL = {name: MODELS for name in (POLAR, RELATIVISTIC, MAGNETIC)}

CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config(
        Effort(seconds=1.0, test_states=5_000, trajectories=10, check_states=1_000),
        {POLAR: quickly(MODELS), RELATIVISTIC: quickly(_FEW), MAGNETIC: quickly(_FEW)},
    ),
    Mode.default: Config(Effort(seconds=22.0, test_states=20_000), _ALL),
    Mode.full: Config(Effort(seconds=1800.0), _ALL),
}


@dataclass(frozen=True)
class Row:
    """A row of table 1: the paper's ticks, and how it is measured."""

    name: str
    ticks: tuple[bool, bool, bool, bool, bool]
    """Of a network, a neural ODE, a Hamiltonian network, DeLaN and an LNN."""
    measure: str
    threshold: float
    """Below it a tick is confirmed."""
    undecided: tuple[str, ...] = ()
    """The columns whose number says nothing about the paper's cell."""


ROWS: tuple[Row, ...] = (
    Row(
        "Can model dynamical systems",
        (True, True, True, True, True),
        "elastic pendulum: relative error of the accelerations",
        0.02,
    ),
    Row(
        "Learns differential equations",
        (False, True, True, True, True),
        "elastic pendulum: change of the motion when the integrator's tolerance goes from 1e-5 to 1e-8",
        1e-3,
        undecided=("nn",),
    ),
    Row(
        "Learns exact conservation laws",
        (False, False, True, True, True),
        "elastic pendulum: drift of the model's own energy over 10 s; of the analytic one for models without",
        1e-5,
    ),
    Row(
        "Learns from arbitrary coordinates",
        (True, True, False, True, True),
        f"elastic pendulum on (q, q̇): distance of the motion over {_WINDOW:g} s",
        0.05,
    ),
    Row(
        "Learns arbitrary Lagrangians: kinetic energy not quadratic",
        (False, False, False, False, True),
        "relativistic particle on (q, q̇): distance of the motion over 1 s",
        0.05,
        undecided=("nn", "node"),
    ),
    Row(
        "Learns arbitrary Lagrangians: magnetic force",
        (False, False, False, False, True),
        f"charged particle on (q, q̇): distance of the motion over {_WINDOW:g} s",
        0.05,
        undecided=("nn", "node"),
    ),
)


def run(mode: Mode, settings: Settings, progress: Progress, config: Config | None = None) -> Study:
    """Train every model on every system, and fill the table."""
    config = config or CONFIG[mode]
    validations = tuple(
        examine(
            _shortened(symlnn.load_system(name)),
            models,
            effort=config.effort,
            settings=settings,
            progress=lambda doing, report, name=name: progress(f"{name}: {doing}", report),
        )
        for name, models in config.systems.items()
    )
    by_name = {validation.system.name: validation for validation in validations}
    values = _measure(by_name)
    return Study(
        name="coordinates",
        title="Which model for which system: table 1, measured",
        summary=_summary(values),
        claims=_claims(values),
        differences=(
            "The paper's table is a matter of principle and has no figures. Ours are of models trained for "
            f"{config.effort.seconds:g} s each, {IN_WORDS[mode]}, with 3 hidden layers of 64 SiLU units; a number "
            "below the threshold that each row names is a tick.",
            "“Hamiltonian network” has canonical coordinates where the row does not ask for arbitrary ones, and (q, "
            "q̇) where it does.",
            "The paper's “neural network” does not say what it predicts; ours predicts accelerations.",
        ),
        sections=(
            _table(values),
            *(_system_section(validation) for validation in validations),
        ),
        validations=validations,
        settings=settings,
        mode=mode,
        extra={
            "table": {
                row.name: {
                    column: {"paper": tick, "here": _number(values, row, column), "threshold": row.threshold}
                    for column, tick in zip(COLUMNS, row.ticks, strict=True)
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
    errors = state_errors(validation.system, validation.oracle.rollout, model.motion.rollout)[:, t <= _WINDOW]
    return float(np.median(np.sqrt(np.mean(errors**2, axis=1))))


def _own_drift(validation: Validation, model: ModelResult) -> float:
    """How far the energy that the model has learned drifts, in units of its spread over the test states."""
    dynamics = model.dynamics
    if not isinstance(dynamics, symlnn.EulerLagrange | symlnn.Hamilton):
        return model.motion.spread.final_median
    states, rollout, m = validation.test.states[:2000], model.motion.rollout, validation.start.m
    over = np.asarray(jax.vmap(dynamics.energy)(states.q, states.v, states.m))
    ends = [jax.vmap(dynamics.energy)(rollout.q[:, i], rollout.v[:, i], m) for i in (0, -1)]
    drift = np.abs(np.asarray(ends[1] - ends[0])) / np.std(over)
    return float(np.median(np.where(np.isfinite(drift), drift, np.inf)))


def _step_dependence(validation: Validation, model: ModelResult) -> float:
    """How much the motion depends on the integrator's steps, in units of the spread of the true motions."""
    truth = validation.oracle.rollout
    fine = model.motion.rollout  # at 1e-8, as studies are in float64
    coarse = roll_out(model.dynamics, validation.start, truth.t, tolerance=1e-5)
    early = int(np.searchsorted(np.asarray(truth.t), _WINDOW))
    return float(np.median(state_errors(validation.system, fine, coarse, spread_of=truth)[:, early]))


def _measure(by_name: Mapping[str, Validation]) -> dict[tuple[str, str], float]:
    """The number of every cell, by the row's name and the column."""
    polar = by_name[POLAR]
    models = {model.name: model for model in polar.models}
    canonical = {"hnn": "hnn_canonical"}
    observed = {"hnn": "hnn_observed"}
    values: dict[tuple[str, str], float] = {}
    for column in COLUMNS:
        model = models[canonical.get(column, column)]
        values[ROWS[0].name, column] = model.acceleration.relative_rms
        values[ROWS[1].name, column] = _step_dependence(polar, model)
        values[ROWS[2].name, column] = _own_drift(polar, model)
        for row, name in ((ROWS[3], POLAR), (ROWS[4], RELATIVISTIC), (ROWS[5], MAGNETIC)):
            found = {model.name: model for model in by_name[name].models}
            if (key := observed.get(column, column)) in found:
                values[row.name, column] = motion_error(by_name[name], found[key])
    return values


def _number(values: Mapping[tuple[str, str], float], row: Row, column: str) -> float | None:
    return values.get((row.name, column))


def _table(values: Mapping[tuple[str, str], float]) -> Section:
    def text(row: Row, column: str, tick: bool) -> str:
        number = _number(values, row, column)
        return f"{'✓' if tick else '○'} {number_text(number)}"

    return Section(
        "Table 1 in numbers",
        (
            Table(
                ("", *COLUMNS, "tick below"),
                tuple(
                    (
                        f"{row.name} ({row.measure})",
                        *(text(row, column, tick) for column, tick in zip(COLUMNS, row.ticks, strict=True)),
                        row.threshold,
                    )
                    for row in ROWS
                ),
                "✓ and ○ are the paper's ticks and blanks; the number beside each is what was measured, and below the "
                "last column's threshold it counts as a tick. Distances are in units of the spread of the true "
                "motions.",
            ),
            Text(
                "How to read the blanks. A network and a neural ODE have no Lagrangian, so they cannot learn an "
                "arbitrary one, but they can learn its motion: their numbers in the last two rows are those of "
                "motions. A network that predicts accelerations is a differential equation, whatever the integrator's "
                "steps: the paper's blank in the second row is for one that predicts the next state."
            ),
        ),
    )


def _system_section(validation: Validation) -> Section:
    name = validation.system.name
    return Section(
        name.replace("_", " ").capitalize(),
        (
            Results(validation),
            Picture(
                f"{name}_motion",
                partial(_distances, validation),
                "Distance from the analytic motion: medians and 10–90 % ranges.",
            ),
        ),
    )


def _summary(values: Mapping[tuple[str, str], float]) -> tuple[str, ...]:
    agree = [
        (number < row.threshold) == tick
        for row in ROWS
        for column, tick in zip(COLUMNS, row.ticks, strict=True)
        if (number := _number(values, row, column)) is not None and column not in row.undecided
    ]
    coordinates, kinetic, magnetic = (ROWS[i].name for i in (3, 4, 5))
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


def _claims(values: Mapping[tuple[str, str], Any]) -> tuple[Claim, ...]:
    claims = []
    for row in ROWS:
        for column, tick in zip(COLUMNS, row.ticks, strict=True):
            number = _number(values, row, column)
            holds = None
            if number is not None and column not in row.undecided:
                holds = (number < row.threshold) == tick
            claims.append(
                Claim(f"{row.name}: {column}", "✓" if tick else "blank", number, f"tick below {row.threshold:g}", holds)
            )
    return tuple(claims)


def _distances(validation: Validation) -> Figure:
    figure = Figure(figsize=(8.0, 2.8))
    axes, shade = figure.subplots(), colours([model.name for model in validation.models])
    t = np.asarray(validation.oracle.rollout.t)
    shown = (t > 0) & (t <= _WINDOW)
    for model in validation.models:
        errors = np.where(np.isfinite(model.state_errors), np.maximum(model.state_errors, 1e-12), 1e12)[:, shown]
        low, middle, high = np.quantile(errors, [0.1, 0.5, 0.9], axis=0)
        axes.fill_between(t[shown], low, high, color=shade[model.name], alpha=0.15, lw=0)
        axes.plot(t[shown], middle, color=shade[model.name], label=model.name)
    axes.set(yscale="log", xlabel="t (s)", ylabel="distance from the motion")
    axes.set_ylim(top=30)
    axes.legend(loc="lower right", ncols=3)
    return figure
