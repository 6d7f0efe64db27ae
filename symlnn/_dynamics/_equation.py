"""The equation M a = r of a law of motion, and the interface of the laws that have one."""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import lineax as lx
from jaxtyping import Array

from .._inputs import inputs_at
from .._results import RESULTS
from .._types import Coordinates, RealScalar, Scalar, Varying
from ._base import AbstractLagrangian, AbstractSecondOrderDynamics, Arguments, Forces, cause_of_failure
from ._solve import linear_solve


class Equation(NamedTuple):
    """The two sides of M a = r at one state; M a − r is the residual in generalised force."""

    mass_matrix: lx.AbstractLinearOperator
    """M, (dof, dof), as a linear operator: `mv(a)` is M a, `as_matrix()` the matrix."""
    right_hand_side: Coordinates
    """r, (dof,), with the forces Q in it."""


def result_of(equation: Equation, solver: lx.AbstractLinearSolver) -> RESULTS:
    """Why a law has no finite accelerations: its equation has no solution, or else its velocities are not finite."""
    result: RESULTS = linear_solve(*equation, solver).result  # pyright: ignore[reportAssignmentType]
    return RESULTS.where(result == RESULTS.successful, RESULTS.not_finite, result)


class AbstractEulerLagrange(AbstractSecondOrderDynamics):
    """The motion that makes the action of a Lagrangian stationary, with generalised forces Q:

    (∇ᵥ∇ᵥᵀL) a  =  ∇_q L − (∇_q∇ᵥᵀL) v − ∂ₜ∇ᵥL + Q.
    """

    lagrangian: eqx.AbstractVar[AbstractLagrangian]
    forces: eqx.AbstractVar[Forces | None]
    solver: eqx.AbstractVar[lx.AbstractLinearSolver]

    @abc.abstractmethod
    def equation(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Equation:
        """M = ∇ᵥ∇ᵥᵀL and r = ∇_q L − (∇_q∇ᵥᵀL) v − ∂ₜ∇ᵥL + Q, without an inverse."""

    def solve(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> lx.Solution:
        """The accelerations, `value`, with the code that says whether they solve the equation, `result`.

        It is one of `RESULTS`: `successful` where the residual M a − r is small against r, else `singular`,
        `not_finite`, or what an iterative solver reports. Derivatives go through the solve by the implicit function
        theorem.
        """
        return linear_solve(*self.equation(q, v, m, u, t), self.solver)

    def energy(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """The Jacobi energy v·∂L/∂v − L; for a learned L defined up to an affine map."""
        value, momenta = jax.value_and_grad(lambda velocity: self.lagrangian(q, velocity, m, t))(v)
        return v @ momenta - value


@cause_of_failure.register(AbstractEulerLagrange)
def _(law: AbstractEulerLagrange, t: RealScalar, y: tuple[Coordinates, Coordinates], args: Arguments) -> RESULTS:
    """What becomes of M a = r there: `singular`, say."""
    q, v = y
    m, u = (None, None) if args is None else args
    return result_of(law.equation(q, v, m, inputs_at(u, t, q, v), t), law.solver)
