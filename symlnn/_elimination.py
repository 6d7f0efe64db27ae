"""Many linear equations of few unknowns each."""

import jax.numpy as jnp
from jaxtyping import Array, Float

WRITTEN_OUT = 3
"""Unknowns up to which the elimination is written out: from four, LAPACK takes less time to compile, and from six, to
run."""


def block_solve(matrices: Float[Array, "*n s s"], values: Float[Array, "*n s c"]) -> Float[Array, "*n s c"]:
    """X with A X = B for many small matrices A; infinite or NaN where A is singular.

    Gaussian elimination with partial pivoting. Up to three rows it is arithmetic on whole batches, where LAPACK is
    called once a matrix, which costs several times a Lagrangian.
    """
    size = matrices.shape[-1]
    if size > WRITTEN_OUT:
        return jnp.linalg.solve(matrices, values)
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
