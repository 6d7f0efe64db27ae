"""The linear solve M a = b of one state, for the few degrees of freedom of a mechanical system."""

import jax.numpy as jnp

from .._types import Coordinates, Matrix


def solve(matrix: Matrix, right_hand_side: Coordinates) -> Coordinates:
    """a with M a = b for a square, possibly indefinite M; infinite or NaN where M is singular.

    One and two degrees of freedom use Cramer's rule, which under `vmap` is arithmetic on whole batches where LAPACK
    would be called once a state: the LU solve then costs several times the Lagrangian itself.
    """
    if matrix.shape[0] == 1:
        return right_hand_side / matrix[0]
    if matrix.shape[0] == 2:
        (a, b), (c, d) = matrix
        x, y = right_hand_side
        return jnp.stack([d * x - b * y, a * y - c * x]) / (a * d - b * c)
    return jnp.linalg.solve(matrix, right_hand_side)
