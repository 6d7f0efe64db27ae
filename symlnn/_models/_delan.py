"""DeLaN: a mechanical Lagrangian, of which the mass matrix and the potential are perceptrons."""

import equinox as eqx
import jax
import jax.numpy as jnp

from .._dynamics import AbstractDynamics, AbstractLagrangian, Derivatives, derivatives
from .._system import System
from .._types import Coordinates, Key, Matrix, RealScalar, Scalar, Varying
from ._derivatives import per_velocity
from ._features import Features
from ._mlp import MLP, Architecture
from ._model import with_declared_forces
from ._scales import Scales


class MechanicalLagrangian(AbstractLagrangian):
    """A kinetic energy quadratic in v, less a potential, in natural scales, x of the positions and y = v/V:

        L = S · (½ yᵀ M(x) y − w V(x)),        M = C Cᵀ,        w = A Q/V²,

    with C lower triangular and its diagonal softplus(·) + ε positive, so that M is positive definite everywhere. What
    is not of this form (a magnetic force, a relativistic kinetic energy) it cannot represent.

    Source: Lutter, Ritter & Peters 2019 (arXiv:1907.04490); Cranmer et al. 2020 (arXiv:2003.04630), section 2.
    """

    cholesky: MLP
    """The dof (dof + 1)/2 entries of C: the diagonal first."""
    potential: MLP
    """V."""
    features: Features
    floor: float = eqx.field(static=True)
    """ε, the least entry of the diagonal of C."""

    def __init__(self, features: Features, architecture: Architecture, *, key: Key, floor: float = 1e-2):
        first, second = jax.random.split(key)
        dof = features.velocity_size
        self.features = features
        self.floor = floor
        self.cholesky = MLP(features.position_size, dof * (dof + 1) // 2, architecture, key=first)
        self.potential = MLP(features.position_size, 1, architecture, key=second)

    def factor(self, q: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Matrix:
        """C, the Cholesky factor of the mass matrix in natural scales, (dof, dof)."""
        dof = self.features.velocity_size
        entries = self.cholesky(self.features.positions(q, m, t))
        # about one at the start: softplus(log(e − 1)) = 1
        diagonal = jax.nn.softplus(entries[:dof] + jnp.log(jnp.expm1(1.0))) + self.floor
        below = jnp.zeros((dof, dof), q.dtype).at[jnp.tril_indices(dof, -1)].set(entries[dof:])
        return below + jnp.diag(diagonal)

    def __call__(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """L(q, v, m, t), of one state."""
        scales = self.features.scales
        momentum = self.factor(q, m, t).T @ self.features.velocities(v)
        potential = self.potential(self.features.positions(q, m, t))[0]
        return scales.energy * (0.5 * momentum @ momentum - scales.potential_weight * potential)


@derivatives.register(MechanicalLagrangian)
def _(
    lagrangian: MechanicalLagrangian, q: Coordinates, v: Coordinates, m: Varying | None, t: RealScalar
) -> Derivatives:
    """M is C Cᵀ at hand, and the momenta are M y."""
    features, time = lagrangian.features, jnp.asarray(t, q.dtype)
    y, scaled = features.velocities(v), per_velocity(features, q)
    factor, change = jax.jvp(lambda q, t: lagrangian.factor(q, m, t), (q, time), (v, jnp.ones_like(time)))
    energy = features.scales.energy
    mass_matrix = energy * (scaled @ factor @ factor.T @ scaled)
    transport = energy * (scaled @ (change @ (factor.T @ y) + factor @ (change.T @ y)))
    return Derivatives(mass_matrix, jax.grad(lagrangian)(q, v, m, t), transport)


def delan(system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
    """Deep Lagrangian network."""
    features = Features(system.is_angle, scales)
    return with_declared_forces(system, MechanicalLagrangian(features, architecture, key=key))
