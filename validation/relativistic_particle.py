"""The relativistic particle: velocities are not momenta, and a Lagrangian does not need them. (figure 3)

The paper's L = (1 − q̇²)^(−1/2) − 1 + g q, and special relativity's L = −√(1 − q̇²) + g q, with g drawn from a normal
distribution of standard deviation 10. A Hamiltonian network is trained on (q, q̇) taken for canonical coordinates and on
the true ones; a Lagrangian network on (q, q̇).

Source: Cranmer et al. 2020 (arXiv:2003.04630), section 5.1, figure 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import numpy as np
import sympy as sp
from matplotlib.figure import Figure

import symlnn
from symlnn import MODELS, Budget, Effort, Model, System, Validation
from symlnn.metrics import velocity_errors
from symlnn.plots import shades
from symlnn.report import Listener, ModelResult, Settings, examine

from ._pictures import in_order, standard
from ._recipes import IN_WORDS, quickly
from ._study import Cell, Claim, Equation, Mode, Picture, Results, Section, Study, Table

SYSTEMS = ("relativistic_particle_paper", "relativistic_particle")
TITLES: Mapping[str, str] = dict(
    zip(SYSTEMS, ("The paper's Lagrangian", "Special relativity's Lagrangian"), strict=True)
)
_NAMES = ("lnn", "delan", "nn", "hnn_canonical", "hnn_observed")
_MODELS = {name: MODELS[name.removesuffix("_canonical")] for name in _NAMES}


@dataclass(frozen=True)
class Config:
    """What one mode does, for each of the two systems."""

    effort: Effort
    models: Mapping[str, Model] = field(default_factory=lambda: _MODELS)


CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config(Effort(Budget(seconds=2.0), test_states=5_000, trajectories=100), quickly(_MODELS)),
    Mode.default: Config(Effort(Budget(seconds=60.0), test_states=50_000, trajectories=100)),
    Mode.full: Config(Effort(Budget(seconds=1800.0), trajectories=1000)),
}


def run(mode: Mode, settings: Settings, listener: Listener) -> Study:
    """Train, roll out for a second and compare velocities, for both Lagrangians."""
    config = CONFIG[mode]
    validations = tuple(
        examine(
            symlnn.load_system(name),
            config.models,
            effort=config.effort,
            settings=settings,
            listener=lambda doing, progress, name=name: listener(f"{name}: {doing}", progress),
        )
        for name in SYSTEMS
    )
    found = {(v.system.name, model.name): _velocities(v, model) for v in validations for model in v.models}
    return Study(
        name="relativistic_particle",
        title="The relativistic particle",
        summary=_summary(found),
        claims=_claims(found),
        differences=(
            f"Each model is trained for {config.effort.budget.seconds:g} s, {IN_WORDS[mode]}. The authors train with "
            "Adam for some hundred thousand steps.",
            "Networks are 3 hidden layers of 64 SiLU units in natural scales; the Hamiltonian one is fed arsinh(p/P), "
            "since p has heavy tails where velocities are uniform. The authors feed p itself, and resample velocities "
            "near 1.",
            "The Hamiltonian networks are trained on Hamilton's equations, that is on q̇ and ṗ; the others on "
            "accelerations.",
            "Errors are of roll-outs of 1 s from random initial states and random g, as in the authors' notebook; the "
            "paper shows one motion of each model.",
            "DeLaN and the baseline network are not in the paper's figure.",
        ),
        sections=(*(_section(v, found) for v in validations), _not_relativity()),
        validations=validations,
        settings=settings,
        mode=mode,
        model_extra=found,
    )


def _velocities(validation: Validation, model: ModelResult) -> dict[str, Any]:
    """What report.json says of the velocities of a model."""
    rollout, truth = model.motion.rollout, validation.oracle.rollout
    ok = np.asarray(rollout.successful)
    entries = {"velocity": _spread(velocity_errors(truth, rollout), ok)}
    fastest = float(np.abs(np.asarray(rollout.v)[ok]).max()) if ok.any() else float("inf")
    entries["velocity"] |= {"fastest": fastest, "reaches_light_speed": fastest >= 1.0}
    if isinstance(model.dynamics, symlnn.Hamilton):
        flow = _flow_velocities(model.dynamics, rollout.q, rollout.v, validation.bench.start.m)
        of_flow = symlnn.Rollout(rollout.t, rollout.q, flow, rollout.result)
        entries["velocity_of_flow"] = _spread(velocity_errors(truth, of_flow), ok)
    return entries


def _spread(errors: np.ndarray, successful: np.ndarray) -> dict[str, Any]:
    return {
        "median": float(np.median(errors)),
        "p90": float(np.quantile(errors, 0.9, method="higher")),
        "max": float(errors.max()),
        "trajectories": int(errors.size),
        "failed": int((~successful).sum()),
    }


def _flow_velocities(dynamics: symlnn.Hamilton, q: jax.Array, v: jax.Array, m: jax.Array) -> jax.Array:
    """∂H/∂p along roll-outs: the velocity with which the learned flow moves q."""

    def one(q: jax.Array, v: jax.Array, m: jax.Array) -> jax.Array:
        return dynamics.vector_field(0.0, dynamics.initial_state(q, v, m), (m, None))[0]

    return jax.jit(jax.vmap(jax.vmap(one, in_axes=(0, 0, None))))(q, v, m)


def _medians(found: Mapping[tuple[str, str], Any], system: str) -> dict[str, float]:
    return {name: entry["velocity"]["median"] for (where, name), entry in found.items() if where == system}


def _summary(found: Mapping[tuple[str, str], Any]) -> tuple[str, ...]:
    ours, special = (_medians(found, name) for name in SYSTEMS)
    flow = found[SYSTEMS[1], "hnn_canonical"]["velocity_of_flow"]["median"]
    return (
        f"On (q, q̇) of the paper's Lagrangian an LNN predicts velocities to {ours['lnn']:.1e} in the median, and a "
        f"Hamiltonian network that takes q̇ for the momentum to {ours['hnn_observed']:.1e}; of special relativity's to "
        f"{special['lnn']:.1e} and {special['hnn_observed']:.1e}.",
        f"Given the true momenta, a Hamiltonian network comes to {ours['hnn_canonical']:.1e} and "
        f"{special['hnn_canonical']:.1e}. The map from p to q̇ is then given to it, and ṗ = g is all that is left to "
        f"learn; by the velocity ∂H/∂p that it has learned itself, its error in special relativity is {flow:.1e}.",
        "The paper's Lagrangian, however, is not that of special relativity; the last section shows why.",
    )


def _claims(found: Mapping[tuple[str, str], Any]) -> tuple[Claim, ...]:
    claims = []
    unit, none = "median ‖v̂ − v‖/‖v‖", "… and none of its roll-outs fails"
    cannot = "… DeLaN cannot, its T being quadratic"
    for system in SYSTEMS:
        median = _medians(found, system)
        lnn = found[system, "lnn"]["velocity"]
        observed, canonical = median["hnn_observed"], median["hnn_canonical"]
        ratio = observed / median["lnn"]
        claims += [
            Claim(f"{TITLES[system]}: an HNN on (q, q̇) fails", "fails, by eye", observed, unit, observed > 0.1),
            Claim("… an HNN on canonical coordinates works", "works, by eye", canonical, unit, canonical < 0.01),
            Claim("… an LNN on (q, q̇) works", "works, by eye", median["lnn"], unit, median["lnn"] < 0.01),
            Claim(none, "–", lnn["failed"], f"of {lnn['trajectories']}", lnn["failed"] == 0),
            Claim("… the HNN on (q, q̇) against it", "fails against works", ratio, "ratio of medians", ratio > 100),
            Claim("… the canonical HNN against it", "both work", median["lnn"] / canonical, "LNN / HNN, of medians"),
            Claim(cannot, "blank in table 1", median["delan"], unit, median["delan"] > 0.1),
        ]
    same, question = _ratio() == 1, "The Lagrangian is that of a relativistic particle"
    return (*claims, Claim(question, "yes", "yes" if same else "no", "symbolic", same))


def _section(validation: Validation, found: Mapping[tuple[str, str], Any]) -> Section:
    system = validation.system
    entries = {model.name: found[system.name, model.name] for model in validation.models}

    def row(name: str) -> tuple[Cell, ...]:
        velocity, flow = entries[name]["velocity"], entries[name].get("velocity_of_flow", {})
        figures = (velocity[key] for key in ("median", "p90", "max", "failed"))
        return (name, *figures, flow.get("median", "–"), f"{velocity['fastest']:.4f}")

    errors = {m.name: velocity_errors(validation.oracle.rollout, m.motion.rollout) for m in validation.models}
    return Section(
        TITLES[system.name],
        Equation(system, sp.Symbol("L"), system.plain_lagrangian),
        Equation(system, system.a[0], _acceleration(system)),
        Table(
            ("model", "median", "90 %", "largest", "failed", "median, by ∂H/∂p", "fastest |v|"),
            tuple(map(row, entries)),
            f"‖v̂ − v‖₂/‖v‖₂ over each of {validation.bench.start.q.shape[0]} roll-outs of 1 s. Velocities of "
            "Hamiltonian networks follow from p by the true momentum map (from p as it is for hnn_observed); “by "
            "∂H/∂p” is the error of the velocity that they have learned. No true motion reaches |v| = 1.",
        ),
        Picture(
            f"{system.name}_velocities",
            partial(_motions, validation),
            "Velocities of four motions, with their g; black is the truth.",
        ),
        Picture(
            f"{system.name}_errors",
            partial(in_order, errors, "roll-outs", "velocity error, relative"),
            "The error of the velocity of every roll-out, sorted; failed ones at the top.",
        ),
        Results(validation),
        standard(validation, "training", "Relative error of the accelerations while training.", f"{system.name}_"),
    )


def _acceleration(system: System) -> sp.Expr:
    """q̈ of a system with one degree of freedom, in closed form."""
    if system.accelerations is None:
        raise ValueError(f"{system.name} has no accelerations in closed form.")
    return system.accelerations[0]


def _ratio() -> sp.Expr:
    """The acceleration of the paper's Lagrangian over that of special relativity's, at the same g and velocity."""
    paper, special = (symlnn.load_system(name) for name in SYSTEMS)
    same_g = dict(zip(special.parameters, paper.parameters, strict=True))
    return sp.cancel(sp.simplify(_acceleration(paper) / _acceleration(special).xreplace(same_g)))


def _not_relativity() -> Section:
    paper, special = (symlnn.load_system(name) for name in SYSTEMS)
    ratio, v = _ratio(), paper.v[0]
    speeds = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
    return Section(
        "Which relativity?",
        "A free particle of special relativity makes its proper time stationary: L = −√(1 − q̇²), with m = c = 1. From "
        "it follow the momentum and the equation of motion d p/dt = g:",
        Equation(special, special.p[0], special.momenta[0]),
        Equation(special, special.a[0], _acceleration(special)),
        "The paper puts the kinetic energy γ − 1 where the kinetic part of a Lagrangian belongs. The two are the same "
        "only where the energy is quadratic in the velocity. Then",
        Equation(paper, paper.p[0], paper.momenta[0]),
        Equation(paper, paper.a[0], _acceleration(paper)),
        "and the ratio of the two accelerations, by SymPy from the two declarations, is",
        Equation(paper, sp.Symbol("r"), ratio),
        Table(
            ("|v|", *(f"{speed:g}" for speed in speeds)),
            (("r", *(float(ratio.subs(v, speed)) for speed in speeds)),),
            "A network that learns the paper's Lagrangian learns a consistent mechanics, but not that of a "
            "relativistic particle.",
        ),
    )


def _motions(validation: Validation) -> Figure:
    figure = Figure(figsize=(8.0, 4.2))
    grid = figure.subplots(2, 2, sharex=True, sharey=True).ravel()
    t, truth = np.asarray(validation.oracle.rollout.t), np.asarray(validation.oracle.rollout.v)
    shade = shades([*(model.name for model in validation.models), "analytic"])
    for axes, k in zip(grid, range(4), strict=True):
        for model in validation.models:
            axes.plot(t, np.asarray(model.motion.rollout.v)[k, :, 0], color=shade[model.name], lw=1.1, label=model.name)
        axes.plot(t, truth[k, :, 0], color=shade["analytic"], lw=2.0, ls=(0, (1, 2)), label="analytic")
        axes.set_title(f"g = {float(validation.bench.start.m[k, 0]):.1f}")
        axes.set_ylim(-1.5, 1.5)
    for axes in grid[2:]:
        axes.set_xlabel("t (s)")
    grid[0].set_ylabel("v")
    grid[2].set_ylabel("v")
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6)
    return figure
