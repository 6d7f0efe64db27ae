"""The paper's coloured products: five give the Hessian of a ring whose number of sites 5 divides, and no other."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symlnn
from benchmarks.coloured import coloured_band, colouring

ONES = (1.0,)


def ring(sites: int) -> symlnn.GraphLagrangian:
    scales = symlnn.SiteScales(q_mean=(0.0,), q=ONES, difference=ONES, v=ONES, a=ONES)
    density = symlnn.MLPDensity(scales, symlnn.Architecture(8, 2), members=3, key=jax.random.key(0))
    return symlnn.GraphLagrangian([density], [symlnn.Neighbourhoods(symlnn.grid_neighbourhoods((sites,)))], sites)


def hessian_by_colours(sites: int, colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The Hessian from coloured products, and by `jax.hessian`."""
    lagrangian = ring(sites)
    q, v = jax.random.normal(jax.random.key(1), (2, sites))
    band = np.asarray(jax.jit(lambda q, v: coloured_band(lagrangian, q, v, colours, 2))(q, v))
    full = np.zeros((sites, sites))
    for i in range(sites):
        full[i, (i + np.arange(-2, 3)) % sites] = band[i]
    return full, np.asarray(jax.jit(jax.hessian(lagrangian, 1))(q, v))


@pytest.mark.parametrize("sites", [10, 15])
def test_five_products_where_five_divides_the_ring(sites: int) -> None:
    assert np.array_equal(colouring(sites, 2), np.arange(sites) % 5)
    np.testing.assert_allclose(*hessian_by_colours(sites, np.arange(sites) % 5), rtol=1e-9, atol=1e-12)


def test_five_products_mix_columns_on_other_rings() -> None:
    """With 12 sites, sites 10 and 0 have one colour and are two apart: row 11 gets the sum of two of its entries."""
    full, exact = hessian_by_colours(12, np.arange(12) % 5)
    assert np.abs(full - exact).max() > 0.01 * np.abs(exact).max()
    mixed = exact[11, 10] + exact[11, 0]
    np.testing.assert_allclose([full[11, 10], full[11, 0]], mixed, rtol=1e-9)


@pytest.mark.parametrize("sites", [11, 12, 13])
def test_more_colours_do(sites: int) -> None:
    colours = colouring(sites, 2)
    assert 5 < colours.max() + 1 <= 9
    np.testing.assert_allclose(*hessian_by_colours(sites, colours), rtol=1e-9, atol=1e-12)


def test_the_assembled_matrix_is_the_hessian() -> None:
    law = symlnn.SparseEulerLagrange(ring(12))
    q, v = jax.random.normal(jax.random.key(1), (2, 12))
    matrix, _ = eqx.filter_jit(law.equation)(q, v)
    assembled = matrix.as_matrix()
    np.testing.assert_allclose(assembled, jax.jit(jax.hessian(law.lagrangian, 1))(q, v), rtol=1e-9, atol=1e-12)
    assert jnp.allclose(matrix.mv(v), assembled @ v)
