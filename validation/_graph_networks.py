"""The two networks of graphs that studies compare, untrained, and on other neighbourhoods than they were trained on."""

from collections.abc import Sequence

import jax

from symlnn import (
    AbstractDynamics,
    Architecture,
    DirectAcceleration,
    GraphLagrangian,
    MLPDensity,
    Neighbourhoods,
    SiteScales,
    SparseEulerLagrange,
)
from symlnn._models import GraphAcceleration, NeighbourhoodMLP


def untrained(
    direct: bool,
    scales: SiteScales,
    architecture: Architecture,
    sites: int,
    groups: Sequence[Neighbourhoods],
    *,
    symmetries: Sequence[str],
    attributes: tuple[int, int] = (0, 0),
    key: jax.Array,
) -> AbstractDynamics:
    """A network of the accelerations of a site, where `direct`, or of a density, of neighbourhoods of three."""
    if direct:
        network = NeighbourhoodMLP(
            scales, architecture, 1, members=3, moving=3, attributes=attributes, symmetries=symmetries, key=key
        )
        return DirectAcceleration(GraphAcceleration(network, tuple(groups), sites))
    density = MLPDensity(scales, architecture, members=3, attributes=attributes, symmetries=symmetries, key=key)
    return SparseEulerLagrange(GraphLagrangian([density], groups, sites))


def on(model: AbstractDynamics, sites: int, groups: Sequence[Neighbourhoods]) -> AbstractDynamics:
    """The same model on other neighbourhoods."""
    if isinstance(model, SparseEulerLagrange):
        return SparseEulerLagrange(model.lagrangian.on(sites, groups))
    assert isinstance(model, DirectAcceleration) and isinstance(model.network, GraphAcceleration)
    return DirectAcceleration(model.network.on(sites, groups))
