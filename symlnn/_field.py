"""`Field`: fields on a line or in a plane, declared by a Lagrangian density. Frozen, SymPy only."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

from . import _symbolic
from ._distribution import AbstractMarginal
from ._frozen import FrozenDict
from ._lattice import Lattice, LatticeTerm, check_names
from ._neighbourhoods import Graph, check_grid, cross, grid_centres, grid_neighbourhoods
from ._system import Parameter, System, listed, ordered, scalar

STENCILS = ("compact", "central")
"""`compact` takes slopes half-way between sites; `central` at the sites, from their neighbours on either side, which
leaves odd and even sites uncoupled (the density of the paper's wave equation)."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One or several fields φ(t, x) or φ(t, x, y), declared by a Lagrangian density ℒ(φ, ∂φ, x, t).

        t, x = sp.symbols("t x")
        phi = sp.Function("phi")(t, x)
        FIELD = Field(name="wave_equation", fields=(phi,), space=(x,),
                      density=(phi.diff(t) ** 2 - phi.diff(x) ** 2) / 2, size={x: 1.0},
                      states={phi: normal(0, 1), phi.diff(t): normal(0, 1)})

    What follows from it is derived once and kept: `field_equations`, `energy_density`, `conserved_currents`.
    `lattice(n)` puts it on n sites, `discretise(n)` makes a `System` of those. A bad declaration raises a
    `ValueError` that names the symbol and the remedy.
    """

    name: str
    fields: Sequence[Any]
    """The fields, SymPy functions of time and space."""
    space: Sequence[Any]
    """The one or two coordinates of space; the other argument of the fields is time."""
    density: Any
    """ℒ, in the fields, their first derivatives, the parameters, x and y."""
    size: Mapping[Any, Any]
    """The length of the box along each axis."""
    states: Mapping[Any, Any]
    """What each field and its rate φ.diff(t) is drawn from at every site."""
    parameters: Mapping[Any, Any] = field(default_factory=dict)
    boundary: str = "periodic"
    """`periodic`, `fixed` (φ = 0) or `free` (no slope across it)."""
    initial_states: Mapping[Any, Any] = field(default_factory=dict)
    """What roll-outs start from, where that is not `states`."""
    units: Mapping[Any, str] = field(default_factory=dict)
    duration: float = 10.0
    reference: str = ""

    def __post_init__(self) -> None:
        for name in ("fields", "space"):
            object.__setattr__(self, name, ordered(getattr(self, name), name))
        for name in ("size", "states", "parameters", "initial_states", "units"):
            object.__setattr__(self, name, FrozenDict(getattr(self, name)))
        object.__setattr__(self, "density", scalar(self.density, "density"))
        _check(self)

    @cached_property
    def time(self) -> sp.Symbol:
        """The time symbol: what the fields depend on besides space."""
        (time,) = set(self.fields[0].args) - set(self.space)
        return time

    @cached_property
    def jet(self) -> _symbolic.Jet:
        """The plain symbols of the fields and their derivatives: `phi`, `phi_t`, `phi_x`."""
        return _symbolic.Jet.of(self.fields, self.time, self.space)

    @cached_property
    def plain_density(self) -> sp.Expr:
        """ℒ in plain symbols."""
        return self.jet.plain(self.density)

    @cached_property
    def field_equations(self) -> tuple[sp.Expr, ...]:
        """∂ₜ(∂ℒ/∂φₜ) + Σⱼ ∂ⱼ(∂ℒ/∂φⱼ) − ∂ℒ/∂φ, one for each field: each vanishes along the motion."""
        return _symbolic.field_equations(self.plain_density, self.jet)

    @cached_property
    def energy_density(self) -> sp.Expr:
        """Σ φₜ ∂ℒ/∂φₜ − ℒ, in plain symbols."""
        return _symbolic.energy_density(self.plain_density, self.jet)

    @cached_property
    def conserved_currents(self) -> Mapping[str, _symbolic.Current]:
        """The conserved densities and their fluxes, in plain symbols: energy, momenta, charges."""
        return FrozenDict(_symbolic.conserved_currents(self.plain_density, self.jet))

    # --- on a grid ------------------------------------------------------------------------------------------------

    @property
    def spacings(self) -> tuple[sp.Symbol, ...]:
        """The symbols of the distances between sites: `dx`, `dy`."""
        return tuple(sp.Symbol(f"d{x}", positive=True) for x in self.space)

    def spacing_values(self, shape: Sequence[int]) -> tuple[float, ...]:
        """The distances between sites; a fixed boundary lies one of them beyond the last sites on both sides."""
        more = 1 if self.boundary == "fixed" else 0
        return tuple(float(self.size[x]) / (n + more) for x, n in zip(self.space, shape, strict=True))

    def positions(self, shape: Sequence[int]) -> np.ndarray:
        """The places of the sites, (sites, axes): from 0 on; with free ends from dx/2, with fixed ones from dx on."""
        return self._places(
            np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1).reshape(-1, len(shape)), shape
        )

    def _places(self, numbers: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        first = {"periodic": 0.0, "fixed": 1.0, "free": 0.5}[self.boundary]
        return (first + numbers) * np.array(self.spacing_values(shape))

    def lattice(self, n: int | Sequence[int], *, order: int = 2, stencil: str = "compact") -> Lattice:
        """The field on n sites, or (n_x, n_y) of them: L = Σᵢ dx dy ℓᵢ, a sum over crosses of sites.

        With the `compact` stencil ℓᵢ is the mean of ℒ(φᵢ, φ̇ᵢ, D) over the slopes D half a spacing to either side,
        which are those of the lattice that a chain of springs makes; with `central` it has the slope at the site.
        Slopes are accurate to `order` (2, 4, …) in the spacing. Above 2 the compact stencil is so only where ℒ has
        no product of a slope and anything else, and it needs a periodic boundary.
        """
        shape = (n,) if isinstance(n, int) else tuple(n)
        if len(shape) != len(self.space):
            raise ValueError(f"{self.name} has {len(self.space)} axes of space, but n = {n} names {len(shape)}.")
        radius = order // 2
        if stencil not in STENCILS:
            raise ValueError(f"Unknown stencil {stencil!r}; choose one of {', '.join(STENCILS)}.")
        if order < 2 or order % 2:
            raise ValueError(f"The order of a stencil must be 2, 4, 6, …, but is {order}.")
        if stencil == "compact" and order > 2 and self._mixes_slopes:
            raise ValueError(
                f"The density of {self.name} has products of a slope and something else, for which the compact "
                "stencil is of order 2: use order=2, or stencil='central'."
            )
        check_grid(shape, self.boundary, radius)
        attributes = tuple(x for x in self.space if self.plain_density.has(x))
        places = self._places(grid_centres(shape, self.boundary, radius), shape)
        named = [self.space.index(x) for x in attributes]
        values = places[:, named]
        density, q, v = self._on_stencil(radius, stencil)
        sites = grid_neighbourhoods(shape, self.boundary, radius)
        around, at = grid_neighbourhoods(shape, self.boundary), self._places(grid_centres(shape, self.boundary), shape)
        spacings = {
            symbol: Parameter(value, self.units.get(x, ""))
            for symbol, value, x in zip(self.spacings, self.spacing_values(shape), self.space, strict=True)
        }
        rates = [x.diff(self.time) for x in self.fields]
        initial = {**self.states, **self.initial_states}
        return Lattice(
            name=self.name,
            sites=int(np.prod(shape)),
            fields=tuple(value.name for value in self.jet.values),
            terms=(LatticeTerm(density, q, v, sites, attributes, values),),
            parameters={**self.parameters, **spacings},
            states=[(self.states[x], self.states[r]) for x, r in zip(self.fields, rates, strict=True)],
            initial_states=[(initial[x], initial[r]) for x, r in zip(self.fields, rates, strict=True)],
            units=[self.units.get(x, "") for x in self.fields],
            duration=self.duration,
            reference=self.reference,
            graph=Graph(
                sites=int(np.prod(shape)),
                fields=len(self.fields),
                neighbourhoods=tuple(map(tuple, around.tolist())),
                ordered=True,
                site_attributes=tuple(map(tuple, at[:, named].tolist())) if named else (),
            ),
        )

    def discretise(self, n: int | Sequence[int], *, order: int = 2, stencil: str = "compact") -> System:
        """The field on n sites as a `System`, with a coordinate for every site: for small n."""
        return self.lattice(n, order=order, stencil=stencil).system()

    @property
    def _mixes_slopes(self) -> bool:
        slopes = [s for row in self.jet.slopes for s in row]
        others = {*slopes, *self.jet.values, *self.jet.rates}
        return any(sp.diff(self.plain_density, s, other) != 0 and other != s for s in slopes for other in others)

    def _on_stencil(self, radius: int, stencil: str) -> tuple[sp.Expr, tuple, tuple]:
        """ℓ dx dy around one site, with the symbols of the fields and rates of all members of the cross."""
        offsets = cross(len(self.space), radius)
        names = [value.name for value in self.jet.values]

        def symbols(suffix: str) -> tuple[tuple[sp.Symbol, ...], ...]:
            return tuple(tuple(sp.Symbol(f"{n}__{i}{suffix}", real=True) for n in names) for i in range(len(offsets)))

        q, v = symbols(""), symbols("_dot")
        place = {offset: i for i, offset in enumerate(offsets)}
        sides = (0,) if stencil == "central" else (-1, 1)
        shares = []
        for side in itertools.product(sides, repeat=len(self.space)):
            rule: dict[sp.Basic, sp.Expr] = {}
            for i, (value, rate) in enumerate(zip(self.jet.values, self.jet.rates, strict=True)):
                rule |= {value: q[0][i], rate: v[0][i]}
                for axis, slope in enumerate(self.jet.slopes[i]):
                    weights = _slope_weights(radius, side[axis])
                    along = {d: place[tuple(d if k == axis else 0 for k in range(len(self.space)))] for d in weights}
                    difference = sp.Add(*(w * q[along[d]][i] for d, w in weights.items()))
                    rule[slope] = difference / self.spacings[axis]
            shares.append(self.plain_density.xreplace(rule))
        volume = sp.Mul(*self.spacings)
        return volume * sp.Add(*shares) / len(shares), q, v


def _slope_weights(radius: int, side: int) -> dict[int, sp.Expr]:
    """The weights, by offset, of the first derivative at the offset side/2, in units of the spacing."""
    offsets = [d for d in range(-radius, radius + 1) if side == 0 or -radius < d * side <= radius]
    if side != 0:
        offsets = sorted(side * d for d in range(1 - radius, radius + 1))
    weights = sp.finite_diff_weights(1, [sp.Integer(d) for d in offsets], sp.Rational(side, 2))[1][-1]
    return {d: w for d, w in zip(offsets, weights, strict=True) if w != 0}


def _check(declared: Field) -> None:
    if not declared.fields or len(declared.space) not in (1, 2):
        raise ValueError("A Field needs at least one field and one or two coordinates of space: space=(x,).")
    for f in declared.fields:
        if not isinstance(f, AppliedUndef):
            raise ValueError(f"The field {f} must be a function of time and space: sp.Function('{f}')(t, x).")
        if len(f.args) != len(declared.space) + 1 or not set(declared.space) < set(f.args):
            raise ValueError(f"The field {f} must depend on time and on {listed(declared.space)}, and on nothing else.")
        if set(f.args) != set(declared.fields[0].args):
            raise ValueError(f"The fields {f} and {declared.fields[0]} must depend on the same time and space.")
    check_grid((3,) * len(declared.space), declared.boundary)
    for x in declared.space:
        if not float(declared.size.get(x, 0)) > 0:
            raise ValueError(f"size must give the length of the box along {x}: size={{{x}: 1.0}}.")
    jets = [y for f in declared.fields for y in (f, f.diff(declared.time))]
    for y in jets:
        if not isinstance(declared.states.get(y), AbstractMarginal):
            raise ValueError(f"{y} has no distribution: add states={{{y}: normal(0, 1)}}.")
    check_names("states", declared.states, jets)
    check_names("initial_states", declared.initial_states, jets)
    check_names("size", declared.size, declared.space)
    check_names("units", declared.units, (*declared.fields, *declared.space))
    plain = declared.plain_density
    if plain.atoms(sp.Derivative):
        raise ValueError(
            f"The density contains {listed(plain.atoms(sp.Derivative))}: only the fields and their first derivatives "
            f"with respect to {declared.time} and {listed(declared.space)} may appear."
        )
    if plain.atoms(AppliedUndef):
        raise ValueError(f"The density contains {listed(plain.atoms(AppliedUndef))}: add it to fields.")
    if plain.has(declared.time):
        raise ValueError("A density with explicit time is not supported.")
    jet = declared.jet
    known = {*jet.values, *jet.rates, *(s for row in jet.slopes for s in row), *declared.space, *declared.parameters}
    unknown = plain.free_symbols - known
    if unknown:
        raise ValueError(
            f"The density contains the unknown symbol {listed(unknown)}: add parameters={{{listed(unknown)}: …}}, with "
            "the same assumptions."
        )
    taken = {symbol.name for symbol in (*known, *declared.spacings)}
    if len(taken) < len(known) + len(declared.spacings):
        raise ValueError(
            f"Two symbols of {declared.name} have one name; {listed(declared.spacings)} name the spacings."
        )
