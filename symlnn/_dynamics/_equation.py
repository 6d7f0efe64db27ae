"""The equation M a = r of a law of motion, and the interface of the laws that have one."""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Float

from .._inputs import inputs_at
from .._results import RESULTS
from .._types import Coordinates, RealScalar, Scalar, Varying
from ._base import AbstractLagrangian, AbstractSecondOrderDynamics, Arguments, Forces, all_finite, verdict
from ._constraints import AbstractConstraints, Bordered, bordered_solve
from ._solve import DirectSolve, linear_solve

_REDUNDANT = 1e-6
"""A singular value, relative to the largest, that counts as none: rows are of unit length, and float32 has 1e-7."""


class Equation(NamedTuple):
    """The two sides of M a = r at one state; M a − r is the residual in generalised force."""

    mass_matrix: lx.AbstractLinearOperator
    """M, (dof, dof), as a linear operator: `mv(a)` is M a, `as_matrix()` the matrix."""
    right_hand_side: Coordinates
    """r, (dof,), with the forces Q in it."""


class AbstractEquationOfMotion(AbstractSecondOrderDynamics):
    """A law of motion that is an equation M a = r, and not an expression for a."""

    solver: eqx.AbstractVar[lx.AbstractLinearSolver]
    constraints: eqx.AbstractVar[AbstractConstraints | None]
    """What the motion obeys besides; None where nothing constrains it."""

    @abc.abstractmethod
    def equation(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Equation:
        """M and r, without an inverse and without the forces of constraints."""

    def solve(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> lx.Solution:
        """The accelerations, `value`, with the code that says whether they solve the equation, `result`: M a = r, or
        with constraints M a − Aᵀλ = r and A a + c = 0.

        It is one of `RESULTS`: `successful` where the residual M a − r is small against r, else `singular`,
        `not_finite`, or what an iterative solver reports. Derivatives go through the solve by the implicit function
        theorem.
        """
        if self.constraints is None:
            return linear_solve(*self.equation(q, v, m, u, t), self.solver)
        return self._bordered(q, v, m, u, t).acceleration

    def multipliers(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Float[Array, " constraints"]:
        """λ of M a = r + Aᵀλ, one for each constraint; none where there are none."""
        return jnp.zeros(0, q.dtype) if self.constraints is None else self._bordered(q, v, m, u, t).multipliers

    def constraint_forces(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Coordinates:
        """Aᵀλ, (dof,): the generalised forces that keep the constraints."""
        if self.constraints is None:
            return jnp.zeros_like(q)
        return self.constraints(q, v, m, t).matrix.T @ self.multipliers(q, v, m, u, t)

    def _bordered(self, q: Coordinates, v: Coordinates, m: Varying | None, u: Array | None, t: RealScalar) -> Bordered:
        assert self.constraints is not None
        matrix, right_hand_side = self.equation(q, v, m, u, t)
        return bordered_solve(matrix.as_matrix(), right_hand_side, self.constraints(q, v, m, t), self.solver)


class AbstractEulerLagrange(AbstractEquationOfMotion):
    """The motion that makes the action of a Lagrangian stationary, with generalised forces Q and those of constraints:

    (∇ᵥ∇ᵥᵀL) a  =  ∇_q L − (∇_q∇ᵥᵀL) v − ∂ₜ∇ᵥL + Q + Aᵀλ,        A a + c = 0.
    """

    lagrangian: eqx.AbstractVar[AbstractLagrangian]
    forces: eqx.AbstractVar[Forces | None]

    def energy(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """The Jacobi energy v·∂L/∂v − L; for a learned L defined up to an affine map."""
        value, momenta = jax.value_and_grad(lambda velocity: self.lagrangian(q, velocity, m, t))(v)
        return v @ momenta - value


def direct_solver(constraints: AbstractConstraints | None) -> lx.AbstractLinearSolver:
    """What solves for few unknowns: elimination, or where constraints are redundant, the shortest solution by singular
    values."""
    if constraints is None or not constraints.redundant:
        return DirectSolve()
    return lx.SVD(rcond=_REDUNDANT)


@verdict.register(AbstractEquationOfMotion)
def _(law: AbstractEquationOfMotion, t: RealScalar, y: tuple[Coordinates, Coordinates], args: Arguments) -> RESULTS:
    """Whether M a = r was solved there, whatever number the solver left: `singular`, say."""
    q, v = y
    m, u = (None, None) if args is None else args
    result: RESULTS = law.solve(q, v, m, inputs_at(u, t, q, v), t).result  # pyright: ignore[reportAssignmentType]
    return RESULTS.where(all_finite(y), result, RESULTS.not_finite)
