"""Neural ordinary differential equations: flows of (q, v) that are learned from motions."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from .._dynamics import AbstractDynamics, DirectAcceleration, NeuralODE
from .._system import System
from .._types import Coordinates, Key, RealScalar, Varying
from ._baseline import AccelerationMLP
from ._features import Features
from ._mlp import MLP, Architecture
from ._scales import Scales


class VectorFieldMLP(eqx.Module):
    """(q̇, v̇) = (V · N₁(x, y, u), A · N₂(x, y, u)), the two halves of one perceptron, in natural scales."""

    network: MLP
    features: Features

    def __init__(self, features: Features, architecture: Architecture, *, key: Key):
        self.features = features
        self.network = MLP(features.state_size, 2 * features.velocity_size, architecture, key=key)

    def __call__(
        self, q: Coordinates, v: Coordinates, m: Varying | None, u: Array | None, t: RealScalar
    ) -> tuple[Coordinates, Coordinates]:
        """(q̇, v̇) at one state, each (dof,)."""
        first, second = jnp.split(self.network(self.features.state(q, v, m, u, t)), 2)
        scales = self.features.scales
        return first * scales.v.astype(q.dtype), second * scales.a.astype(q.dtype)


def node(system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
    """Neural ODE.

    A first-order flow of (q, v), trained on motions.
    """
    return NeuralODE(VectorFieldMLP(Features(system.is_angle, scales), architecture, key=key))


def node2(system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
    """Neural ODE of second order.

    q̇ = v is known and q̈ is learned, on motions: the baseline to compare with. The network is that of `nn`.

    Source: Gruver, Finzi, Stanton & Wilson 2022 (arXiv:2202.04836).
    """
    return DirectAcceleration(AccelerationMLP(Features(system.is_angle, scales), architecture, key=key))
