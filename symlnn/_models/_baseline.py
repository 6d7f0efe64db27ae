"""The baseline: a multilayer perceptron for the accelerations, with no mechanics in it."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from .._dynamics import AbstractDynamics, DirectAcceleration
from .._system import System
from .._types import Coordinates, Key, RealScalar, Varying
from ._features import Features
from ._mlp import MLP, Architecture
from ._scales import Scales


class AccelerationMLP(eqx.Module):
    """a = A · N(x, y, u), in the same natural scales and with the same embedding as the `MLPLagrangian`."""

    network: MLP
    features: Features

    def __init__(self, features: Features, architecture: Architecture, *, key: Key):
        self.features = features
        size = features.position_size + features.velocity_size + len(features.scales.u)
        self.network = MLP(size, features.velocity_size, architecture, key=key)

    def __call__(
        self, q: Coordinates, v: Coordinates, m: Varying | None, u: Array | None, t: RealScalar
    ) -> Coordinates:
        """The accelerations of one state, (dof,)."""
        scales = self.features.scales
        parts = [self.features.positions(q, m, t), self.features.velocities(v)]
        if scales.u:
            if u is None or u.shape != (len(scales.u),):
                raise ValueError(f"This model has {len(scales.u)} control inputs: pass u of shape ({len(scales.u)},).")
            parts.append(u / jnp.asarray(scales.u, q.dtype))
        output = self.network(jnp.concatenate(parts))
        return output if self.features.plain else output * jnp.asarray(scales.a, q.dtype)


def nn(system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
    """Baseline neural network."""
    return DirectAcceleration(AccelerationMLP(Features(system.is_angle, scales), architecture, key=key))
