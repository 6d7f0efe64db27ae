"""Unknown functions: a hidden spring, a hidden friction, and a Lagrangian of which nothing is known.

A cart with a pendulum, on a rail with a hidden spring V(x) = 6 x² + 4 x⁴ and a hidden friction
R(v) = −0.3 tanh(v/0.05) − 0.2 v; the mass of the bob is free, and only positions are recorded. And a double pendulum of
which only the coordinates are known: L(θ, θ̇) is learned from noisy positions, and predicts for as long as the exact
equations do from the same noisy starts.

Source: none was published; for weak forms, Messenger & Bortz, SIAM Multiscale Model. Simul. 19, 2021.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

import symlnn
from symlnn import AbstractDynamics, Motions, Parameter, Run, States, System, Unknown
from symlnn.report import ReportListener, Settings

from ._study import Mode, Study, claims

CLAIMS = claims("unknown_functions")
_FAR = 0.4
"""Of the spread of motions, beyond which a prediction is no longer valid."""


@dataclass(frozen=True)
class Config:
    """What one mode does."""

    cart_runs: int = 6
    cart_noise: float = 0.01
    """Of the spread of each coordinate."""
    knots: int = 30
    runs: int = 20
    width: int = 16
    """Of the networks of the unknown Lagrangian."""
    seconds: float = 10.0
    noise: float = 1e-3


CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config(cart_runs=3, knots=10, runs=5, width=8, seconds=6.0),
    Mode.default: Config(),
    Mode.full: Config(width=32),
}


def run(config: Config, settings: Settings, listener: ReportListener) -> Study:
    """Identify both."""
    listener("Cart and pendulum", None)
    cart = _cart(config, settings.seed)
    listener("Unknown Lagrangian", None)
    return Study(figures={"cart": cart, "whole": _whole(config, settings.seed)})


def cart_pendulum(knots: int = 30) -> tuple[System, sp.Function, sp.Function]:
    """A cart with a pendulum whose mass is free, on a rail with a spring V(x) and a friction R(ẋ) that nobody knows;
    and the two functions."""
    x, theta = dynamicsymbols("x theta")
    t = dynamicsymbols._t
    v, omega = x.diff(t), theta.diff(t)
    cart, m, l, g = sp.symbols("M m l g", positive=True)  # noqa: E741  the field's symbol for a length
    potential, friction = sp.Function("V"), sp.Function("R")
    system = System(
        name="cart_pendulum",
        coordinates=(x, theta),
        angles=(theta,),
        units={x: "m", theta: "rad"},
        lagrangian=cart * v**2 / 2
        + m * (v**2 + 2 * l * v * omega * sp.cos(theta) + l**2 * omega**2) / 2
        + m * g * l * sp.cos(theta)
        - potential(x),
        forces={x: friction(v)},
        unknown={potential: Unknown(knots=8), friction: Unknown(odd=True, knots=knots)},
        parameters={cart: Parameter(1.0, "kg"), m: Parameter(0.5, "kg", free=True), l: Parameter(0.5, "m"), g: 9.81},
    )
    return system, potential, friction


def _cart(config: Config, seed: int) -> dict[str, Any]:
    system, potential, friction = cart_pendulum(config.knots)
    hidden = {potential: lambda x: 6 * x**2 + 4 * x**4, friction: lambda s: -0.3 * sp.tanh(s / 0.05) - 0.2 * s}
    truth = system.with_functions(hidden).with_parameters({"m": 0.4})
    random, times = np.random.default_rng(seed), np.arange(round(50 * config.seconds) + 1) / 50
    starts = [(random.uniform([-1, -1.5], [1, 1.5]), random.uniform([-2, -3], [2, 3])) for _ in range(config.cart_runs)]
    clean = [np.asarray(_simulated(symlnn.SymbolicDynamics(truth), q, v, times)) for q, v in starts]
    runs = [
        Run(f"run{k}", times, q + config.cart_noise * q.std(axis=0) * random.normal(size=q.shape))
        for k, q in enumerate(clean)
    ]
    begin = time.monotonic()
    found = symlnn.identify(system, Motions.of(system, runs), seed=seed)
    seconds = time.monotonic() - begin
    spring, force = found.functions["V"], found.functions["R"]
    exact = -0.3 * np.tanh(force.grid / 0.05) - 0.2 * force.grid
    return {
        "mass_error": abs(found.parameters["m"].value / 0.4 - 1),
        "spring_error": _relative(spring.derivative, 12 * spring.grid + 16 * spring.grid**3),
        "friction_error": _relative(force.values, exact),
        "range_x": [float(spring.grid[0]), float(spring.grid[-1])],
        "range_v": [float(force.grid[0]), float(force.grid[-1])],
        "kept": found.kept,
        "seconds": seconds,
    }


def _whole(config: Config, seed: int) -> dict[str, Any]:
    known = symlnn.load_system("double_pendulum")
    t = known.coordinates[0].args[0]
    unknown = sp.Function("L")
    system = System(
        name="unknown_lagrangian",
        coordinates=known.coordinates,
        angles=known.angles,
        units=known.units,
        lagrangian=unknown(*known.coordinates, *(x.diff(t) for x in known.coordinates)),
        unknown={unknown: Unknown(width=config.width)},
        states=known.states,
    )
    law, random = symlnn.SymbolicDynamics(known), np.random.default_rng(seed)
    starts = symlnn.sample_states(known, config.runs, key=jax.random.key(seed))
    exact = symlnn.simulate(law, starts, duration=config.seconds, rate=100.0)
    times, clean = np.asarray(exact.t), np.asarray(exact.q)
    names = [f"run{k}" for k in range(config.runs)]
    runs = [
        Run(name, times, q + config.noise * random.normal(size=q.shape)) for name, q in zip(names, clean, strict=True)
    ]
    held = names[-max(1, config.runs // 5) :]
    begin = time.monotonic()
    found = symlnn.identify(system, Motions.of(system, runs), hold_out=held, seed=seed)
    seconds = time.monotonic() - begin
    spread = clean.reshape(-1, clean.shape[-1]).std(axis=0)
    valid = {
        name: [
            time_
            for run, q in zip(runs, clean, strict=True)
            if run.name in held
            for time_ in _valid_times(dynamics, run, q, found.choices.window, spread)
        ]
        for name, dynamics in (("exact", law), ("learned", found.dynamics["identified"]))
    }
    medians = {name: float(np.median(values)) for name, values in valid.items()}
    return {
        **medians,
        "share": medians["learned"] / medians["exact"],
        "starts": len(valid["exact"]),
        "seconds": seconds,
    }


def _valid_times(
    dynamics: AbstractDynamics, run: Run, clean: np.ndarray, window: float, spread: np.ndarray
) -> list[float]:
    """From smoothed noisy states at every second of the first half: how long the motion stays near the clean one."""
    rate = 1 / run.interval
    found = []
    for k in range(round(rate), len(run.t) // 2, round(rate)):
        q, v = _smoothed(run, k, window)
        predicted = _simulated(dynamics, q, v, run.t[k:])
        far = ~(np.abs(np.asarray(predicted) - clean[k:]) <= _FAR * spread).all(axis=1)
        found.append(float(run.t[k + int(np.argmax(far))] - run.t[k]) if far.any() else float(run.t[-1] - run.t[k]))
    return found


def _smoothed(run: Run, k: int, window: float) -> tuple[np.ndarray, np.ndarray]:
    """(q, v) at a sample, from a cubic over the window about it."""
    inside = np.abs(run.t - run.t[k]) <= window / 2
    cubic = np.polynomial.polynomial.polyfit(run.t[inside] - run.t[k], run.q[inside], 3)
    return cubic[0], cubic[1]


def _simulated(dynamics: AbstractDynamics, q: np.ndarray, v: np.ndarray, times: np.ndarray) -> jax.Array:
    return symlnn.simulate(dynamics, States.of(jnp.asarray(q), jnp.asarray(v)), times=jnp.asarray(times)).q


def _relative(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))
