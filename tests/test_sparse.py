"""The sparse Euler–Lagrange equation against the dense one: every boundary, every solver, grids and random graphs."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import pytest

import symlnn
from symlnn._dynamics import BlockDiagonal, CyclicBanded, DirectSolve, PreconditionedGMRES
from symlnn._dynamics._banded import solve_block_tridiagonal, solve_cyclic_banded
from symlnn._neighbourhoods import BOUNDARIES, graph_neighbourhoods, grid_neighbourhoods
from symlnn._results import RESULTS

CLOSE = 1e-9  # relative: what the issue of rounding leaves after solves whose condition is some hundreds


class RandomDensity(symlnn.AbstractDensity):
    """A density without any structure: ½|v|² and a smooth random function of all that it is given."""

    moving: int
    coupled: bool
    weights: jax.Array

    def __init__(self, members: int, fields: int, moving: int, attributes: int = 0):
        self.moving = moving
        self.coupled = moving > 1
        size = (members + moving) * fields + attributes
        self.weights = jax.random.normal(jax.random.key(size), (16, size)) / np.sqrt(size)

    def __call__(self, q: jax.Array, v: jax.Array, x: jax.Array, m: Any, t: Any) -> jax.Array:
        inputs = jnp.concatenate([q.reshape(-1), v.reshape(-1), x])
        waves = jnp.sin(self.weights @ inputs + t)
        return 0.5 * jnp.sum(v[:1] ** 2) + 0.1 * waves @ jnp.roll(waves, 1)


def lagrangian(
    rows: Sequence[np.ndarray], sites: int, fields: int, moving: int, chunk: int | None = None
) -> symlnn.GraphLagrangian:
    densities = [RandomDensity(r.shape[1], fields, min(moving, r.shape[1]), 2) for r in rows]
    groups = [
        symlnn.Neighbourhoods(r, jax.random.normal(jax.random.key(1), (len(r), 2)), kind) for kind, r in enumerate(rows)
    ]
    return symlnn.GraphLagrangian(densities, groups, sites, fields, chunk=chunk)


def random_edges(sites: int, seed: int = 0) -> np.ndarray:
    """A tree and as many further edges."""
    generator = np.random.default_rng(seed)
    tree = [(i, int(generator.integers(i))) for i in range(1, sites)]
    more = {tuple(sorted(map(int, generator.choice(sites, 2, replace=False)))) for _ in range(sites)}
    return np.array(sorted({(min(e), max(e)) for e in tree} | more))


def compare(
    law: symlnn.GraphLagrangian,
    expected: type[lx.AbstractLinearSolver] | None,
    forces: Any = None,
    solver: lx.AbstractLinearSolver | None = None,
) -> None:
    """Accelerations and their derivatives, at a random state."""
    size = law.sites * law.fields
    q, v = jax.random.normal(jax.random.key(2), (2, size))
    sparse = symlnn.SparseEulerLagrange(law, forces, solver=solver)
    dense = symlnn.EulerLagrange(law, forces)
    assert expected is None or type(sparse.solver) is expected

    def error(a: jax.Array, b: jax.Array) -> float:
        return float(jnp.linalg.norm(a - b) / jnp.linalg.norm(b))

    @eqx.filter_jit
    def all_of(dynamics: Any) -> Any:
        def loss(dynamics: Any) -> tuple[jax.Array, Any]:
            a, along = jax.jvp(lambda q: dynamics.acceleration(q, v, None, None, 0.3), (q,), (v,))
            return jnp.sum(jnp.tanh(a)), (a, along)

        gradient, (a, along) = eqx.filter_grad(loss, has_aux=True)(dynamics)
        return a, along, dynamics.energy(q, v)[None], gradient

    for ours, theirs in zip(*map(jax.tree.leaves, (all_of(sparse), all_of(dense))), strict=True):
        assert error(ours, theirs) < CLOSE


@pytest.mark.parametrize(
    ("sites", "fields", "moving", "boundary"),
    [(13, 1, 3, "periodic")]
    + [pytest.param(13, 1, 3, b, marks=pytest.mark.slow) for b in ("free", "fixed")]
    + [pytest.param(13, 1, 1, b, marks=pytest.mark.slow) for b in BOUNDARIES]
    + [pytest.param(12, 2, 3, b, marks=pytest.mark.slow) for b in ("periodic", "fixed")]
    + [pytest.param(10, 3, 1, "free", marks=pytest.mark.slow), (7, 1, 3, "free")],
)
def test_lines_and_rings(sites: int, fields: int, moving: int, boundary: str) -> None:
    law = lagrangian([grid_neighbourhoods((sites,), boundary)], sites, fields, moving)
    compare(law, BlockDiagonal if moving == 1 else CyclicBanded if sites > 8 else DirectSolve)


@pytest.mark.parametrize(
    ("boundary", "moving"),
    [("free", 5)]
    + [pytest.param(b, 1, marks=pytest.mark.slow) for b in BOUNDARIES]
    + [pytest.param(b, 5, marks=pytest.mark.slow) for b in ("periodic", "fixed")],
)
def test_planes(boundary: str, moving: int) -> None:
    law = lagrangian([grid_neighbourhoods((4, 5), boundary)], 20, 1, moving)
    compare(law, BlockDiagonal if moving == 1 else DirectSolve)
    if moving > 1:
        compare(law, None, solver=PreconditionedGMRES())


@pytest.mark.slow
@pytest.mark.parametrize("moving", [1, pytest.param(10, marks=pytest.mark.production)])
def test_random_graphs(moving: int) -> None:
    rows = graph_neighbourhoods(14, random_edges(14))
    assert len(rows) > 1  # several numbers of neighbours
    law = lagrangian(rows, 14, 2, moving)
    compare(law, BlockDiagonal if moving == 1 else DirectSolve)
    if moving > 1:
        compare(law, None, solver=PreconditionedGMRES())


@pytest.mark.slow
@pytest.mark.production
def test_a_large_graph_is_solved_by_iterations() -> None:
    rows = graph_neighbourhoods(80, random_edges(80))
    compare(lagrangian(rows, 80, 1, 10), PreconditionedGMRES)


@pytest.mark.slow
@pytest.mark.production
def test_chunks_forces_and_other_solvers() -> None:
    rows = [grid_neighbourhoods((13,))]
    compare(lagrangian(rows, 13, 1, 3, chunk=4), CyclicBanded, lambda q, v, m, u, t: -0.1 * v)
    compare(lagrangian(rows, 13, 1, 3), None, solver=PreconditionedGMRES())
    compare(lagrangian(rows, 13, 1, 3), None, solver=lx.LU())
    compare(lagrangian(rows, 13, 1, 1, chunk=5), None, solver=CyclicBanded())


def test_a_band_of_any_width() -> None:
    """Symmetric and indefinite, with as many remaining rows as the width lets."""
    for sites, fields, width in [(9, 1, 1), (17, 1, 2), (18, 2, 2), (23, 1, 3)]:
        full = np.zeros((sites, fields, sites, fields))
        generator = np.random.default_rng(sites)
        for i in range(sites):
            for d in range(width + 1):
                block = generator.normal(size=(fields, fields)) + 3 * (d == 0) * np.eye(fields) * (-1) ** (i % 2)
                full[i, :, (i + d) % sites] += block
                full[(i + d) % sites, :, i] += block.T
        band = np.stack([[full[i, :, (i + d) % sites] for d in range(-width, width + 1)] for i in range(sites)])
        values = generator.normal(size=(sites, fields))
        expected = np.linalg.solve(full.reshape(sites * fields, -1), values.reshape(-1))
        solved = jax.jit(solve_cyclic_banded)(band, values)
        np.testing.assert_allclose(solved.reshape(-1), expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("count", [1, 2, 3, 7, 12])
def test_block_tridiagonal(count: int) -> None:
    lower, diagonal, upper = jax.random.normal(jax.random.key(count), (3, count, 3, 3)) + 4 * jnp.eye(3) * jnp.array(
        [0.0, 1.0, 0.0]
    ).reshape(3, 1, 1, 1)
    values = jax.random.normal(jax.random.key(9), (count, 3, 2))
    full = np.zeros((count, 3, count, 3))
    for i in range(count):
        full[i, :, i] = diagonal[i]
        if i > 0:
            full[i, :, i - 1] = lower[i]
        if i < count - 1:
            full[i, :, i + 1] = upper[i]
    expected = np.linalg.solve(full.reshape(3 * count, -1), values.reshape(3 * count, 2))
    np.testing.assert_allclose(
        jax.jit(solve_block_tridiagonal)(lower, diagonal, upper, values).reshape(3 * count, 2),
        expected,
        rtol=1e-9,
        atol=1e-11,
    )


def test_runs_in_float32_and_on_batches() -> None:
    with jax.enable_x64(False):
        law = symlnn.SparseEulerLagrange(lagrangian([grid_neighbourhoods((12,))], 12, 1, 3))
        q = jnp.ones((5, 12), jnp.float32)
        assert eqx.filter_jit(jax.vmap(lambda q: law.acceleration(q, q)))(q).dtype == jnp.float32


class Relative(symlnn.AbstractDensity):
    """Two coupled sites whose kinetic energy is that of their difference: the sum may move as it likes."""

    moving: int = 5
    coupled: bool = True

    def __call__(self, q: jax.Array, v: jax.Array, x: jax.Array, m: Any, t: Any) -> jax.Array:
        return jnp.sum((v[1:] - v[:1]) ** 2) - q[0, 0] ** 2


def test_a_singular_matrix_does_not_pass_for_a_solution() -> None:
    """The forces have a sum, and M a has none: no a solves the equation. Nothing is raised, also in a roll-out."""
    group = symlnn.Neighbourhoods(grid_neighbourhoods((3, 3)))
    law = symlnn.SparseEulerLagrange(symlnn.GraphLagrangian([Relative()], [group], 9), solver=PreconditionedGMRES())
    q, v = jnp.arange(9.0), jnp.zeros(9)
    solution = eqx.filter_jit(law.solve)(q, v)
    assert not bool(solution.result == RESULTS.successful)
    assert np.isnan(eqx.filter_jit(law.acceleration)(q, v)).all()
    gradient = eqx.filter_jit(jax.grad(lambda q: jnp.sum(law.acceleration(q, v))))(q)
    assert gradient.shape == (9,)  # whatever it is, it does not raise
    rollout = symlnn.simulate(law, (q, v), duration=1.0)
    assert not bool(rollout.successful)
    assert not bool(rollout.result == RESULTS.successful)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: grid_neighbourhoods((2,)), "at least 3 sites"),
        (lambda: grid_neighbourhoods((9,), "open"), "Unknown boundary 'open'"),
        (lambda: grid_neighbourhoods((9,), "free", 2), "need a periodic boundary"),
        (lambda: graph_neighbourhoods(3, [(0, 3)]), r"\(0, 3\) names a site beyond"),
        (lambda: graph_neighbourhoods(3, [(1, 1)]), "joins a site to itself"),
        (lambda: lagrangian([np.array([[0, 1, 9]])], 5, 1, 3), "numbers from 0 to 5"),
        (lambda: lagrangian([grid_neighbourhoods((9,))], 9, 1, 3)(jnp.ones(8), jnp.ones(8)), "9 sites of 1 fields"),
        (lambda: symlnn.SparseEulerLagrange(lagrangian([grid_neighbourhoods((9,))], 9, 1, 0)), "nothing can move"),
        (
            lambda: symlnn.SparseEulerLagrange(
                lagrangian([grid_neighbourhoods((9,))], 9, 1, 3), solver=BlockDiagonal()
            ),
            "BlockDiagonal does not fit",
        ),
        (
            lambda: symlnn.SparseEulerLagrange(lagrangian([grid_neighbourhoods((8,))], 8, 1, 3), solver=CyclicBanded()),
            "needs more than 8 sites, and there are 8",
        ),
        (
            lambda: symlnn.SparseEulerLagrange(lagrangian([grid_neighbourhoods((9,))], 9, 1, 3), solver=lx.Cholesky()),
            "Cholesky",
        ),
        (lambda: PreconditionedGMRES(tolerance=0.0), "must be positive"),
        (lambda: PreconditionedGMRES(restart=0), "must be positive"),
    ],
)
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
