"""Constrained pendulums: chains of one to five in Cartesian coordinates with known constraints, and in angles.

A mechanical Lagrangian (`delan`) is learned in the Cartesian coordinates of the masses, with the rods as constraints,
and beside it in the angles, which need none. The chain has masses, rods and gravity of one; motions of 30 s start from
angles and rates that are drawn from a normal distribution, as in the source, whose measure is the geometric mean over
time and motions of

    |z − ẑ|/(|z| + |ẑ|),        z = (q, v) in Cartesian coordinates.

Source: Finzi, Wang & Wilson, NeurIPS 2020 (arXiv:2010.13581), figure 3; the constrained Hamiltonian network (CHNN).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from matplotlib.figure import Figure

import symlnn
from symlnn import Budget, States
from symlnn.report import ReportListener, Settings

from ._study import Mode, Study, claims, completed

CLAIMS = claims("constrained_pendulums")
_RATE = 10.0
_ROUNDING = 1e-16


@dataclass(frozen=True)
class Config:
    """What one mode does."""

    links: tuple[int, ...]
    seconds: Mapping[int, float]
    """Of training, for each number of links."""
    motions: int = 20
    duration: float = 30.0


CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config((1, 2), {1: 3.0, 2: 3.0}, motions=4, duration=5.0),
    Mode.default: Config((1, 2, 3, 5), {1: 30.0, 2: 40.0, 3: 60.0, 5: 150.0}),
    Mode.full: Config((1, 2, 3, 4, 5), dict.fromkeys(range(1, 6), 600.0), motions=100),
}


def run(config: Config, settings: Settings, listener: ReportListener) -> Study:
    """Learn every chain twice, and compare motions."""
    found: dict[str, Any] = {str(links): _chain(config, links, settings.seed, listener) for links in config.links}
    measured = {f"n{links}": found.get(str(links), {}).get("constraints", {}).get("error") for links in (3, 5)}
    return Study(
        figures={
            "links": found,
            "published": measured,
            "drift": max(x["constraints"]["drift"] for x in found.values()),
        },
        pictures={"errors": partial(_picture, found, config)},
    )


def _chain(config: Config, links: int, seed: int, listener: ReportListener) -> dict[str, Any]:
    cartesian = symlnn.load_system("pendulum_cartesian", n=links).with_parameters({"g": 1.0})
    angles = symlnn.load_system("n_pendulum", n=links).with_parameters({"g": 1.0})
    theta, omega = jax.random.normal(jax.random.key(seed), (2, config.motions, links))
    q, v = jax.vmap(lambda x, rate: jax.jvp(points, (x,), (rate,)))(theta, omega)
    times = jnp.linspace(0.0, config.duration, round(config.duration * _RATE) + 1)
    sharp = symlnn.Integrator(rtol=1e-10)
    truth = symlnn.SymbolicDynamics(cartesian)
    true = _states(symlnn.simulate(truth, States.of(q, v), times=times, integrator=sharp))
    own = _errors(true, _states(symlnn.simulate(truth, States.of(q, v), times=times)))
    result: dict[str, Any] = {"integrator": _geometric(own)}
    for name, system, start in (("constraints", cartesian, (q, v)), ("angles", angles, (theta, omega))):
        listener(f"{links} links, with {name}", None)
        learned = symlnn.learn(system, "delan", budget=Budget(seconds=config.seconds[links]), seed=seed)
        completed(learned.fit)
        begun = States.of(*start)
        motion = symlnn.simulate(learned.dynamics, begun, times=times, integrator=sharp)
        states = _states(motion) if name == "constraints" else _from_angles(motion)
        error = _errors(true, states)
        result[name] = {
            "error": _geometric(error),
            "over_time": [_geometric(column) for column in error.T],
            "acceleration": float(learned.fit.lowest),
            "drift": float(symlnn.metrics.constraint_drift(system, motion, begun).max()),
            "failed": int((~np.asarray(motion.successful)).sum()),
        }
    return result


def points(theta: Array) -> Array:
    """(x₁, y₁, x₂, …) of a chain of rods of one at these angles from the downward vertical."""
    return jnp.stack([jnp.cumsum(jnp.sin(theta)), -jnp.cumsum(jnp.cos(theta))], axis=1).reshape(-1)


def _states(motion: symlnn.Rollout) -> np.ndarray:
    return np.concatenate([motion.q, motion.v], axis=-1)


def _from_angles(motion: symlnn.Rollout) -> np.ndarray:
    placed = jax.vmap(jax.vmap(lambda x, rate: jnp.concatenate(jax.jvp(points, (x,), (rate,)))))
    return np.asarray(placed(motion.q, motion.v))


def _errors(true: np.ndarray, found: np.ndarray) -> np.ndarray:
    """|z − ẑ|/(|z| + |ẑ|) after the start, (motions, times); one where a motion failed."""
    finite: np.ndarray = np.asarray(np.isfinite(found).all(axis=-1, keepdims=True))
    found = np.where(finite, found, 0.0)
    apart, true_size, size = (np.linalg.norm(x, axis=-1) for x in (true - found, true, found))
    return np.where(finite[..., 0], apart / (true_size + size), 1.0)[..., 1:]


def _geometric(errors: np.ndarray) -> float:
    return float(np.exp(np.mean(np.log(np.maximum(errors, _ROUNDING)))))


def _picture(found: Mapping[str, Any], config: Config) -> Figure:
    figure = Figure(figsize=(8.0, 3.2))
    axes = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
    for place, (links, entry) in zip(axes, found.items(), strict=True):
        for name, style in (("constraints", "-"), ("angles", "--")):
            errors = entry[name]["over_time"]
            place.semilogy(np.arange(1, len(errors) + 1) / _RATE, errors, style, label=name)
        place.set(title=f"{links} link{'s' if links != '1' else ''}", xlabel="t (s)")
    axes[0].set_ylabel("relative error, geometric mean")
    axes[0].legend()
    return figure
