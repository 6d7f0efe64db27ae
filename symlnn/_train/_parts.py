"""A batch by parts, where all of it at once would not fit the memory."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_WHOLE, _PART = 2**22, 2**17
"""Numbers in the mass matrices of a batch: up to the first it is evaluated at once, else in parts of the second."""


def by_parts(function: Callable[[Any], Float[Array, "batch rows"]], batch: Any) -> Float[Array, "batch rows"]:
    """f(batch), of which row i depends on batch[i] alone.

    A large batch goes by parts, and nothing of a part is kept to differentiate it: it is evaluated again.
    """
    leaves = [x for x in jax.tree.leaves(batch) if jnp.ndim(x) > 0]
    count, numbers = len(leaves[0]), sum(x.size for x in leaves)
    if numbers**2 <= _WHOLE * count:  # no more rows than an observation has numbers: nothing need be traced to see that
        return function(batch)
    count, rows = jax.eval_shape(function, batch).shape
    if count * rows**2 <= _WHOLE:
        return function(batch)
    one = jax.checkpoint(lambda i: function(batch[i[None]])[0])  # pyright: ignore[reportPrivateImportUsage]
    return map_by_parts(one, count, rows**2)


def map_by_parts(one: Callable[[Array], Any], count: int, numbers: int) -> Any:
    """one(i) for i = 0 … count − 1, a part at a time; each is said to keep so many numbers on the way."""
    part = min(count, max(1, _PART // numbers))
    # no part is smaller than the others: of two loops the second could wait for the threads of the first for ever
    indices = jnp.arange(-(-count // part) * part) % count
    return jax.tree.map(lambda x: x[:count], jax.lax.map(one, indices, batch_size=part))
