"""Activations: which one lets a Lagrangian network learn? (the search of section 4)

A Lagrangian network is differentiated twice before its loss is, so its activation needs a second derivative that is of
use. The paper searches relu², relu³, tanh, sigmoid and softplus, and chooses softplus. Here each, and today's SiLU and
GELU, trains the LNN of the double pendulum within the same time, from several seeds at once.

Source: Cranmer et al. 2020 (arXiv:2003.04630), section 4.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import equinox as eqx
import jax
import numpy as np
from matplotlib.figure import Figure

import symlnn
from symlnn import Budget, Effort, Fit
from symlnn.metrics import acceleration_errors
from symlnn.plots import colours
from symlnn.report import Bench, ModelResult, ReportListener, Settings, examine, figures_of

from ._study import Mode, Study, claims, completed

_TOP = 1e3
"""Errors beyond it, infinite ones included, are drawn at it."""
SEARCHED = ("softplus", "relu2", "relu3", "tanh", "sigmoid")
"""By the paper."""
ACTIVATIONS = (*SEARCHED, "silu", "gelu")

CLAIMS = claims("activations")


@dataclass(frozen=True)
class Config:
    """What one mode does."""

    effort: Effort
    """Its budget is that of all seeds of one activation together."""
    seeds: int
    width: int = 64
    depth: int = 3


CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config(Effort(Budget(seconds=2.0), test_states=5_000, trajectories=8, check_states=1_000), 2, 24, 2),
    Mode.default: Config(Effort(Budget(seconds=70.0), test_states=50_000), seeds=4),
    Mode.full: Config(Effort(Budget(seconds=3600.0)), seeds=8, width=128),
}


@dataclass(frozen=True, eq=False)
class Seeds:
    """What became of the seeds of one activation."""

    fit: Fit
    errors: np.ndarray
    """mean Σᵢ|aᵢ − âᵢ| of each seed over the test states."""
    median: float
    middle: ModelResult
    """The median one (the better of the two middle ones), measured in full."""


def run(config: Config, settings: Settings, listener: ReportListener) -> Study:
    """Train the LNN with every activation, and rank them."""
    system = symlnn.load_system("double_pendulum")
    examined = examine(system, {}, effort=config.effort, settings=settings, listener=listener)
    found = {}
    for name in ACTIVATIONS:
        listener(f"Training {name}, {config.seeds} seeds at once", None)
        found[name] = _train(name, config, system, examined.bench, settings.seed)
    validation = dataclasses.replace(examined, models=tuple(seeds.middle for seeds in found.values()))
    ranked = dict(sorted(found.items(), key=lambda item: item[1].median))
    searched = [name for name in ranked if name in SEARCHED]
    return Study(
        figures={
            "ranked": list(ranked),
            "searched": {"best": searched[0], "place_of_softplus": searched.index("softplus") + 1, "order": searched},
            "softplus_over_best": found["softplus"].median / min(seeds.median for seeds in found.values()),
        },
        validations=(validation,),
        of_models={
            (system.name, name): {"l1_sum_of_seeds": sorted(map(float, seeds.errors)), "l1_sum_median": seeds.median}
            for name, seeds in found.items()
        },
        pictures=figures_of(validation, "energy")
        | {"spread": partial(_spread, ranked), "training_of_seeds": partial(_curves, ranked)},
    )


def _train(name: str, config: Config, system: symlnn.System, bench: Bench, seed: int) -> Seeds:
    stream = symlnn.Stream.of(system)
    build, train, held_out = jax.random.split(jax.random.key(seed), 3)
    samples = eqx.filter_jit(stream)(held_out, 2048)
    model = symlnn.find_model("lnn", architecture=symlnn.Architecture(config.width, config.depth, name))
    spec = symlnn.ModelSpec(model, system, symlnn.natural_scales(system, samples))
    fit = symlnn.fit(
        symlnn.stack([spec.build(key) for key in jax.random.split(build, config.seeds)]),
        symlnn.ScaledAcceleration(spec.scales.a),
        stream,
        key=jax.random.split(train, config.seeds),
        monitor=symlnn.Monitor(symlnn.AccelerationError(samples)),
        budget=config.effort.budget,
    )
    completed(fit)
    predict = eqx.filter_jit(partial(symlnn.accelerations, at_once=2_000))
    predicted = [predict(member, bench.test.states) for member in symlnn.unstack(fit.model)]
    errors = np.array([acceleration_errors(bench.test, a).l1_sum for a in predicted])
    middle = int(np.argsort(errors, kind="stable")[(config.seeds - 1) // 2])
    own = fit.member(middle)
    return Seeds(fit, errors, float(np.median(errors)), ModelResult(name, spec, own.model, own, bench.judge(own.model)))


def _spread(ranked: Mapping[str, Seeds]) -> Figure:
    figure = Figure(figsize=(8.0, 2.8))
    axes, shade = figure.subplots(), colours(list(ranked))
    for place, (name, seeds) in enumerate(ranked.items()):
        axes.plot(np.full(seeds.errors.size, place), np.minimum(seeds.errors, _TOP), "o", color=shade[name], alpha=0.7)
        axes.plot([place - 0.3, place + 0.3], [min(seeds.median, _TOP)] * 2, color=shade[name])
    axes.set(yscale="log", ylabel=r"mean $\sum_i|a_i-\hat a_i|$ (rad/s²)")
    axes.set_xticks(range(len(ranked)), list(ranked))
    return figure


def _curves(ranked: Mapping[str, Seeds]) -> Figure:
    figure = Figure(figsize=(8.0, 3.2))
    axes, shade = figure.subplots(), colours(list(ranked))
    for name, seeds in ranked.items():
        t, error = seeds.fit.history.seconds, np.array(seeds.fit.history.error)
        axes.fill_between(
            t, error.min(axis=1), np.minimum(error.max(axis=1), _TOP), color=shade[name], alpha=0.15, lw=0
        )
        axes.plot(t, np.median(error, axis=1), color=shade[name], label=name)
    axes.set(yscale="log", xlabel="training time of all seeds (s)", ylabel="relative error of accelerations")
    axes.legend(ncols=4)
    return figure
