"""`Lattice`: a Lagrangian that is a sum of densities over neighbourhoods. Frozen, SymPy only, of any size.

It is what a `Field` becomes on a grid and a `Network` on its edges. Small ones become a `System`, with a symbol for
every coordinate; large ones are compiled as they are, one density for all sites (`graph_lagrangian`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from ._distribution import AbstractMarginal
from ._neighbourhoods import Graph
from ._system import System


@dataclass(frozen=True, eq=False)
class LatticeTerm:
    """A density in plain symbols, and the neighbourhoods that it is summed over."""

    density: sp.Expr
    q: tuple[tuple[sp.Symbol, ...], ...]
    """The coordinates, for each member of a neighbourhood and each field."""
    v: tuple[tuple[sp.Symbol, ...], ...]
    """Their velocities."""
    sites: np.ndarray
    """(neighbourhoods, members): site numbers; that of no site is a place at rest at zero."""
    attributes: tuple[sp.Symbol, ...] = ()
    """What differs from neighbourhood to neighbourhood: positions, masses, stiffnesses."""
    values: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    """(neighbourhoods, attributes)."""

    @property
    def moving(self) -> int:
        """The members, from the first on, whose velocities the density depends on."""
        present = [i for i, row in enumerate(self.v) if self.density.free_symbols & set(row)]
        return max(present) + 1 if present else 0

    @property
    def coupled(self) -> bool:
        """Whether velocities of different members are coupled in the kinetic energy."""
        rows = self.v[: self.moving]
        pairs = [(x, y) for i, row in enumerate(rows) for other in rows[:i] for x in row for y in other]
        return any(sp.diff(self.density, x, y) != 0 for x, y in pairs)


def check_names(what: str, given: Mapping[Any, Any], known: Sequence[Any]) -> None:
    """Raise a `ValueError` where a declaration gives something for what is not in it."""
    unknown = [x for x in given if x not in known]
    if unknown:
        raise ValueError(
            f"{what} names {', '.join(sorted(map(str, unknown)))}; it can name {', '.join(map(str, known))}."
        )


def _number(value: float) -> sp.Number:
    return sp.Integer(int(value)) if float(value).is_integer() else sp.Float(float(value))


@dataclass(frozen=True, eq=False, kw_only=True)
class Lattice:
    """L = Σ over terms and their neighbourhoods of a density, for `sites` sites with the same coordinates each."""

    name: str
    sites: int
    fields: tuple[str, ...]
    """The names of the coordinates of a site."""
    terms: tuple[LatticeTerm, ...]
    parameters: Mapping[Any, Any]
    """Every other symbol, as in a `System`."""
    states: Sequence[tuple[AbstractMarginal, AbstractMarginal]]
    """What each field and its velocity is drawn from, at every site."""
    graph: Graph
    """The neighbourhoods that graph networks see."""
    initial_states: Sequence[tuple[AbstractMarginal, AbstractMarginal]] | None = None
    units: Sequence[str] = ()
    """Of each field, empty where none is said."""
    duration: float = 10.0
    reference: str = ""

    def system(self) -> System:
        """The lattice as a `System`, with the coordinates FIELD0, FIELD1, … of its sites: for small ones."""
        t = dynamicsymbols._t
        coordinates = [[dynamicsymbols(f"{name}{i}") for name in self.fields] for i in range(self.sites)]
        nowhere = [sp.S.Zero] * len(self.fields)
        places = [*coordinates, nowhere]
        flat = [x for row in coordinates for x in row]

        def drawn(distributions: Sequence[tuple[AbstractMarginal, AbstractMarginal]]) -> dict[Any, AbstractMarginal]:
            per_site = [d for _ in range(self.sites) for d in distributions]
            states = {x: of_x for x, (of_x, _) in zip(flat, per_site, strict=True)}
            return states | {x.diff(t): of_v for x, (_, of_v) in zip(flat, per_site, strict=True)}

        def share(term: LatticeTerm, row: np.ndarray, values: np.ndarray) -> sp.Expr:
            rule: dict[sp.Basic, Any] = dict(zip(term.attributes, map(_number, values), strict=True))
            for symbols, velocities, site in zip(term.q, term.v, row, strict=True):
                rule |= dict(zip(symbols, places[site], strict=True))
                rule |= {v: x.diff(t) for v, x in zip(velocities, places[site], strict=True)}
            return term.density.xreplace({symbol: sp.sympify(value) for symbol, value in rule.items()})

        shares = []
        for term in self.terms:
            values = term.values if term.attributes else np.zeros((len(term.sites), 0))
            shares += [share(term, row, value) for row, value in zip(term.sites, values, strict=True)]
        return System(
            name=self.name,
            coordinates=flat,
            lagrangian=sp.Add(*shares),
            parameters=self.parameters,
            states=drawn(self.states),
            initial_states={} if self.initial_states is None else drawn(self.initial_states),
            units={x: unit for x, unit in zip(flat, list(self.units) * self.sites, strict=bool(self.units)) if unit},
            duration=self.duration,
            reference=self.reference,
            graph=self.graph,
        )
