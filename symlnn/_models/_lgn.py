"""The Lagrangian Graph Network: one learned density for all sites, and the baseline without a Lagrangian."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._dynamics import (
    AbstractDensity,
    AbstractDynamics,
    DirectAcceleration,
    Forces,
    GraphLagrangian,
    Neighbourhoods,
    SparseEulerLagrange,
)
from .._neighbourhoods import Graph, widened
from .._system import System
from .._types import Coordinates, Key, RealScalar, Scalar, Varying
from ._mlp import Architecture
from ._model import declared_forces, require_free
from ._neighbourhood_mlp import NeighbourhoodMLP
from ._scales import Scales
from ._site_scales import SiteScales


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
        kinetic = 0.5 * jnp.sum((v[0] / scales.v.astype(v.dtype)) ** 2)
        potential = scales.potential_weight * self.potential(q, v[:0], x, m)[0]
        return kinetic + self.network(q, v, x, m)[0] + potential


class GraphAcceleration(eqx.Module):
    """aᵢ = A · N(neighbourhood i): accelerations given directly, with the same network at every site."""

    network: NeighbourhoodMLP
    groups: tuple[Neighbourhoods, ...]
    """Those of each number of members, which together hold every site once as their centre, and places at rest."""
    sites: int = eqx.field(static=True)

    def __call__(
        self, q: Coordinates, v: Coordinates, m: Varying | None, u: Array | None, t: RealScalar
    ) -> Coordinates:
        """The accelerations of one state, (dof,)."""
        position, velocity = q.reshape(self.sites, -1), v.reshape(self.sites, -1)
        total = jnp.zeros_like(position)
        for group in self.groups:
            output = group.map(lambda x, q, v: self.network(q, v, x, m), position, velocity)
            total = total.at[group.sites[:, 0]].set(output, mode="drop")
        return (total * self.network.scales.a.astype(q.dtype)).reshape(-1)

    def on(self, graph: Graph) -> "GraphAcceleration":
        """The same network on another graph."""
        return GraphAcceleration(self.network, Neighbourhoods.of(graph), graph.sites)


def lagrangian_network(
    graph: Graph,
    scales: SiteScales,
    architecture: Architecture,
    *,
    symmetries: Sequence[str] | None = None,
    forces: Forces | None = None,
    key: Key,
) -> SparseEulerLagrange:
    """The law of one `MLPDensity` for all neighbourhoods of a graph, with these forces.

    `symmetries` are what the density does not feel; by default permutations, where neighbours have no order.
    """
    density = MLPDensity(scales, architecture, **_seen(graph, symmetries), key=key)
    lagrangian = GraphLagrangian([density], Neighbourhoods.of(graph), graph.sites, graph.fields)
    return SparseEulerLagrange(lagrangian, forces)


def acceleration_network(
    graph: Graph,
    scales: SiteScales,
    architecture: Architecture,
    *,
    symmetries: Sequence[str] | None = None,
    key: Key,
) -> DirectAcceleration:
    """The accelerations of every site by one network of its neighbourhood, with the symmetries of a density."""
    seen = _seen(graph, symmetries)
    network = NeighbourhoodMLP(scales, architecture, graph.fields, moving=seen["members"], **seen, key=key)
    return DirectAcceleration(GraphAcceleration(network, Neighbourhoods.of(graph), graph.sites))


def _seen(graph: Graph, symmetries: Sequence[str] | None) -> dict[str, Any]:
    """What a network sees of a neighbourhood."""
    own = () if graph.ordered else ("permutation",)
    return {
        "members": max(map(len, graph.neighbourhoods)),
        "attributes": graph.attribute_sizes,
        "symmetries": own if symmetries is None else symmetries,
    }


def _graph(system: System, model: str) -> Graph:
    graph = system.graph
    if graph is None:
        raise ValueError(
            f"The model {model} needs a system with sites and neighbours, which {system.name} is not: take one made "
            "by Field.discretise or Network.system, or the model without a graph."
        )
    if system.time is not None or system.u:
        raise ValueError(f"The model {model} takes neither explicit time nor control inputs, which {system.name} has.")
    return graph


def lgn(system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
    """Lagrangian graph network.

    One density for all sites, with the declared forces.
    """
    require_free(system, "lgn")
    graph = _graph(system, "lgn")
    site_scales = SiteScales.of(scales, graph)
    return lagrangian_network(graph, site_scales, architecture, forces=declared_forces(system), key=key)


def gnn(system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
    """Baseline graph network.

    The accelerations of a site from its neighbourhood, with the same network at every site.
    """
    graph = _graph(system, "gnn")
    if graph.ordered:
        # an acceleration depends on more than the density of a site: on those of all neighbourhoods that it is in
        graph = widened(graph, _acting(system, graph))
    return acceleration_network(graph, SiteScales.of(scales, graph), architecture, key=key)


def _acting(system: System, graph: Graph) -> list[set[int]]:
    """For each site the sites whose coordinates or velocities stand in its equation of motion."""
    place = {symbol: i // graph.fields for symbols in (system.q, system.v) for i, symbol in enumerate(symbols)}
    rows = system.generalized_forces - system.law.unsimplified.bias
    seen = [{place[s] for s in row.free_symbols if s in place} for row in rows]
    return [set().union(*seen[i : i + graph.fields]) for i in range(0, len(seen), graph.fields)]
