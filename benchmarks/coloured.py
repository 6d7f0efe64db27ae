"""The velocity Hessian of a ring by coloured products, as the paper describes it.

Where ∂²L/∂vᵢ∂vⱼ vanishes for sites more than w apart, one product H d with d = 1 at every site of a colour gives a
column for each of them, provided that no two sites of a colour are within 2 w of one another: then no row mixes two
columns. With w = 2 five colours do that on a ring whose number of sites 5 divides, and on no other.

Source: Cranmer et al. 2020 (arXiv:2003.04630), section 3.2 and appendix B.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import symlnn


def colouring(sites: int, width: int) -> np.ndarray:
    """Colours of the sites of a ring, in order the least that no site up to 2 width away has: (sites,)."""
    colours = np.full(sites, -1)
    for i in range(sites):
        near = {colours[(i + d) % sites] for d in range(-2 * width, 2 * width + 1) if d}
        colours[i] = next(colour for colour in range(sites) if colour not in near)
    return colours


def coloured_band(
    lagrangian: symlnn.AbstractLagrangian,
    q: Float[Array, " sites"],
    v: Float[Array, " sites"],
    colours: np.ndarray,
    width: int,
) -> Float[Array, "sites diagonals"]:
    """H[i, i + d − width] for d = 0 … 2 width, from one forward-over-reverse product for each colour."""
    directions = jnp.asarray(colours[None, :] == np.arange(colours.max() + 1)[:, None], q.dtype)
    momenta = jax.grad(lambda velocity: lagrangian(q, velocity))
    products = jax.vmap(lambda d: jax.jvp(momenta, (v,), (d,))[1])(directions)
    rows = np.arange(len(colours))[:, None]
    columns = (rows + np.arange(-width, width + 1)) % len(colours)
    return products[colours[columns], rows]
