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
from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

import symlnn
from symlnn import Architecture, Budget, Effort, FirstOrder, Learned, Recipe, System, Validation
from symlnn.metrics import acceleration_errors
from symlnn.report import Listener, ModelResult, Settings, examine

from ._appendix_c import RULES, constants_of, divergences_of_rules, fit_sigma
from ._appendix_c_sections import divergence_section, fit_section, grid
from ._recipes import PAPER_LNN
from ._study import Claim, Mode, Results, Section, Study, Table

OURS = "ours"
_RECIPE = Recipe.single(
    FirstOrder(optimizer="adam", learning_rate=1e-3, schedule="constant", loss="l1", batch=32, chunk=50)
)


@dataclass(frozen=True)
class Config:
    """What one mode does."""

    widths: tuple[int, ...] = (50, 100, 200, 300)
    hidden: tuple[int, ...] = (1, 2, 3)
    draws: int = 10
    """Of weights, for each divergence."""
    inputs: int = 256
    fit_widths: tuple[int, ...] = (50, 100, 200)
    fit_rounds: int = 12
    fit_candidates: int = 24
    train_widths: tuple[int, ...] = (50, 100, 300)
    train_hidden: tuple[int, ...] = (1, 2, 3)
    train_steps: int = 500
    members: int = 2
    """Networks trained from each rule."""
    plain_width: int = 100
    plain_steps: int = 20_000
    effort: Effort = field(default_factory=Effort)
    """Of the measurements; the budget is the time that the paper's network took."""


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
        plain_width=32,
        plain_steps=500,
        effort=Effort(test_states=5_000, trajectories=4, check_states=1_000),
    ),
    Mode.default: Config(effort=Effort(test_states=20_000, trajectories=10)),
    Mode.full: Config(
        draws=40,
        fit_widths=(50, 100, 200, 300),
        fit_rounds=40,
        fit_candidates=32,
        train_widths=(50, 100, 200, 300),
        train_steps=20_000,
        members=4,
        plain_width=500,
        plain_steps=200_000,
    ),
}


@dataclass(frozen=True, eq=False)
class Found:
    """All that the study measures, by (rule, width, hidden layers) or (width, hidden layers)."""

    scores: Mapping[tuple[str, int, int], float]
    """The divergence of every rule."""
    fitted: Mapping[tuple[int, int], tuple[tuple[float, ...], float]]
    """Our σ, and their divergence."""
    constants: Mapping[str, float]
    trained: Mapping[tuple[str, int, int], tuple[float, ...]]
    """The errors of the networks trained from every rule."""
    validation: Validation
    concentration: Mapping[str, Mapping[str, float]]

    @property
    def plain(self) -> ModelResult:
        """The paper's network, in float32."""
        return self.validation.models[0]

    @property
    def finite(self) -> bool:
        """Whether it was trained to its end."""
        return not self.plain.warning

    @property
    def errors(self) -> dict[tuple[str, int, int], float]:
        """The median of the networks trained from every rule."""
        return {key: float(np.median(values)) for key, values in self.trained.items()}


def run(mode: Mode, settings: Settings, listener: Listener) -> Study:
    """Compute divergences, fit our own rule, train from each, and train the paper's network in float32."""
    config, key = CONFIG[mode], jax.random.key(settings.seed)
    system = dataclasses.replace(symlnn.load_system("double_pendulum"), duration=20.0)
    scores, fitted, trained = {}, {}, {}
    for width in config.widths:
        for hidden in config.hidden:
            listener(f"Divergences of every rule, width {width}, {hidden} hidden layers", None)
            of_rules = divergences_of_rules(width, hidden, draws=config.draws, inputs=config.inputs, key=key)
            scores |= {(rule, width, hidden): score for rule, score in of_rules.items()}
    for width in config.fit_widths:
        for hidden in config.hidden:
            listener(f"Fitting σ, width {width}, {hidden} hidden layers", None)
            fitted[width, hidden] = fit_sigma(
                width,
                hidden,
                rounds=config.fit_rounds,
                candidates=config.fit_candidates,
                draws=config.draws,
                inputs=config.inputs,
                key=key,
            )
    for width in config.train_widths:
        for hidden in config.train_hidden:
            listener(f"Training from every rule, width {width}, {hidden} hidden layers", None)
            trained |= _train(system, width, hidden, config, key)
    listener("The paper's network in float32", None)
    plain = _plain(system, config, settings.seed)
    validation = examine(
        system,
        {"lnn_plain": plain, **_exchanged(config.plain_width)},
        effort=dataclasses.replace(config.effort, budget=Budget(seconds=plain.fit.seconds)),
        settings=settings,
        listener=listener,
    )
    first, *others = validation.models
    validation = dataclasses.replace(validation, models=(dataclasses.replace(first, fit=plain.fit), *others))
    listener("Gradients at single states", None)
    concentration = {model.name: _concentration(model.dynamics, validation.bench.test) for model in validation.models}
    found = Found(scores, fitted, constants_of(fitted), trained, validation, concentration)
    return Study(
        name="initialisation",
        title="Initialising a Lagrangian network",
        summary=_summary(found, config),
        claims=_claims(found, config),
        differences=_differences(config),
        sections=(
            divergence_section(scores),
            fit_section(fitted, found.constants),
            _training_section(found, config),
            _plain_section(found, config),
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
                "constants": found.constants,
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
                "steps": sum(plain.fit.steps),
                "nan": not found.finite,
                "l1_sum": found.plain.acceleration.l1_sum,
            },
            "gradients": concentration,
        },
    )


def _train(
    system: System, width: int, hidden: int, config: Config, key: Array
) -> dict[tuple[str, int, int], tuple[float, ...]]:
    """mean Σᵢ|aᵢ − âᵢ| on fresh states after equal steps of Adam, from every rule and of our network."""
    stream = symlnn.Stream.of(system)
    held_out, for_test, build, train = jax.random.split(key, 4)
    samples, test = (eqx.filter_jit(stream)(k, 2048) for k in (held_out, for_test))
    scales = symlnn.natural_scales(system, samples)
    keys = jax.random.split(build, config.members)

    def ensemble(model: str, architectures: list[Architecture]) -> list[tuple[float, ...]]:
        specs = [symlnn.ModelSpec(symlnn.find_model(model, architecture=a), system, scales) for a in architectures]
        members = [spec.build(k) for spec in specs for k in keys]
        found = symlnn.fit(
            symlnn.stack(members),
            symlnn.PlainAcceleration(),
            stream,
            key=jax.random.split(train, len(members)),
            error=symlnn.AccelerationError(samples),
            recipe=_RECIPE,
            budget=Budget(steps=config.train_steps),
        )
        predicted = eqx.filter_jit(eqx.filter_vmap(symlnn.accelerations, in_axes=(0, None)))(found.model, test.states)
        errors = [acceleration_errors(test.a, a).l1_sum for a in predicted]
        return [tuple(errors[i : i + len(keys)]) for i in range(0, len(errors), len(keys))]

    plain = ensemble("lnn_plain", [Architecture(width, hidden, "softplus", rule) for rule in RULES])
    (ours,) = ensemble("lnn", [Architecture(width, hidden)])
    return {(rule, width, hidden): errors for rule, errors in zip((*RULES, OURS), (*plain, ours), strict=True)}


def _of_width(model: symlnn.Model, width: int) -> symlnn.Model:
    return dataclasses.replace(model, architecture=dataclasses.replace(model.architecture, width=width))


def _plain(system: System, config: Config, seed: int) -> Learned:
    """The paper's network and recipe, trained in float32, whatever becomes of it; the model in float64."""
    budget = Budget(steps=config.plain_steps)
    with jax.enable_x64(False), jax.default_matmul_precision("highest"):
        learned = symlnn.learn(system, _of_width(PAPER_LNN, config.plain_width), budget=budget, seed=seed)
    model = jax.tree.map(lambda x: x.astype(jnp.float64) if eqx.is_inexact_array(x) else x, learned.dynamics)
    return Learned(dataclasses.replace(learned.model, dynamics=model), learned.fit)


def _exchanged(width: int) -> dict[str, symlnn.Model]:
    """The paper's network by our recipe, ours by the paper's, and ours by ours, of one width."""
    ours = _of_width(symlnn.MODELS["lnn"], width)
    return {
        "lnn_plain_ours": _of_width(symlnn.find_model(PAPER_LNN, recipe=None, residual="acceleration"), width),
        "lnn_adam": dataclasses.replace(ours, recipe=PAPER_LNN.recipe, residual=PAPER_LNN.residual),
        "lnn": ours,
    }


def _concentration(dynamics: Any, samples: symlnn.Samples) -> dict[str, float]:
    """How unequal the gradients of the L1 loss of single states are, and how often the mass matrix is indefinite."""
    few = samples[:2000]
    params, static = eqx.partition(dynamics, symlnn.trainable(dynamics))

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


def _training_section(found: Found, config: Config) -> Section:
    return Section(
        "Training from each rule",
        f"The double pendulum, {config.train_steps} steps of Adam at 1e-3, batches of 32. ",
        Table(
            ("width, hidden layers", *RULES, OURS),
            grid(found.errors, (*RULES, OURS)),
            "mean Σᵢ|aᵢ − âᵢ| in rad/s² on fresh states, of the parameters with the least relative error on the way; "
            f"median of {config.members} networks.",
        ),
    )


_WORDS = {
    "lnn_plain": ("the paper's", "the paper's, float32"),
    "lnn_plain_ours": ("the paper's", "ours"),
    "lnn_adam": ("ours", "the paper's"),
    "lnn": ("ours", "ours"),
}


def _plain_section(found: Found, config: Config) -> Section:
    plain, steps = found.plain, f"{config.plain_steps:,} steps"
    done = f"of {steps} {sum(plain.to_json()['steps']):,} were done. {plain.warning}"
    outcome = f"{steps} ran without a value that is not finite." if found.finite else done
    return Section(
        "The network of the paper, as it is",
        f"L = N(q, q̇) with {config.plain_width} softplus units in each of three hidden layers, nothing embedded or "
        f"scaled, weights by eq. 16, Adam from 1e-3, batches of 32, the L1 loss, float32: {outcome} The least error "
        f"on the way is {plain.acceleration.l1_sum:.3g} rad/s². To see why, network and recipe are exchanged one at a "
        f"time, each for the same {plain.to_json()['train_seconds']:.0f} s:",
        Table(
            ("network", "recipe", "error, rad/s²", "largest gradient / median", "indefinite M"),
            tuple(
                (*_WORDS[model.name], model.acceleration.l1_sum, *found.concentration[model.name].values())
                for model in found.validation.models
            ),
            "“Largest gradient / median”: of the L1 loss at single states, over 2,000 of them; “indefinite M”: the "
            "share of states where the learned mass matrix has a determinant that is not positive. Where it passes "
            "through zero accelerations are unbounded, and one state of a batch decides Adam's step. Our network is "
            "that of natural scales, sines and cosines, and ½|y|² at the start; our recipe Muon and Gauss–Newton on "
            "tempered residuals.",
        ),
        Results(found.validation),
    )


def _wins(values: Mapping[tuple[str, int, int], float]) -> tuple[int, int]:
    """In how many of how many cases eq. 16 has the lowest value of the four rules."""
    cases = {(w, h) for _, w, h in values}
    return sum(min(RULES, key=lambda rule: values[rule, w, h]) == "cranmer" for w, h in cases), len(cases)


def _summary(found: Found, config: Config) -> tuple[str, ...]:
    (wins, cases), constants = _wins(found.scores), found.constants
    plain, ours = found.plain, found.validation.models[-1]
    ran = "without a NaN" if found.finite else "not to the end"
    return (
        f"By the paper's own measure eq. 16 is the best of four rules in {wins} of {cases} sizes. Our fit to the same "
        f"measure gives {constants['first']:.2g}/√n, {constants['hidden']:.2g} i/√n and {constants['output']:.2g} √n, "
        "where eq. 16 has 2.2/√n, 0.58 i/√n and √n.",
        f"The paper's network runs {config.plain_steps:,} steps in float32 {ran} and is then off by "
        f"{plain.acceleration.l1_sum:.2g} rad/s²; ours is off by {ours.acceleration.l1_sum:.2g} after the same time.",
    )


def _claims(found: Found, config: Config) -> tuple[Claim, ...]:
    (wins, cases), (ahead, sizes), constants = _wins(found.scores), _wins(found.errors), found.constants
    question = "Eq. 16 makes gradients closest to unit Gaussians"
    runs = f"The plain network runs {config.plain_steps:,} steps in float32 without NaN"
    error, unit = found.plain.acceleration.l1_sum, "mean Σᵢ|aᵢ − âᵢ|, rad/s²"
    return (
        Claim(question, "best", wins, f"of {cases} sizes best of four rules", wins == cases),
        *(
            Claim(claim, theirs, constants[layer], "", abs(math.log(constants[layer] / theirs)) < math.log(1.5))
            for claim, layer, theirs in (
                ("First layer: σ √n", "first", 2.2),
                ("Hidden layer i: σ √n / i", "hidden", 0.58),
                ("Output layer: σ / √n", "output", 1.0),
            )
        ),
        Claim("Sizes at which eq. 16 trains best of the four rules", None, ahead, f"of {sizes}"),
        Claim(runs, "–", "yes" if found.finite else "no", "", found.finite),
        Claim("The plain network learns the accelerations", 7.3e-2, error, unit, error <= 7.3e-2),
    )
