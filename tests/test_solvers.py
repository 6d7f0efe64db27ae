"""Linear solves are as good as their residual says: regular, indefinite and singular matrices, by every solver."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import pytest

import symlnn
from symlnn._dynamics import (
    BlockDiagonal,
    CyclicBanded,
    DirectSolve,
    PreconditionedGMRES,
    SparseMassMatrix,
    linear_solve,
)
from symlnn._dynamics._mass_matrix import ElementMatrices
from symlnn._dynamics._solve import solve
from symlnn._elimination import block_solve
from symlnn._results import RESULTS

pytestmark = [pytest.mark.slow, pytest.mark.production]

SOLVERS: dict[str, lx.AbstractLinearSolver] = {
    "direct": DirectSolve(),
    "block": BlockDiagonal(),
    "banded": CyclicBanded(),
    "gmres": PreconditionedGMRES(),
    "lineax": lx.LU(),
}


def ring(diagonal: np.ndarray, neighbours: np.ndarray) -> SparseMassMatrix:
    """Blocks (sites, f, f) on the diagonal, made symmetric, and (sites, width, f, f) from site i to site i + 1 + d."""
    sites, width, fields, _ = neighbours.shape
    own = (diagonal + np.swapaxes(diagonal, 1, 2)) / 2
    parts = [ElementMatrices(jnp.arange(sites)[:, None], jnp.asarray(own)[:, None, :, None, :])]
    for d in range(width):
        if neighbours[:, d].any():
            pairs = jnp.stack([jnp.arange(sites), (jnp.arange(sites) + d + 1) % sites], axis=1)
            values = np.zeros((sites, 2, fields, 2, fields))
            values[:, 0, :, 1, :] = neighbours[:, d]
            values[:, 1, :, 0, :] = np.swapaxes(neighbours[:, d], 1, 2)
            parts.append(ElementMatrices(pairs, jnp.asarray(values)))
    return SparseMassMatrix(tuple(parts), sites, fields, width if len(parts) > 1 else 0)


def random_ring(
    seed: int, sites: int, width: int = 1, fields: int = 1, zero_diagonal: bool = False
) -> SparseMassMatrix:
    """Symmetric and indefinite, without any diagonal dominance."""
    generator = np.random.default_rng(seed)
    diagonal = generator.normal(size=(sites, fields, fields)) * (not zero_diagonal)
    return ring(diagonal, generator.normal(size=(sites, width, fields, fields)))


solved = eqx.filter_jit(linear_solve)


def is_successful(solution: lx.Solution) -> bool:
    return bool(solution.result == RESULTS.successful)


def test_the_operator_is_its_matrix() -> None:
    matrix = random_ring(0, 11, width=2, fields=2)
    full = matrix.as_matrix()
    x = jax.random.normal(jax.random.key(0), (22,))
    np.testing.assert_allclose(full, full.T)
    np.testing.assert_allclose(matrix.mv(x), full @ x, atol=1e-13)  # rounding
    np.testing.assert_allclose(matrix.transpose().mv(x), full.T @ x, atol=1e-13)
    np.testing.assert_allclose(lx.diagonal(matrix), jnp.diagonal(full))
    np.testing.assert_allclose(lx.materialise(matrix).as_matrix(), full)
    assert lx.is_symmetric(matrix) and not lx.is_diagonal(matrix) and not lx.is_positive_semidefinite(matrix)
    assert lx.is_diagonal(ring(np.ones((5, 1, 1)), np.zeros((5, 1, 1, 1))))
    assert matrix.in_size() == matrix.out_size() == 22


@pytest.mark.parametrize(("width", "fields"), [(1, 1), (2, 2)])
@pytest.mark.parametrize("zero_diagonal", [False, True])
def test_indefinite_rings_of_every_kind(width: int, fields: int, zero_diagonal: bool) -> None:
    """Cyclic reduction has no pivots, and on a zero diagonal of one field none at all; the solve agrees with LU."""
    sites, successes = 23, 0
    for seed in range(20):
        matrix = random_ring(seed, sites, width, fields, zero_diagonal)
        b = jax.random.normal(jax.random.key(seed), (sites * fields,))
        solution = solved(matrix, b, CyclicBanded())
        expected = np.linalg.solve(np.asarray(matrix.as_matrix()), np.asarray(b))
        if is_successful(solution):
            successes += 1
            # the condition numbers are some thousands at most, and a backward error is below 256 times the precision
            np.testing.assert_allclose(solution.value, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    assert successes == 20


def test_a_long_ring_with_a_zero_diagonal_is_solved_or_says_that_it_is_not() -> None:
    """Beyond the size for LU; with an odd number of sites the matrix is regular, of a condition number near that."""
    sites = 1001
    for spread in (0.0, 0.01):
        couplings = 1 + spread * np.random.default_rng(0).normal(size=sites)
        matrix = ring(np.zeros((sites, 1, 1)), couplings.reshape(sites, 1, 1, 1))
        b = jax.random.normal(jax.random.key(0), (sites,))
        solution = solved(matrix, b, CyclicBanded())
        expected = np.linalg.solve(np.asarray(matrix.as_matrix()), np.asarray(b))
        close = np.allclose(solution.value, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
        assert close or not is_successful(solution)


def test_one_of_a_batch_is_solved_again_and_the_others_stay() -> None:
    easy, hard = random_ring(3, 15), random_ring(3, 15, zero_diagonal=True)
    dominant = ring(np.full((15, 1, 1), 5.0), np.ones((15, 1, 1, 1)))
    b = jax.random.normal(jax.random.key(0), (15,))
    batch = jax.tree.map(lambda *x: jnp.stack(x), easy, hard, dominant)
    values = eqx.filter_jit(jax.vmap(lambda matrix: linear_solve(matrix, b, CyclicBanded()).value))(batch)
    for value, matrix in zip(values, (easy, hard, dominant), strict=True):
        np.testing.assert_allclose(value, np.linalg.solve(matrix.as_matrix(), b), rtol=1e-9, atol=1e-9)


def singular(kind: str, scale: float) -> SparseMassMatrix | lx.MatrixLinearOperator:
    """A matrix that takes the vector of ones, or a part of it, to zero, up to rounding."""
    if kind == "block":  # a site without a mass, and one whose two fields move as one
        blocks = np.tile(np.array([[2.0, 1.0], [1.0, 3.0]]), (9, 1, 1))
        blocks[2], blocks[5] = 0.0, np.array([[0.1, 0.3], [0.3, 0.9]])
        return ring(scale * blocks, np.zeros((9, 1, 2, 2)))
    couplings = np.random.default_rng(1).uniform(0.1, 1.0, size=9)  # springs between neighbours: their sum moves freely
    own = (couplings + np.roll(couplings, 1)).reshape(9, 1, 1)
    matrix = ring(scale * own, -scale * couplings.reshape(9, 1, 1, 1))
    if kind in ("direct", "lineax"):
        return lx.MatrixLinearOperator(matrix.as_matrix(), lx.symmetric_tag)
    return matrix


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e12])
@pytest.mark.parametrize("kind", SOLVERS)
def test_singular_matrices(kind: str, scale: float) -> None:
    """Out of the range of M nothing passes; within it, what passes does solve the equation. Nothing is raised."""
    matrix, solver = singular(kind, scale), SOLVERS[kind]
    full = np.asarray(matrix.as_matrix())
    for seed in range(8):
        x = jax.random.normal(jax.random.key(seed), (len(full),))
        outside = solved(matrix, x, solver)
        assert not is_successful(outside)
        assert bool(outside.result != RESULTS.not_finite)
        b = matrix.mv(x)
        within = solved(matrix, b, solver)
        if is_successful(within):
            residual = np.abs(full @ np.asarray(within.value) - np.asarray(b)).max()
            assert residual <= 2e-8 * np.abs(b).max()  # √ε of a direct solve, 1e-10 of an iterative one


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_small_indefinite_matrices(size: int) -> None:
    """Of all sizes of numbers, with zeros on the diagonal: as LAPACK solves them, and so do their derivatives."""
    generator = np.random.default_rng(size)
    for exponent in (0, -90, 90):
        matrices = generator.normal(size=(50, size, size)) * 10.0**exponent
        matrices[:25, range(size), range(size)] *= size == 1
        values = generator.normal(size=(50, size, 2))
        ours = block_solve(jnp.asarray(matrices), jnp.asarray(values))
        # condition numbers of some thousands at most
        np.testing.assert_allclose(ours * 10.0**exponent, np.linalg.solve(matrices, values) * 10.0**exponent, rtol=1e-9)
    matrix, b = jnp.asarray(generator.normal(size=(size, size))), jnp.asarray(generator.normal(size=size))
    change = jnp.asarray(generator.normal(size=(size, size)))
    _, tangent = jax.jvp(lambda m: solve(m, b), (matrix,), (change,))
    np.testing.assert_allclose(tangent, -np.linalg.solve(matrix, change @ np.linalg.solve(matrix, b)), rtol=1e-9)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_small_singular_matrices(size: int) -> None:
    """Exactly singular, and singular up to rounding, where a is finite and of the size 1/ε."""
    generator = np.random.default_rng(size)
    for rank in range(size):
        for _ in range(10):
            vectors = generator.normal(size=(rank, size))
            matrix = lx.MatrixLinearOperator(jnp.asarray(vectors.T @ vectors), lx.symmetric_tag)
            assert not is_successful(solved(matrix, jnp.asarray(generator.normal(size=size)), DirectSolve()))


@pytest.mark.parametrize("kind", SOLVERS)
def test_what_is_not_finite_is_named(kind: str) -> None:
    matrix = singular(kind, 1.0)
    b = jnp.ones(matrix.in_size())
    for broken in (jnp.nan, jnp.inf):
        assert bool(solved(matrix, b.at[0].set(broken), SOLVERS[kind]).result == RESULTS.not_finite)
        numbers, rest = eqx.partition(matrix, eqx.is_inexact_array)
        nowhere = eqx.combine(jax.tree.map(lambda x, broken=broken: jnp.full_like(x, broken), numbers), rest)
        assert bool(solved(nowhere, b, SOLVERS[kind]).result == RESULTS.not_finite)


@pytest.mark.parametrize("kind", SOLVERS)
def test_no_force_is_no_acceleration(kind: str) -> None:
    """Also with forces that vanish at most sites, where a tolerance for each component apart could not be met."""
    matrix: Any = ring(np.full((9, 2, 2), 1.0) + 3 * np.eye(2), np.zeros((9, 1, 2, 2)))
    solution = solved(matrix, jnp.zeros(18), SOLVERS[kind])
    assert is_successful(solution)
    np.testing.assert_array_equal(solution.value, 0.0)
    solution = solved(matrix, jnp.zeros(18).at[4].set(1.0), SOLVERS[kind])
    assert is_successful(solution)
    np.testing.assert_allclose(matrix.mv(solution.value), jnp.zeros(18).at[4].set(1.0), atol=1e-10)


@pytest.mark.parametrize("kind", SOLVERS)
def test_derivatives_are_those_of_the_solution(kind: str) -> None:
    """∂a = M⁻¹(∂r − ∂M a), forwards, backwards and under vmap, against those of numpy's solve by finite differences."""
    couplings = np.zeros((9, 1, 1, 1)) if kind == "block" else np.random.default_rng(1).normal(size=(9, 1, 1, 1))

    def value(x: jax.Array) -> jax.Array:
        matrix = ring(np.full((9, 1, 1), 4.0), couplings)
        matrix = eqx.tree_at(lambda m: m.parts[0].values, matrix, matrix.parts[0].values * (1 + x[0] ** 2))
        return linear_solve(matrix, jnp.sin(x[1] + jnp.arange(9.0)), SOLVERS[kind]).value

    x = jnp.array([0.3, 0.7])
    h = 1e-5  # errors of h² and of ε/h: 1e-10
    rows = [np.asarray(value(x + h * e) - value(x - h * e)) / (2 * h) for e in np.eye(2)]
    np.testing.assert_allclose(eqx.filter_jit(jax.jacfwd(value))(x), np.stack(rows, axis=1), atol=1e-8)
    np.testing.assert_allclose(eqx.filter_jit(jax.jacrev(value))(x), np.stack(rows, axis=1), atol=1e-8)


def test_a_solver_for_a_matrix_that_is_not_symmetric() -> None:
    """The cotangents go through the transposed matrix."""
    matrix = jnp.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [1.0, 0.0, 1.0]])
    for rows in (matrix, matrix[:2, :2]):
        b = jnp.arange(1.0, len(rows) + 1)

        def loss(solve: Callable[..., jax.Array], rows: jax.Array, b: jax.Array = b) -> jax.Array:
            return jnp.sum(jnp.sin(solve(rows, b)))

        def ours(rows: jax.Array, b: jax.Array) -> jax.Array:
            return linear_solve(lx.MatrixLinearOperator(rows), b, DirectSolve()).value

        expected = jax.grad(lambda rows, loss=loss: loss(jnp.linalg.solve, rows))(rows)
        np.testing.assert_allclose(jax.grad(lambda rows, loss=loss: loss(ours, rows))(rows), expected, rtol=1e-10)


class Damped(symlnn.AbstractLagrangian):
    """L = ½ c(q) v², c = 1 − q₀²."""

    def __call__(self, q: jax.Array, v: jax.Array, m: Any = None, t: Any = 0.0) -> jax.Array:
        return (1 - q[0] ** 2) * jnp.sum(v**2) / 2 + jnp.sum(q)


@pytest.mark.parametrize("solver", [DirectSolve(), lx.LU()])
def test_a_law_says_what_became_of_its_equation(solver: lx.AbstractLinearSolver) -> None:
    law = symlnn.EulerLagrange(Damped(), solver=solver)
    q, v = jnp.array([0.5, 0.2]), jnp.array([0.1, -0.3])
    solution = law.solve(q, v)
    equation = law.equation(q, v)
    assert is_successful(solution)
    np.testing.assert_allclose(equation.mass_matrix.mv(solution.value), equation.right_hand_side, rtol=1e-12)
    np.testing.assert_array_equal(law.acceleration(q, v), solution.value)
    at_rest = law.solve(q.at[0].set(1.0), v)
    assert bool(at_rest.result == RESULTS.singular)
    assert not np.isfinite(at_rest.value).all()
    assert bool(law.status(0.0, (q, v), None) == RESULTS.successful)
    assert bool(law.status(0.0, (q.at[0].set(1.0), v), None) == RESULTS.singular)
    assert bool(law.status(0.0, (q * jnp.nan, v), None) == RESULTS.not_finite)


class Coupled(symlnn.AbstractLagrangian):
    """L = ½ vᵀ M v − ½ |q|², with a regular M that one iteration of GMRES does not solve for."""

    def __call__(self, q: jax.Array, v: jax.Array, m: Any = None, t: Any = 0.0) -> jax.Array:
        matrix = jnp.array([[0.0, 1.0, 0.0], [1.0, 0.0, 2.0], [0.0, 2.0, 1.0]])
        return v @ matrix @ v / 2 - q @ q / 2


def test_a_motion_whose_equation_was_not_solved_has_failed() -> None:
    """Whatever number the solver left: a finite acceleration is none of the law."""
    start = (jnp.array([1.0, 0.0, 0.0]), jnp.zeros(3))
    lazy = symlnn.EulerLagrange(Coupled(), solver=lx.GMRES(rtol=1e-9, atol=1e-9, restart=1, max_steps=1))
    assert np.isfinite(lazy.acceleration(*start)).all()
    rollout = symlnn.simulate(lazy, start, duration=0.1, rate=20.0)
    assert not bool(rollout.successful)
    assert bool(symlnn.simulate(symlnn.EulerLagrange(Coupled()), start, duration=0.1, rate=20.0).successful)


def test_a_solver_for_sites_is_refused_by_a_dense_law() -> None:
    law = symlnn.EulerLagrange(Damped(), solver=CyclicBanded())
    with pytest.raises(ValueError, match="CyclicBanded solves for the mass matrix of a sum over neighbourhoods"):
        law.acceleration(jnp.zeros(2), jnp.zeros(2))
