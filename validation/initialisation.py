"""Initialisation: does appendix C's rule give a Lagrangian network good gradients, and does it train? (eq. 16)

The paper minimises, over the standard deviations σ of a network's weights, the divergence of accelerations and
gradients from unit Gaussians, and fits by symbolic regression

    σ = (1/√n) · { 2.2 for the first layer, 0.58 i for hidden layer i, n for the output layer }.

Here that divergence is computed for this rule, for LeCun's, Glorot's and He's; our own σ are fitted to it by
the cross-entropy method; and networks are trained from each.

Source: Cranmer et al. 2020 (arXiv:2003.04630), appendix C.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

import symlnn
from symlnn import Architecture, System, Validation
from symlnn._compare import acceleration_errors
from symlnn._data import accelerations
from symlnn._models import trainable
from symlnn._report import Candidate, Effort, Progress, Settings, Timer, conclude, measure, prepare
from symlnn._train import FirstOrder, Recipe

from ._appendix_c import RULES, constants_of, divergences_of_rules, fit_sigma
from ._appendix_c_sections import divergence_section, fit_section, grid
from ._ensembles import judge_member
from ._recipes import PAPER_ARCHITECTURE, PAPER_RECIPE
from ._study import Claim, Mode, Results, Section, Study, Table, Text

OURS = "ours"
_RECIPE = Recipe.single(
    FirstOrder(optimizer="adam", learning_rate=1e-3, schedule="constant", loss="l1", batch=32, chunk=50)
)


@dataclass(frozen=True)
class Config:
    """What one mode does."""

    widths: tuple[int, ...]
    hidden: tuple[int, ...]
    draws: int
    """Of weights, for each divergence."""
    inputs: int
    fit_widths: tuple[int, ...]
    fit_rounds: int
    fit_candidates: int
    train_widths: tuple[int, ...]
    train_hidden: tuple[int, ...]
    train_steps: int
    members: int
    """Networks trained from each rule."""
    plain_width: int
    plain_steps: int
    effort: Effort
    """Of the measurements; its seconds are not used, since all training is by steps."""


CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config(
        widths=(50, 100),
        hidden=(1, 2),
        draws=4,
        inputs=64,
        fit_widths=(20, 40),
        fit_rounds=2,
        fit_candidates=6,
        train_widths=(50,),
        train_hidden=(1,),
        train_steps=100,
        members=2,
        plain_width=32,
        plain_steps=500,
        effort=Effort(seconds=0.0, test_states=5_000, trajectories=4, check_states=1_000),
    ),
    Mode.default: Config(
        widths=(50, 100, 200, 300),
        hidden=(1, 2, 3),
        draws=10,
        inputs=256,
        fit_widths=(50, 100, 200),
        fit_rounds=12,
        fit_candidates=24,
        train_widths=(50, 100, 300),
        train_hidden=(1, 2, 3),
        train_steps=500,
        members=2,
        plain_width=100,
        plain_steps=20_000,
        effort=Effort(seconds=0.0, test_states=20_000, trajectories=10),
    ),
    Mode.full: Config(
        widths=(50, 100, 200, 300),
        hidden=(1, 2, 3),
        draws=40,
        inputs=256,
        fit_widths=(50, 100, 200, 300),
        fit_rounds=40,
        fit_candidates=32,
        train_widths=(50, 100, 200, 300),
        train_hidden=(1, 2, 3),
        train_steps=20_000,
        members=4,
        plain_width=500,
        plain_steps=200_000,
        effort=Effort(seconds=0.0),
    ),
}


def run(mode: Mode, settings: Settings, progress: Progress, config: Config | None = None) -> Study:
    """Compute divergences, fit our own rule, train from each, and train the paper's network in float32."""
    config = config or CONFIG[mode]
    system, timer = symlnn.load_system("double_pendulum"), Timer()
    system = dataclasses.replace(system, duration=20.0)
    key = jax.random.key(settings.seed)
    progress("Divergences of every rule", None)
    with timer("divergences"):
        scores = {
            (rule, width, hidden): score
            for width in config.widths
            for hidden in config.hidden
            for rule, score in divergences_of_rules(
                width, hidden, draws=config.draws, inputs=config.inputs, key=key
            ).items()
        }
    fitted = {}
    for width in config.fit_widths:
        for hidden in config.hidden:
            progress(f"Fitting σ, width {width}, {hidden} hidden layers", None)
            with timer("fit of σ"):
                fitted[width, hidden] = fit_sigma(
                    width,
                    hidden,
                    rounds=config.fit_rounds,
                    candidates=config.fit_candidates,
                    draws=config.draws,
                    inputs=config.inputs,
                    key=key,
                )
    trained = {}
    for width in config.train_widths:
        for hidden in config.train_hidden:
            progress(f"Training from every rule, width {width}, {hidden} hidden layers", None)
            with timer("training from every rule"):
                trained |= _train(system, width, hidden, config, key)
    progress("The paper's network in float32", None)
    bench = prepare(system, config.effort, settings.seed, timer, progress)
    with timer("the paper's network in float32"):
        spec, plain = _plain(system, config, settings.seed)
    with timer("measure lnn_plain"):
        results = [judge_member("lnn_plain", spec, bench, plain, 0, PAPER_RECIPE, "plain_acceleration")]
    train = partial(symlnn.learn, system, seconds=float(plain.seconds[-1]))
    results += [
        measure(name, candidate, bench, train, settings.seed, 1, timer, progress)
        for name, candidate in _exchanged(config.plain_width).items()
    ]
    with timer("gradients at single states"):
        concentration = {model.name: _concentration(model.dynamics, bench.test) for model in results}
    validation = conclude(bench, results, settings, timer)
    constants = constants_of(fitted)
    finite = bool(np.isfinite(plain.validation).all())
    return Study(
        name="initialisation",
        title="Initialising a Lagrangian network",
        summary=_summary(scores, constants, validation, finite, config),
        claims=_claims(scores, constants, trained, validation, finite, config),
        differences=_differences(config),
        sections=(
            divergence_section(scores),
            fit_section(fitted, constants),
            _training_section(trained, config),
            _plain_section(validation, finite, config, concentration),
        ),
        validations=(validation,),
        settings=settings,
        mode=mode,
        extra={
            "divergence": [
                {"rule": rule, "width": width, "hidden_layers": hidden, "log10_median": value}
                for (rule, width, hidden), value in scores.items()
            ],
            "fit": {
                "constants": constants,
                "sigma": [
                    {"width": w, "hidden_layers": h, "sigma": list(s), "log10": v} for (w, h), (s, v) in fitted.items()
                ],
            },
            "training": [
                {"rule": rule, "width": width, "hidden_layers": hidden, "l1_sum": sorted(values)}
                for (rule, width, hidden), values in trained.items()
            ],
            "plain_network": {
                "precision": "float32",
                "width": config.plain_width,
                "steps": sum(plain.steps),
                "nan": not finite,
                "l1_sum": validation.models[0].acceleration.l1_sum,
            },
            "gradients": concentration,
        },
    )


# --- training ----------------------------------------------------------------------------------------------------


def _train(
    system: System, width: int, hidden: int, config: Config, key: Array
) -> dict[tuple[str, int, int], tuple[float, ...]]:
    """mean Σᵢ|aᵢ − âᵢ| on fresh states after equal steps of Adam, from every rule and of our network."""
    stream = symlnn.Stream(system)
    for_validation, for_test, build, train = jax.random.split(key, 4)
    samples, test = (eqx.filter_jit(stream)(k, 2048) for k in (for_validation, for_test))
    scales = symlnn.natural_scales(system, samples)
    keys = jax.random.split(build, config.members)

    @eqx.filter_jit
    def predicted(dynamics: symlnn.AbstractDynamics) -> Array:
        return accelerations(dynamics, test.states)

    def ensemble(model: str, architectures: list[Architecture]) -> tuple[tuple[float, ...], ...]:
        specs = [symlnn.ModelSpec(model, system, scales, architecture) for architecture in architectures]
        found = symlnn.fit_ensemble(
            tuple(spec.build(k) for spec in specs for k in keys),
            stream,
            symlnn.PlainAcceleration(),
            key=train,
            validation=samples,
            recipe=_RECIPE,
            steps=config.train_steps,
        )
        errors = [acceleration_errors(test.a, predicted(member)).l1_sum for member in found.members]
        return tuple(tuple(errors[i : i + len(keys)]) for i in range(0, len(errors), len(keys)))

    plain = ensemble("lnn_plain", [Architecture(width, hidden, "softplus", rule) for rule in RULES])
    (ours,) = ensemble("lnn", [Architecture(width, hidden)])
    return {(rule, width, hidden): errors for rule, errors in zip((*RULES, OURS), (*plain, ours), strict=True)}


def _plain(system: System, config: Config, seed: int) -> tuple[symlnn.ModelSpec, symlnn.Ensemble]:
    """The paper's network and recipe, in float32, whatever becomes of it: an ensemble of one goes on after a NaN."""
    with jax.enable_x64(False), jax.default_matmul_precision("highest"):
        for_validation, build, train = jax.random.split(jax.random.key(seed), 3)
        stream = symlnn.Stream(system)
        samples = eqx.filter_jit(stream)(for_validation, 2048)
        architecture = dataclasses.replace(PAPER_ARCHITECTURE, width=config.plain_width)
        spec = symlnn.ModelSpec("lnn_plain", system, symlnn.natural_scales(system, samples), architecture)
        ensemble = symlnn.fit_ensemble(
            (spec.build(build),),
            stream,
            symlnn.PlainAcceleration(),
            key=train,
            validation=samples,
            recipe=PAPER_RECIPE,
            steps=config.plain_steps,
        )
    as_float64 = jax.tree.map(lambda x: x.astype(jnp.float64) if eqx.is_inexact_array(x) else x, ensemble.members)
    return spec, dataclasses.replace(ensemble, members=as_float64)


def _exchanged(width: int) -> dict[str, Candidate]:
    """The paper's network by our recipe, ours by the paper's, and ours by ours, of one width."""
    ours = Architecture(width=width)
    return {
        "lnn_plain_ours": Candidate("lnn_plain", dataclasses.replace(PAPER_ARCHITECTURE, width=width)),
        "lnn_adam": Candidate("lnn", ours, PAPER_RECIPE, "plain_acceleration"),
        "lnn": Candidate("lnn", ours),
    }


def _concentration(dynamics: Any, samples: symlnn.Samples) -> dict[str, float]:
    """How unequal the gradients of the L1 loss of single states are, and how often the mass matrix is indefinite."""
    few = samples[:2000]
    params, static = eqx.partition(dynamics, trainable(dynamics))

    def norm(state: symlnn.States, a: Array) -> Array:
        def loss(params: Any) -> Array:
            law = eqx.combine(params, static)
            return jnp.sum(jnp.abs(law.acceleration(state.q, state.v, state.m, state.u, state.t) - a))

        return optax.global_norm(jax.grad(loss)(params))

    norms = np.asarray(jax.jit(jax.vmap(norm))(few.states, few.a))
    matrices = jax.jit(jax.vmap(dynamics.mass_matrix))(few.states.q, few.states.v)
    return {
        "largest_over_median": float(norms.max() / np.median(norms)),
        "indefinite_mass_matrix": float(np.mean(np.linalg.det(np.asarray(matrices)) <= 0)),
    }


# --- the report --------------------------------------------------------------------------------------------------


def _differences(config: Config) -> tuple[str, ...]:
    return (
        f"Divergences are medians over {config.draws} draws of weights and of {config.inputs} inputs; the paper's "
        "authors take 10 draws and 256 inputs.",
        f"Our σ are fitted by {config.fit_rounds} rounds of {config.fit_candidates} candidates of the cross-entropy "
        f"method, for widths {', '.join(map(str, config.fit_widths))}; theirs by 2,500 evaluations of a "
        "tree-structured Parzen estimator, of widths between 10 and 300, and symbolic regression.",
        f"Networks are trained for {config.train_steps} steps of Adam at 1e-3 in float64, the plain one of the last "
        f"section in float32 with {config.plain_width} hidden units where the paper has 500.",
        "“ours” is the LNN in natural scales, with angles embedded, SiLU and LeCun's rule. It is measured on the "
        "double pendulum only: the paper's objective, with inputs from unit Gaussians, is of its own network.",
    )


def _best(values: Mapping[str, float]) -> str:
    return min(values, key=lambda name: values[name])


def _training_section(trained: Mapping[tuple[str, int, int], tuple[float, ...]], config: Config) -> Section:
    medians = {key: float(np.median(values)) for key, values in trained.items()}
    return Section(
        "Training from each rule",
        (
            Text(f"The double pendulum, {config.train_steps} steps of Adam at 1e-3, batches of 32. "),
            Table(
                ("width, hidden layers", *RULES, OURS),
                grid(medians, (*RULES, OURS)),
                "mean Σᵢ|aᵢ − âᵢ| in rad/s² on fresh states, of the parameters with the least relative error on the "
                f"way; median of {config.members} networks.",
            ),
        ),
    )


_WORDS = {
    "lnn_plain": ("the paper's", "the paper's, float32"),
    "lnn_plain_ours": ("the paper's", "ours"),
    "lnn_adam": ("ours", "the paper's"),
    "lnn": ("ours", "ours"),
}


def _plain_section(
    validation: Validation, finite: bool, config: Config, concentration: Mapping[str, Mapping[str, float]]
) -> Section:
    plain = validation.models[0]
    outcome = "without a value that is not finite" if finite else "with errors that were not finite from some step on"
    return Section(
        "The network of the paper, as it is",
        (
            Text(
                f"L = N(q, q̇) with {config.plain_width} softplus units in each of three hidden layers, nothing "
                "embedded or scaled, weights by eq. 16, Adam from 1e-3, batches of 32, the L1 loss, float32: "
                f"{config.plain_steps:,} steps ran {outcome}. The least error on the way is "
                f"{plain.acceleration.l1_sum:.3g} rad/s². To see why, network and recipe are exchanged one at a time, "
                f"each for the same {plain.train_seconds:.0f} s:"
            ),
            Table(
                ("network", "recipe", "error, rad/s²", "largest gradient / median", "indefinite M"),
                tuple(
                    (
                        *_WORDS[model.name],
                        model.acceleration.l1_sum,
                        concentration[model.name]["largest_over_median"],
                        concentration[model.name]["indefinite_mass_matrix"],
                    )
                    for model in validation.models
                ),
                "“Largest gradient / median”: of the L1 loss at single states, over 2,000 of them; “indefinite M”: the "
                "share of states where the learned mass matrix has a determinant that is not positive. Where it passes "
                "through zero accelerations are unbounded, and one state of a batch decides Adam's step. Our network "
                "is that of natural scales, sines and cosines, and ½|y|² at the start; our recipe Muon and "
                "Gauss–Newton on tempered residuals.",
            ),
            Results(validation),
        ),
    )


def _wins(scores: Mapping[tuple[str, int, int], float]) -> tuple[int, int]:
    """In how many of how many cases eq. 16 has the lowest divergence."""
    cases = {(w, h) for _, w, h in scores}
    return sum(_best({r: scores[r, w, h] for r in RULES}) == "cranmer" for w, h in cases), len(cases)


def _summary(
    scores: Mapping[tuple[str, int, int], float],
    constants: Mapping[str, float],
    validation: Validation,
    finite: bool,
    config: Config,
) -> tuple[str, ...]:
    wins, cases = _wins(scores)
    plain, ours = validation.models[0], validation.models[-1]
    ran = "without a NaN" if finite else "into values that are not finite"
    return (
        f"By the paper's own measure eq. 16 is the best of four rules in {wins} of {cases} sizes. Our fit to the same "
        f"measure gives {constants['first']:.2g}/√n, {constants['hidden']:.2g} i/√n and {constants['output']:.2g} √n, "
        "where eq. 16 has 2.2/√n, 0.58 i/√n and √n.",
        f"The paper's network runs {config.plain_steps:,} steps in float32 {ran} and is then off by "
        f"{plain.acceleration.l1_sum:.2g} rad/s²; ours is off by {ours.acceleration.l1_sum:.2g} after the same time.",
    )


def _claims(
    scores: Mapping[tuple[str, int, int], float],
    constants: Mapping[str, float],
    trained: Mapping[tuple[str, int, int], tuple[float, ...]],
    validation: Validation,
    finite: bool,
    config: Config,
) -> tuple[Claim, ...]:
    wins, cases = _wins(scores)
    sizes = {(w, h) for _, w, h in trained}
    medians = {key: float(np.median(values)) for key, values in trained.items()}
    ahead = sum(_best({r: medians[r, w, h] for r in RULES}) == "cranmer" for w, h in sizes)
    plain = validation.models[0]
    return (
        Claim(
            "Eq. 16 makes gradients closest to unit Gaussians",
            "best",
            wins,
            f"of {cases} sizes best of four rules",
            wins == cases,
        ),
        Claim(
            "First layer: σ √n", 2.2, constants["first"], "", abs(math.log(constants["first"] / 2.2)) < math.log(1.5)
        ),
        Claim(
            "Hidden layer i: σ √n / i",
            0.58,
            constants["hidden"],
            "",
            abs(math.log(constants["hidden"] / 0.58)) < math.log(1.5),
        ),
        Claim("Output layer: σ / √n", 1.0, constants["output"], "", abs(math.log(constants["output"])) < math.log(1.5)),
        Claim("Sizes at which eq. 16 trains best of the four rules", None, ahead, f"of {len(sizes)}", None),
        Claim(
            f"The plain network runs {config.plain_steps:,} steps in float32 without NaN",
            "–",
            "yes" if finite else "no",
            "",
            finite,
        ),
        Claim(
            "The plain network learns the accelerations",
            7.3e-2,
            plain.acceleration.l1_sum,
            "mean Σᵢ|aᵢ − âᵢ|, rad/s²",
            plain.acceleration.l1_sum <= 7.3e-2,
        ),
    )
