"""The objective of appendix C: how far accelerations and gradients of a fresh network are from unit Gaussians.

Source: Cranmer et al. 2020 (arXiv:2003.04630), appendix C; the regularisation is that of the authors' code.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from matplotlib.figure import Figure

from symlnn import INITIALIZATIONS, MLP, AbstractLagrangian, Architecture, EulerLagrange
from symlnn.plots import colours

RULES = ("cranmer", "lecun", "glorot", "he")
_DOF = 2
_REGULARISATION = 0.1


class _Plain(AbstractLagrangian):
    """The paper's network, L = N(q, v)."""

    network: MLP

    def __call__(self, q: Array, v: Array, m: Any = None, t: Any = 0.0) -> Array:
        return self.network(jnp.concatenate([q, v]))[0]


def gaussian_divergence(values: Array) -> Array:
    """KL(N(μ, s²) ‖ N(0, 1)) = ½ (μ² + s² − 1) − log s, with the mean and standard deviation of the values."""
    mean, std = jnp.mean(values), jnp.std(values)
    return 0.5 * (mean**2 + std**2 - 1) - jnp.log(std)


def divergence(log_sigma: Array, width: int, hidden: int, inputs: int, key: Array) -> Array:
    """log₁₀ of the objective of appendix C, for one draw of weights σ_l ε and of inputs from unit Gaussians.

    The objective is the sum of the divergences of each acceleration over the inputs, and of each layer's gradient of
    the sum of the accelerations over its weights, and 0.1 (½ r² − log r) for each layer, with r = σ / √(6/(fan in +
    fan out)), the bound of Glorot's uniform rule.
    """
    build, noise, points = jax.random.split(key, 3)
    network = MLP(2 * _DOF, 1, Architecture(width, hidden, "softplus"), key=build)
    shapes = [(rows, columns) for columns, rows in pairwise([2 * _DOF, *[width] * hidden, 1])]
    keys = jax.random.split(noise, hidden + 1)
    drawn = tuple(jnp.exp(s) * jax.random.normal(k, shape) for s, k, shape in zip(log_sigma, keys, shapes, strict=True))
    states = jax.random.normal(points, (inputs, 2 * _DOF))

    def accelerations(weights: Any) -> Array:
        law = EulerLagrange(_Plain(eqx.tree_at(lambda network: network.weights, network, weights)))
        return jax.vmap(lambda state: law.acceleration(state[:_DOF], state[_DOF:]))(states)

    outputs = accelerations(drawn)
    gradients = jax.grad(lambda weights: jnp.sum(accelerations(weights)))(drawn)
    bound = jnp.array([math.sqrt(6 / sum(shape)) for shape in shapes])
    ratio = jnp.exp(log_sigma) / bound
    total = sum(gaussian_divergence(outputs[:, i]) for i in range(_DOF))
    total = total + sum(gaussian_divergence(gradient) for gradient in gradients)
    total = total + _REGULARISATION * jnp.sum(0.5 * ratio**2 - jnp.log(ratio))
    return jnp.log10(total)


def sigmas(rule: str, width: int, hidden: int) -> list[float]:
    """The σ of each layer by a rule of `INITIALIZATIONS`, first to output."""
    sizes = [2 * _DOF, *[width] * hidden]
    return [INITIALIZATIONS[rule](layer, hidden + 1, fan_in, width) for layer, fan_in in enumerate(sizes)]


@partial(jax.jit, static_argnames=("width", "hidden", "inputs"))
def _median_divergence(log_sigma: Array, keys: Array, width: int, hidden: int, inputs: int) -> Array:
    """The median over draws; one that is not finite counts as infinite."""
    values = jax.lax.map(lambda key: divergence(log_sigma, width, hidden, inputs, key), keys)
    return jnp.median(jnp.where(jnp.isfinite(values), values, jnp.inf))


@dataclass(frozen=True)
class Search:
    """How much is drawn."""

    draws: int = 10
    """Of weights, for each divergence."""
    inputs: int = 256
    rounds: int = 12
    """Of the cross-entropy method."""
    candidates: int = 24


def divergences_of_rules(width: int, hidden: int, search: Search, *, key: Array) -> dict[tuple[str, int, int], float]:
    """The median over draws of the divergence, by (rule, width, hidden layers)."""
    keys = jax.random.split(key, search.draws)
    log_sigmas = {rule: jnp.log(jnp.array(sigmas(rule, width, hidden))) for rule in RULES}
    scores = {rule: _median_divergence(s, keys, width, hidden, search.inputs) for rule, s in log_sigmas.items()}
    return {(rule, width, hidden): float(score) for rule, score in scores.items()}


def fit_sigma(width: int, hidden: int, search: Search, *, key: Array) -> tuple[tuple[float, ...], float]:
    """The σ of each layer that minimise the median divergence over fixed draws, and the median over fresh ones.

    By the cross-entropy method: candidates log σ from a Gaussian, which moves to the best quarter of them. It begins at
    Glorot's rule, with a standard deviation of 1.5. The objective has heavy tails, where a mass matrix is nearly
    singular, and descent along its gradients ended above eq. 16.
    """
    median = partial(_median_divergence, width=width, hidden=hidden, inputs=search.inputs)
    drawn, fresh, chosen = jax.random.split(key, 3)
    keys, test = jax.random.split(drawn, search.draws), jax.random.split(fresh, 2 * search.draws)
    elite = max(2, search.candidates // 4)

    @jax.jit
    def moved(mean: Array) -> Array:
        def step(carry: tuple[Array, Array], key: Array) -> tuple[tuple[Array, Array], None]:
            mean, spread = carry
            points = mean + spread * jax.random.normal(key, (search.candidates, mean.size)).at[0].set(0.0)
            scores = jax.lax.map(lambda point: median(point, keys), points)
            best = points[jnp.argsort(scores)[:elite]]
            return (jnp.mean(best, axis=0), 0.5 * (spread + jnp.std(best, axis=0))), None

        (mean, _), _ = jax.lax.scan(step, (mean, 1.5 * jnp.ones_like(mean)), jax.random.split(chosen, search.rounds))
        return mean

    found = moved(jnp.log(jnp.array(sigmas("glorot", width, hidden))))
    return tuple(map(float, jnp.exp(found))), float(median(found, test))


def constants_of(fitted: Mapping[tuple[int, int], tuple[tuple[float, ...], float]]) -> dict[str, float]:
    """The constants of eq. 16 in our σ, as geometric means: σ √n, σ √n / i and σ / √n; and exponents of n."""
    first, middle, last = [], [], []
    for (width, hidden), (sigma, _) in fitted.items():
        first.append((width, sigma[0]))
        middle += [(width, sigma[i] / i) for i in range(1, hidden)]
        last.append((width, sigma[-1]))
    found = {}
    for name, points, power in (("first", first, -0.5), ("hidden", middle, -0.5), ("output", last, 0.5)):
        if not points:  # one hidden layer has no hidden layer i
            continue
        widths, values = map(np.array, zip(*points, strict=True))
        found[name] = float(np.exp(np.mean(np.log(values / widths**power))))
        found[f"{name}_exponent"] = float(np.polyfit(np.log(widths), np.log(values), 1)[0])
    return found


def divergence_figure(scores: Mapping[tuple[str, int, int], float]) -> Figure:
    """The divergence of every rule against the width, a panel for each number of hidden layers."""
    widths, layers = sorted({w for _, w, _ in scores}), sorted({h for _, _, h in scores})
    figure = Figure(figsize=(8.0, 2.8))
    panels, shade = figure.subplots(1, len(layers), sharey=True, squeeze=False)[0], colours(RULES)
    for axes, hidden in zip(panels, layers, strict=True):
        for rule in RULES:
            values = [scores[rule, w, hidden] for w in widths]
            axes.plot(widths, values, "o-", ms=3, color=shade[rule], label=rule)
        axes.set_title(f"{hidden} hidden")
        axes.set_xlabel("width")
    panels[0].set_ylabel(r"$\log_{10}$ divergence")
    panels[0].legend()
    return figure


def sigma_figure(fitted: Mapping[tuple[int, int], tuple[tuple[float, ...], float]]) -> Figure:
    """Our σ as dots, eq. 16 as lines."""
    figure = Figure(figsize=(8.0, 2.8))
    grid = figure.subplots(1, 3)
    widths = np.array(sorted({width for width, _ in fitted}))
    panels = (
        ("first layer", lambda n: 2.2 / np.sqrt(n), lambda sigma: [sigma[0]]),
        ("hidden layer i, σ/i", lambda n: 0.58 / np.sqrt(n), lambda s: [x / i for i, x in enumerate(s[:-1]) if i > 0]),
        ("output layer", np.sqrt, lambda sigma: [sigma[-1]]),
    )
    for axes, (title, rule, pick) in zip(grid, panels, strict=True):
        for (width, _), (sigma, _) in fitted.items():
            for value in pick(sigma):
                axes.plot(width, value, "o", color="#0072B2", ms=4)
        axes.plot(widths, rule(widths), color="0.3")
        axes.set(xscale="log", yscale="log", title=title, xlabel="width n")
    grid[0].set_ylabel("σ")
    return figure
