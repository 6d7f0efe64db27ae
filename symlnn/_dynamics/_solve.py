"""The linear equation M a = r of one state: solved, and the solution held against it."""

import functools as ft

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, ArrayLike, Float

from .._elimination import WRITTEN_OUT, Factors, block_solve
from .._results import RESULTS
from .._types import Coordinates, Matrix
from ._base import all_finite

_SINGULAR: RESULTS = RESULTS.singular  # pyright: ignore[reportAssignmentType]


def solve(matrix: Matrix, right_hand_side: Coordinates) -> Coordinates:
    """a with M a = b for a square, possibly indefinite M; infinite or NaN where M is singular."""
    return block_solve(matrix, right_hand_side[:, None])[:, 0]


def linear_solve(
    operator: lx.AbstractLinearOperator, right_hand_side: Float[Array, " dof"], solver: lx.AbstractLinearSolver
) -> lx.Solution:
    """a with M a = r by any solver of lineax, and a result code that does not rest on the solver's own word:

        successful  ⟺  ‖M a − r‖ ≤ ε ‖r‖    in the maximum norm, with ε of `residual_tolerance`.

    The residual is relative to r alone. Relative to ‖M‖‖a‖ too, the usual backward error, it would be small for any a
    that is large enough, and a singular M gives such an a. Where r lies in the range of a singular M, one of the many
    solutions may come back.

    Otherwise the code is `not_finite` where M or r is not; what an iterative solver reports, such as
    `max_steps_reached` or `stagnation`; or `singular`. Nothing is raised at run time, and a is what the solver left.

    Derivatives are those of the solution, ∂a = M⁻¹(∂r − ∂M a). They are not taken by `lineax.linear_solve`, which
    raises where a tangent's solve fails.
    """
    arrays, static = eqx.partition((operator, right_hand_side), eqx.is_array)
    still, vector = eqx.combine(jax.lax.stop_gradient(arrays), static)
    state = solver.init(still, {})

    def forward(_: object, b: Array) -> tuple[Array, RESULTS]:
        value, result, _ = solver.compute(state, b, {})
        return value, RESULTS.promote(result)

    def backward(_: object, b: Array) -> tuple[Array, RESULTS]:
        transposed, options = solver.transpose(state, {})
        value, result, _ = solver.compute(transposed, b, options)
        return value, RESULTS.promote(result)

    symmetric = lx.is_symmetric(operator)
    value, reported = jax.lax.custom_linear_solve(
        operator.mv, right_hand_side, forward, forward if symmetric else backward, symmetric=symmetric, has_aux=True
    )
    tolerance = residual_tolerance(solver, vector.dtype)
    residual, size = jnp.max(jnp.abs(still.mv(jax.lax.stop_gradient(value)) - vector)), jnp.max(jnp.abs(vector))
    solved = jnp.isfinite(size) & (residual <= tolerance * size)  # false for NaN
    finite = all_finite(eqx.filter((still, vector), eqx.is_inexact_array))
    failure = RESULTS.where(reported == RESULTS.successful, _SINGULAR, reported)
    failure = RESULTS.where(finite, failure, RESULTS.not_finite)
    return lx.Solution(value=value, result=RESULTS.where(solved, RESULTS.successful, failure), stats={}, state=None)


@ft.singledispatch
def residual_tolerance(solver: lx.AbstractLinearSolver, dtype: jnp.dtype) -> ArrayLike:
    """The ε up to which the residual of a solver counts as none. A direct one: half of the digits, √(machine ε).

    A stable direct solve leaves ‖M a − r‖ ≲ machine ε · cond(M) ‖r‖, so above √(machine ε) it has kept fewer than
    half of the digits of a. For a solver with a tolerance of its own, register ten times that.
    """
    return float(jnp.finfo(dtype).eps) ** 0.5


@residual_tolerance.register(lx.CG)
@residual_tolerance.register(lx.BiCGStab)
@residual_tolerance.register(lx.GMRES)
@residual_tolerance.register(lx.LSMR)
def _(solver: lx.CG | lx.BiCGStab | lx.GMRES | lx.LSMR, dtype: jnp.dtype) -> ArrayLike:
    return 10 * solver.rtol


class _Prepared(eqx.Module):
    """What `DirectSolve` knows of a matrix."""

    known: Matrix | Factors
    transposed: bool = eqx.field(static=True, default=False)

    def solve(self, vector: Array) -> Array:
        """x with A x = b, or Aᵀ x = b."""
        if isinstance(self.known, Factors):
            return self.known.solve(vector[:, None], transposed=self.transposed)[:, 0]
        return solve(self.known.T if self.transposed else self.known, vector)


class DirectSolve(lx.AbstractLinearSolver):
    """Gaussian elimination with partial pivoting, of few unknowns as in `block_solve`, of more by LAPACK.

    M may be indefinite, but not singular.
    Where it is singular, the solution is infinite, NaN, or of a size that leaves a residual.
    """

    def init(self, operator: lx.AbstractLinearOperator, options: dict) -> "_Prepared":
        """The matrix of few unknowns, or the factors of a larger one."""
        matrix = operator.as_matrix()
        return _Prepared(matrix if len(matrix) <= WRITTEN_OUT else Factors.of(matrix))

    def compute(self, state: "_Prepared", vector: Array, options: dict) -> tuple[Array, lx.RESULTS, dict]:
        """The solution; the code says nothing, `linear_solve` looks at the residual."""
        return state.solve(vector), lx.RESULTS.successful, {}

    def transpose(self, state: "_Prepared", options: dict) -> tuple["_Prepared", dict]:
        """The state of the transposed matrix."""
        return _Prepared(state.known, not state.transposed), options

    def conj(self, state: "_Prepared", options: dict) -> tuple["_Prepared", dict]:
        """The same: mass matrices are real."""
        return state, options

    def assume_full_rank(self) -> bool:
        """Yes."""
        return True
