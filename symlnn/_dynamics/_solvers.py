"""Linear solvers for the mass matrix of a sum over neighbourhoods: direct on sites and rings, iterative on graphs."""

from typing import Any, NamedTuple

import equinox as eqx
import equinox.internal as eqxi
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, ArrayLike, Float

from .._elimination import block_solve
from .._types import Coordinates, Flag, Scalar
from ._banded import solve_cyclic_banded
from ._mass_matrix import SparseMassMatrix
from ._solve import residual_tolerance, solve

Blocks = Float[Array, "sites fields fields"]

_LU_UP_TO = 512
"""Unknowns of a ring that are solved for again by LU where cyclic reduction, which has no pivoting, fails."""
_STABLE = 256
"""In units of the precision: the backward error of a solve to which pivoting would add nothing."""
_SOLVES = 2
"""The solve of a ring, and one step of iterative refinement."""
_RETRY_CYCLES = 20
"""Restarts of the iterations where that is tried on a ring larger than for LU."""


class BlockDiagonal(lx.AbstractLinearSolver):
    """A small solve at each site, where velocities of different sites are not coupled."""

    def init(self, operator: lx.AbstractLinearOperator, options: dict) -> Blocks:
        """The blocks. Raises `ValueError` where M couples sites."""
        matrix = _on_sites(operator, self)
        if matrix.bandwidth > 0:
            raise ValueError(
                "BlockDiagonal does not fit this mass matrix, which couples the velocities of different sites: choose "
                "another solver, or None for the cheapest that fits."
            )
        return matrix.diagonal_blocks()

    def compute(self, state: Blocks, vector: Coordinates, options: dict) -> tuple[Coordinates, lx.RESULTS, dict]:
        """a, infinite or NaN at sites whose block is singular."""
        return _blockwise(state, vector), lx.RESULTS.successful, {}

    def transpose(self, state: Blocks, options: dict) -> tuple[Blocks, dict]:
        """The same: M is symmetric."""
        return state, options

    def conj(self, state: Blocks, options: dict) -> tuple[Blocks, dict]:
        """The same: M is real."""
        return state, options

    def assume_full_rank(self) -> bool:
        """Yes."""
        return True


class _Ring(NamedTuple):
    matrix: SparseMassMatrix
    band: Float[Array, "sites diagonals fields fields"]


class CyclicBanded(lx.AbstractLinearSolver):
    """A direct solve where couplings reach few site numbers around a ring, in a time linear in the number of sites.

    Cyclic reduction takes all rows of a level at once, but cannot pivot: a zero on its diagonal ends it, though M may
    be regular. So its backward error ‖M a − r‖ / (‖M‖‖a‖ + ‖r‖) is looked at, in the maximum norm. Where it is above
    256 times the precision, so that pivoting could help, one step of iterative refinement follows; and where that
    does not suffice, LU for up to 512 unknowns, and GMRES from there for more.
    """

    def init(self, operator: lx.AbstractLinearOperator, options: dict) -> _Ring:
        """The band. Raises `ValueError` where the ring is too short for it."""
        matrix = _on_sites(operator, self)
        width = max(1, matrix.bandwidth)
        if matrix.sites <= 4 * width:
            raise ValueError(
                f"CyclicBanded does not fit this mass matrix: with couplings that reach {width} site numbers it needs "
                f"more than {4 * width} sites, and there are {matrix.sites}. Choose DirectSolve(), or None for the "
                "cheapest that fits."
            )
        return _Ring(matrix, matrix.band(width))

    def compute(self, state: _Ring, vector: Coordinates, options: dict) -> tuple[Coordinates, lx.RESULTS, dict]:
        """a, refined where it has to be."""
        a, residual = _refined(state, vector)
        unstable = ~_is_stable(state, a, residual, vector)
        pivoting = _by_lu if vector.size <= _LU_UP_TO else _by_iterations
        # one predicate for a whole batch, so that under vmap, too, this is run only where one of it needs it
        other = jax.lax.cond(eqxi.unvmap_any(unstable), pivoting, lambda _, a, b: a, state, a, vector)
        better = unstable & (_norm(vector - state.matrix.mv(other)) < _norm(residual))
        return jnp.where(better, other, a), lx.RESULTS.successful, {}

    def transpose(self, state: _Ring, options: dict) -> tuple[_Ring, dict]:
        """The same: M is symmetric."""
        return state, options

    def conj(self, state: _Ring, options: dict) -> tuple[_Ring, dict]:
        """The same: M is real."""
        return state, options

    def assume_full_rank(self) -> bool:
        """Yes."""
        return True


class PreconditionedGMRES(lx.AbstractLinearSolver):
    """GMRES for an indefinite M on any graph, preconditioned by the blocks of its sites.

    The preconditioner stands on the right, M P z = r with a = P z, so that what falls below `tolerance` ‖r‖ is the
    residual itself, in the maximum norm. Where a block is singular, or nearly so, P is the identity.
    """

    tolerance: float | None = eqx.field(static=True, default=None)
    """Relative to ‖r‖; None is 1e-11 in double and 1e-5 in single precision."""
    restart: int = eqx.field(static=True, default=50)
    """Iterations between two restarts."""
    max_steps: int = eqx.field(static=True, default=200)
    """Restarts at most."""

    def __check_init__(self) -> None:
        if self.tolerance is not None and not self.tolerance > 0:
            raise ValueError(f"The tolerance of PreconditionedGMRES must be positive, but is {self.tolerance}.")
        if self.restart < 1 or self.max_steps < 1:
            raise ValueError(
                f"restart and max_steps of PreconditionedGMRES must be positive, but are {self.restart} and "
                f"{self.max_steps}."
            )

    def init(self, operator: lx.AbstractLinearOperator, options: dict) -> tuple[SparseMassMatrix, Blocks]:
        """M, and the inverses of the blocks that have one, the identity for the others."""
        matrix = _on_sites(operator, self)
        return matrix, _inverses(matrix.diagonal_blocks())

    def compute(
        self, state: tuple[SparseMassMatrix, Blocks], vector: Coordinates, options: dict
    ) -> tuple[Coordinates, lx.RESULTS, dict]:
        """a, and what GMRES reports."""
        matrix, inverses = state
        tolerance = float(relative_tolerance(self, vector.dtype))
        return _gmres(matrix, inverses, vector, tolerance * _norm(vector), self.restart, self.max_steps)

    def transpose(self, state: tuple[SparseMassMatrix, Blocks], options: dict) -> tuple[Any, dict]:
        """The same: M is symmetric."""
        return state, options

    def conj(self, state: tuple[SparseMassMatrix, Blocks], options: dict) -> tuple[Any, dict]:
        """The same: M is real."""
        return state, options

    def assume_full_rank(self) -> bool:
        """Yes."""
        return True


def relative_tolerance(solver: PreconditionedGMRES, dtype: jnp.dtype) -> float:
    """The residual, relative to r, at which the iterations end."""
    if solver.tolerance is not None:
        return solver.tolerance
    return 1e-11 if dtype == jnp.float64 else 1e-5


@residual_tolerance.register(PreconditionedGMRES)
def _(solver: PreconditionedGMRES, dtype: jnp.dtype) -> ArrayLike:
    return 10 * relative_tolerance(solver, dtype)


def _on_sites(operator: lx.AbstractLinearOperator, solver: lx.AbstractLinearSolver) -> SparseMassMatrix:
    if not isinstance(operator, SparseMassMatrix):
        raise ValueError(
            f"{type(solver).__name__} solves for the mass matrix of a sum over neighbourhoods, of SparseEulerLagrange. "
            "For other laws choose DirectSolve(), or a solver of lineax."
        )
    return operator


def _norm(x: Array) -> Scalar:
    return jnp.max(jnp.abs(x))


def _blockwise(blocks: Blocks, vector: Coordinates) -> Coordinates:
    return block_solve(blocks, vector.reshape(*blocks.shape[:2], 1)).reshape(-1)


def _refined(ring: _Ring, vector: Coordinates) -> tuple[Coordinates, Coordinates]:
    """a and r − M a after one solve, or two where the first is not stable; 0 and r where neither makes r smaller."""

    def unfinished(carry: tuple[Coordinates, Coordinates, Array]) -> Flag:
        a, residual, solves = carry
        return (solves == 0) | ((solves < _SOLVES) & ~_is_stable(ring, a, residual, vector))

    def refine(carry: tuple[Coordinates, Coordinates, Array]) -> tuple[Coordinates, Coordinates, Array]:
        a, residual, solves = carry
        rows = residual.reshape(ring.matrix.sites, ring.matrix.fields)
        new = a + solve_cyclic_banded(ring.band, rows).reshape(-1)
        left = vector - ring.matrix.mv(new)
        smaller = _norm(left) < _norm(residual)  # false for NaN
        return jnp.where(smaller, new, a), jnp.where(smaller, left, residual), solves + 1

    a, residual, _ = jax.lax.while_loop(unfinished, refine, (jnp.zeros_like(vector), vector, jnp.asarray(0)))
    return a, residual


def _is_stable(ring: _Ring, a: Coordinates, residual: Coordinates, vector: Coordinates) -> Flag:
    size = jnp.max(jnp.sum(jnp.abs(ring.band), axis=(1, 3)))
    limit = _STABLE * float(jnp.finfo(vector.dtype).eps)
    return _norm(residual) <= limit * (size * _norm(a) + _norm(vector))  # false for NaN


def _by_lu(ring: _Ring, guess: Coordinates, vector: Coordinates) -> Coordinates:
    return solve(ring.matrix.as_matrix(), vector)


def _by_iterations(ring: _Ring, guess: Coordinates, vector: Coordinates) -> Coordinates:
    tolerance = float(jnp.finfo(vector.dtype).eps) ** 0.75  # between what is asked of a direct solve and the precision
    left = vector - ring.matrix.mv(guess)
    blocks = _inverses(ring.matrix.diagonal_blocks())
    step, *_ = _gmres(ring.matrix, blocks, left, tolerance * _norm(vector), restart=50, max_steps=_RETRY_CYCLES)
    return guess + step


def _inverses(blocks: Blocks) -> Blocks:
    """The inverses of the blocks, the identity for those whose condition number is above 1/√precision."""
    identity = jnp.broadcast_to(jnp.eye(blocks.shape[-1], dtype=blocks.dtype), blocks.shape)
    inverses = block_solve(blocks, identity)

    def size(x: Blocks) -> Float[Array, "sites 1 1"]:
        return jnp.max(jnp.sum(jnp.abs(x), axis=-1), axis=-1)[:, None, None]

    regular = size(blocks) * size(inverses) < float(jnp.finfo(blocks.dtype).eps) ** -0.5  # false for NaN
    return jnp.where(regular, inverses, identity)


def _gmres(
    matrix: SparseMassMatrix,
    inverses: Blocks,
    vector: Coordinates,
    tolerance: Scalar,
    restart: int,
    max_steps: int,
) -> tuple[Coordinates, lx.RESULTS, dict]:
    """a with |M a − r| below an absolute tolerance, by iterations from zero."""

    def precondition(z: Coordinates) -> Coordinates:
        return jnp.einsum("sij,sj->si", inverses, z.reshape(inverses.shape[:2])).reshape(-1)

    operator = lx.FunctionLinearOperator(lambda z: matrix.mv(precondition(z)), matrix.in_structure())
    floor = jnp.finfo(vector.dtype).tiny  # where r is zero, a is found at once
    atol: Any = jnp.maximum(tolerance, floor)
    solver = lx.GMRES(rtol=0.0, atol=atol, restart=min(restart, vector.size), max_steps=max_steps)
    z, result, stats = solver.compute(operator, vector, {})
    return precondition(z), result, stats
