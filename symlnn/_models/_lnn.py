"""The Lagrangian Neural Network: a Lagrangian that is a multilayer perceptron."""

import jax
import jax.numpy as jnp

from .._dynamics import AbstractDynamics, AbstractLagrangian, Derivatives, EulerLagrange, derivatives
from .._system import System
from .._types import Coordinates, Key, RealScalar, Scalar, Varying
from ._derivatives import of_perceptron, per_velocity
from ._features import Features
from ._mlp import MLP, Architecture
from ._model import with_declared_forces
from ._scales import Scales


class MLPLagrangian(AbstractLagrangian):
    """An arbitrary Lagrangian in natural scales, x of the positions and y = v/V:

        L = S · (½ |y|² + N₁(x, y) + w N₂(x)),        w = A Q/V²,

    with two perceptrons N₁ and N₂. The first two terms alone could represent any L; ½|y|² makes the mass matrix regular
    at the start, and w N₂ lets accelerations reach their size where A is far from V²/Q (see `Scales`). The scale
    S is 1 unless declared forces fix it. With plain features, L = N₁(q, v): the network of the paper.

    Source: Cranmer et al. 2020 (arXiv:2003.04630), section 3.
    """

    network: MLP
    """N₁."""
    potential: MLP | None
    """N₂; None for the plain network."""
    features: Features

    def __init__(self, features: Features, architecture: Architecture, *, key: Key):
        first, second = jax.random.split(key)
        self.features = features
        self.network = MLP(features.position_size + features.velocity_size, 1, architecture, key=first)
        self.potential = None if features.plain else MLP(features.position_size, 1, architecture, key=second)

    def __call__(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """L(q, v, m, t), of one state."""
        x, y = self.features.positions(q, m, t), self.features.velocities(v)
        free = self.network(jnp.concatenate([x, y]))[0]
        if self.potential is None:
            return free
        scales = self.features.scales
        return scales.energy * (0.5 * y @ y + free + scales.potential_weight * self.potential(x)[0])


@derivatives.register(MLPLagrangian)
def _(lagrangian: MLPLagrangian, q: Coordinates, v: Coordinates, m: Varying | None, t: RealScalar) -> Derivatives:
    features, scales, potential = lagrangian.features, lagrangian.features.scales, lagrangian.potential
    free = of_perceptron(lagrangian.network, features, q, v, m, t)
    if potential is None:
        return free
    scaled = per_velocity(features, q)
    force = jax.grad(lambda q: scales.potential_weight * potential(features.positions(q, m, t))[0])(q)
    return free.plus(Derivatives(scaled @ scaled, force, jnp.zeros_like(v))).scaled(scales.energy)


def lnn(system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
    """Lagrangian neural network.

    In natural scales, with the declared forces.
    """
    return _euler_lagrange(system, Features(system.is_angle, scales), architecture, key)


def lnn_plain(system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
    """Lagrangian neural network, plain.

    The network of the paper: q and v as they are, nothing embedded, nothing scaled.
    """
    return _euler_lagrange(system, Features(system.is_angle, scales, plain=True), architecture, key)


def _euler_lagrange(system: System, features: Features, architecture: Architecture, key: Key) -> EulerLagrange:
    return with_declared_forces(system, MLPLagrangian(features, architecture, key=key))
