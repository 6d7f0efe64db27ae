"""Activations: which one lets a Lagrangian network learn? (the search of section 4)

A Lagrangian network is differentiated twice before its loss is, so its activation needs a second derivative that is of
use. The paper searches relu², relu³, tanh, sigmoid and softplus, and chooses softplus. Here each, and today's SiLU and
GELU, trains the LNN of the double pendulum within the same time, from several seeds at once.

Source: Cranmer et al. 2020 (arXiv:2003.04630), section 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import equinox as eqx
import jax
import numpy as np
from matplotlib.figure import Figure

import symlnn
from symlnn import Architecture, Ensemble
from symlnn._compare import acceleration_errors, batched_accelerations
from symlnn._report import (
    FIGURES,
    Bench,
    Effort,
    ModelResult,
    Progress,
    Settings,
    Timer,
    colours,
    conclude,
    prepare,
)

from ._ensembles import judge_member
from ._study import Claim, Mode, Picture, Results, Section, Study, Table, Text

_TOP = 1e3
"""Errors beyond it, infinite ones included, are drawn at it."""
SEARCHED = ("softplus", "relu2", "relu3", "tanh", "sigmoid")
"""By the paper."""
ACTIVATIONS = (*SEARCHED, "silu", "gelu")


@dataclass(frozen=True)
class Config:
    """What one mode does."""

    effort: Effort
    """Seconds are those of all seeds of one activation together."""
    seeds: int
    width: int = 64
    depth: int = 3


CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config(
        Effort(seconds=2.0, test_states=5_000, trajectories=8, check_states=1_000), seeds=2, width=24, depth=2
    ),
    Mode.default: Config(Effort(seconds=70.0, test_states=50_000), seeds=4),
    Mode.full: Config(Effort(seconds=3600.0), seeds=8, width=128),
}


def run(mode: Mode, settings: Settings, progress: Progress, config: Config | None = None) -> Study:
    """Train the LNN with every activation, and rank them."""
    config = config or CONFIG[mode]
    system, timer = symlnn.load_system("double_pendulum"), Timer()
    bench = prepare(system, config.effort, settings.seed, timer, progress)
    found = {name: _train(name, config, bench, settings.seed, timer, progress) for name in ACTIVATIONS}
    validation = conclude(bench, [result for _, _, result in found.values()], settings, timer)
    errors = {name: values for name, (_, values, _) in found.items()}
    ensembles = {name: ensemble for name, (ensemble, _, _) in found.items()}
    ranked = sorted(errors, key=lambda name: float(np.median(errors[name])))
    return Study(
        name="activations",
        title="Activations of a Lagrangian network",
        summary=_summary(errors, ranked, config),
        claims=_claims(errors, ranked),
        differences=(
            f"Each activation gets {config.effort.seconds:g} s for its {config.seeds} seeds together, by Muon and then "
            "by Gauss–Newton steps; the paper's search varies sizes, rates and losses as well, at random.",
            f"The network is ours: {config.depth} hidden layers of {config.width} units in natural scales, angles "
            "embedded as (sin, cos), LeCun's initialisation for every activation. A polynomial activation might do "
            "better with another.",
            "SiLU and GELU are not in the paper's list; the authors' search code names SiLU, as swish.",
        ),
        sections=(
            Section(
                "Errors of every seed",
                (
                    Table(
                        ("activation", "median", "least", "largest", "seeds", "steps"),
                        tuple(
                            (
                                name,
                                float(np.median(errors[name])),
                                float(errors[name].min()),
                                float(errors[name].max()),
                                int(errors[name].size),
                                " + ".join(map(str, ensembles[name].steps)),
                            )
                            for name in ranked
                        ),
                        f"mean Σᵢ|aᵢ − âᵢ| in rad/s² over {config.effort.test_states:,} fresh test states, best median "
                        "first.",
                    ),
                    Picture(
                        "spread",
                        partial(_spread, errors, ranked),
                        "Every seed as a dot, the median as a line; errors beyond 1,000, and failed seeds, at 1,000.",
                    ),
                    Picture(
                        "training_of_seeds",
                        partial(_curves, ensembles, ranked),
                        "Relative error of the accelerations over training time, all seeds together; the break is the "
                        "change from Muon to Gauss–Newton steps. Lines are medians, bands the whole range.",
                    ),
                ),
            ),
            Section(
                "How the median seeds move",
                (
                    Text(
                        "For each activation the seed of the median error (the better of the two middle ones), as "
                        "every report measures a model. Training time is that of all seeds together."
                    ),
                    Results(validation),
                    Picture("energy", partial(FIGURES["energy"], validation), "Energy error along the roll-outs."),
                ),
            ),
        ),
        validations=(validation,),
        settings=settings,
        mode=mode,
        model_extra={
            (system.name, name): {
                "l1_sum_of_seeds": sorted(map(float, values)),
                "l1_sum_median": float(np.median(values)),
            }
            for name, values in errors.items()
        },
    )


def _train(
    name: str, config: Config, bench: Bench, seed: int, timer: Timer, progress: Progress
) -> tuple[Ensemble, np.ndarray, ModelResult]:
    """The ensemble of one activation, the error of each seed, and the median one measured in full."""
    system, stream = bench.system, symlnn.Stream(bench.system)
    progress(f"Training {name}, {config.seeds} seeds at once", None)
    build, train, validate = jax.random.split(jax.random.key(seed), 3)
    with timer(f"train {name}"):
        samples = eqx.filter_jit(stream)(validate, 2048)
        scales = symlnn.natural_scales(system, samples)
        spec = symlnn.ModelSpec("lnn", system, scales, Architecture(config.width, config.depth, name))
        ensemble = symlnn.fit_ensemble(
            tuple(spec.build(key) for key in jax.random.split(build, config.seeds)),
            stream,
            symlnn.ScaledAcceleration(scales.a),
            key=train,
            validation=samples,
            recipe=symlnn.Recipe(),
            seconds=config.effort.seconds,
        )
    progress(f"Measuring {name}", None)
    with timer(f"measure {name}"):
        measure = eqx.filter_jit(batched_accelerations)
        errors = np.array(
            [acceleration_errors(bench.test.a, measure(m, bench.test.states)).l1_sum for m in ensemble.members]
        )
        middle = int(np.argsort(errors, kind="stable")[(config.seeds - 1) // 2])
        result = judge_member(name, spec, bench, ensemble, middle, symlnn.Recipe())
    return ensemble, errors, result


def _summary(errors: Mapping[str, np.ndarray], ranked: list[str], config: Config) -> tuple[str, ...]:
    median = {name: float(np.median(values)) for name, values in errors.items()}
    best, among = ranked[0], [name for name in ranked if name in SEARCHED]
    return (
        f"Over {config.seeds} seeds, {best} learns the accelerations of the double pendulum best ({median[best]:.2g} "
        f"rad/s² in the median), {ranked[1]} next ({median[ranked[1]]:.2g}); the paper's choice, softplus, reaches "
        f"{median['softplus']:.2g}.",
        "Among the five that the paper searched the order is "
        f"{', '.join(f'{name} ({median[name]:.2g})' for name in among)}.",
    )


def _claims(errors: Mapping[str, np.ndarray], ranked: list[str]) -> tuple[Claim, ...]:
    among = [name for name in ranked if name in SEARCHED]
    place = among.index("softplus") + 1
    medians = {name: float(np.median(errors[name])) for name in errors}
    return (
        Claim(
            "Softplus is the best of relu², relu³, tanh, sigmoid and softplus",
            "softplus",
            among[0],
            "best median",
            place == 1,
        ),
        Claim("… its place among the five", 1, place, "place", place == 1),
        Claim(
            "Softplus against the best of all seven",
            None,
            medians["softplus"] / medians[ranked[0]],
            "ratio of medians",
            None,
        ),
    )


def _spread(errors: Mapping[str, np.ndarray], ranked: list[str]) -> Figure:
    figure = Figure(figsize=(8.0, 2.8))
    axes, shade = figure.subplots(), colours(ranked)
    for place, name in enumerate(ranked):
        axes.plot(np.full(errors[name].size, place), np.minimum(errors[name], _TOP), "o", color=shade[name], alpha=0.7)
        axes.plot([place - 0.3, place + 0.3], [min(float(np.median(errors[name])), _TOP)] * 2, color=shade[name])
    axes.set(yscale="log", ylabel=r"mean $\sum_i|a_i-\hat a_i|$ (rad/s²)")
    axes.set_xticks(range(len(ranked)), ranked)
    return figure


def _curves(ensembles: Mapping[str, Any], ranked: list[str]) -> Figure:
    figure = Figure(figsize=(8.0, 3.2))
    axes, shade = figure.subplots(), colours(ranked)
    for name in ranked:
        ensemble = ensembles[name]
        low, high = ensemble.validation.min(axis=1), ensemble.validation.max(axis=1)
        axes.fill_between(ensemble.seconds, low, np.minimum(high, 1e3), color=shade[name], alpha=0.15, lw=0)
        axes.plot(ensemble.seconds, np.median(ensemble.validation, axis=1), color=shade[name], label=name)
    axes.set(yscale="log", xlabel="training time of all seeds (s)", ylabel="relative error of accelerations")
    axes.legend(ncols=4)
    return figure
