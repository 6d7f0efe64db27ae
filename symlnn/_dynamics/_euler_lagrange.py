"""The Euler–Lagrange equation, by automatic differentiation."""

import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array

from .._types import Coordinates, Matrix, RealScalar, Varying
from ._base import AbstractLagrangian, Forces
from ._equation import AbstractEulerLagrange, Equation
from ._solve import DirectSolve

_DIRECT = DirectSolve()


class EulerLagrange(AbstractEulerLagrange):
    """The motion that makes the action of a Lagrangian stationary, with generalised forces Q:

        (∇ᵥ∇ᵥᵀL) a  =  ∇_q L − (∇_q∇ᵥᵀL) v − ∂ₜ∇ᵥL + Q.

    One gradient of L in (q, v, t) and its derivative along each velocity give every term: the derivative along vᵢ
    holds row i of ∇ᵥ∇ᵥᵀL, of ∇_q∇ᵥᵀL and of ∂ₜ∇ᵥL, since second derivatives commute. The mass matrix may be
    indefinite, as a learned one can be; where it is singular the accelerations are infinite or NaN.

    Source: Cranmer et al. 2020 (arXiv:2003.04630), eq. 6.
    """

    lagrangian: AbstractLagrangian
    """L(q, v, m, t)."""
    forces: Forces | None
    """Q(q, v, m, u, t) → (dof,), or None where nothing acts besides L."""
    solver: lx.AbstractLinearSolver
    """What solves for the accelerations: any solver of lineax for a symmetric, possibly indefinite matrix."""

    def __init__(
        self,
        lagrangian: AbstractLagrangian,
        forces: Forces | None = None,
        solver: lx.AbstractLinearSolver = _DIRECT,
    ):
        self.lagrangian, self.forces, self.solver = lagrangian, forces, solver

    def equation(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Equation:
        """M = ∇ᵥ∇ᵥᵀL and r = ∇_q L − (∇_q∇ᵥᵀL) v − ∂ₜ∇ᵥL + Q, without an inverse."""
        time = jnp.asarray(t, q.dtype)
        gradient = jax.grad(lambda q, v, t: self.lagrangian(q, v, m, t), argnums=(0, 1, 2))

        def along(direction: Coordinates) -> tuple[tuple, tuple]:
            return jax.jvp(lambda velocity: gradient(q, velocity, time), (v,), (direction,))

        basis = jnp.eye(q.shape[0], dtype=q.dtype)
        (force, _, _), (mixed, mass_matrix, explicit) = jax.vmap(along, out_axes=(None, 0))(basis)
        right_hand_side = force - mixed @ v - explicit
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
        """a = M⁻¹ [∇_q L − (∇_q∇ᵥᵀL) v − ∂ₜ∇ᵥL + Q], whatever the solver found: see `solve`."""
        return self.solve(q, v, m, u, t).value

    def mass_matrix(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Matrix:
        """M = ∇ᵥ∇ᵥᵀL; for a learned L defined up to a factor."""
        return jax.hessian(lambda velocity: self.lagrangian(q, velocity, m, t))(v)
