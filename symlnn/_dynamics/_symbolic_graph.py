"""The Lagrangian of a `Lattice`, compiled from SymPy: one density for all its sites, however many there are."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp

from .._compile import compile_expressions
from .._lattice import Lattice, LatticeTerm
from .._types import RealScalar, Scalar, Varying
from ._graph import AbstractDensity, Attributes, GraphLagrangian, Members, Moving, Neighbourhoods
from ._parameters import Parameters


class SymbolicDensity(AbstractDensity):
    """A density of a `Lattice`, compiled from SymPy."""

    term: LatticeTerm = eqx.field(static=True)
    symbols: tuple[Any, ...] = eqx.field(static=True)
    """The parameters, in order."""
    parameters: Parameters
    moving: int = eqx.field(static=True)
    coupled: bool = eqx.field(static=True)

    def __init__(self, lattice: Lattice, term: LatticeTerm, parameters: Mapping[str, Any] | None = None):
        self.term = term
        self.symbols = tuple(lattice.parameters)
        self.parameters = Parameters(lattice, parameters)
        self.moving = term.moving
        self.coupled = term.coupled

    def __call__(self, q: Members, v: Moving, x: Attributes, m: Varying | None, t: RealScalar) -> Scalar:
        """ℓ of one neighbourhood."""
        term = self.term
        positions = tuple(symbol for row in term.q for symbol in row)
        velocities = tuple(symbol for row in term.v[: self.moving] for symbol in row)
        function = compile_expressions((positions, velocities, term.attributes, self.symbols), (term.density,))
        values = self.parameters.values(m, q)
        (value,) = function(*q.reshape(-1), *v.reshape(-1), *x, *values)
        return jnp.asarray(value, q.dtype)


def graph_lagrangian(
    lattice: Lattice, parameters: Mapping[str, Any] | None = None, *, chunk: int | None = 65_536
) -> GraphLagrangian:
    """L of a lattice of any size; `parameters={"c": 2.0}` overrides declared values.

    Its dynamics, the oracle of large lattices, are `SparseEulerLagrange(graph_lagrangian(lattice))`.
    """
    densities = [SymbolicDensity(lattice, term, parameters) for term in lattice.terms]
    groups = [
        Neighbourhoods(term.sites, term.values if term.attributes else None, kind)
        for kind, term in enumerate(lattice.terms)
    ]
    return GraphLagrangian(densities, groups, lattice.sites, len(lattice.fields), chunk=chunk)
