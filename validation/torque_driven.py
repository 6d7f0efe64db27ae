"""Torque-driven: a double pendulum whose Lagrangian and friction are both learned, under inputs unlike those it saw.

Each joint has a motor and a friction, viscous and of Coulomb's kind:

    Q₁ = T₁ − T₂,  Q₂ = T₂,        Tₖ = τₖ + Rₖ(φ̇ₖ),        φ̇₁ = θ̇₁,  φ̇₂ = θ̇₂ − θ̇₁.

What is known is where the torques act, and that a friction depends on the rate of its joint. L = ½ θ̇ᵀM(θ)θ̇ − V(θ) and
both Rₖ are networks, trained together on accelerations at random states under random torques. Beside them stand the
same Lagrangian without friction, the same with the declared friction, and a network of equal size for the accelerations
that sees the torques. All are judged along motions under torques that none has seen: a sweep of frequencies, and a
controller of four times the strength that lifts the arm and holds it; and, apart from these, a violent sweep, under
which joints turn faster than any that was seen, so that their friction there is a guess.

Source: none was published for learned friction; for the task, Lutter, Ritter & Peters, ICLR 2019 (arXiv:1907.04490).
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp
from jaxtyping import Array, Float
from matplotlib.figure import Figure

import symlnn
from symlnn import (
    AbstractDynamics,
    Architecture,
    Budget,
    EulerLagrange,
    Features,
    MechanicalLagrangian,
    Samples,
    ScaledLagrangian,
    Scales,
    States,
    SymbolicForces,
    System,
    Unknown,
)
from symlnn.report import ReportListener, Settings

from ._recipes import QUICK_RECIPE
from ._study import Mode, Study, claims, completed

CLAIMS = claims("torque_driven")
_RATE = 20.0


@dataclass(frozen=True)
class Config:
    """What one mode does."""

    seconds: float
    """Of training, for each model."""
    motions: int = 20
    """Under each kind of input."""
    duration: float = 10.0
    seeds: int = 1
    recipe: symlnn.Recipe | None = None
    """Of all models; None for the default one."""


CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config(5.0, motions=4, duration=3.0, recipe=QUICK_RECIPE),
    Mode.default: Config(30.0, seeds=3),
    Mode.full: Config(300.0, motions=100, seeds=5),
}


class FrictionScales(symlnn.AbstractGiven):
    """What is not trained of a friction: the sizes of the rate and of the torque."""

    rate: Float[Array, ""]
    torque: Float[Array, ""]


class Friction(eqx.Module):
    """R(s) = T (k x + ½ (N(z) − N(−z))), x = s/S: odd, with a perceptron N of z = (tanh x, tanh 30 x), so that it may
    bend near s = 0, and grows linearly beyond what is seen."""

    slope: Float[Array, ""]
    network: symlnn.MLP
    scales: FrictionScales

    def __call__(self, rate: Float[Array, ""]) -> Float[Array, ""]:
        """The torque at one rate."""
        x = rate / self.scales.rate
        z = jnp.tanh(jnp.stack([x, 30 * x]))
        return self.scales.torque * (self.slope * x + 0.5 * (self.network(z) - self.network(-z))[0])


def without_friction(system: System, *functions: sp.Function) -> System:
    """The declaration with these functions of the rates of its joints in place of its friction."""
    (one, two), (tau1, tau2) = system.coordinates, system.inputs
    first, second = (one.diff(system.t), two.diff(system.t) - one.diff(system.t))
    shoulder, elbow = (
        torque + (functions[k](rate) if functions else 0)
        for k, (torque, rate) in enumerate([(tau1, first), (tau2, second)])
    )
    forces = {one: shoulder - elbow, two: elbow}
    known = {symbol: value for symbol, value in system.parameters.items() if symbol.name not in ("b", "c", "w")}
    unknown = {function: Unknown(odd=True) for function in functions}
    return dataclasses.replace(system, forces=forces, parameters=known, unknown=unknown)


def learned_friction(system: System, scales: Scales, architecture: Architecture, *, key: Array) -> EulerLagrange:
    """Deep Lagrangian network with learned friction."""
    keys = jax.random.split(key, 3)
    functions = sp.symbols("R1 R2", cls=sp.Function)
    network = partial(symlnn.MLP, 2, 1, Architecture(width=16, depth=2))
    sizes: Any = FrictionScales(jnp.max(scales.v), jnp.max(scales.p_rate))
    learned = {f: Friction(jnp.zeros(()), network(key=k), sizes) for f, k in zip(functions, keys[1:], strict=True)}
    forces = SymbolicForces(without_friction(system, *functions), functions=learned)
    return EulerLagrange(_lagrangian(system, scales, architecture, keys[0]), forces)


def frictionless(system: System, scales: Scales, architecture: Architecture, *, key: Array) -> EulerLagrange:
    """Deep Lagrangian network that knows of no friction."""
    return EulerLagrange(_lagrangian(system, scales, architecture, key), SymbolicForces(without_friction(system)))


def _lagrangian(system: System, scales: Scales, architecture: Architecture, key: Array) -> ScaledLagrangian:
    mechanical = MechanicalLagrangian(Features(system.is_angle, scales), architecture, key=key)
    return ScaledLagrangian(mechanical, jnp.zeros(()))


MODELS: Mapping[str, Any] = {
    "learned friction": learned_friction,
    "no friction": frictionless,
    "declared friction": "delan",
    "nn": "nn",
}


def sweep(t: Array, q: Array, v: Array) -> Array:
    """The largest torques of the training, at 0.1 Hz and 0.2 Hz more each second."""
    phase = 2 * jnp.pi * (0.1 * t + 0.1 * t**2)
    return jnp.stack([10 * jnp.sin(phase), 5 * jnp.cos(phase)])


def violent(t: Array, q: Array, v: Array) -> Array:
    """Twice as large."""
    return 2 * sweep(t, q, v)


def lift(t: Array, q: Array, v: Array) -> Array:
    """A controller that lifts both links to the horizontal and holds them there, of at most 40 N·m."""
    target = jnp.full(2, jnp.pi / 2)
    return 40 * jnp.tanh((30 * (target - q) - 6 * v) / 40)


JOINTS = ("shoulder", "elbow")
INPUTS: Mapping[str, Callable[[Array, Array, Array], Array]] = {"sweep": sweep, "lift": lift, "violent": violent}


def run(config: Config, settings: Settings, listener: ReportListener) -> Study:
    """Train every model, and judge it under inputs that none has seen."""
    system = symlnn.load_system("torque_driven_double_pendulum")
    truth = symlnn.SymbolicDynamics(system)
    start = symlnn.sample_states(system, config.motions, key=jax.random.key(settings.seed), initial=True)
    times = jnp.linspace(0.0, config.duration, round(config.duration * _RATE) + 1)
    scale = symlnn.metrics.energy_scale(system)
    motions = {name: symlnn.simulate(truth, start, times=times, u=u) for name, u in INPUTS.items()}
    samples = {name: _samples(truth, motion, INPUTS[name]) for name, motion in motions.items()}
    seen = symlnn.sample_states(system, 4000, key=jax.random.key(settings.seed + 1000))
    samples["seen"] = Samples(seen, symlnn.accelerations(truth, seen))
    found: dict[str, Any] = {}
    frictions: list[EulerLagrange] = []
    for name, model in MODELS.items():
        runs = []
        for seed in range(settings.seed, settings.seed + config.seeds):
            listener(f"{name}, seed {seed}", None)
            chosen = symlnn.find_model(model, recipe=config.recipe)
            learned = symlnn.learn(system, chosen, budget=Budget(seconds=config.seconds), seed=seed)
            completed(learned.fit)
            law = learned.dynamics
            runs.append({u: _judged(system, law, samples[u], start, times, scale, u) for u in samples})
            if model is learned_friction:
                assert isinstance(law, EulerLagrange)
                frictions.append(law)
        found[name] = {
            u: {figure: float(np.median([run[u][figure] for run in runs])) for figure in runs[0][u]} for u in samples
        }
    rates = {name: float(jnp.max(jnp.abs(m.v[..., 1] - m.v[..., 0]))) for name, m in motions.items()}
    curves = _frictions(system, frictions)
    ours = found["learned friction"]
    return Study(
        figures={
            "laws": found,
            "worst": {figure: max(ours[u][figure] for u in ("sweep", "lift")) for figure in ours["sweep"]},
            "friction": {
                joint: _relative(learned, exact)
                for joint, learned, exact in zip(JOINTS, curves["learned"], curves["exact"], strict=True)
            },
            "elbow_rates": rates,
        },
        pictures={"frictions": partial(_picture, curves)},
    )


def _samples(
    truth: AbstractDynamics, motion: symlnn.Rollout, inputs: Callable[[Array, Array, Array], Array]
) -> Samples:
    """The states of motions, with the inputs and accelerations there."""
    q, v = motion.q.reshape(-1, motion.q.shape[-1]), motion.v.reshape(-1, motion.v.shape[-1])
    t = jnp.tile(motion.t, motion.q.shape[0])
    states = States.of(q, v, u=jax.vmap(inputs)(t, q, v), t=t)
    return Samples(states, symlnn.accelerations(truth, states))


def _judged(
    system: System, law: AbstractDynamics, samples: Samples, start: States, times: Array, scale: float, name: str
) -> dict[str, float]:
    """The error of the accelerations, and how far along its own motion the energy is from the work that was done."""
    error = symlnn.accelerations(law, samples.states) - samples.a
    found = {"relative_rms": float(jnp.sqrt(jnp.mean(error**2) / jnp.mean(samples.a**2)))}
    if name in INPUTS:
        power = symlnn.metrics.Power(symlnn.SymbolicDynamics(system), scale)
        motion = symlnn.simulate(law, start, times=times, u=INPUTS[name], integrand=power)
        balance = symlnn.metrics.power_balance_errors(system, motion, start, scale)
        found |= {"power_balance": float(balance[:, -1].mean()), "failed": int((~np.asarray(motion.successful)).sum())}
    return found


def _frictions(system: System, laws: list[EulerLagrange]) -> dict[str, Any]:
    """Both curves over rates of up to 8 rad/s, learned (the median over seeds) and exact."""
    rates = np.linspace(-8.0, 8.0, 401)
    b, c, w = (next(p.value for s, p in system.parameters.items() if s.name == name) for name in ("b", "c", "w"))
    learned = [
        np.median([jax.vmap(law.forces.functions[name])(jnp.asarray(rates)) for law in laws], axis=0)  # pyright: ignore
        for name in ("R1", "R2")
    ]
    return {"rates": rates, "learned": learned, "exact": [-b * rates - c * np.tanh(rates / w)] * 2}


def _relative(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


def _picture(curves: Mapping[str, Any]) -> Figure:
    figure = Figure(figsize=(8.0, 3.2))
    axes = figure.subplots(1, 2, sharey=True)
    for k, place in enumerate(axes):
        place.plot(curves["rates"], curves["exact"][k], color="black", label="declared")
        place.plot(curves["rates"], curves["learned"][k], "--", label="learned")
        place.set(title=JOINTS[k], xlabel="rate of the joint (rad/s)")
    axes[0].set_ylabel("friction (N·m)")
    axes[0].legend()
    return figure
