"""The double pendulum: do learned dynamics follow the motion, and keep its energy? (section 5, figures 1 and 2)

L = ½ (m₁+m₂) l₁² θ̇₁² + ½ m₂ l₂² θ̇₂² + m₂ l₁ l₂ θ̇₁ θ̇₂ cos(θ₁−θ₂) + (m₁+m₂) g l₁ cos θ₁ + m₂ g l₂ cos θ₂,
with m = l = 1 and g = 9.8. The paper trains an LNN and a baseline network on accelerations at random states, and rolls
both out for 100 s.

Source: Cranmer et al. 2020 (arXiv:2003.04630), section 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import symlnn
from symlnn import Budget, Effort, Model, Validation, metrics
from symlnn.plots import bands, shades, wrapped
from symlnn.report import Listener, ModelResult, Motion, Settings, examine, roll_out, typical_motion

from ._pictures import in_order, standard
from ._recipes import IN_WORDS, PAPER_LNN, quickly
from ._study import Claim, Mode, Picture, Results, Section, Study, Table

_PAPER = {"l1_lnn": 7.3e-2, "l1_nn": 7.4e-2, "energy_lnn": 4e-3, "energy_nn": 8e-2, "energy_nn_39": 2.3e-2}
_MODELS = {name: symlnn.MODELS[name] for name in ("lnn", "nn", "delan", "node")}


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


def run(mode: Mode, settings: Settings, listener: Listener) -> Study:
    """Train, roll out and compare."""
    config = CONFIG[mode]
    system = symlnn.load_system("double_pendulum")
    validation = examine(system, config.models, effort=config.effort, settings=settings, listener=listener)
    listener("One long roll-out", None)
    long = _long_roll_out(validation, config.long)
    figures = {
        name: {
            "final": motion.spread.final_max,
            "max": float(motion.balance.max()),
            "reached": not motion.spread.failed,
        }
        for name, motion in long.items()
    }
    models = {model.name: model for model in validation.models}
    lnn, nn = models["lnn"], models["nn"]
    final = {name: model.motion.balance[:, -1] for name, model in models.items()}
    means = {"lnn": _PAPER["energy_lnn"], "nn": _PAPER["energy_nn"]}
    return Study(
        name="double_pendulum",
        title="The double pendulum",
        summary=_summary(validation),
        claims=_claims(validation),
        differences=_differences(mode, config),
        sections=(
            Section("How well", Results(validation)),
            Section(
                "Accelerations",
                "The paper reports how well accelerations are learned as a loss, mean Σᵢ|aᵢ − âᵢ| over its test "
                "states: the absolute error of the table. Training curves are over time, since that is what models are "
                "given equally.",
                standard(validation, "training", "Relative error of the accelerations while training."),
                standard(validation, "errors_over_states", "Where in state space each model errs."),
            ),
            Section(
                "Energy (the paper's figure 2, right)",
                f"From {lnn.motion.spread.trajectories} initial states with angles anywhere and velocities on [0, "
                "0.1], over 100 s: the analytic energy along each roll-out, in units of the paper's scale, "
                f"{validation.bench.scale:.3g} J. The paper gives means; one motion can make a mean, as one of its own "
                "40 does (8 % with it, 2.3 % without), so medians, maxima and failures stand beside it.",
                standard(validation, "energy", "Medians and 10–90 % ranges over the initial states."),
                Picture(
                    "energy_by_state",
                    partial(in_order, final, "initial states", "|E(T) − E(0)| / E scale", means),
                    "The energy error after 100 s at each initial state, sorted; those of 100 and more, and failed "
                    "ones, at 100. Dashed: the paper's means.",
                ),
                f"And one motion, of {config.long:g} s:",
                Table(
                    ("model", f"energy error after {config.long:g} s", "largest on the way", "reached the end"),
                    tuple((name, e["final"], e["max"], "yes" if e["reached"] else "no") for name, e in figures.items()),
                    "“analytic” is the integrator's own error.",
                ),
                Picture("long_energy", partial(_long_energy, long), "Energy error along the one long roll-out."),
            ),
            Section(
                "Angles at short and at long times (figure 2, left and middle)",
                _on_chaos(validation),
                Picture("angles", partial(_angles, validation), "The typical roll-out, at its beginning and its end."),
                standard(validation, "state_distance", "Distance from the analytic motion, over all initial states."),
            ),
            Section("Phase portraits", standard(validation, "phase_portraits", "The first four roll-outs.")),
        ),
        validations=(validation,),
        settings=settings,
        mode=mode,
        extra={
            "long_roll_out": {"duration": config.long, "energy": figures},
            "baseline_over_lnn": {
                "l1_sum": nn.acceleration.l1_sum / lnn.acceleration.l1_sum,
                "energy_mean": nn.motion.spread.final_mean / lnn.motion.spread.final_mean,
            },
        },
    )


def _on_chaos(validation: Validation) -> str:
    if validation.lyapunov_time is None:
        return "The motion from these initial states is not chaotic."
    followed = {m.name: int((m.valid_seconds >= validation.system.duration).sum()) for m in validation.models}
    return (
        f"The motion is chaotic, with a Lyapunov time of {validation.lyapunov_time:.2f} s computed from the analytic "
        "system: in the median an error grows by a factor of 1,000 in seven of them. Of "
        f"{validation.oracle.spread.trajectories} motions each model follows the angles to the end of 100 s in: "
        f"{', '.join(f'{name} {count}' for name, count in followed.items())}. What can be asked for is how long it "
        "does."
    )


def _summary(validation: Validation) -> tuple[str, ...]:
    models = {model.name: model for model in validation.models}
    lnn, nn, delan, node = (models[name] for name in ("lnn", "nn", "delan", "node"))

    def energy(model: ModelResult) -> str:
        spread = model.motion.spread
        failed = f", {spread.failed} of {spread.trajectories} roll-outs fail" if spread.failed else ""
        return f"{spread.final_mean:.1e} in the mean and {spread.final_median:.1e} in the median{failed}"

    return (
        f"After {lnn.to_json()['train_seconds']:.0f} s of training the LNN's accelerations are off by "
        f"{lnn.acceleration.l1_sum:.2g} rad/s² in the paper's measure, where the paper has 0.073, and its energy after "
        f"100 s by {energy(lnn)}, in units of the scale, where the paper's mean is 4e-3.",
        f"In the same time the baseline network is off by {nn.acceleration.l1_sum:.2g} rad/s² and its energy by "
        f"{energy(nn)}; DeLaN, whose mechanical Lagrangian fits this system, by {delan.acceleration.l1_sum:.2g} and "
        f"{energy(delan)}; a neural ODE, which has to learn even that q̇ = v, by {node.acceleration.l1_sum:.2g} and "
        f"{energy(node)}.",
    )


def _claims(validation: Validation) -> tuple[Claim, ...]:
    models = {model.name: model for model in validation.models}
    lnn, nn = models["lnn"], models["nn"]
    l1 = {name: model.acceleration.l1_sum for name, model in models.items()}
    energy = {name: model.motion.spread.final_mean for name, model in models.items()}
    ratio, theirs = energy["nn"] / energy["lnn"], _PAPER["energy_nn"] / _PAPER["energy_lnn"]
    without_one = f"{_PAPER['energy_nn']:g} ({_PAPER['energy_nn_39']:g} without one state)"
    unit = "mean Σᵢ|aᵢ − âᵢ|, rad/s²"
    relative, theirs_relative = l1["nn"] / l1["lnn"], _PAPER["l1_nn"] / _PAPER["l1_lnn"]
    alike = "The baseline learns accelerations as well as the LNN, within a factor of three"
    keeps, kept = "The LNN nearly conserves energy over 100 s", _PAPER["energy_lnn"]
    valid, duration = [float(np.median(model.valid_seconds)) for model in (lnn, nn)], validation.system.duration
    followed, limit = "Both follow the angles at short times only", f"less than {duration:g}"

    def others(model: ModelResult) -> tuple[Claim, ...]:
        spread = model.motion.spread
        figures = {"… median": spread.final_median, "… largest": spread.final_max}
        return tuple(Claim(name, None, value, "of the scale") for name, value in figures.items())

    return (
        Claim("The LNN learns the accelerations", _PAPER["l1_lnn"], l1["lnn"], unit, l1["lnn"] <= _PAPER["l1_lnn"]),
        Claim("The baseline learns them", _PAPER["l1_nn"], l1["nn"], unit, l1["nn"] <= _PAPER["l1_nn"]),
        Claim(alike, theirs_relative, relative, "ratio", bool(1 / 3 < relative < 3)),
        Claim(keeps, kept, energy["lnn"], "mean of the scale", energy["lnn"] <= kept),
        *others(lnn),
        Claim.more_than("The baseline does not conserve it", without_one, energy["nn"], "mean of the scale", 1e-3),
        *others(nn),
        Claim.more_than("The LNN conserves energy far better than the baseline", theirs, ratio, "ratio of means", 3),
        Claim(
            followed,
            "by eye",
            ", ".join(f"{seconds:.2g}" for seconds in valid),
            f"s, median valid times of LNN and baseline; {limit}",
            max(valid) < duration,
        ),
    )


def _differences(mode: Mode, config: Config) -> tuple[str, ...]:
    shared = (
        f"Each model is trained for {config.effort.budget.seconds:g} s, {IN_WORDS[mode]}; the paper trains with Adam "
        "on 600,000 batches of 512 states, resumed, and notes “only good seeds allowed”.",
        "Networks are 3 hidden layers of 64 SiLU units in natural scales, angles embedded as (sin, cos); the paper's "
        "have 500 softplus units on (q, q̇) as they are.",
        "DeLaN and the neural ODE are not in the paper's figures. The neural ODE is trained on short motions, all "
        "others on accelerations.",
        "We roll out with Dopri8 at a tolerance of 1e-8, in float64; initial states are drawn anew.",
    )
    return (*shared, "lnn_paper is the paper's network and recipe.") if mode is Mode.full else shared


def _long_roll_out(validation: Validation, duration: float) -> dict[str, Motion]:
    """The motion from the first initial state, for the analytic system and every model."""
    bench, times = validation.bench, jnp.linspace(0.0, duration, 2001)
    found = {}
    for name, dynamics in {"analytic": bench.truth, **{m.name: m.dynamics for m in validation.models}}.items():
        rollout = roll_out(dynamics, bench.start[:1], times)
        errors = metrics.balance_errors(validation.system, rollout, bench.start[:1], bench.scale)
        found[name] = Motion(rollout, errors, metrics.Spread.of(errors, np.asarray(rollout.successful)))
    return found


def _long_energy(long: Mapping[str, Motion]) -> Figure:
    figure = Figure(figsize=(8.0, 2.8))
    axes = figure.subplots()
    bands(axes, np.asarray(long["analytic"].rollout.t), {name: motion.balance for name, motion in long.items()})
    axes.set(ylabel="|E(t) − E(0)| / E scale", ylim=(1e-11, 1e2))
    axes.legend(loc="upper right", ncols=5)
    return figure


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
