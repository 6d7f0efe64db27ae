"""Direct solution of block-tridiagonal and of cyclic banded systems, in a time linear in their size."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._elimination import block_solve


def solve_block_tridiagonal(
    lower: Float[Array, "n s s"],
    diagonal: Float[Array, "n s s"],
    upper: Float[Array, "n s s"],
    values: Float[Array, "n s c"],
) -> Float[Array, "n s c"]:
    """X with lowerᵢ Xᵢ₋₁ + diagonalᵢ Xᵢ + upperᵢ Xᵢ₊₁ = valuesᵢ; lower₀ and upperₙ₋₁ are not used.

    Cyclic reduction: the odd rows are solved for their neighbours, which leaves a system of half the size for the even
    ones. All rows of a level are treated at once, where Gaussian elimination goes through them one by one.

    Source: Golub & Van Loan, Matrix Computations, 4th ed., section 4.5.
    """
    count, size = diagonal.shape[0], diagonal.shape[-1]
    if count == 1:
        return block_solve(diagonal, values)
    odd_rows = jnp.concatenate([lower[1::2], upper[1::2], values[1::2]], axis=-1)
    solved = block_solve(diagonal[1::2], odd_rows)
    left, right, own = solved[..., :size], solved[..., size : 2 * size], solved[..., 2 * size :]
    evens, odds = (count + 1) // 2, count // 2

    def before(x: Array) -> Array:
        """Of the odd row before each even one, zero before the first."""
        return jnp.concatenate([jnp.zeros_like(x[:1]), x])[:evens]

    def after(x: Array) -> Array:
        """Of the odd row after each even one, zero where there is none."""
        return jnp.concatenate([x, jnp.zeros_like(x[:1])])[:evens]

    low, up = lower[::2], upper[::2]
    even = solve_block_tridiagonal(
        -low @ before(left),
        diagonal[::2] - low @ before(right) - up @ after(left),
        -up @ after(right),
        values[::2] - low @ before(own) - up @ after(own),
    )
    following = jnp.concatenate([even[1:], jnp.zeros_like(even[:1])])[:odds]
    odd = own - left @ even[:odds] - right @ following
    return jnp.zeros_like(values).at[::2].set(even).at[1::2].set(odd)


def solve_cyclic_banded(band: Float[Array, "n diagonals f f"], values: Float[Array, "n f"]) -> Float[Array, "n f"]:
    """X with Σ_d band[i, d + w] X[i + d] = values[i], d = −w … w, with indices taken around the ring of n.

    The last rows, at least w of them, are a border: without it the ring is open, and its rows in groups of w are block
    tridiagonal. The border follows from its Schur complement.
    """
    count, diagonals, fields, _ = band.shape
    width = (diagonals - 1) // 2
    border = width + (count - width) % width
    inner = count - border
    groups, size = inner // width, width * fields

    # M[i, j] for i and j in the same, the previous or the next group; and between the border and all others
    place = jnp.arange(width)
    column = place[None, :, None] + width * jnp.array([-1, 0, 1])[:, None, None]  # from the start of the row's group
    offset = column - place[None, None, :] + width
    allowed = (offset >= 0) & (offset < diagonals)
    rows = band[:inner].reshape(groups, width, diagonals, fields, fields)
    picked = rows[:, place[None, None, :], jnp.clip(offset, 0, diagonals - 1)]  # (groups, 3, column, row, f, f)
    blocks = jnp.where(allowed[None, ..., None, None], picked, 0).transpose(1, 0, 3, 4, 2, 5)
    lower, diagonal, upper = blocks.reshape(3, groups, size, size)

    columns = _columns(band, jnp.arange(inner), border)
    right_hand_side = jnp.concatenate([values[:inner, :, None], columns], axis=-1)
    solved = solve_block_tridiagonal(lower, diagonal, upper, right_hand_side.reshape(groups, size, -1))
    solved = solved.reshape(inner, fields, -1)
    own, response = solved[..., 0], solved[..., 1:]

    corner = _columns(band, jnp.arange(inner, count), border).reshape(border * fields, border * fields)
    coupling = columns.transpose(2, 0, 1)  # by symmetry: (border · fields, inner, fields)
    schur = corner - jnp.einsum("bif,ifc->bc", coupling, response)
    rest = values[inner:].reshape(-1) - jnp.einsum("bif,if->b", coupling, own)
    edge = block_solve(schur, rest[:, None])[:, 0]
    return jnp.concatenate([own - response @ edge, edge.reshape(border, fields)])


def _columns(band: Array, rows: Array, border: int) -> Array:
    """M[rows, the last `border` columns], (rows, fields, border · fields)."""
    count, diagonals, fields, _ = band.shape
    width = (diagonals - 1) // 2
    targets = jnp.arange(count - border, count)
    offset = (targets[None, :] - rows[:, None] + width) % count
    picked = band[rows[:, None], jnp.clip(offset, 0, diagonals - 1)]
    picked = jnp.where((offset < diagonals)[..., None, None], picked, 0)
    return picked.transpose(0, 2, 1, 3).reshape(len(rows), fields, border * fields)
