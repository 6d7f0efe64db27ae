"""Between DeLaN and the LNN: a mechanical Lagrangian, and as much besides as its user grants."""

import jax
import jax.numpy as jnp

from .._dynamics import AbstractDynamics, AbstractLagrangian, Derivatives, derivatives
from .._system import System
from .._types import Coordinates, Key, RealScalar, Scalar, Varying
from ._delan import MechanicalLagrangian
from ._derivatives import along_motion, of_perceptron, per_velocity
from ._features import Features
from ._mlp import MLP, Architecture
from ._model import with_declared_forces
from ._scales import Scales


class HybridLagrangian(AbstractLagrangian):
    """A mechanical Lagrangian with a vector potential 𝐀 and a free part N, either of which may be left out:

        L = S · (½ yᵀ M(x) y − w V(x) + w 𝐀(x)·y + N(x, y)),        w = `Scales.potential_weight`.

    Without N it is the most general Lagrangian that is quadratic in the velocities with M positive definite: 𝐀 makes
    magnetic and Coriolis forces.
    With N it can represent every Lagrangian, as the `MLPLagrangian` can, but begins at a mechanical one.
    """

    mechanical: MechanicalLagrangian
    """½ yᵀ M y − w V."""
    vector_potential: MLP | None
    """𝐀, with dof outputs."""
    free: MLP | None
    """N."""

    def __init__(
        self,
        features: Features,
        architecture: Architecture,
        *,
        vector_potential: bool = True,
        free: bool = True,
        key: Key,
    ):
        first, second, third = jax.random.split(key, 3)
        positions, dof = features.position_size, features.velocity_size
        self.mechanical = MechanicalLagrangian(features, architecture, key=first)
        self.vector_potential = MLP(positions, dof, architecture, key=second) if vector_potential else None
        self.free = MLP(positions + dof, 1, architecture, key=third) if free else None

    def __call__(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """L(q, v, m, t), of one state."""
        features = self.mechanical.features
        x, y = features.positions(q, m, t), features.velocities(v)
        value, scales = self.mechanical(q, v, m, t), features.scales
        if self.vector_potential is not None:
            value = value + scales.energy * scales.potential_weight * (self.vector_potential(x) @ y)
        if self.free is not None:
            value = value + scales.energy * self.free(jnp.concatenate([x, y]))[0]
        return value


@derivatives.register(HybridLagrangian)
def _(lagrangian: HybridLagrangian, q: Coordinates, v: Coordinates, m: Varying | None, t: RealScalar) -> Derivatives:
    features, scales = lagrangian.mechanical.features, lagrangian.mechanical.features.scales
    total = derivatives(lagrangian.mechanical, q, v, m, t)
    potential = lagrangian.vector_potential
    if potential is not None:
        y = features.velocities(v)
        x, moved = along_motion(features, q, v, m, t)
        field, change = jax.jvp(potential, (x,), (moved,))
        force = jax.grad(lambda q: potential(features.positions(q, m, t)) @ y)(q)
        magnetic = Derivatives(jnp.zeros((len(q), len(q)), field.dtype), force, per_velocity(features, q) @ change)
        total = total.plus(magnetic.scaled(scales.energy * scales.potential_weight))
    if lagrangian.free is not None:
        total = total.plus(of_perceptron(lagrangian.free, features, q, v, m, t).scaled(scales.energy))
    return total


def hybrid(system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
    """Hybrid Lagrangian network.

    Mass matrix, potential, vector potential and a free network.
    """
    lagrangian = HybridLagrangian(Features(system.is_angle, scales), architecture, key=key)
    return with_declared_forces(system, lagrangian)


def magnetic(system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
    """Mechanical Lagrangian network with a vector potential.

    Mass matrix, potential and vector potential, without a free network.
    """
    lagrangian = HybridLagrangian(Features(system.is_angle, scales), architecture, free=False, key=key)
    return with_declared_forces(system, lagrangian)
