"""A large batch that goes by parts: the same values and the same derivatives."""

import jax
import jax.numpy as jnp
import numpy as np

from symlnn._train._parts import by_parts


def test_a_batch_by_parts_is_the_batch() -> None:
    """53 observations of 300 rows go by one at a time, and 5,000 of 30 by 145, which divides neither number."""
    for count, rows in ((53, 300), (5000, 30)):
        batch = jnp.linspace(0.0, 1.0, count * rows).reshape(count, rows)

        def loss(theta: jax.Array, batch: jax.Array = batch) -> jax.Array:
            return jnp.sum(by_parts(lambda part: jnp.sin(theta * part), batch) ** 2)

        def whole(theta: jax.Array, batch: jax.Array = batch) -> jax.Array:
            return jnp.sum(jnp.sin(theta * batch) ** 2)

        for found, expected in zip(jax.value_and_grad(loss)(1.5), jax.value_and_grad(whole)(1.5), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)  # sums in another order
