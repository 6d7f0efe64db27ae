"""Hamilton's equations, by automatic differentiation."""

from typing import Any

import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array

from .._inputs import inputs_at
from .._results import RESULTS
from .._types import Coordinates, RealScalar, Scalar, Varying
from ._base import AbstractDynamics, AbstractHamiltonian, AbstractMomentum, Arguments, Forces, all_finite, verdict
from ._constraints import AbstractConstraints, Rows, Slopes
from ._equation import direct_solver
from ._solve import linear_solve, solve

_SUCCESSFUL: Any = RESULTS.successful
_STEPS = 2


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
    """The flow of a Hamiltonian in y = (q, p), with generalised forces Q and those of constraints:

        q̇ = ∂H/∂p,        ṗ = −∂H/∂q + Q + Aᵀλ,        A q̈ + c = 0.

    From outside it is seen through the momentum map p(q, v): where H is learned, ∂H/∂p may differ from the v that
    belongs to p, and what is observed is that v.

    Source: Greydanus, Dzamba & Yosinski 2019 (arXiv:1906.01563); with constraints, Finzi, Wang & Wilson 2020
    (arXiv:2010.13581).
    """

    hamiltonian: AbstractHamiltonian
    """H(q, p, m, t)."""
    momentum: AbstractMomentum
    """p(q, v, m, t) and its inverse, of the true system: `SymbolicMomentum`, say."""
    forces: Forces | None = None
    """Q(q, v, m, u, t) → (dof,), at v = ∂H/∂p; None where nothing acts besides H."""
    constraints: AbstractConstraints | None = None
    """What the motion obeys besides, with v = ∂H/∂p, known also where H is learned."""

    def vector_field(self, t: RealScalar, y: Any, args: Arguments) -> Any:
        """(∂H/∂p, −∂H/∂q + Q + Aᵀλ) at y = (q, p)."""
        return self._flow(t, y, args)[0]

    def _flow(self, t: RealScalar, y: Any, args: Arguments) -> tuple[Any, RESULTS]:
        """The vector field, and what the equation of the constraint forces says of it."""
        q, p = y
        m, u = (None, None) if args is None else args
        slope, velocity = jax.grad(lambda q, p: self.hamiltonian(q, p, m, t), argnums=(0, 1))(q, p)
        rate = -slope
        if self.forces is not None:
            rate = rate + self.forces(q, velocity, m, inputs_at(u, t, q, velocity), t)
        if self.constraints is None:
            return (velocity, rate), _SUCCESSFUL
        time = jnp.asarray(t, q.dtype)
        found = self.constraints(q, velocity, m, time)
        flow = (velocity, rate, jnp.ones_like(time))
        drift = jax.jvp(lambda q, p, t: self.velocities(q, p, m, t), (q, p, time), flow)[1]
        reaction, result = self._reaction(found.matrix, found.matrix @ drift + found.bias, q, p, m, time)
        return (velocity, rate + reaction), result

    def velocities(self, q: Coordinates, p: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Coordinates:
        """q̇ = ∂H/∂p, with which q changes: of a learned H not exactly the v that belongs to p."""
        return jax.grad(lambda p: self.hamiltonian(q, p, m, t))(p)

    def onto_constraints(
        self, q: Coordinates, p: Coordinates, m: Varying | None = None, t: RealScalar = 0.0
    ) -> Coordinates:
        """The momenta p + Aᵀμ whose velocities obey the constraints: what a shock by these leaves of p. By two steps of
        Newton's method, of which the first is exact where H is quadratic in p."""
        for _ in range(0 if self.constraints is None else _STEPS):
            assert self.constraints is not None
            found = self.constraints(q, self.velocities(q, p, m, t), m, t)
            p = p + self._reaction(found.matrix, found.rate, q, p, m, t)[0]
        return p

    def _reaction(
        self, matrix: Slopes, error: Rows, q: Coordinates, p: Coordinates, m: Varying | None, t: RealScalar
    ) -> tuple[Coordinates, RESULTS]:
        """The generalised force Aᵀλ with A (∂²H/∂p²) Aᵀ λ = −error."""
        moved = jax.vmap(lambda row: jax.jvp(lambda p: self.velocities(q, p, m, t), (p,), (row,))[1])(matrix)
        resistance = matrix @ moved.T
        size = jnp.sqrt(jnp.abs(jnp.diagonal(jax.lax.stop_gradient(resistance))))
        size = jnp.where(size > 0, size, 1.0)  # so that what counts as singular does not depend on units
        operator = lx.MatrixLinearOperator(resistance / jnp.outer(size, size), lx.symmetric_tag)
        found = linear_solve(operator, -error / size, direct_solver(self.constraints))
        return matrix.T @ (found.value / size), found.result  # pyright: ignore[reportReturnType]

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


@verdict.register(Hamilton)
def _(law: Hamilton, t: RealScalar, y: Any, args: Arguments) -> RESULTS:
    """Whether the flow is finite, and constraints have forces that keep them: `singular` where H knows of none."""
    flow, result = law._flow(t, y, args)
    return RESULTS.where(all_finite((y, flow)) | (result != _SUCCESSFUL), result, RESULTS.not_finite)
