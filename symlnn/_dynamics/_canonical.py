"""The phase space of a Lagrangian, in which variational integrators move."""

from typing import Any

import diffrax
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from .._geometric import CanonicalTerm, momentum_and_force, velocity_along
from .._results import RESULTS
from .._types import Coordinates, RealScalar, Varying
from ._base import AbstractDynamics, Arguments, verdict
from ._equation import AbstractEulerLagrange
from ._legendre import velocities_of
from ._projected import onto_constraints
from ._symbolic import SymbolicDynamics

_RTOL = 1e-12


class Canonical(AbstractDynamics):
    """A law that comes of a Lagrangian, in y = (q, p, v) with p = ∂L/∂v:

        q̇ = v,        ṗ = ∂L/∂q + Q.

    v is where the velocities are looked for that belong to p: of several that a learned L may have, those nearby.
    """

    dynamics: AbstractEulerLagrange | SymbolicDynamics
    size: Coordinates
    """Of velocities."""

    @staticmethod
    def of(dynamics: AbstractDynamics, size: Coordinates) -> "Canonical":
        """That of a law. Raises `ValueError` for one that does not come of a Lagrangian."""
        if not isinstance(dynamics, AbstractEulerLagrange | SymbolicDynamics):
            raise ValueError(
                f"The solver Variational needs a Lagrangian, which {type(dynamics).__name__} has not: choose another, "
                "ImplicitMidpoint() say."
            )
        constraints = dynamics.constraints
        if constraints is not None and (constraints.redundant or constraints.corrected):
            kind = "redundant constraints" if constraints.redundant else "Baumgarte's terms"
            raise ValueError(f"The solver Variational takes no {kind}: choose another, ImplicitMidpoint() say.")
        return Canonical(dynamics, size)

    def terms(self, solver: diffrax.AbstractSolver) -> PyTree[diffrax.AbstractTerm]:
        """With L, Q and the constraints."""
        law = self.dynamics
        return CanonicalTerm(self.vector_field, law.lagrangian, law.forces, law.constraints, self.size)

    def vector_field(self, t: RealScalar, y: Any, args: Arguments) -> Any:
        """(v, ∂L/∂q + Q, 0), at the v of y."""
        q, _, v = y
        inputs = (None, None) if args is None else args
        _, force = momentum_and_force(self.dynamics.lagrangian, self.dynamics.forces, q, v, inputs, t)
        return v, force, jnp.zeros_like(v)

    def initial_state(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Any:
        """y = (q, ∂L/∂v, v)."""
        return q, self._momenta(q, v, m, t), v

    def observe(self, t: RealScalar, y: Any, m: Varying | None = None) -> tuple[Coordinates, Coordinates]:
        """(q, v) with ∂L/∂v = p; with constraints the v along them of which p has but forces of theirs besides."""
        q, p, guess = y
        known = self.dynamics.constraints
        if known is not None:
            return q, velocity_along(
                lambda v: self._momenta(q, v, m, t) - p,
                known(q, guess, m, t).matrix,
                lambda v: known(q, v, m, t).rate,
                guess,
                self.size,
            )[0]
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
        return jax.grad(lambda v: self.dynamics.lagrangian(q, v, m, t))(v)


@onto_constraints.register(Canonical)
def _(law: Canonical, t: RealScalar, y: Any, args: Arguments) -> Any:
    """Between steps."""
    m = None if args is None else args[0]
    q, v = onto_constraints(law.dynamics, t, law.observe(t, y, m), args)  # pyright: ignore[reportArgumentType]
    return law.initial_state(q, v, m, t)


@verdict.register(Canonical)
def _(law: Canonical, t: RealScalar, y: Any, args: Arguments) -> RESULTS:
    """That of the law, at the q and v of y."""
    q, _, v = y
    return law.dynamics.status(t, (q, v), args)
