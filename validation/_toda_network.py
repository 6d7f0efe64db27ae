"""Networks that learn Toda's law on a small ring, and follow a soliton around a long one."""

import math
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import symlnn
from symlnn import (
    Architecture,
    FirstOrder,
    GaussNewton,
    Neighbourhoods,
    Recipe,
    SparseEulerLagrange,
)
from symlnn._models import parameter_count
from symlnn._neighbourhoods import Graph
from symlnn._report import Progress

from ._graph_networks import on, untrained
from ._solitons import relative, soliton_on_a_ring

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
    """Train a network on a ring of eight masses, and let it follow a soliton around a long one."""
    build, train, validate = jax.random.split(jax.random.key(seed), 3)
    system = symlnn.load_system("toda_lattice", n=8)
    stream = symlnn.Stream(system)
    validation = eqx.filter_jit(stream)(validate, 2048)
    scales = symlnn.natural_scales(system, validation)
    assert system.graph is not None
    model = untrained(
        name == "gnn",
        symlnn.SiteScales.of(scales, system.graph),
        architecture,
        system.graph.sites,
        _groups(system.graph),
        symmetries=("permutation", "translation"),  # Toda's law does not feel where the chain is as a whole
        attributes=system.graph.attribute_sizes,
        key=build,
    )
    fitted = symlnn.fit(
        model,
        stream,
        symlnn.ScaledAcceleration(scales.a),
        key=train,
        validation=validation,
        recipe=recipe or Recipe((FirstOrder(), GaussNewton(batch=64))),
        seconds=seconds,
        progress=lambda report: progress(f"Training {name}", report),
    )
    progress(f"Following {name}", None)
    ring = symlnn.load_lattice("toda_lattice", n=CHAIN)
    truth, model = SparseEulerLagrange(symlnn.graph_lagrangian(ring)), on(fitted.dynamics, CHAIN, _groups(ring.graph))
    q, v = soliton_on_a_ring(CHAIN, FOLLOWED, 0.0, START)
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
    exact = np.stack([soliton_on_a_ring(CHAIN, FOLLOWED, t, START)[0] for t in times])
    energies = np.asarray(jax.vmap(truth.energy)(motion.q, motion.v))
    successful = bool(motion.successful)
    strain = -np.diff(found, axis=1)
    return Network(
        title=TITLES[name],
        parameters=parameter_count(model),
        seconds=fitted.seconds,
        validation=min(fitted.history.validation),
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


def _groups(graph: Graph) -> list[Neighbourhoods]:
    return [Neighbourhoods(rows, attributes) for rows, attributes in graph.groups()]
