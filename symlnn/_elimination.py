"""Many linear equations of few unknowns each."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

WRITTEN_OUT = 3
"""Unknowns up to which the elimination is arithmetic on single entries."""
_BY_ROWS = 32
"""Unknowns up to which it is arithmetic on rows; LAPACK beyond."""


class Factors(NamedTuple):
    """P A = L U of many matrices, with partial pivoting; infinite or NaN where one is singular.

    Up to 32 unknowns by arithmetic on the rows of all matrices at once, and not by LAPACK: two of its calls on a batch
    that XLA makes at the same time, those of two `jnp.linalg.solve` of 10,000 matrices of six rows say, wait for each
    other's threads for ever on a CPU of two cores (jaxlib 0.10).
    """

    lu: Float[Array, "*n s s"]
    """L below the diagonal, which is of ones, and U."""
    order: Int[Array, "*n s"]
    """The rows of A, in the order of L U."""

    @staticmethod
    def of(matrices: Float[Array, "*n s s"]) -> "Factors":
        """Those of matrices."""
        size = matrices.shape[-1]
        if size > _BY_ROWS:
            lu, _, order = jax.lax.linalg.lu(matrices)
            return Factors(lu, order)
        places = jnp.arange(size)
        lu, order = matrices, jnp.broadcast_to(places, matrices.shape[:-1])
        for k in range(size):
            pivot = k + jnp.argmax(jnp.abs(lu[..., k:, k]), axis=-1)
            chosen = places == pivot[..., None]
            row = jnp.sum(jnp.where(chosen[..., None], lu, 0), axis=-2)
            lu = jnp.where(chosen[..., None], lu[..., k, None, :], lu).at[..., k, :].set(row)
            number = jnp.sum(jnp.where(chosen, order, 0), axis=-1)
            order = jnp.where(chosen, order[..., k, None], order).at[..., k].set(number)
            shares = lu[..., k + 1 :, k] / row[..., k, None]
            lu = lu.at[..., k + 1 :, k].set(shares)
            lu = lu.at[..., k + 1 :, k + 1 :].add(-shares[..., None] * row[..., None, k + 1 :])
        return Factors(lu, order)

    def solve(self, values: Float[Array, "*n s c"], *, transposed: bool = False) -> Float[Array, "*n s c"]:
        """X with A X = B, or Aᵀ X = B."""
        lu, size = self.lu, self.lu.shape[-1]
        if transposed:
            found = _substituted(jnp.swapaxes(lu, -2, -1), values, lower=True, unit=False)
            found = _substituted(jnp.swapaxes(lu, -2, -1), found, lower=False, unit=True)
            back = jnp.argmax(self.order[..., None, :] == jnp.arange(size)[:, None], axis=-1)
            return jnp.take_along_axis(found, back[..., None], axis=-2)
        ordered = jnp.take_along_axis(values, self.order[..., None], axis=-2)
        return _substituted(lu, _substituted(lu, ordered, lower=True, unit=True), lower=False, unit=False)


def _substituted(
    triangle: Float[Array, "*n s s"], values: Float[Array, "*n s c"], *, lower: bool, unit: bool
) -> Float[Array, "*n s c"]:
    """X with T X = B, where T is the triangle below or above the diagonal, which is of ones where `unit` says so."""
    size = triangle.shape[-1]
    if size > _BY_ROWS:
        return jax.lax.linalg.triangular_solve(triangle, values, left_side=True, lower=lower, unit_diagonal=unit)
    for k in range(size) if lower else reversed(range(size)):
        if not unit:
            values = values.at[..., k, :].divide(triangle[..., k, k, None])
        left = slice(k + 1, size) if lower else slice(0, k)
        values = values.at[..., left, :].add(-triangle[..., left, k, None] * values[..., k, None, :])
    return values


def block_solve(matrices: Float[Array, "*n s s"], values: Float[Array, "*n s c"]) -> Float[Array, "*n s c"]:
    """X with A X = B for many small matrices A; infinite or NaN where A is singular.

    Gaussian elimination with partial pivoting. Up to three rows it is arithmetic on whole batches, where LAPACK is
    called once a matrix, which costs several times a Lagrangian.
    """
    size = matrices.shape[-1]
    if size > WRITTEN_OUT:
        factors = Factors.of(jax.lax.stop_gradient(matrices))
        return jax.lax.custom_linear_solve(
            lambda x: matrices @ x,
            values,
            lambda _, b: factors.solve(b),
            lambda _, b: factors.solve(b, transposed=True),
        )
    augmented = jnp.concatenate([matrices, values], axis=-1)
    rows = [augmented[..., i, :] for i in range(size)]
    for k in range(size):
        for i in range(k + 1, size):
            larger = jnp.abs(rows[i][..., k, None]) > jnp.abs(rows[k][..., k, None])
            rows[k], rows[i] = jnp.where(larger, rows[i], rows[k]), jnp.where(larger, rows[k], rows[i])
        for i in range(k + 1, size):
            rows[i] = rows[i] - rows[i][..., k, None] / rows[k][..., k, None] * rows[k]
    found: list[Array] = []
    for i in reversed(range(size)):
        known = sum(rows[i][..., j, None] * x for j, x in zip(range(size - 1, i, -1), found, strict=True))
        found.append((rows[i][..., size:] - known) / rows[i][..., i, None])
    return jnp.stack(found[::-1], axis=-2)
