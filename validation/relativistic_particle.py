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
from symlnn.plots import in_order, shades
from symlnn.report import FIGURES, ModelResult, ReportListener, Settings, examine

from ._recipes import quickly
from ._study import Equation, Mode, Study, claims

PAPER, SPECIAL = "relativistic_particle_paper", "relativistic_particle"
_NAMES = ("lnn", "delan", "nn", "hnn_canonical", "hnn_observed")
_MODELS = {name: MODELS[name.removesuffix("_canonical")] for name in _NAMES}
_SPEEDS = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)


CLAIMS = claims("relativistic_particle")


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


def run(config: Config, settings: Settings, listener: ReportListener) -> Study:
    """Train, roll out for a second and compare velocities, for both Lagrangians."""
    validations = tuple(
        examine(
            symlnn.load_system(name),
            config.models,
            effort=config.effort,
            settings=settings,
            listener=lambda doing, progress, name=name: listener(f"{name}: {doing}", progress),
        )
        for name in (PAPER, SPECIAL)
    )
    ratio, v = _ratio(), validations[0].system.v[0]
    pictures: dict[str, Any] = {}
    for validation in validations:
        name = validation.system.name
        pictures |= {
            f"{name}_training": partial(FIGURES["training"], validation),
            f"{name}_velocities": partial(_motions, validation),
            f"{name}_errors": partial(
                in_order, _velocity_errors(validation), xlabel="roll-outs", ylabel="velocity error, relative"
            ),
        }
    return Study(
        figures={
            "relativistic": ratio == 1,
            "ratio": {f"{speed:g}": float(ratio.subs(v, speed)) for speed in _SPEEDS},
        },
        validations=validations,
        of_models={(v.system.name, model.name): _velocities(v, model) for v in validations for model in v.models},
        pictures=pictures,
        equations=_equations(validations[0].system, validations[1].system, ratio),
    )


def _velocity_errors(validation: Validation) -> dict[str, np.ndarray]:
    return {m.name: velocity_errors(validation.oracle.rollout, m.motion.rollout) for m in validation.models}


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


def _acceleration(system: System) -> sp.Expr:
    return system.accelerations[0]  # pyright: ignore[reportOptionalSubscript]


def _ratio() -> sp.Expr:
    """The acceleration of the paper's Lagrangian over that of special relativity's, at the same g and velocity."""
    paper, special = map(symlnn.load_system, (PAPER, SPECIAL))
    same_g = dict(zip(special.parameters, paper.parameters, strict=True))
    return sp.cancel(sp.simplify(_acceleration(paper) / _acceleration(special).xreplace(same_g)))


def _equations(paper: System, special: System, ratio: sp.Expr) -> dict[str, Equation]:
    equations = {"ratio": Equation(paper, sp.Symbol("r"), ratio)}
    for system in (paper, special):
        equations |= {
            f"{system.name} lagrangian": Equation(system, sp.Symbol("L"), system.plain_lagrangian),
            f"{system.name} momentum": Equation(system, system.p[0], system.momenta[0]),
            f"{system.name} acceleration": Equation(system, system.a[0], _acceleration(system)),
        }
    return equations


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
