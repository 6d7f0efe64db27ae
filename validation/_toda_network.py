"""Networks that learn Toda's law on a small ring, and follow a soliton along a long chain."""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import symlnn
from symlnn import Architecture, DirectAcceleration, Neighbourhoods, Recipe, SparseEulerLagrange
from symlnn._models import GraphAcceleration, parameter_count
from symlnn._report import Progress

from ._solitons import crossing, relative, toda_soliton

CHAIN, START = 400, 100
"""Masses of the open chain along which solitons run, and where they begin."""
FOLLOWED = 1.0
"""κ of the soliton that the networks follow."""


@dataclass(frozen=True, eq=False)
class Network:
    """A network trained on a ring of eight, on the open chain."""

    title: str
    parameters: int
    seconds: float
    validation: float
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
            "acceleration": {"relative_rms": self.validation},
            "field": {
                "relative_error_half": float(self.error[len(self.error) // 2]),
                "relative_error_end": float(self.error[-1]),
                "energy_error_max": self.energy,
                "speed": self.speed,
                "failed": int(not self.successful),
            },
        }


def learn_toda(
    name: str,
    *,
    seconds: float,
    recipe: Recipe | None,
    architecture: Architecture,
    followed: float,
    seed: int,
    progress: Progress,
) -> Network:
    """Train a network on a ring of eight masses, and let it follow a soliton along an open chain."""
    learned = symlnn.learn(
        symlnn.load_system("toda_lattice", n=8),
        name,
        seconds=seconds,
        architecture=architecture,
        recipe=recipe,
        seed=seed,
        progress=lambda report: progress(f"Training {name}", report),
    )
    progress(f"Following {name}", None)
    chain = symlnn.load_lattice("toda_lattice", n=CHAIN, boundary="free")
    truth, model = SparseEulerLagrange(symlnn.graph_lagrangian(chain)), _on(learned.fit.dynamics, chain)
    q, v = toda_soliton(CHAIN, FOLLOWED, 0.0, START)
    motion = symlnn.simulate(
        model,
        jnp.asarray(q),
        jnp.asarray(v),
        duration=followed,
        rate=2.0,
        rtol=1e-8,
        atol=1e-8,
        max_steps=20_000,
    )
    times, found = np.asarray(motion.t), np.asarray(motion.q)
    exact = np.stack([toda_soliton(CHAIN, FOLLOWED, t, START)[0] for t in times])
    energies = np.asarray(jax.vmap(truth.energy)(motion.q, motion.v))
    successful = bool(motion.successful)
    sites = np.arange(CHAIN)
    ends = [crossing(sites, row, -FOLLOWED) for row in (found[0], found[-1])] if successful else [0.0, math.inf]
    return Network(
        title=learned.spec.title,
        parameters=parameter_count(model),
        seconds=learned.fit.seconds,
        validation=min(learned.fit.history.validation),
        times=times,
        strain=-np.diff(found, axis=1),
        exact=-np.diff(exact, axis=1),
        speed=(ends[1] - ends[0]) / followed,
        energy=float(relative(energies).max()) if successful else math.inf,
        successful=successful,
    )


def _on(model: symlnn.AbstractDynamics, chain: symlnn.Lattice) -> symlnn.AbstractDynamics:
    """The same network on a chain of another length."""
    groups = [Neighbourhoods(rows, attributes) for rows, attributes in chain.graph.groups()]
    if isinstance(model, SparseEulerLagrange):
        return SparseEulerLagrange(model.lagrangian.on(chain.sites, groups))
    assert isinstance(model, DirectAcceleration) and isinstance(model.network, GraphAcceleration)
    return DirectAcceleration(model.network.on(chain.sites, groups))
