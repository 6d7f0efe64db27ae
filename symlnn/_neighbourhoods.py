"""Which sites belong together: the neighbourhoods of grids and of graphs, as arrays of site numbers.

Each row is a neighbourhood, its centre first. A number equal to that of all sites stands for a ghost: a place beyond a
fixed boundary, where the field is zero and at rest.
"""

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

BOUNDARIES = ("periodic", "fixed", "free")
"""`periodic` closes the grid to a ring or torus; `fixed` holds the field at zero one spacing beyond the last sites;
`free` mirrors it there, half a spacing beyond them, so that its normal derivative vanishes."""

Edges: TypeAlias = Sequence[Sequence[int]] | np.ndarray
"""Pairs of site numbers."""


@dataclass(frozen=True)
class Graph:
    """Which sites a graph network sees together. The coordinates of a system stand site by site."""

    sites: int
    fields: int
    """The coordinates of each site."""
    neighbourhoods: tuple[tuple[int, ...], ...]
    """The number of a site, then those of its neighbours; one beyond the last is a place at rest. There is one around
    every site, and with a fixed boundary one around each place at rest beside a site."""
    ordered: bool
    """Whether neighbours stand in an order that means something, as left and right do on a grid."""
    site_attributes: tuple[tuple[float, ...], ...] = ()
    """What differs from site to site, for each neighbourhood; none where they are alike."""
    edge_attributes: tuple[tuple[tuple[float, ...], ...], ...] = ()
    """What differs from edge to edge, for each neighbour in each neighbourhood: first the direction, 1 from the site to
    it or −1 the other way."""

    def __post_init__(self) -> None:
        rows = tuple(tuple(j.item() if isinstance(j, np.integer) else j for j in row) for row in self.neighbourhoods)
        object.__setattr__(self, "neighbourhoods", rows)
        numbers = [j for row in rows for j in row]
        if not all(isinstance(n, int) and n >= 0 for n in (self.sites, self.fields, *numbers)) or self.fields < 1:
            raise ValueError("A Graph needs whole numbers of sites, fields and neighbours.")
        around = {row[0] for row in rows if row}
        if not all(rows) or max(numbers, default=0) > self.sites or len(around - {self.sites}) != self.sites:
            raise ValueError(f"A Graph of {self.sites} sites needs a neighbourhood around each, of no others.")
        of_sites, of_edges = self.site_attributes, self.edge_attributes
        edges = [edge for row in of_edges for edge in row]
        as_many = not of_sites or len(of_sites) == len(rows)
        as_many &= not of_edges or [len(row) + 1 for row in of_edges] == [len(row) for row in rows]
        alike = len({len(attributes) for attributes in of_sites}) < 2 and len({len(edge) for edge in edges}) < 2
        if not (as_many and alike and all(math.isfinite(x) for attributes in (*of_sites, *edges) for x in attributes)):
            raise ValueError("A Graph needs as many attributes, finite numbers, of every site, and of every edge.")

    @property
    def attribute_sizes(self) -> tuple[int, int]:
        """The numbers of attributes of a site and of an edge."""
        edges = [edge for row in self.edge_attributes for edge in row]
        return (len(self.site_attributes[0]) if self.site_attributes else 0), (len(edges[0]) if edges else 0)

    def groups(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """For each number of neighbours the neighbourhoods with as many, and their attributes in standard deviations.

        (neighbourhoods, members) and (neighbourhoods, attributes): those of the site, then those of each edge in turn.
        """
        per_site, per_edge = self.attribute_sizes
        count = len(self.neighbourhoods)
        site = np.array(self.site_attributes).reshape(count, per_site)
        rows = self.edge_attributes or [()] * count
        edges = [np.array(row).reshape(len(row), per_edge) for row in rows]
        site = _standardised(site, site)
        edges = [_standardised(row, np.concatenate(edges)) for row in edges]
        return tuple(
            (
                np.array([self.neighbourhoods[i] for i in places]),
                np.array([np.concatenate([site[i], edges[i].reshape(-1)]) for i in places]),
            )
            for places in by_size(self.neighbourhoods)
        )


def widened(graph: Graph, wanted: Sequence[Set[int]]) -> Graph:
    """The graph, with the neighbours of neighbours added as often as it takes until each site sees the sites wanted.

    A place that is another's by a second way, on the left of one on the right, is left out at all sites alike, so that
    places keep their order. Raises `ValueError` where the sites wanted are not to be reached.
    """
    while not all(set(row) >= wanted[row[0]] for row in graph.neighbourhoods if row[0] < graph.sites):
        around = {row[0]: row for row in graph.neighbourhoods}
        size = max(map(len, graph.neighbourhoods))
        around[graph.sites] = (graph.sites,) * size  # beyond a place at rest all is at rest
        if graph.site_attributes or graph.edge_attributes or len({len(row) for row in around.values()}) > 1:
            raise ValueError("Only neighbourhoods of one size and without attributes can be widened.")
        rows = {i: [k for j in row for k in around[j]] for i, row in around.items()}
        interior = max(rows.values(), key=lambda row: len(set(row)))
        places = [place for place, site in enumerate(interior) if site not in interior[:place]]
        if len(places) == size:
            raise ValueError("The sites wanted are not connected by neighbours.")
        found = tuple(tuple(row[place] for place in places) for i, row in rows.items() if i < graph.sites)
        graph = replace(graph, neighbourhoods=found)
    return graph


def pairs(graph: Graph) -> np.ndarray:
    """Every site with each of its neighbours, (pairs, 2); places at rest are left out."""
    found = [(row[0], j) for row in graph.neighbourhoods for j in row[1:] if max(row[0], j) < graph.sites]
    return np.array(found).reshape(-1, 2)


def neighbours(sites: int, edges: Edges) -> tuple[tuple[tuple[int, int, int], ...], ...]:
    """For each site its neighbours on a graph: (neighbour, edge, direction), with 1 where the edge begins at the site
    and −1 where it ends there. A number of a site beyond the last, a place at rest, has no neighbours of its own."""
    around: list[list[tuple[int, int, int]]] = [[] for _ in range(sites)]
    for number, (i, j) in enumerate(np.asarray(edges, dtype=int).reshape(-1, 2).tolist()):
        around[i].append((j, number, 1))
        if j < sites:
            around[j].append((i, number, -1))
    return tuple(map(tuple, around))


def by_size(rows: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    """The places of rows of the same length, for each length, the shortest first."""
    sizes = sorted({len(row) for row in rows})
    return tuple(tuple(i for i, row in enumerate(rows) if len(row) == size) for size in sizes)


def _standardised(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    if among.size == 0:
        return values
    spread = among.std(axis=0)
    return np.where(spread > 0, (values - among.mean(axis=0)) / np.where(spread > 0, spread, 1.0), 0.0)


def cross(dimensions: int, radius: int = 1) -> tuple[tuple[int, ...], ...]:
    """The offsets of a cross: the centre, then −1, +1, −2, +2, … along each axis in turn."""
    offsets = [(0,) * dimensions]
    for axis in range(dimensions):
        for distance in range(1, radius + 1):
            for sign in (-1, 1):
                offsets.append(tuple(sign * distance if i == axis else 0 for i in range(dimensions)))
    return tuple(offsets)


def check_grid(shape: Sequence[int], boundary: str, radius: int = 1) -> None:
    """Raise a `ValueError` for a grid that is too small, or a boundary that is unknown or not to be had."""
    if boundary not in BOUNDARIES:
        raise ValueError(f"Unknown boundary {boundary!r}; choose one of {', '.join(BOUNDARIES)}.")
    least = 2 * radius + 1
    if not shape or min(shape) < least:
        raise ValueError(
            f"A grid needs at least {least} sites along each axis for neighbourhoods that reach {radius} sites, "
            f"but its shape is {tuple(shape)}."
        )
    if radius > 1 and boundary != "periodic":
        raise ValueError(
            f"Neighbourhoods that reach {radius} sites need a periodic boundary, not a {boundary} one: beyond it "
            "only the first order of a mirror image is right. Use order 2, or a periodic grid."
        )


def grid_centres(shape: Sequence[int], boundary: str = "periodic", radius: int = 1) -> np.ndarray:
    """The places of the centres of `grid_neighbourhoods`, in spacings from the first site: (neighbourhoods, axes)."""
    return _crosses(shape, boundary, radius)[0]


def grid_neighbourhoods(shape: Sequence[int], boundary: str = "periodic", radius: int = 1) -> np.ndarray:
    """The crosses around the sites of a grid, numbered in C order: (neighbourhoods, 1 + 2 · axes · radius).

    There is one around each site, and with a fixed boundary one around each ghost beside a site too: its share of the
    density depends on that site. With a free boundary, the mirror image of a site stands for it once more.
    """
    return _crosses(shape, boundary, radius)[1]


def _crosses(shape: Sequence[int], boundary: str, radius: int) -> tuple[np.ndarray, np.ndarray]:
    check_grid(shape, boundary, radius)
    sizes = np.array(shape)
    ghost = int(np.prod(sizes))
    margin = radius if boundary == "fixed" else 0
    centres = np.stack(np.meshgrid(*(np.arange(-margin, n + margin) for n in shape), indexing="ij"), axis=-1)
    centres = centres.reshape(-1, len(shape))
    places = centres[:, None, :] + np.array(cross(len(shape), radius))[None]
    if boundary == "periodic":
        places = places % sizes
    elif boundary == "free":
        places = np.where(places < 0, -1 - places, places)
        places = np.where(places >= sizes, 2 * sizes - 1 - places, places)
    inside = np.all((places >= 0) & (places < sizes), axis=-1)
    strides = np.append(np.cumprod(sizes[:0:-1])[::-1], 1)
    numbers = np.where(inside, places @ strides, ghost)
    reach = inside.any(axis=-1)
    return centres[reach], numbers[reach]


def check_edges(sites: int, edges: Edges) -> np.ndarray:
    """The edges as an array, (edges, 2). Raises `ValueError` for one that is none."""
    pairs = np.array(edges, dtype=int).reshape(-1, 2)
    for i, j in pairs:
        if not (0 <= i < sites and 0 <= j < sites):
            raise ValueError(f"The edge ({i}, {j}) names a site beyond the {sites} sites 0 … {sites - 1}.")
        if i == j:
            raise ValueError(f"The edge ({i}, {j}) joins a site to itself.")
    return pairs


def graph_neighbourhoods(sites: int, edges: Edges) -> tuple[np.ndarray, ...]:
    """The neighbourhoods of a graph, of sites and all their neighbours, one array for each number of neighbours."""
    around = neighbours(sites, check_edges(sites, edges))
    rows = [(site, *(j for j, _, _ in found)) for site, found in enumerate(around)]
    return tuple(np.array([rows[i] for i in places]) for places in by_size(rows))


def bandwidth(sites: int, neighbourhoods: np.ndarray, members: int) -> int:
    """The largest distance around the ring of site numbers between two of the first `members` of a neighbourhood."""
    chosen = neighbourhoods[:, :members]
    apart = np.abs(chosen[:, :, None] - chosen[:, None, :])
    apart = np.where((chosen[:, :, None] < sites) & (chosen[:, None, :] < sites), apart, 0)
    return int(np.minimum(apart, sites - apart).max(initial=0))
