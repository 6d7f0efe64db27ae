"""`Network`: bodies on a graph, declared by the Lagrangian of one body and that of a pair. Frozen, SymPy only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from ._distribution import AbstractMarginal
from ._lattice import Lattice, LatticeTerm, check_names
from ._neighbourhoods import Graph, check_edges, neighbours
from ._system import System, ordered, scalar


@dataclass(frozen=True, eq=False, kw_only=True)
class Network:
    """Bodies i with the same coordinates each, and edges (i, j): L = Σᵢ ℓ(i) + Σ₍ᵢⱼ₎ ℓ(i, j).

        x, y = dynamicsymbols("x y")          # the first end of an edge; alone, a body
        NETWORK = Network(name="chain", bodies=8, coordinates=((x,), (y,)),
                          body_lagrangian=x.diff(t) ** 2 / 2, pair_lagrangian=-(y - x) ** 2 / 2,
                          edges=[(i, i + 1) for i in range(7)], states={x: normal(0, 1), x.diff(t): normal(0, 1)})

    An edge to the number of bodies, one beyond the last, holds its first end to a wall, at zero. What differs from
    body to body or from edge to edge stands in `body_values` and `edge_values`, a number for each.
    """

    name: str
    bodies: int
    coordinates: Sequence[Sequence[Any]]
    """The coordinates of the first end of an edge, and those of the second, made by `dynamicsymbols`."""
    body_lagrangian: Any
    """ℓ(i), in the coordinates of the first end."""
    pair_lagrangian: Any
    """ℓ(i, j), in those of both."""
    edges: Any
    """Pairs of body numbers."""
    states: Mapping[Any, Any]
    """What the coordinates and velocities of a body, as those of the first end, are drawn from."""
    body_values: Mapping[Any, Sequence[Any]] = field(default_factory=dict)
    edge_values: Mapping[Any, Sequence[Any]] = field(default_factory=dict)
    parameters: Mapping[Any, Any] = field(default_factory=dict)
    initial_states: Mapping[Any, Any] = field(default_factory=dict)
    units: Mapping[Any, str] = field(default_factory=dict)
    duration: float = 10.0
    reference: str = ""

    def __post_init__(self) -> None:
        first, second = (ordered(end, "coordinates") for end in ordered(self.coordinates, "coordinates"))
        object.__setattr__(self, "coordinates", (first, second))
        if self.bodies < 1 or not first or len(first) != len(second):
            raise ValueError("A Network needs at least one body, and as many coordinates at one end as at the other.")
        edges = check_edges(self.bodies + 1, self.edges)
        if (edges[:, 0] >= self.bodies).any():
            raise ValueError(f"An edge must begin at a body, 0 … {self.bodies - 1}; a wall, {self.bodies}, may end it.")
        object.__setattr__(self, "edges", edges)
        for what, values, count in (
            ("body_values", self.body_values, self.bodies),
            ("edge_values", self.edge_values, len(edges)),
        ):
            for symbol, numbers in values.items():
                if len(numbers) != count:
                    raise ValueError(f"{what}[{symbol}] must hold {count} numbers, but holds {len(numbers)}.")
        jets = [y for x in first for y in (x, x.diff(dynamicsymbols._t))]
        for y in jets:
            if not isinstance(self.states.get(y), AbstractMarginal):
                raise ValueError(f"{y} has no distribution: add states={{{y}: normal(0, 1)}}.")
        check_names("states", self.states, jets)
        check_names("initial_states", self.initial_states, jets)
        check_names("units", self.units, first)
        for name in ("body_lagrangian", "pair_lagrangian"):
            object.__setattr__(self, name, scalar(getattr(self, name), name))
        foreign = self.body_lagrangian.atoms(*{type(y) for y in second}) & set(second)
        if foreign:
            raise ValueError(
                f"body_lagrangian contains {foreign.pop()}, which is a coordinate of an edge's second end."
            )

    def lattice(self) -> Lattice:
        """The sum over bodies and edges, ready to be compiled for any number of bodies."""
        t = dynamicsymbols._t
        first, second = self.coordinates
        q = tuple(tuple(sp.Symbol(f"{x.func}__{i}", real=True) for x in end) for i, end in enumerate((first, second)))
        v = tuple(tuple(sp.Symbol(f"{x.name}_dot", real=True) for x in end) for end in q)
        rule: dict[sp.Basic, sp.Symbol] = {}
        for end, positions, velocities in zip((first, second), q, v, strict=True):
            for x, qi, vi in zip(end, positions, velocities, strict=True):
                rule |= {x.diff(t): vi, x: qi}

        def term(lagrangian: sp.Expr, ends: int, sites: np.ndarray, values: Mapping[Any, Sequence[Any]]) -> LatticeTerm:
            density = lagrangian.xreplace(rule)
            table = np.array([list(map(float, numbers)) for numbers in values.values()]).T.reshape(len(sites), -1)
            return LatticeTerm(density, q[:ends], v[:ends], sites, tuple(values), table)

        initial = {**self.states, **self.initial_states}
        return Lattice(
            name=self.name,
            sites=self.bodies,
            fields=tuple(str(x.func) for x in first),
            terms=(
                term(self.body_lagrangian, 1, np.arange(self.bodies)[:, None], self.body_values),
                term(self.pair_lagrangian, 2, self.edges, self.edge_values),
            ),
            parameters=self.parameters,
            states=[(self.states[x], self.states[x.diff(t)]) for x in first],
            initial_states=[(initial[x], initial[x.diff(t)]) for x in first],
            units=[self.units.get(x, "") for x in first],
            duration=self.duration,
            reference=self.reference,
            graph=self._graph(),
        )

    def _graph(self) -> Graph:
        """Every body with its neighbours, walls among them, and what is known of bodies and edges."""
        values = [tuple(map(float, row)) for row in zip(*self.edge_values.values(), strict=True)]
        around = neighbours(self.bodies, self.edges)
        edges = [tuple((float(way), *(values[k] if values else ())) for _, k, way in row) for row in around]
        return Graph(
            sites=self.bodies,
            fields=len(self.coordinates[0]),
            neighbourhoods=tuple((i, *(j for j, _, _ in row)) for i, row in enumerate(around)),
            ordered=False,
            site_attributes=tuple(tuple(map(float, row)) for row in zip(*self.body_values.values(), strict=True)),
            edge_attributes=tuple(edges),
        )

    def system(self) -> System:
        """The network as a `System`, with coordinates of every body: for small ones."""
        return self.lattice().system()
