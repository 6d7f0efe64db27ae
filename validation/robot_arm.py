"""Robot arm: inverse and forward dynamics of seven joints from few noisy samples, where structure should matter.

What is measured are joint angles, rates, accelerations and motor torques τ of an arm that follows random Fourier
series, each with noise of 1 % of its spread. A law M(q) a = f(q, q̇) + τ − d q̇ is learned, with L a mechanical
Lagrangian (`delan`), or one with more terms besides (`hybrid`), and with viscous frictions d, from the residual both
ways: of the torques, and of the accelerations. Beside it stand two networks, one for the torques of (q, q̇, a) and one
for the accelerations of (q, q̇, τ), as a network cannot be inverted. Figures are those of motions that nobody saw,
without noise: a relative error over all joints, and the root mean square of that of each joint by itself, in which the
wrist, whose torques are a hundredth of the shoulder's, counts as much as the shoulder.

Source: Lutter, Ritter & Peters, ICLR 2019 (arXiv:1907.04490), for the task; the arm is that of the catalogue.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from matplotlib.figure import Figure

import symlnn
from symlnn import (
    AbstractObservations,
    AbstractResidual,
    Architecture,
    Budget,
    EulerLagrange,
    Fit,
    Instants,
    Monitor,
    Recipe,
    Resample,
    ResidualError,
    Samples,
    ScaledAcceleration,
    States,
    System,
)
from symlnn.report import ReportListener, Settings

from ._recipes import QUICK_RECIPE
from ._study import Mode, Study, claims, completed

CLAIMS = claims("robot_arm")
_FREQUENCIES = 0.1 * np.arange(1, 6)
"""Of the series, in Hz."""
_AMPLITUDE = 0.35
_INSTANTS = 10
"""Of each motion, one a second: samples are nearly independent."""


@dataclass(frozen=True)
class Config:
    """What one mode does."""

    samples: tuple[int, ...]
    seconds: float
    """Of training, for each model."""
    seeds: int = 1
    motions: int = 20
    """That are not seen."""
    noise: float = 0.01
    """Of the spread of what is measured."""
    architecture: Architecture = field(default_factory=lambda: Architecture(width=64, depth=2))
    network: Architecture = field(default_factory=lambda: Architecture(width=128, depth=3))
    """Of the networks without structure: the best of three sizes."""
    recipe: Recipe | None = None


CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config((1000,), 4.0, motions=4, recipe=QUICK_RECIPE),
    Mode.default: Config((1000, 10_000), 60.0),
    Mode.full: Config((1000, 10_000), 300.0, seeds=3, motions=100),
}


class Sizes(symlnn.AbstractGiven):
    """The root mean squares of what was measured, which are not trained."""

    v: Float[Array, " joint"]
    a: Float[Array, " joint"]
    u: Float[Array, " joint"]

    @staticmethod
    def of(samples: Samples) -> "Sizes":
        """Of these samples."""
        return Sizes(*map(_rms, (samples.states.v, samples.a, samples.states.u)))


class Motors(eqx.Module):
    """Q = τ − d q̇, with frictions d that are learned, in units of U/V."""

    friction: Float[Array, " joint"]
    sizes: Sizes

    def __call__(self, q: Array, v: Array, m: Array | None, u: Array | None, t: Any) -> Array:
        """Q at one state."""
        assert u is not None
        return u - self.friction * self.sizes.u * v / self.sizes.v


class BothWays(AbstractResidual):
    """(M a − f − Q)/U and (â − a)/(A (1 + ‖a/A‖)): errors of the torques and of the accelerations."""

    observations: ClassVar[AbstractObservations] = Instants()
    sizes: Sizes

    def __call__(self, law: EulerLagrange, batch: Samples) -> Array:
        """(batch, 2 joints)."""
        torques = (_torques(law, batch) - batch.states.u) / self.sizes.u
        return jnp.concatenate([torques, ScaledAcceleration(self.sizes.a)(law, batch)], axis=-1)


class InverseNetwork(eqx.Module):
    """τ = U · N(sin q, cos q, q̇/V, a/A)."""

    network: symlnn.MLP
    sizes: Sizes

    def __call__(self, state: States, a: Array) -> Array:
        """The torques of one sample."""
        seen = [jnp.sin(state.q), jnp.cos(state.q), state.v / self.sizes.v, a / self.sizes.a]
        return self.sizes.u * self.network(jnp.concatenate(seen))


class InverseResidual(AbstractResidual):
    """(τ̂ − τ)/U."""

    observations: ClassVar[AbstractObservations] = Instants()
    sizes: Sizes

    def __call__(self, network: InverseNetwork, batch: Samples) -> Array:
        """(batch, joints)."""
        return (_asked(network, batch) - batch.states.u) / self.sizes.u


FIGURES = ("inverse", "inverse_each", "forward", "forward_each")


def run(config: Config, settings: Settings, listener: ReportListener) -> Study:
    """Train every model from every number of samples, and judge it on motions that none has seen."""
    arm = symlnn.load_system("seven_joint_arm")
    unseen = measured(arm, config.motions * _INSTANTS, 0.0, jax.random.key(settings.seed + 10**6))
    found: dict[str, Any] = {}
    for count in config.samples:
        runs: list[dict[str, Any]] = []
        for seed in range(settings.seed, settings.seed + config.seeds):
            samples = measured(arm, count, config.noise, jax.random.key(seed))
            runs.append({})
            for name, train in MODELS.items():
                listener(f"{name}, {count} samples, seed {seed}", None)
                runs[-1][name] = train(arm, samples, config, seed, unseen)
        found[str(count)] = {
            name: {figure: np.median([run[name][figure] for run in runs], axis=0).tolist() for figure in runs[0][name]}
            for name in MODELS
        }
    sizes = Sizes.of(unseen)
    return Study(
        figures={
            "samples": found,
            "torques": np.asarray(sizes.u).tolist(),
            "few_against_many": {figure: _few_against_many(found, figure) for figure in FIGURES},
        },
        pictures={"joints": partial(_picture, found)},
    )


def measured(arm: System, count: int, noise: float, key: Array) -> Samples:
    """So many samples of motions qⱼ = cⱼ + Σₖ aⱼₖ sin ωₖt + bⱼₖ cos ωₖt, ten of each, with noise; the torques are exact
    ones of the true arm, M a − r."""
    drawn, noisy = jax.random.split(key)
    series, centre, phase = jax.random.split(drawn, 3)
    motions, joints = count // _INSTANTS, arm.dof
    omega = 2 * jnp.pi * _FREQUENCIES
    a, b = _AMPLITUDE * jax.random.normal(series, (2, motions, 1, len(omega), joints))
    t = jnp.arange(_INSTANTS) + jax.random.uniform(phase, (motions, 1))
    sine, cosine, rate = jnp.sin(t[..., None] * omega), jnp.cos(t[..., None] * omega), omega[:, None]
    sine, cosine = sine[..., None], cosine[..., None]
    q = jax.random.uniform(centre, (motions, 1, joints), minval=-1.0, maxval=1.0) + jnp.sum(a * sine + b * cosine, 2)
    v = jnp.sum(rate * (a * cosine - b * sine), 2)
    acceleration = -jnp.sum(rate**2 * (a * sine + b * cosine), 2)
    q, v, acceleration = (x.reshape(-1, joints) for x in (q, v, acceleration))
    exact = Samples(States.of(q, v, u=jnp.zeros(joints)), acceleration)
    torques = eqx.filter_jit(_torques)(symlnn.SymbolicDynamics(arm), exact)
    keys = jax.random.split(noisy, 4)
    q, v, acceleration, u = (
        x + noise * x.std(axis=0) * jax.random.normal(k, x.shape)
        for x, k in zip((q, v, acceleration, torques), keys, strict=True)
    )
    return Samples(States.of(q, v, u=u), acceleration)


def _torques(law: Any, samples: Samples) -> Array:
    """M a − f − Q(τ = 0): what the motors have to give, (batch, joints)."""

    def one(state: States, a: Array) -> Array:
        matrix, right = law.equation(state.q, state.v, None, jnp.zeros_like(a), state.t)
        return matrix.mv(a) - right

    return jax.vmap(one)(samples.states, samples.a)


def _asked(network: InverseNetwork, samples: Samples) -> Array:
    """The torques that a network has for samples, (batch, joints)."""
    return jax.vmap(network)(samples.states, samples.a)


def _fitted(model: Any, residual: AbstractResidual, samples: Samples, config: Config, seed: int) -> Fit:
    """Trained on nine tenths of the motions; the parameters are those that are best on the last tenth."""
    cut = samples.size // _INSTANTS * 9 // 10 * _INSTANTS
    error = ResidualError(residual, samples[cut:])
    rows = jax.eval_shape(lambda: residual(model, samples[:1])).shape[-1]
    recipe = (config.recipe or Recipe()).sized(rows, samples.a.shape[-1], symlnn.parameter_count(model))
    return completed(
        symlnn.fit(
            model,
            residual,
            Resample(samples[:cut]),
            key=jax.random.key(seed),
            recipe=recipe,
            budget=Budget(seconds=config.seconds),
            monitor=Monitor(error),
        )
    )


def _structured(name: str, arm: System, samples: Samples, config: Config, seed: int, unseen: Samples) -> dict[str, Any]:
    scales = symlnn.natural_scales(arm, samples, measured=True)
    built: Any = symlnn.MODELS[name].builder(arm, scales, config.architecture, key=jax.random.key(seed))
    sizes = Sizes.of(samples)
    law = EulerLagrange(built.lagrangian, Motors(jnp.zeros(arm.dof), sizes))
    law = _fitted(law, BothWays(sizes), samples, config, seed).model
    return _figures(eqx.filter_jit(_torques)(law, unseen), symlnn.accelerations(law, unseen.states), unseen)


def _networks(arm: System, samples: Samples, config: Config, seed: int, unseen: Samples) -> dict[str, Any]:
    sizes, key = Sizes.of(samples), jax.random.key(seed)
    inverse = InverseNetwork(symlnn.MLP(4 * arm.dof, arm.dof, config.network, key=key), sizes)
    inverse = _fitted(inverse, InverseResidual(sizes), samples, config, seed).model
    scales = symlnn.natural_scales(arm, samples, measured=True)
    forward = symlnn.MODELS["nn"].builder(arm, scales, config.network, key=key)
    forward = _fitted(forward, ScaledAcceleration(sizes.a), samples, config, seed).model
    torques = eqx.filter_jit(_asked)(inverse, unseen)
    return _figures(torques, symlnn.accelerations(forward, unseen.states), unseen)


MODELS: Mapping[str, Callable[[System, Samples, Config, int, Samples], dict[str, Any]]] = {
    "delan": partial(_structured, "delan"),
    "hybrid": partial(_structured, "hybrid"),
    "nn": _networks,
}


def _few_against_many(found: Mapping[str, Any], figure: str) -> float | None:
    """The error of the better law with structure, from the fewest samples, as a share of that of the networks from the
    most; None where there is but one number of samples."""
    if len(found) == 1:
        return None
    few, many = found[min(found, key=int)], found[max(found, key=int)]
    return min(few[name][figure] for name in ("delan", "hybrid")) / many["nn"][figure]


def _figures(torques: Array, accelerations: Array, unseen: Samples) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for way, ours, truth in (("inverse", torques, unseen.states.u), ("forward", accelerations, unseen.a)):
        joints = np.asarray(_rms(ours - truth) / _rms(truth))
        found[way] = float(jnp.linalg.norm(ours - truth) / jnp.linalg.norm(truth))
        found[f"{way}_joints"] = joints.tolist()
        found[f"{way}_each"] = float(np.sqrt(np.mean(joints**2)))
    return found


def _rms(x: Array) -> Array:
    return jnp.sqrt(jnp.mean(x**2, axis=0))


def _picture(found: Mapping[str, Any]) -> Figure:
    figure = Figure(figsize=(8.0, 3.2))
    axes = figure.subplots(1, 2, sharey=True)
    for place, way in zip(axes, ("inverse", "forward"), strict=True):
        for style, (count, models) in zip(("o--", "o-"), found.items(), strict=False):
            for colour, (name, m) in enumerate(models.items()):
                joints = m[f"{way}_joints"]
                place.semilogy(range(1, len(joints) + 1), joints, style, color=f"C{colour}", label=f"{name}, {count}")
        place.set(title=f"{way} dynamics", xlabel="joint")
    axes[0].set_ylabel("relative error")
    axes[1].legend(fontsize="small", loc="lower left", ncol=2)
    return figure
