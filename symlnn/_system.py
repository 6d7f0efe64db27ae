"""`System`: the declaration of a mechanical system. Frozen, SymPy only, knows nothing of JAX."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias

import sympy as sp

from . import _symbolic
from ._distribution import Distribution, Normal, Uniform
from ._frozen import FrozenDict
from ._neighbourhoods import Graph

Expression: TypeAlias = Any
"""A SymPy expression, or what `sympify` takes for one; the constructor of System says what is wrong with another."""


@dataclass(frozen=True)
class Parameter:
    """A parameter's value, a number, or the distribution that it is drawn from for every sample, and its unit."""

    value: Any
    unit: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.value, Uniform | Normal):
            object.__setattr__(self, "value", float(self.value))

    @property
    def varies(self) -> bool:
        """Whether the parameter is drawn for every sample and so is part of m."""
        return isinstance(self.value, Uniform | Normal)

    def __str__(self) -> str:
        value = str(self.value) if self.varies else f"{self.value:g}"
        return f"{value} {self.unit}".strip()


@dataclass(frozen=True, kw_only=True)
class System:
    """A mechanical system, declared by its Lagrangian L(q, q̇, t).

    Coordinates are `sympy.physics.mechanics.dynamicsymbols`, velocities their time derivatives, and every
    expression may be written with either. The motion obeys

        d/dt ∂L/∂q̇ᵢ − ∂L/∂qᵢ = Qᵢ − ∂F/∂q̇ᵢ

    with the generalised forces Q and the Rayleigh dissipation function F. What is derived (`mass_matrix`, `energy`, …)
    is in the plain symbols `q`, `v`, `a`, `p`, computed once and kept. A System is hashable; two systems with the
    same declaration are equal. A bad declaration raises a `ValueError` that names the symbol and the remedy.
    """

    name: str
    """A word: it names files and reports."""
    coordinates: Sequence[Expression]
    """The generalised coordinates, in order."""
    lagrangian: Expression
    """L, in the coordinates, their time derivatives, the parameters and, where `time` is given, t."""
    parameters: Mapping[Expression, Any] = field(default_factory=dict)
    """Every other symbol of the declaration. A plain number is taken as a Parameter without unit."""
    states: Mapping[Expression, Any] = field(default_factory=dict)
    """What each coordinate and velocity is drawn from, for training and for tests."""
    initial_states: Mapping[Expression, Any] = field(default_factory=dict)
    """What roll-outs start from; a coordinate or velocity not named here is drawn as in `states`."""
    angles: Sequence[Expression] = ()
    """The coordinates that are periodic with period 2π; models embed them as (sin, cos)."""
    units: Mapping[Expression, str] = field(default_factory=dict)
    """The unit of each coordinate; velocities are per second."""
    duration: float = 10.0
    """The length of the roll-outs in a report, in seconds."""
    dissipation: Expression = sp.S.Zero
    """A Rayleigh dissipation function F(q, q̇), in watts; it loses 2F of power where it is quadratic in q̇."""
    forces: Mapping[Expression, Expression] = field(default_factory=dict)
    """The generalised force on each coordinate; zero on those not named."""
    inputs: Mapping[Expression, Any] = field(default_factory=dict)
    """The control inputs u that appear in `forces`, and what they are drawn from."""
    time: Distribution | None = None
    """What t is drawn from, where L, F or a force depends on it explicitly."""
    positions: Sequence[tuple[Expression, Expression]] = ()
    """The (x, y) of the bodies of a planar chain, in order from a pivot at the origin: reports animate them."""
    reference: str = ""
    """The literature that the system is taken from."""
    graph: Graph | None = None
    """Of a lattice, which sites are neighbours: what graph networks need, and `Field` and `Network` supply."""

    def __post_init__(self) -> None:
        from ._declaration import check, freeze  # it validates Systems, so it is imported after them

        freeze(self)
        check(self)

    # --- names -----------------------------------------------------------------------------------------------

    @property
    def dof(self) -> int:
        """The number of degrees of freedom."""
        return len(self.coordinates)

    @cached_property
    def t(self) -> sp.Symbol:
        """The time symbol, as the coordinates carry it."""
        return self.coordinates[0].args[0]

    @cached_property
    def q(self) -> tuple[sp.Symbol, ...]:
        """Plain symbols for the coordinates: `theta1`."""
        return tuple(sp.Symbol(str(x.func), real=True) for x in self.coordinates)

    @cached_property
    def v(self) -> tuple[sp.Symbol, ...]:
        """Plain symbols for the velocities: `theta1_dot`."""
        return tuple(sp.Symbol(f"{x.name}_dot", real=True) for x in self.q)

    @cached_property
    def a(self) -> tuple[sp.Symbol, ...]:
        """Plain symbols for the accelerations: `theta1_ddot`."""
        return tuple(sp.Symbol(f"{x.name}_ddot", real=True) for x in self.q)

    @cached_property
    def p(self) -> tuple[sp.Symbol, ...]:
        """Plain symbols for the canonical momenta: `p_theta1`."""
        return tuple(sp.Symbol(f"p_{x.name}", real=True) for x in self.q)

    @cached_property
    def u(self) -> tuple[sp.Symbol, ...]:
        """Plain symbols for the control inputs."""
        return tuple(x if x.is_Symbol else sp.Symbol(str(x.func), real=True) for x in self.inputs)

    @property
    def m(self) -> tuple[sp.Symbol, ...]:
        """The parameters that vary from sample to sample, in the order of declaration (the paper's appendix A)."""
        return tuple(symbol for symbol, parameter in self.parameters.items() if parameter.varies)

    @property
    def is_angle(self) -> tuple[bool, ...]:
        """For each coordinate, whether it is periodic."""
        return tuple(x in self.angles for x in self.coordinates)

    def plain(self, expression: sp.Expr) -> sp.Expr:
        """The expression with plain symbols in place of coordinates, velocities, accelerations and inputs."""
        rule: dict[sp.Expr, sp.Expr] = {}
        for x, qi, vi, ai in zip(self.coordinates, self.q, self.v, self.a, strict=True):
            rule |= {x.diff(self.t, 2): ai, x.diff(self.t): vi, x: qi}
        rule |= dict(zip(self.inputs, self.u, strict=True))
        return sp.sympify(expression).doit().xreplace(rule)

    # --- what follows from the declaration ---------------------------------------------------------------------

    @cached_property
    def plain_lagrangian(self) -> sp.Expr:
        """L(q, v, t) in plain symbols."""
        return sp.signsimp(self.plain(self.lagrangian))

    @cached_property
    def derivative_blocks(self) -> _symbolic.DerivativeBlocks:
        """∇_q L, ∇_q∇ᵥᵀL, ∇ᵥ∇ᵥᵀL and ∂ₜ∇ᵥL."""
        return _symbolic.derivative_blocks(self.plain_lagrangian, self.q, self.v, self.t)

    @cached_property
    def generalized_forces(self) -> sp.ImmutableMatrix:
        """Q − ∂F/∂v, (dof, 1): all that acts besides L."""
        dissipation = self.plain(self.dissipation)
        return sp.ImmutableMatrix(
            [
                self.plain(self.forces.get(x, sp.S.Zero)) - sp.diff(dissipation, vi)
                for x, vi in zip(self.coordinates, self.v, strict=True)
            ]
        )

    @property
    def has_forces(self) -> bool:
        """Whether anything acts besides L."""
        return not self.generalized_forces.is_zero_matrix

    @property
    def mass_matrix(self) -> sp.ImmutableMatrix:
        """M(q, v, t) = ∇ᵥ∇ᵥᵀL, (dof, dof)."""
        return self.derivative_blocks.mass_matrix

    @cached_property
    def bias(self) -> sp.ImmutableMatrix:
        """b(q, v, t), (dof, 1), so that M a + b = Q with Q = `generalized_forces`."""
        return self.derivative_blocks.bias(self.v)

    @cached_property
    def equations_of_motion(self) -> tuple[sp.Expr, ...]:
        """M a + b − Q, one expression per coordinate: each vanishes along the motion."""
        residual = self.mass_matrix * sp.Matrix(self.a) + self.bias - self.generalized_forces
        return tuple(residual)

    @cached_property
    def accelerations(self) -> tuple[sp.Expr, ...] | None:
        """a(q, v, t) in closed form for one or two degrees of freedom, else None.

        Above two the closed form is unreadable and slow: use `mass_matrix` and `bias`, and solve numerically.
        """
        if self.dof > 2:
            return None
        return tuple(_symbolic.accelerations(self.mass_matrix, self.generalized_forces - self.bias))

    @cached_property
    def momenta(self) -> tuple[sp.Expr, ...]:
        """The canonical momenta pᵢ = ∂L/∂vᵢ."""
        return _symbolic.momenta(self.plain_lagrangian, self.v)

    @cached_property
    def energy(self) -> sp.Expr:
        """The Jacobi energy h = v·∂L/∂v − L."""
        return _symbolic.energy(self.plain_lagrangian, self.v)

    @cached_property
    def power(self) -> sp.Expr:
        """dh/dt = v·Q − ∂L/∂t along the motion; zero where the energy is conserved."""
        return _symbolic.power(self.plain_lagrangian, tuple(self.generalized_forces), self.v, self.t)

    @cached_property
    def _conserved(self) -> Mapping[str, sp.Expr]:
        return FrozenDict(
            _symbolic.conserved_quantities(
                self.plain_lagrangian, tuple(self.generalized_forces), self.q, self.v, self.t
            )
        )

    def conserved_quantities(self) -> Mapping[str, sp.Expr]:
        """The energy, where it is conserved, and a momentum for each cyclic coordinate on which no force acts."""
        return self._conserved

    @property
    def conserves_energy(self) -> bool:
        """Whether the Jacobi energy is conserved."""
        return "energy" in self._conserved

    def hamiltonian(self) -> sp.Expr | None:
        """H(q, p, t) in closed form where L is quadratic in v, else None (see `SymbolicMomentum` for numbers)."""
        return _symbolic.hamiltonian(self.plain_lagrangian, self.mass_matrix, self.v, self.p)

    # --- variations ----------------------------------------------------------------------------------------------

    def with_parameters(self, values: Mapping[str | sp.Symbol, Any]) -> "System":
        """The same system with some parameters set to numbers; one that was a distribution leaves m.

        Raises `ValueError` for an unknown name and for a value that is not a finite number.
        """
        names = {symbol.name: symbol for symbol in self.parameters}
        changed = dict(self.parameters)
        for key, value in values.items():
            symbol = names.get(str(key))
            if symbol is None:
                known = ", ".join(names) or "none"
                raise ValueError(f"{self.name} has no parameter {str(key)!r}. Its parameters are: {known}.")
            changed[symbol] = Parameter(value, changed[symbol].unit)
        return replace(self, parameters=changed)

    def state_distributions(self, *, initial: bool = False) -> Sequence[tuple[Distribution, Distribution]]:
        """For each coordinate what it and its velocity are drawn from; `initial` for those of roll-outs."""
        drawn = {**self.states, **self.initial_states} if initial else self.states
        return [(drawn[x], drawn[x.diff(self.t)]) for x in self.coordinates]

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle L = {self.latex(self.plain_lagrangian)}$"

    @cached_property
    def symbol_names(self) -> Mapping[sp.Symbol, str]:
        """LaTeX for the plain symbols of velocities, accelerations and momenta."""
        names: dict[sp.Symbol, str] = {}
        for qi, vi, ai, pi in zip(self.q, self.v, self.a, self.p, strict=True):
            letter, *sub = sp.latex(qi).split("_", 1)
            tail = f"_{sub[0]}" if sub else ""
            names |= {
                vi: f"\\dot{{{letter}}}{tail}",
                ai: f"\\ddot{{{letter}}}{tail}",
                pi: f"p_{{{sp.latex(qi)}}}",
            }
        return FrozenDict(names)

    def latex(self, expression: sp.Basic) -> str:
        """LaTeX of an expression in plain symbols, with dots for time derivatives."""
        return sp.latex(expression, symbol_names=dict(self.symbol_names))
