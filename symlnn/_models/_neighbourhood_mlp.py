"""A multilayer perceptron of one neighbourhood of sites, with exact symmetries where they are asked for."""

import itertools
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._types import Key, Varying
from ._mlp import MLP, Architecture
from ._site_scales import SiteScales

SYMMETRIES = ("translation", "reflection", "permutation")
"""What a density can be built not to feel: φ → φ + constant; the two sides of each axis of a grid exchanged; any
exchange of neighbours, which is what sites of a graph without directions need."""


class NeighbourhoodMLP(eqx.Module):
    """A perceptron of one neighbourhood, in natural scales: of the centre's x₀ = (q₀ − mean)/Q, of the differences
    dⱼ = (qⱼ − q₀)/D, of the velocities vⱼ/V of as many members as it is given, of the attributes of the site and its
    edges, and of the varying parameters.

    With `translation` it does not see x₀. With `reflection` it is averaged over the exchanges of both sides of each
    axis. With `permutation` it is N(x₀, v₀, Σⱼ N′(x₀, dⱼ, v₀, vⱼ, edge j)), for any number of neighbours.
    """

    network: MLP
    message: MLP | None
    scales: SiteScales
    symmetries: tuple[str, ...] = eqx.field(static=True)
    attributes: tuple[int, int] = eqx.field(static=True)
    """How many a site and an edge have."""

    def __init__(
        self,
        scales: SiteScales,
        architecture: Architecture,
        out_size: int,
        *,
        members: int,
        moving: int,
        attributes: tuple[int, int] = (0, 0),
        symmetries: Sequence[str] = (),
        key: Key,
    ):
        unknown = set(symmetries) - set(SYMMETRIES)
        if unknown:
            raise ValueError(f"Unknown symmetry {unknown.pop()!r}; choose of {', '.join(SYMMETRIES)}.")
        if "reflection" in symmetries and members % 2 == 0:
            raise ValueError("A reflection needs neighbourhoods of a grid: a centre, then both sides of each axis.")
        fields = scales.q.shape[0]
        of_site, of_edge = attributes
        centre = scales.m.shape[0] + of_site + (0 if "translation" in symmetries else fields)
        first, second = jax.random.split(key)
        self.scales, self.symmetries, self.attributes = scales, tuple(symmetries), attributes
        if "permutation" in symmetries:
            own, others = min(moving, 1), moving - min(moving, 1)
            base = centre + own * fields
            width = architecture.width
            self.message = MLP(base + fields * (2 if others else 1) + of_edge, width, architecture, key=second)
            self.network = MLP(base + width, out_size, architecture, key=first)
        else:
            self.message = None
            size = centre + fields * (members - 1 + moving) + of_edge * (members - 1)
            self.network = MLP(size, out_size, architecture, key=first)

    def __call__(
        self,
        q: Float[Array, "members fields"],
        v: Float[Array, "moving fields"],
        x: Float[Array, " attributes"],
        m: Varying | None,
    ) -> Float[Array, " out"]:
        """The output at one neighbourhood."""
        scales = self.scales
        varying = () if m is None else tuple(m)
        expected = scales.m.shape[0]
        if len(varying) != expected:
            raise ValueError(f"This model has {expected} varying parameters m, but was given {len(varying)}.")
        centre = [(mi - mean) / s for mi, mean, s in zip(varying, scales.m_mean, scales.m, strict=True)]
        if "translation" not in self.symmetries:
            centre += list((q[0] - scales.q_mean.astype(q.dtype)) / scales.q.astype(q.dtype))
        of_site, of_edge = self.attributes
        base = jnp.concatenate([jnp.stack(centre) if centre else jnp.zeros(0, q.dtype), x[:of_site]])
        edges = x[of_site:].reshape(len(q) - 1, of_edge)
        differences = (q[1:] - q[0]) / scales.difference.astype(q.dtype)
        velocities = v / scales.v.astype(q.dtype)
        if self.message is not None:
            return self._permuted(self.message, base, jnp.concatenate([differences, edges], axis=1), velocities)
        if "reflection" not in self.symmetries:
            return self._ordered(base, differences, velocities, edges)
        images = [self._ordered(base, differences[i], velocities[j], edges[i]) for i, j in _reflections(len(q), len(v))]
        return sum(images, start=jnp.zeros_like(images[0])) / len(images)

    def _ordered(self, base: Array, *parts: Array) -> Array:
        return self.network(jnp.concatenate([base, *(part.reshape(-1) for part in parts)]))

    def _permuted(self, message: MLP, base: Array, differences: Array, velocities: Array) -> Array:
        base = jnp.concatenate([base, velocities[:1].reshape(-1)])
        others = velocities[1:] if len(velocities) > 1 else jnp.zeros((len(differences), 0), base.dtype)
        messages = jax.vmap(lambda d, y: message(jnp.concatenate([base, d, y])))(differences, others)
        return self.network(jnp.concatenate([base, jnp.sum(messages, axis=0)]))


def _reflections(members: int, moving: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each combination of mirrored axes the new order of differences and of velocities."""
    orders = []
    for mirrored in itertools.product((False, True), repeat=(members - 1) // 2):
        order = np.arange(members)
        for axis, swap in enumerate(mirrored):
            if swap:
                order[[1 + 2 * axis, 2 + 2 * axis]] = order[[2 + 2 * axis, 1 + 2 * axis]]
        orders.append((order[1:] - 1, order[:moving] if moving > 1 else np.arange(moving)))
    return orders
