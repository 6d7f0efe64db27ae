"""`Experiment`: what is done with a system: how long it moves, from where, and how it is shown."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from .._frozen import FrozenDict
from ._checking import checking
from ._domain import entries
from ._expression import ordered, scalar
from ._law import Law


@dataclass(frozen=True)
class Experiment:
    """The duration and the initial states of roll-outs, the positions that are drawn, and the units of coordinates.

    Raises `ValueError` that names the field and the remedy.
    """

    law: Law
    initial_states: Any = field(default_factory=dict)
    """Of coordinates, velocities, or tuples of them: a distribution, or a number."""
    duration: Any = 10.0
    positions: Sequence[tuple[Any, Any]] = ()
    units: Mapping[Any, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            duration = float(self.duration)
        except (TypeError, ValueError):
            duration = math.nan
        if not 0 < duration < math.inf:
            raise ValueError(f"duration must be a positive number of seconds, but is {self.duration!r}.")
        positions = tuple(
            tuple(scalar(x, f"positions[{i}]") for x in ordered(pair, f"positions[{i}]"))
            for i, pair in enumerate(ordered(self.positions, "positions"))
        )
        if any(len(pair) != 2 for pair in positions):
            raise ValueError("positions must hold the (x, y) of each body.")
        for i, pair in enumerate(positions if checking() else ()):
            for coordinate in pair:
                self.law.check_symbols(f"positions[{i}]", coordinate)
        self.law.check_coordinates("units", self.units)
        for x, unit in self.units.items():
            if not isinstance(unit, str):
                raise ValueError(f"units[{x}] must be a string, but is {unit!r}.")
        initial = FrozenDict(entries(self.law, "initial_states", self.initial_states))
        object.__setattr__(self, "initial_states", initial)
        object.__setattr__(self, "duration", duration)
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "units", FrozenDict(self.units))

    @property
    def plain_positions(self) -> tuple[sp.Expr, ...]:
        """x₁, y₁, x₂, … in plain symbols."""
        return tuple(self.law.plain(c) for pair in self.positions for c in pair)
