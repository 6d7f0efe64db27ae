"""Initialisation: does appendix C's rule give a Lagrangian network good gradients, and does it train? (eq. 16)

The paper minimises, over the standard deviations σ of a network's weights, the divergence of accelerations and
gradients from unit Gaussians, and fits by symbolic regression

    σ = (1/√n) · { 2.2 for the first layer, 0.58 i for hidden layer i, n for the output layer }.

Here that divergence is computed for this rule, for LeCun's, Glorot's and He's; our own σ are fitted to it by
the cross-entropy method; and networks are trained from each.

Source: Cranmer et al. 2020 (arXiv:2003.04630), appendix C.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import product
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
from symlnn.report import ReportListener, Settings, examine

from ._appendix_c import (
    RULES,
    Search,
    constants_of,
    divergence_figure,
    divergences_of_rules,
    fit_sigma,
    sigma_figure,
    sigmas,
)
from ._recipes import PAPER_LNN
from ._study import Mode, Study, claims, completed

OURS = "ours"
_RECIPE = Recipe.single(
    FirstOrder(optimizer="adam", learning_rate=1e-3, schedule="constant", loss="l1", batch=32, chunk=50)
)


CLAIMS = claims("initialisation")


@dataclass(frozen=True)
class Sizes:
    """Networks of every width with every number of hidden layers."""

    widths: tuple[int, ...]
    hidden: tuple[int, ...]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return product(self.widths, self.hidden)


_ALL = Sizes((50, 100, 200, 300), (1, 2, 3))


@dataclass(frozen=True)
class Config:
    """What one mode does."""

    divergence: Sizes = _ALL
    fit: Sizes = Sizes((50, 100, 200), (1, 2, 3))
    train: Sizes = Sizes((50, 100, 300), (1, 2, 3))
    search: Search = field(default_factory=Search)
    train_steps: int = 500
    members: int = 2
    """Networks trained from each rule."""
    plain_width: int = 100
    plain_steps: int = 20_000
    effort: Effort = field(default_factory=Effort)
    """Of the measurements; the budget is the time that the paper's network took."""


_LONG = Search(draws=40, rounds=40, candidates=32)
_FEW = Effort(test_states=5_000, trajectories=4, check_states=1_000)
_SMALL = (Sizes((50, 100), (1, 2)), Sizes((20, 40), (1, 2)), Sizes((50,), (1,)), Search(4, 64, 2, 6))

CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config(*_SMALL, train_steps=100, plain_width=32, plain_steps=500, effort=_FEW),
    Mode.default: Config(effort=Effort(test_states=20_000, trajectories=10)),
    Mode.full: Config(_ALL, _ALL, _ALL, _LONG, train_steps=20_000, members=4, plain_width=500, plain_steps=200_000),
}


def run(config: Config, settings: Settings, listener: ReportListener) -> Study:
    """Compute divergences, fit our own rule, train from each, and train the paper's network in float32."""
    key = jax.random.key(settings.seed)
    system = dataclasses.replace(symlnn.load_system("double_pendulum"), duration=20.0)
    scores, fitted, trained = {}, {}, {}
    for width, hidden in config.divergence:
        listener(f"Divergences of every rule, width {width}, {hidden} hidden layers", None)
        scores |= divergences_of_rules(width, hidden, config.search, key=key)
    for width, hidden in config.fit:
        listener(f"Fitting σ, width {width}, {hidden} hidden layers", None)
        fitted[width, hidden] = fit_sigma(width, hidden, config.search, key=key)
    for width, hidden in config.train:
        listener(f"Training from every rule, width {width}, {hidden} hidden layers", None)
        trained |= _train(system, width, hidden, config, key)
    listener("The paper's network in float32", None)
    validation = _exchanged(system, config, settings, listener)
    listener("Gradients at single states", None)
    plain, wins = validation.models[0], _wins(scores)
    return Study(
        figures={
            "divergence": [_row(size, log10_median=value) for size, value in scores.items()],
            "eq16": {
                "sizes": len(wins),
                "sizes_with_a_better_rule": len(wins) - sum(wins),
                "sizes_trained_best": sum(_wins({size: float(np.median(values)) for size, values in trained.items()})),
            },
            "fit": {
                "constants": constants_of(fitted),
                "sigma": [
                    {"width": w, "hidden_layers": h, "sigma": s, "eq16": sigmas("cranmer", w, h), "log10": score}
                    for (w, h), (s, score) in fitted.items()
                ],
            },
            "training": [
                _row(size, l1_sum=sorted(values), l1_sum_median=float(np.median(values)))
                for size, values in trained.items()
            ],
            "plain_network": {
                "precision": "float32",
                "width": config.plain_width,
                "steps": sum(plain.to_json()["steps"]),
                "finite": not plain.warning,
                "l1_sum": plain.acceleration.l1_sum,
            },
            "gradients": {m.name: _concentration(m.dynamics, validation.bench.test) for m in validation.models},
        },
        validations=(validation,),
        pictures={"divergence": partial(divergence_figure, scores), "sigma": partial(sigma_figure, fitted)},
    )


def _row(size: tuple[str, int, int], **values: Any) -> dict[str, Any]:
    rule, width, hidden = size
    return {"rule": rule, "width": width, "hidden_layers": hidden, **values}


def _wins(values: Mapping[tuple[str, int, int], float]) -> list[bool]:
    """Whether eq. 16 has the lowest value of the four rules, at every size."""
    sizes = {(w, h) for _, w, h in values}
    return [min(RULES, key=lambda rule: values[rule, w, h]) == "cranmer" for w, h in sizes]


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
            monitor=symlnn.Monitor(symlnn.AccelerationError(samples)),
            recipe=_RECIPE,
            budget=Budget(steps=config.train_steps),
        )
        predicted = eqx.filter_jit(eqx.filter_vmap(symlnn.accelerations, in_axes=(0, None)))(
            completed(found).model, test.states
        )
        errors = [acceleration_errors(test, a).l1_sum for a in predicted]
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
    completed(learned.fit)
    model = jax.tree.map(lambda x: x.astype(jnp.float64) if eqx.is_inexact_array(x) else x, learned.dynamics)
    return Learned(dataclasses.replace(learned.model, dynamics=model), learned.fit)


def _exchanged(system: System, config: Config, settings: Settings, listener: ReportListener) -> Validation:
    """The paper's network in float32, then network and recipe exchanged one at a time, each for the same time."""
    plain, width = _plain(system, config, settings.seed), config.plain_width
    ours = _of_width(symlnn.MODELS["lnn"], width)
    models = {
        "lnn_plain": plain,
        "lnn_plain_ours": _of_width(symlnn.find_model(PAPER_LNN, recipe=None, residual="acceleration"), width),
        "lnn_adam": dataclasses.replace(ours, recipe=PAPER_LNN.recipe, residual=PAPER_LNN.residual),
        "lnn": ours,
    }
    effort = dataclasses.replace(config.effort, budget=Budget(seconds=plain.fit.seconds))
    validation = examine(system, models, effort=effort, settings=settings, listener=listener)
    first, *others = validation.models
    return dataclasses.replace(validation, models=(dataclasses.replace(first, fit=plain.fit), *others))


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
