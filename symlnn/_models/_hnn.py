"""The Hamiltonian neural network: a Hamiltonian that is a multilayer perceptron."""

import dataclasses

import jax
import jax.numpy as jnp

from .._dynamics import (
    AbstractDynamics,
    AbstractHamiltonian,
    Hamilton,
    ObservedMomentum,
    SymbolicMomentum,
)
from .._system import System
from .._types import Coordinates, Key, RealScalar, Scalar, Varying
from ._features import Features
from ._mlp import MLP, Architecture
from ._model import declared_forces, require_free
from ._scales import Scales


class MLPHamiltonian(AbstractHamiltonian):
    """An arbitrary Hamiltonian in natural scales, x of the positions and y = arsinh(p/P):

        H = max(P V) · N₁(x, y) + max(Ṗ Q) · N₂(x),

    the maxima over coordinates. With one coordinate ∂H/∂p is of the size of V, and ∂H/∂q of that of Ṗ.

    Source: Greydanus, Dzamba & Yosinski 2019 (arXiv:1906.01563).
    """

    network: MLP
    """N₁."""
    potential: MLP
    """N₂."""
    features: Features

    def __init__(self, features: Features, architecture: Architecture, *, key: Key):
        first, second = jax.random.split(key)
        self.features = features
        self.network = MLP(features.position_size + features.velocity_size, 1, architecture, key=first)
        self.potential = MLP(features.position_size, 1, architecture, key=second)

    def __call__(self, q: Coordinates, p: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """H(q, p, m, t), of one state."""
        scales = self.features.scales
        x, y = self.features.positions(q, m, t), self.features.momenta(p)
        kinetic = jnp.max(scales.p * scales.v).astype(q.dtype)
        potential = jnp.max(scales.p_rate * scales.q).astype(q.dtype)
        return kinetic * self.network(jnp.concatenate([x, y]))[0] + potential * self.potential(x)[0]


def hnn(system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
    """Hamiltonian neural network.

    In canonical coordinates, which the Legendre transform of the declared Lagrangian gives.
    """
    require_free(system, "hnn")
    hamiltonian = MLPHamiltonian(Features(system.is_angle, scales), architecture, key=key)
    return Hamilton(hamiltonian, SymbolicMomentum(system), declared_forces(system))


def hnn_observed(system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
    """Hamiltonian neural network on (q, q̇).

    Velocities taken for canonical momenta, as the paper does to show that it fails; and so declared forces for v̇.
    """
    require_free(system, "hnn_observed")
    observed = dataclasses.replace(scales, p=scales.v, p_rate=scales.a)
    hamiltonian = MLPHamiltonian(Features(system.is_angle, observed), architecture, key=key)
    return Hamilton(hamiltonian, ObservedMomentum(), declared_forces(system))
