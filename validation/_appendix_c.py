"""The objective of appendix C: how far accelerations and gradients of a fresh network are from unit Gaussians.

Source: Cranmer et al. 2020 (arXiv:2003.04630), appendix C; the regularisation is that of the authors' code.
"""

import math
from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

import symlnn
from symlnn import Architecture, EulerLagrange
from symlnn._models import INITIALIZATIONS

RULES = ("cranmer", "lecun", "glorot", "he")
_DOF = 2
_REGULARISATION = 0.1


def _network(width: int, hidden: int, key: Array) -> EulerLagrange:
    """The paper's network, L = N(q, v), of two coordinates, with weights of unit variance."""
    scales = symlnn.Scales(
        q_mean=(0.0,) * _DOF,
        q=(1.0,) * _DOF,
        v=(1.0,) * _DOF,
        a=(1.0,) * _DOF,
        p=(1.0,) * _DOF,
        p_rate=(1.0,) * _DOF,
        m_mean=(),
        m=(),
        u=(),
        t_mean=0.0,
        t=0.0,
        energy=1.0,
    )
    features = symlnn.Features((False,) * _DOF, scales, plain=True)
    return EulerLagrange(symlnn.MLPLagrangian(features, Architecture(width, hidden, "softplus"), key=key))


def _weights(dynamics: Any) -> Any:
    return dynamics.lagrangian.network.weights


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
    dynamics = _network(width, hidden, build)
    shapes = [(rows, columns) for columns, rows in pairwise([2 * _DOF, *[width] * hidden, 1])]
    keys = jax.random.split(noise, hidden + 1)
    drawn = tuple(jnp.exp(s) * jax.random.normal(k, shape) for s, k, shape in zip(log_sigma, keys, shapes, strict=True))
    states = jax.random.normal(points, (inputs, 2 * _DOF))

    def accelerations(weights: Any) -> Array:
        law = eqx.tree_at(_weights, dynamics, weights)
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
    sizes = [2 * _DOF, *[width] * hidden]
    return [INITIALIZATIONS[rule](layer, hidden + 1, fan_in, width) for layer, fan_in in enumerate(sizes)]


def divergences_of_rules(width: int, hidden: int, *, draws: int, inputs: int, key: Array) -> dict[str, float]:
    """The median over draws of the divergence, for every rule."""
    log_sigmas = jnp.log(jnp.array([sigmas(rule, width, hidden) for rule in RULES]))
    one = partial(divergence, width=width, hidden=hidden, inputs=inputs)
    keys = jax.random.split(key, draws)

    @jax.jit
    def every(log_sigmas: Array) -> Array:
        return jax.lax.map(lambda s: jax.lax.map(lambda k: one(s, key=k), keys), log_sigmas)

    medians = np.median(np.asarray(every(log_sigmas)), axis=1)
    return dict(zip(RULES, map(float, medians), strict=True))


def fit_sigma(
    width: int, hidden: int, *, steps: int, draws: int, inputs: int, key: Array
) -> tuple[tuple[float, ...], float]:
    """The σ of each layer that minimise the mean divergence, by Adam on fresh draws, and the median divergence there.

    A gradient that is not finite, of a draw with a singular mass matrix, is left out.
    """
    one = partial(divergence, width=width, hidden=hidden, inputs=inputs)
    optimizer = optax.apply_if_finite(
        optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.cosine_decay_schedule(0.15, steps))),
        10**6,
    )
    start = jnp.log(jnp.array(sigmas("lecun", width, hidden)))

    @jax.jit
    def descend(log_sigma: Array) -> tuple[Array, Array]:
        def step(carry: Any, key: Array) -> tuple[Any, Array]:
            log_sigma, state = carry
            keys = jax.random.split(key, 4)
            gradient = jax.grad(lambda s: jnp.mean(jax.vmap(lambda k: one(s, key=k))(keys)))(log_sigma)
            updates, state = optimizer.update(gradient, state)
            log_sigma = log_sigma + updates
            return (log_sigma, state), log_sigma

        keys = jax.random.split(key, steps)
        _, path = jax.lax.scan(step, (log_sigma, optimizer.init(log_sigma)), keys)
        found = jnp.mean(path[-max(1, steps // 5) :], axis=0)
        fresh = jax.random.split(jax.random.fold_in(key, 1), draws)
        return found, jnp.median(jax.lax.map(lambda k: one(found, key=k), fresh))

    found, score = descend(start)
    return tuple(map(float, jnp.exp(found))), float(score)


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
