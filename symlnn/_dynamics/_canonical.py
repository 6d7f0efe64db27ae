"""The phase space of a Lagrangian, in which variational integrators move."""

from typing import Any

import diffrax
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from .._geometric import CanonicalTerm, Variational
from .._inputs import inputs_at
from .._results import RESULTS
from .._types import Coordinates, RealScalar, Varying
from ._base import AbstractDynamics, AbstractSecondOrderDynamics, Arguments, verdict
from ._legendre import velocities_of

_RTOL = 1e-12


class Canonical(AbstractDynamics):
    """A law that comes of a Lagrangian, in y = (q, p, v) with p = ∂L/∂v:

        q̇ = v,        ṗ = ∂L/∂q + Q.

    v is where the velocities are looked for that belong to p: of several that a learned L may have, those nearby.
    """

    dynamics: AbstractSecondOrderDynamics
    size: Coordinates
    """Of velocities."""

    def __check_init__(self) -> None:
        if not hasattr(self.dynamics, "lagrangian"):
            raise ValueError(
                f"The solver Variational needs a Lagrangian, which {type(self.dynamics).__name__} has not: choose "
                "another, ImplicitMidpoint() say."
            )

    def terms(self, solver: diffrax.AbstractSolver) -> PyTree[diffrax.AbstractTerm]:
        """With L and Q."""
        law: Any = self.dynamics
        if isinstance(solver, Variational):
            return CanonicalTerm(self.vector_field, law.lagrangian, law.forces, self.size)
        return super().terms(solver)

    def vector_field(self, t: RealScalar, y: Any, args: Arguments) -> Any:
        """(v, ∂L/∂q + Q, 0), at the v of y."""
        law: Any = self.dynamics
        q, _, v = y
        m, u = (None, None) if args is None else args
        force = jax.grad(lambda q: law.lagrangian(q, v, m, t))(q)
        if law.forces is not None:
            force = force + law.forces(q, v, m, inputs_at(u, t, q, v), t)
        return v, force, jnp.zeros_like(v)

    def initial_state(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Any:
        """y = (q, ∂L/∂v, v)."""
        return q, self._momenta(q, v, m, t), v

    def observe(self, t: RealScalar, y: Any, m: Varying | None = None) -> tuple[Coordinates, Coordinates]:
        """(q, v) with ∂L/∂v = p."""
        q, p, guess = y
        return q, velocities_of(lambda v: self._momenta(q, v, m, t), p, guess, self.size, _RTOL)

    def acceleration(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Coordinates:
        """The accelerations of the law."""
        return self.dynamics.acceleration(q, v, m, u, t)

    def _momenta(self, q: Coordinates, v: Coordinates, m: Varying | None, t: RealScalar) -> Coordinates:
        law: Any = self.dynamics
        return jax.grad(lambda v: law.lagrangian(q, v, m, t))(v)


@verdict.register(Canonical)
def _(law: Canonical, t: RealScalar, y: Any, args: Arguments) -> RESULTS:
    """That of the law, at the q and v of y."""
    q, _, v = y
    return law.dynamics.status(t, (q, v), args)
