"""Hamilton's equations, by automatic differentiation."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .._inputs import inputs_at
from .._types import Coordinates, RealScalar, Scalar, Varying
from ._base import AbstractDynamics, AbstractHamiltonian, AbstractMomentum, Arguments, Forces
from ._solve import solve


class ObservedMomentum(AbstractMomentum):
    """p = v: the velocities as they are observed, taken for canonical momenta.

    Right where L = ½|v|² + f(q) and wrong elsewhere: the mistake whose price the paper shows.
    """

    def __call__(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Coordinates:
        """v."""
        return v

    def velocities(self, q: Coordinates, p: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Coordinates:
        """p."""
        return p


class Hamilton(AbstractDynamics):
    """The flow of a Hamiltonian in y = (q, p), with generalised forces Q:

        q̇ = ∂H/∂p,        ṗ = −∂H/∂q + Q.

    From outside it is seen through the momentum map p(q, v): where H is learned, ∂H/∂p may differ from the v that
    belongs to p, and what is observed is that v.

    Source: Greydanus, Dzamba & Yosinski 2019 (arXiv:1906.01563).
    """

    hamiltonian: AbstractHamiltonian
    """H(q, p, m, t)."""
    momentum: AbstractMomentum
    """p(q, v, m, t) and its inverse, of the true system: `SymbolicMomentum`, say."""
    forces: Forces | None = None
    """Q(q, v, m, u, t) → (dof,), at v = ∂H/∂p; None where nothing acts besides H."""

    def vector_field(self, t: RealScalar, y: Any, args: Arguments) -> Any:
        """(∂H/∂p, −∂H/∂q + Q) at y = (q, p)."""
        q, p = y
        m, u = (None, None) if args is None else args
        slope, velocity = jax.grad(lambda q, p: self.hamiltonian(q, p, m, t), argnums=(0, 1))(q, p)
        if self.forces is None:
            return velocity, -slope
        return velocity, self.forces(q, velocity, m, inputs_at(u, t, q, velocity), t) - slope

    def initial_state(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Any:
        """y = (q, p(q, v))."""
        return q, self.momentum(q, v, m, t)

    def observe(self, t: RealScalar, y: Any, m: Varying | None = None) -> tuple[Coordinates, Coordinates]:
        """(q, v) with p(q, v) = p."""
        q, p = y
        return q, self.momentum.velocities(q, p, m, t)

    def acceleration(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Coordinates:
        """The rate of the observed velocity along the flow: (∂p/∂v) a = ṗ − (∂p/∂q) q̇ − ∂p/∂t."""
        time = jnp.asarray(t, q.dtype)
        flow, force = self.vector_field(time, (q, self.momentum(q, v, m, time)), (m, u))
        matrix = jax.jacfwd(lambda v: self.momentum(q, v, m, time))(v)
        _, drift = jax.jvp(lambda q, t: self.momentum(q, v, m, t), (q, time), (flow, jnp.ones_like(time)))
        return solve(matrix, force - drift)

    def energy(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """H at p(q, v); for a learned H defined up to a constant."""
        return self.hamiltonian(q, self.momentum(q, v, m, t), m, t)
