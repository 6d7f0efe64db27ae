"""The baseline: a multilayer perceptron for the accelerations, with no mechanics in it."""

import equinox as eqx
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
        self.network = MLP(features.state_size, features.velocity_size, architecture, key=key)

    def __call__(
        self, q: Coordinates, v: Coordinates, m: Varying | None, u: Array | None, t: RealScalar
    ) -> Coordinates:
        """The accelerations of one state, (dof,)."""
        output = self.network(self.features.state(q, v, m, u, t))
        return output if self.features.plain else output * self.features.scales.a.astype(q.dtype)


def nn(system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
    """Baseline neural network."""
    return DirectAcceleration(AccelerationMLP(Features(system.is_angle, scales), architecture, key=key))
