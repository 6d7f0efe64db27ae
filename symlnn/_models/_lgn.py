"""The Lagrangian Graph Network: one learned density for all sites, and the baseline without a Lagrangian."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._dynamics import (
    AbstractDensity,
    AbstractDynamics,
    DirectAcceleration,
    GraphLagrangian,
    Neighbourhoods,
    SparseEulerLagrange,
    declared_forces,
)
from .._neighbourhoods import Graph
from .._system import System
from .._types import Coordinates, Key, RealScalar, Samples, Scalar, Varying
from ._mlp import MLP, Architecture
from ._scales import Scales

SYMMETRIES = ("translation", "reflection", "permutation")
"""What a density can be built not to feel: φ → φ + constant; the two sides of each axis of a grid exchanged; any
exchange of neighbours, which is what sites of a graph without directions need."""


@dataclass(frozen=True)
class SiteScales:
    """Natural scales of the fields of a site, as `Scales` are those of a system; plain numbers, for each field."""

    q_mean: tuple[float, ...]
    q: tuple[float, ...]
    difference: tuple[float, ...]
    """The root mean square of the difference of a field between neighbours."""
    v: tuple[float, ...]
    a: tuple[float, ...]
    m_mean: tuple[float, ...] = ()
    m: tuple[float, ...] = ()

    @staticmethod
    def of(scales: Scales, graph: Graph) -> "SiteScales":
        """Those of a system whose sites are drawn independently: differences are √2 times as large as values."""

        def over_sites(values: Sequence[float]) -> np.ndarray:
            return np.sqrt(np.mean(np.square(values).reshape(graph.sites, graph.fields), axis=0))

        spread = over_sites(scales.q)
        return SiteScales(
            q_mean=tuple(np.mean(np.reshape(scales.q_mean, (graph.sites, graph.fields)), axis=0).tolist()),
            q=tuple(spread.tolist()),
            difference=tuple((np.sqrt(2) * spread).tolist()),
            v=tuple(over_sites(scales.v).tolist()),
            a=tuple(over_sites(scales.a).tolist()),
            m_mean=scales.m_mean,
            m=scales.m,
        )

    @staticmethod
    def measured(samples: Samples, graph: Graph) -> "SiteScales":
        """Those of samples, whatever the correlations of their sites."""

        def rows(values: Array) -> np.ndarray:
            return np.asarray(values).reshape(-1, graph.sites, graph.fields)

        def rms(values: np.ndarray) -> tuple[float, ...]:
            return tuple(np.sqrt(np.mean(values**2, axis=tuple(range(values.ndim - 1)))).tolist())

        q = rows(samples.states.q)
        pairs = [(row[0], j) for row in graph.neighbourhoods for j in row[1:] if j < graph.sites]
        here, there = np.array(pairs).T
        mean = q.mean(axis=(0, 1))
        m = np.asarray(samples.states.m)
        return SiteScales(
            q_mean=tuple(mean.tolist()),
            q=rms(q - mean),
            difference=rms(q[:, there] - q[:, here]),
            v=rms(rows(samples.states.v)),
            a=rms(rows(samples.a)),
            m_mean=tuple(m.mean(axis=0).tolist()),
            m=tuple(m.std(axis=0).tolist()),
        )

    @property
    def potential_weight(self) -> float:
        """A D/V², the size of the position-dependent part of ℓ beside a kinetic part of order one."""
        return max(a * d / v**2 for a, d, v in zip(self.a, self.difference, self.v, strict=True))


class NeighbourhoodMLP(eqx.Module):
    """A perceptron of one neighbourhood, in natural scales: of the centre's x₀ = (q₀ − mean)/Q, of the differences
    dⱼ = (qⱼ − q₀)/D, of the velocities vⱼ/V of as many members as it is given, of the attributes of the site and its
    edges, and of the varying parameters.

    With `translation` it does not see x₀. With `reflection` it is averaged over the exchanges of both sides of each
    axis. With `permutation` it is N(x₀, v₀, Σⱼ N′(x₀, dⱼ, v₀, vⱼ, edge j)), for any number of neighbours.
    """

    network: MLP
    message: MLP | None
    scales: SiteScales = eqx.field(static=True)
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
        fields = len(scales.q)
        of_site, of_edge = attributes
        centre = len(scales.m) + of_site + (0 if "translation" in symmetries else fields)
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
        if len(varying) != len(scales.m):
            raise ValueError(f"This model has {len(scales.m)} varying parameters m, but was given {len(varying)}.")
        centre = [(mi - mean) / s for mi, mean, s in zip(varying, scales.m_mean, scales.m, strict=True)]
        if "translation" not in self.symmetries:
            centre += list((q[0] - jnp.asarray(scales.q_mean, q.dtype)) / jnp.asarray(scales.q, q.dtype))
        of_site, of_edge = self.attributes
        base = jnp.concatenate([jnp.stack(centre) if centre else jnp.zeros(0, q.dtype), x[:of_site]])
        edges = x[of_site:].reshape(len(q) - 1, of_edge)
        differences = (q[1:] - q[0]) / jnp.asarray(scales.difference, q.dtype)
        velocities = v / jnp.asarray(scales.v, q.dtype)
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


class MLPDensity(AbstractDensity):
    """An arbitrary density in natural scales, as `MLPLagrangian` is an arbitrary Lagrangian:

        ℓ = ½ |v₀/V|² + N₁(q, v) + w N₂(q),    w = A D/V².

    With `moving` 1 it is given the velocity of the centre only, so kinetic energy is on-site; with all members, the
    velocity Hessian couples sites up to two apart, and the equation of motion is solved for every site at once.

    Source: Cranmer et al. 2020 (arXiv:2003.04630), section 3.2; the weight as in `Scales`.
    """

    network: NeighbourhoodMLP
    potential: NeighbourhoodMLP
    moving: int = eqx.field(static=True)
    coupled: bool = eqx.field(static=True)

    def __init__(
        self,
        scales: SiteScales,
        architecture: Architecture,
        *,
        members: int,
        moving: int | None = None,
        attributes: tuple[int, int] = (0, 0),
        symmetries: Sequence[str] = (),
        key: Key,
    ):
        first, second = jax.random.split(key)
        self.moving = members if moving is None else moving
        if self.moving not in (1, members):
            raise ValueError(f"moving must be 1 or all {members} members, but is {moving}.")
        self.coupled = self.moving > 1

        def network(moving: int, key: Key) -> NeighbourhoodMLP:
            return NeighbourhoodMLP(
                scales,
                architecture,
                1,
                members=members,
                moving=moving,
                attributes=attributes,
                symmetries=symmetries,
                key=key,
            )

        self.network, self.potential = network(self.moving, first), network(0, second)

    def __call__(
        self,
        q: Float[Array, "members fields"],
        v: Float[Array, "moving fields"],
        x: Float[Array, " attributes"],
        m: Varying | None,
        t: RealScalar,
    ) -> Scalar:
        """ℓ of one neighbourhood."""
        scales = self.network.scales
        kinetic = 0.5 * jnp.sum((v[0] / jnp.asarray(scales.v, v.dtype)) ** 2)
        potential = scales.potential_weight * self.potential(q, v[:0], x, m)[0]
        return kinetic + self.network(q, v, x, m)[0] + potential


class GraphAcceleration(eqx.Module):
    """aᵢ = A · N(neighbourhood i): accelerations given directly, with the same network at every site."""

    network: NeighbourhoodMLP
    groups: tuple[Neighbourhoods, ...]
    """Those of each number of members, which together hold every site once, as their centre."""
    sites: int = eqx.field(static=True)

    def __call__(
        self, q: Coordinates, v: Coordinates, m: Varying | None, u: Array | None, t: RealScalar
    ) -> Coordinates:
        """The accelerations of one state, (dof,)."""
        position, velocity = q.reshape(self.sites, -1), v.reshape(self.sites, -1)
        total = jnp.zeros_like(position)
        for group in self.groups:
            output = group.map(lambda x, q, v: self.network(q, v, x, m), position, velocity)
            total = total.at[group.sites[:, 0]].set(output)
        return (total * jnp.asarray(self.network.scales.a, q.dtype)).reshape(-1)

    def on(self, sites: int, groups: Sequence[Neighbourhoods]) -> "GraphAcceleration":
        """The same network on other neighbourhoods."""
        return GraphAcceleration(self.network, tuple(groups), sites)


def _graph(system: System, model: str) -> tuple[Graph, tuple[Neighbourhoods, ...], dict[str, Any]]:
    """The graph of a system, its neighbourhoods by their size, and how a network that sees them is built."""
    graph = system.graph
    if graph is None:
        raise ValueError(
            f"The model {model} needs a system with sites and neighbours, which {system.name} is not: take one made "
            "by Field.discretise or Network.system, or the model without a graph."
        )
    if system.time is not None or system.u:
        raise ValueError(f"The model {model} takes neither explicit time nor control inputs, which {system.name} has.")
    groups = tuple(Neighbourhoods(rows, attributes) for rows, attributes in graph.groups())
    return (
        graph,
        groups,
        {
            "members": groups[-1].sites.shape[1],
            "attributes": graph.attribute_sizes,
            "symmetries": () if graph.ordered else ("permutation",),
        },
    )


def lgn(system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
    """Lagrangian graph network.

    One density for all sites, with the declared forces.
    """
    graph, groups, build = _graph(system, "lgn")
    density = MLPDensity(SiteScales.of(scales, graph), architecture, **build, key=key)
    lagrangian = GraphLagrangian([density], groups, graph.sites, graph.fields)
    return SparseEulerLagrange(lagrangian, declared_forces(system))


def gnn(system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
    """Baseline graph network.

    The accelerations of a site from its neighbourhood, with the same network at every site.
    """
    graph, groups, build = _graph(system, "gnn")
    site_scales = SiteScales.of(scales, graph)
    network = NeighbourhoodMLP(site_scales, architecture, graph.fields, moving=build["members"], **build, key=key)
    return DirectAcceleration(GraphAcceleration(network, groups, graph.sites))
