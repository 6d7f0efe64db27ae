"""Functions of several arguments that are left open, as networks in natural scales of the data."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import sympy as sp
from jaxtyping import Array, Float

from .._models import MLP, Architecture, Features, MechanicalLagrangian, Scales
from .._system import System, Unknown
from .._types import AbstractGiven, Key, Scalar


class NaturalScales(AbstractGiven):
    """What is not trained of a network: the centre and the size of each argument, and the size of the value."""

    centres: Float[Array, " argument"]
    sizes: Float[Array, " argument"]
    value: Scalar


class Network(eqx.Module):
    """f(x₁, x₂, …) = F · N(z), a perceptron N of order one of z, (sin x, cos x) of an angle, else (x − mean)/size."""

    network: MLP
    scales: NaturalScales
    angles: tuple[bool, ...] = eqx.field(static=True)

    def __call__(self, *arguments: Scalar) -> Scalar:
        """f at one point."""
        x = jnp.stack(arguments)
        scaled = (x - self.scales.centres) / self.scales.sizes
        z = [
            part
            for place, angle in enumerate(self.angles)
            for part in ((jnp.sin(x[place]), jnp.cos(x[place])) if angle else (scaled[place],))
        ]
        return self.scales.value * self.network(jnp.stack(z))[0]


class WholeLagrangian(eqx.Module):
    """L(q, v) = ½ vᵀ M(q) v − V(q), a function of coordinates and velocities in the order of their declaration."""

    lagrangian: MechanicalLagrangian
    places: tuple[int, ...] = eqx.field(static=True)
    """Where q₁, …, v₁, … stand among the arguments."""

    def __call__(self, *arguments: Scalar) -> Scalar:
        """L at one state."""
        q, v = jnp.split(jnp.stack([arguments[place] for place in self.places]), 2)
        return self.lagrangian(q, v)


def network(
    known: Unknown,
    system: System,
    arguments: Sequence[sp.Expr],
    along: Float[np.ndarray, "point argument"],
    *,
    whole: Scales | None,
    size: float,
    key: Key,
) -> Network | WholeLagrangian:
    """For a function of these arguments, whose values along the motions are given; the scales of its system for the
    whole Lagrangian."""
    architecture = Architecture(known.width, known.depth)
    state = [*system.q, *system.v]
    if whole is not None and set(arguments) == set(state):
        lagrangian = MechanicalLagrangian(Features(system.is_angle, whole), architecture, key=key)
        return WholeLagrangian(lagrangian, tuple(list(arguments).index(x) for x in state))
    angles = tuple(x in system.q and system.is_angle[system.q.index(x)] for x in arguments)
    spread = along.std(axis=0)
    given: Any = NaturalScales(
        jnp.asarray(along.mean(axis=0)), jnp.asarray(np.where(spread > 0, spread, 1.0)), jnp.asarray(size)
    )
    return Network(MLP(len(angles) + sum(angles), 1, architecture, key=key), given, angles)
