"""The laws of lattices: analytic ones, and the two networks of graphs that studies compare."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

import symlnn
from symlnn import AbstractDynamics, Architecture, DirectAcceleration, Neighbourhoods, SiteScales, SparseEulerLagrange


def law(name: str, parameters: Mapping[str, float] | None = None, **arguments: Any) -> SparseEulerLagrange:
    """The analytic law of a lattice of the catalogue."""
    lattice = symlnn.load_lattice(name, **arguments)
    return SparseEulerLagrange(symlnn.graph_lagrangian(lattice, parameters))


def relative(values: np.ndarray) -> np.ndarray:
    """|x(t)/x(0) − 1| of an energy over time, (…, time)."""
    return np.abs(values / values[..., :1] - 1)


def _neighbourhoods(graph: Any) -> list[Neighbourhoods]:
    return [Neighbourhoods(rows, attributes) for rows, attributes in graph.groups()]


def graph_network(
    direct: bool, scales: SiteScales, architecture: Architecture, graph: Any, symmetries: Sequence[str], key: jax.Array
) -> AbstractDynamics:
    """A network of the accelerations of a site, where `direct`, or of a density, of neighbourhoods of three."""
    groups = _neighbourhoods(graph)
    build: dict[str, Any] = {"members": 3, "attributes": graph.attribute_sizes, "symmetries": symmetries, "key": key}
    if direct:
        network = symlnn.NeighbourhoodMLP(scales, architecture, 1, moving=3, **build)
        return DirectAcceleration(symlnn.GraphAcceleration(network, tuple(groups), graph.sites))
    density = symlnn.MLPDensity(scales, architecture, **build)
    return SparseEulerLagrange(symlnn.GraphLagrangian([density], groups, graph.sites))


def on(model: AbstractDynamics, graph: Any) -> AbstractDynamics:
    """The same network on another graph."""
    groups = _neighbourhoods(graph)
    if isinstance(model, SparseEulerLagrange):
        return SparseEulerLagrange(model.lagrangian.on(graph.sites, groups))
    assert isinstance(model, DirectAcceleration) and isinstance(model.network, symlnn.GraphAcceleration)
    return DirectAcceleration(model.network.on(graph.sites, groups))
