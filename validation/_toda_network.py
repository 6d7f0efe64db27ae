"""Networks that learn Toda's law on a small ring, and follow a soliton around a long one."""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import symlnn
from symlnn import AbstractDynamics, Architecture, Recipe, Scales, SiteScales, System
from symlnn.report import Listener

from ._graphs import graph_network, law, on, relative

TODA = symlnn.load_file(symlnn.system_path("toda_lattice"), "toda_soliton")
"""The catalogue's file, with its exact solutions."""
CHAIN, START = 400, 100
"""Masses of the chains along which solitons run, and where they begin."""
FOLLOWED = 1.0
"""κ of the soliton that the networks follow."""
TITLES = {"lgn": "Lagrangian graph network", "gnn": "graph network for accelerations"}


@dataclass(frozen=True, eq=False)
class Network:
    """A network trained on a ring of eight, on the long ring."""

    title: str
    parameters: int
    seconds: float
    acceleration: float
    """The lowest relative error on held-out states."""
    times: np.ndarray
    strain: np.ndarray
    """qₙ − qₙ₊₁, (time, edge)."""
    exact: np.ndarray
    speed: float
    energy: float
    successful: bool

    @property
    def error(self) -> np.ndarray:
        """‖strain − exact‖/‖exact‖ over time; infinite for a motion that failed."""
        off = np.linalg.norm(self.strain - self.exact, axis=1) / np.linalg.norm(self.exact, axis=1)
        return off if self.successful else np.full_like(off, np.inf)

    def to_json(self) -> dict[str, Any]:
        """The figures of report.json."""
        return {
            "title": self.title,
            "trainable_parameters": self.parameters,
            "train_seconds": self.seconds,
            "acceleration": {"relative_rms": self.acceleration},
            "field": {
                "relative_error_half": float(self.error[len(self.error) // 2]),
                "relative_error_end": float(self.error[-1]),
                "energy_error_max": self.energy,
                "speed": self.speed,
                "failed": int(not self.successful),
            },
        }


@dataclass(frozen=True)
class Training:
    """How a network is trained."""

    seconds: float
    recipe: Recipe
    architecture: Architecture


def learn_toda(name: str, training: Training, followed: float, seed: int, listener: Listener) -> Network:
    """Train a network on a ring of eight masses, and let it follow a soliton around a long one."""

    def build(system: System, scales: Scales, architecture: Architecture, *, key: jax.Array) -> AbstractDynamics:
        graph: Any = system.graph
        # Toda's law does not feel where the chain is as a whole
        symmetries = ("permutation", "translation")
        return graph_network(name == "gnn", SiteScales.of(scales, graph), architecture, graph, symmetries, key)

    learned = symlnn.learn(
        symlnn.load_system("toda_lattice", n=8),
        symlnn.Model(build, architecture=training.architecture, recipe=training.recipe),
        budget=symlnn.Budget(seconds=training.seconds),
        seed=seed,
        listener=lambda progress: listener(f"Training {name}", progress),
    )
    listener(f"Following {name}", None)
    model = on(learned.dynamics, symlnn.load_lattice("toda_lattice", n=CHAIN).graph)
    q, v = map(jnp.asarray, TODA.soliton_on_a_ring(CHAIN, FOLLOWED, 0.0, START))
    integrator = symlnn.Integrator(rtol=1e-8, atol=1e-8, max_steps=20_000)
    motion = symlnn.simulate(model, (q, v), duration=followed, rate=2.0, integrator=integrator)
    times = np.asarray(motion.t)
    exact = np.stack([TODA.soliton_on_a_ring(CHAIN, FOLLOWED, t, START)[0] for t in times])
    energies = np.asarray(jax.vmap(law("toda_lattice", n=CHAIN).energy)(motion.q, motion.v))
    successful, strain = bool(motion.successful), -np.diff(np.asarray(motion.q), axis=1)
    return Network(
        title=TITLES[name],
        parameters=symlnn.parameter_count(model),
        seconds=learned.fit.seconds,
        acceleration=float(learned.fit.lowest),
        times=times,
        strain=strain,
        exact=-np.diff(exact, axis=1),
        speed=float((_peak(strain[-1]) - _peak(strain[0])) / followed) if successful else math.inf,
        energy=float(relative(energies).max()) if successful else math.inf,
        successful=successful,
    )


def _peak(strain: np.ndarray) -> float:
    """Where the compression is largest, by a parabola through the logarithms of three values: sech² is one nearly."""
    top = int(np.clip(np.argmax(strain), 1, len(strain) - 2))
    before, at, after = np.log(np.maximum(strain[top - 1 : top + 2], 1e-12))
    return top + 0.5 * (before - after) / (before - 2 * at + after)
