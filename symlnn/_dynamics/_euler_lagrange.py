"""The Euler–Lagrange equation, by automatic differentiation."""

import jax
import lineax as lx
from jaxtyping import Array

from .._types import Coordinates, Matrix, RealScalar, Varying
from ._base import AbstractLagrangian, Forces
from ._constraints import AbstractConstraints
from ._derivatives import derivatives
from ._equation import AbstractEulerLagrange, Equation, direct_solver


class EulerLagrange(AbstractEulerLagrange):
    """The motion that makes the action of a Lagrangian stationary, with generalised forces Q and those of constraints:

        (∇ᵥ∇ᵥᵀL) a  =  ∇_q L − (∇_q∇ᵥᵀL) v − ∂ₜ∇ᵥL + Q + Aᵀλ,        A a + c = 0.

    `derivatives` of L gives the terms. The mass matrix may be indefinite, as a learned one can be; where it is singular
    the accelerations are infinite or NaN.

    Source: Cranmer et al. 2020 (arXiv:2003.04630), eq. 6; with constraints, as in Finzi, Wang & Wilson 2020
    (arXiv:2010.13581).
    """

    lagrangian: AbstractLagrangian
    """L(q, v, m, t)."""
    forces: Forces | None
    """Q(q, v, m, u, t) → (dof,), or None where nothing acts besides L."""
    constraints: AbstractConstraints | None
    """What the motion obeys besides, known also where L is learned."""
    solver: lx.AbstractLinearSolver
    """What solves for the accelerations: any solver of lineax for a symmetric, possibly indefinite matrix."""

    def __init__(
        self,
        lagrangian: AbstractLagrangian,
        forces: Forces | None = None,
        constraints: AbstractConstraints | None = None,
        solver: lx.AbstractLinearSolver | None = None,
    ):
        self.lagrangian, self.forces, self.constraints = lagrangian, forces, constraints
        self.solver = direct_solver(constraints) if solver is None else solver

    def equation(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Equation:
        """M = ∇ᵥ∇ᵥᵀL and r = ∇_q L − (∇_q∇ᵥᵀL) v − ∂ₜ∇ᵥL + Q, without an inverse and without constraints."""
        mass_matrix, force, transport = derivatives(self.lagrangian, q, v, m, t)
        right_hand_side = force - transport
        if self.forces is not None:
            right_hand_side = right_hand_side + self.forces(q, v, m, u, t)
        return Equation(lx.MatrixLinearOperator(mass_matrix, lx.symmetric_tag), right_hand_side)

    def acceleration(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Coordinates:
        """a = M⁻¹ [∇_q L − (∇_q∇ᵥᵀL) v − ∂ₜ∇ᵥL + Q], or with constraints that of both equations, whatever the solver
        found: see `solve`."""
        return self.solve(q, v, m, u, t).value

    def mass_matrix(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Matrix:
        """M = ∇ᵥ∇ᵥᵀL; for a learned L defined up to a factor."""
        return jax.hessian(lambda velocity: self.lagrangian(q, velocity, m, t))(v)
