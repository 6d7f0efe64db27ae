"""The cost of a Lagrangian Graph Network on a ring, from a hundred sites to a hundred thousand.

The density is a perceptron of 2 × 32 units that sees the velocities of all three sites, so accelerations are coupled
along the ring. Beside `SparseEulerLagrange` stand the formula of the paper's appendix A, with the dense Hessian and its
pseudo-inverse, as far as it goes, and the coloured products that the paper describes, with our banded solve. The
gradient is that of a loss in all parameters. `exponent` is the larger of the two slopes of log time over log n.
"""

import resource
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

import symlnn

from ._timing import medians
from .coloured import coloured_band, colouring
from .euler_lagrange import appendix

SITES = (100, 1_000, 10_000, 100_000)
_DENSE_UP_TO = 1_000
_WIDTH = 2


def _law(sites: int) -> symlnn.SparseEulerLagrange:
    ones = (1.0,)
    scales = symlnn.SiteScales(q_mean=(0.0,), q=ones, difference=ones, v=ones, a=ones)
    density = symlnn.MLPDensity(scales, symlnn.Architecture(width=32, depth=2), members=3, key=jax.random.key(0))
    group = symlnn.Neighbourhoods(symlnn.grid_neighbourhoods((sites,)))
    return symlnn.SparseEulerLagrange(symlnn.GraphLagrangian([density], [group], sites))


def _acceleration(law: symlnn.SparseEulerLagrange, q: Array, v: Array) -> Array:
    return law.acceleration(q, v)


def _loss(law: symlnn.SparseEulerLagrange, q: Array, v: Array) -> Array:
    return jnp.mean(law.acceleration(q, v) ** 2)


def _dense(law: symlnn.SparseEulerLagrange, q: Array, v: Array) -> Array:
    return appendix(law.lagrangian, q, v)


def _coloured(colours: np.ndarray) -> Callable[..., Array]:
    def accelerations(law: symlnn.SparseEulerLagrange, q: Array, v: Array) -> Array:
        band = coloured_band(law.lagrangian, q, v, colours, _WIDTH)
        force = jax.grad(law.lagrangian)(q, v)
        momenta = jax.grad(law.lagrangian, argnums=1)
        change = jax.jvp(lambda q: momenta(q, v), (q,), (v,))[1]
        return symlnn.solve_cyclic_banded(band[..., None, None], (force - change)[:, None])[:, 0]

    return eqx.filter_jit(accelerations)


def run() -> dict[str, Any]:
    """A row for each number of sites, in float64, the largest first so that its memory is its own."""
    with jax.enable_x64(True):
        rows = [_row(sites) for sites in sorted(SITES, reverse=True)][::-1]
    slopes = {
        f"{what}_exponent": float(
            np.polyfit(np.log([r["n"] for r in rows]), np.log([r[f"{what}_seconds"] for r in rows]), 1)[0]
        )
        for what in ("acceleration", "gradient")
    }
    return {"rows": rows, "exponent": max(slopes.values()), **slopes}


def _row(sites: int) -> dict[str, Any]:
    law = _law(sites)
    q, v = jax.random.normal(jax.random.key(1), (2, sites))
    functions = {"acceleration": eqx.filter_jit(_acceleration), "gradient": eqx.filter_jit(eqx.filter_grad(_loss))}
    seconds = medians(functions, (law, q, v), rounds=5)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # of the process up to here
    others = {"coloured": _coloured(colouring(sites, _WIDTH))}
    if sites <= _DENSE_UP_TO:
        others["dense"] = eqx.filter_jit(_dense)
    seconds |= medians(others, (law, q, v), rounds=3)
    ours = functions["acceleration"](law, q, v)
    reference = others.get("dense", others["coloured"])(law, q, v)
    return {
        "n": sites,
        "acceleration_seconds": seconds["acceleration"],
        "gradient_seconds": seconds["gradient"],
        "coloured_seconds": seconds["coloured"],
        "dense_seconds": seconds.get("dense"),
        "dense_ratio": seconds["dense"] / seconds["acceleration"] if "dense" in seconds else None,
        "difference": float(jnp.linalg.norm(ours - reference) / jnp.linalg.norm(reference)),
        "peak_gib": peak,
    }
