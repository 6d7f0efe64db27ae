"""Many small linear equations: against LAPACK, their derivatives too, and without its deadlock."""

import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from symlnn._elimination import Factors, block_solve

SIZES = [1, 2, 3, 4, 9, pytest.param(32, marks=pytest.mark.slow), 33]


def equations(size: int) -> tuple[jax.Array, jax.Array]:
    """Of random matrices, in which pivots are needed: a permuted diagonal of ones is made small."""
    keys = jax.random.split(jax.random.key(size), 2)
    matrices = jax.random.normal(keys[0], (7, size, size))
    matrices = matrices.at[:, 0, 0].set(1e-14 if size > 1 else 1.0)
    return matrices, jax.random.normal(keys[1], (7, size, 2))


@pytest.mark.parametrize("size", SIZES)
def test_solutions_and_derivatives_are_those_of_lapack(size: int) -> None:
    matrices, values = equations(size)
    precision = 1e-13 * float(np.linalg.cond(matrices).max())

    @jax.jit
    def solved(matrices: jax.Array, values: jax.Array) -> Any:
        """A⁻¹b, A⁻ᵀb, and the gradients of a function of A⁻¹b."""

        def function(a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
            solution = block_solve(a, b)
            return jnp.sum(jnp.sin(solution)), solution

        gradients, solution = jax.grad(function, (0, 1), has_aux=True)(matrices, values)
        return solution, Factors.of(matrices).solve(values, transposed=True), *gradients

    exact = np.linalg.solve(matrices, values)
    transposed = np.linalg.solve(np.swapaxes(matrices, 1, 2), [np.asarray(values), np.cos(exact)])
    solution, of_transposed, *gradients = solved(matrices, values)
    np.testing.assert_allclose(solution, exact, rtol=precision)
    np.testing.assert_allclose(of_transposed, transposed[0], rtol=precision, atol=1e-13)
    expected = -transposed[1] @ np.swapaxes(exact, 1, 2), transposed[1]
    for ours, theirs in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=precision * np.abs(theirs).max())


@pytest.mark.parametrize("size", [2, 4, 33])
def test_a_singular_matrix_gives_no_number(size: int) -> None:
    found = block_solve(jnp.zeros((1, size, size)), jnp.ones((1, size, 1)))
    assert not np.isfinite(found).any()


TWO_AT_ONCE = """
import jax, jax.numpy as jnp
from symlnn._elimination import block_solve
a, b = jax.random.normal(jax.random.key(0), (2, 10_000, 6, 6))
c, d = jax.random.normal(jax.random.key(1), (2, 10_000, 6, 1))
both = jax.jit(lambda a, b, c, d: block_solve(a, c) + block_solve(b, d))
for _ in range(100):
    jax.block_until_ready(both(a, b, c, d))
"""


def test_two_solves_of_many_equations_end() -> None:
    """Which two `jnp.linalg.solve` in one program do not, after some tries, on two cores."""
    subprocess.run([sys.executable, "-c", TWO_AT_ONCE], check=True, timeout=120)
