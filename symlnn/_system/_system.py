"""`System`: the declaration of a mechanical system. Frozen, SymPy only, knows nothing of JAX."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import sympy as sp
from sympy.core.function import AppliedUndef

from .._distribution import AbstractDistribution, AbstractMarginal
from .._frozen import FrozenDict
from .._neighbourhoods import Graph
from ._checking import checking
from ._continuity import check_continuity
from ._domain import Domain, marginals_of
from ._experiment import Experiment
from ._expression import ordered
from ._law import Law, shared
from ._mechanics import fields_of_bodies, fields_of_kanes_method, fields_of_lagranges_method
from ._mjcf import declaration_of
from ._parameter import Parameter
from ._regularity import check_equation, constraint_rank
from ._unknown import Unknown

Expression: TypeAlias = Any
"""A SymPy expression or a number; the constructor of System says what is wrong with another."""


@dataclass(frozen=True, kw_only=True)
class System:
    """A mechanical system, declared by its Lagrangian L(q, q̇, t).

    Coordinates are `sympy.physics.mechanics.dynamicsymbols`, velocities their time derivatives, and every
    expression may be written with either. The motion obeys

        d/dt ∂L/∂q̇ᵢ − ∂L/∂qᵢ = Qᵢ − ∂F/∂q̇ᵢ

    with the generalised forces Q and the Rayleigh dissipation function F, and where there are constraints, the forces
    Aᵀλ that keep them. The constructor is flat; inside there are a
    `law` (what moves and why), a `domain` (what states, inputs and parameters are drawn from) and an `experiment` (how
    long, from where). What is derived (`mass_matrix`, `energy`, …) is the law's, in the plain symbols `q`, `v`, `a`,
    `p`. A System is hashable; two systems with the same declaration are equal. A bad declaration raises a
    `ValueError` that names the symbol and the remedy.
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
    """What each coordinate and velocity, or a tuple of them jointly, is drawn from, for training and for tests. May be
    left out where motions are measured."""
    initial_states: Mapping[Expression, Any] = field(default_factory=dict)
    """What roll-outs start from, a distribution or a number; what is not named here is drawn as in `states`."""
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
    constraints: Sequence[Expression] = ()
    """Holonomic constraints φ(q, t), each zero along the motion: x² + y² − l². States are drawn as `states` says, and
    projected onto them."""
    velocity_constraints: Sequence[Expression] = ()
    """Constraints ψ(q, q̇, t) on velocities, linear in them, each zero along the motion: of a wheel that rolls."""
    unknown: Mapping[Any, Unknown] = field(default_factory=dict)
    """The functions that are left open, `sympy.Function("V")`, and what is known of them all the same."""
    time: Any = None
    """What t is drawn from, where L, F or a force depends on it explicitly."""
    positions: Sequence[tuple[Expression, Expression]] = ()
    """The (x, y) of the bodies of a planar chain, in order from a pivot at the origin: reports animate them."""
    reference: str = ""
    """The literature that the system is taken from."""
    graph: Graph | None = None
    """Of a lattice, which sites are neighbours: what graph networks need, and `Field` and `Network` supply."""

    def __post_init__(self) -> None:
        def store(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        if not (isinstance(self.name, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,99}", self.name)):
            raise ValueError(
                f"The name {self.name!r} names files: use at most 100 letters, digits, '_' and '-', and begin with a "
                "letter."
            )
        if not isinstance(self.reference, str):
            raise ValueError(f"reference must be a string, but is {self.reference!r}.")
        for name in ("coordinates", "angles"):
            store(name, ordered(getattr(self, name), name))
        for name in ("states", "initial_states", "units", "inputs", "parameters", "forces", "unknown"):
            value = getattr(self, name)
            if not isinstance(value, Mapping):
                raise ValueError(f"{name} must be a dict, but is a {type(value).__name__}.")
        store("parameters", FrozenDict({s: _parameter(s, p) for s, p in self.parameters.items()}))
        for function, known in self.unknown.items():
            if not isinstance(known, Unknown):
                raise ValueError(f"unknown[{function}] must be an Unknown(…), but is {known!r}.")
        store("unknown", FrozenDict(self.unknown))
        # the parts check what they hold; kept here is what they made of it
        law, domain, experiment = self.law, self.domain, self.experiment
        law.check_coordinates("angles", self.angles)
        if self.graph is not None and self.graph.sites * self.graph.fields != law.dof:
            raise ValueError(
                f"The graph of {self.name} has {self.graph.sites} sites of {self.graph.fields} coordinates, but the "
                f"system has {law.dof} coordinates."
            )
        for name in ("coordinates", "lagrangian", "dissipation", "forces", "constraints", "velocity_constraints"):
            store(name, getattr(law, name))
        for name in ("inputs", "time"):
            store(name, getattr(domain, name))
        for name in ("duration", "positions", "units"):
            store(name, getattr(experiment, name))
        store("states", _as_written(domain.states))
        store("initial_states", _as_written(experiment.initial_states))
        if self.states and checking():
            self._check_time()
        if self.states and checking() and not self.unknown:
            check_equation(self.name, law, domain, self.angles)
            check_continuity(self.name, law, domain, self.duration)

    @staticmethod
    def from_mjcf(path: str | Path, **fields: Any) -> "System":
        """The system of a robot in MJCF or URDF, by the package `mujoco` (`pip install symlnn[robots]`).

        An open chain, or a tree of them, of hinge, slide and ball joints from the world. Masses, inertias, armature,
        damping and springs are parameters; each actuator is an input, of its control range or of (−1, 1). A ball joint
        NAME has the Euler angles NAME_x, NAME_y, NAME_z, about axes that turn along, and is singular at NAME_y = ±π/2.
        `frictionloss` f is −f tanh(v/w), with a width w of 0.01. States are drawn within the limits of joints, which
        are left out, as contacts are: a warning says so. `fields` stand for those of the declaration: `name`, `states`…

        Raises `ValueError` for what is not supported, which it names with its element, for a broken file, and for one
        that refers to a file outside of its folder.
        """
        return System(**{**declaration_of(path), **fields})

    @staticmethod
    def from_lagranges_method(method: Any, *, name: str, **fields: Any) -> "System":
        """The system of a `LagrangesMethod` of SymPy: its Lagrangian, loads and constraints.

        `fields` are the others of a declaration: `parameters`, `states`, … Raises `ValueError` for what is no such
        method, and as the declaration does.
        """
        return System(**{**fields_of_lagranges_method(method), "name": name, **fields})

    @staticmethod
    def from_kanes_method(method: Any, *, name: str, **fields: Any) -> "System":
        """The system of a `KanesMethod` of SymPy that was given bodies: L = T − V of these, with their loads and
        constraints, and q̇ in place of its speeds.

        Raises `ValueError` for one without bodies, or whose speeds do not follow from q̇.
        """
        return System(**{**fields_of_kanes_method(method), "name": name, **fields})

    @staticmethod
    def from_bodies(
        frame: Any,
        bodies: Sequence[Any],
        loads: Sequence[Any] = (),
        *,
        name: str,
        joints: Sequence[Any] = (),
        coordinates: Sequence[Expression] | None = None,
        **fields: Any,
    ) -> "System":
        """The system of SymPy's `Particle`s and `RigidBody`s in an inertial `ReferenceFrame`: L = T − V, and of loads,
        (point, force) and (frame, torque), the generalised forces F·∂v/∂q̇ + T·∂ω/∂q̇.

        `joints` of SymPy's Joint API bring their coordinates, and q̇ in place of their speeds. Without them the
        coordinates are those that velocities and potentials hold, in alphabetical order, unless `coordinates` names
        them. Raises `ValueError` for what is no body, and for loads that act on none.
        """
        found = fields_of_bodies(frame, bodies, loads, joints, coordinates)
        return System(**{**found, "name": name, **fields})

    # --- its parts -------------------------------------------------------------------------------------------------

    @cached_property
    def law(self) -> Law:
        """What moves and why: all that compiled functions depend on."""
        return shared(
            Law(
                coordinates=self.coordinates,
                lagrangian=self.lagrangian,
                parameters=tuple(self.parameters),
                dissipation=self.dissipation,
                forces=self.forces,
                inputs=tuple(self.inputs),
                unknown=tuple(self.unknown),
                constraints=self.constraints,
                velocity_constraints=self.velocity_constraints,
            )
        )

    @cached_property
    def domain(self) -> Domain:
        """What states, inputs, times and varying parameters are drawn from."""
        return Domain(self.law, self.states, self.inputs, self.time, self.parameters)

    @cached_property
    def experiment(self) -> Experiment:
        """Duration, initial states, positions and units."""
        return Experiment(self.law, self.initial_states, self.duration, self.positions, self.units)

    def _check_time(self) -> None:
        law = self.law
        expressions = {"lagrangian": law.lagrangian, "dissipation": law.dissipation}
        expressions |= {f"forces[{x}]": force for x, force in law.forces.items()}
        for name in ("constraints", "velocity_constraints"):
            expressions |= {f"{name}[{i}]": x for i, x in enumerate(getattr(law, name))}
        for what, expression in expressions.items():
            if self.time is None and law.t in law.plain(expression).free_symbols:
                raise ValueError(f"{what} depends on time: add time=uniform(0, …), what t is drawn from.")

    # --- names -----------------------------------------------------------------------------------------------------

    @property
    def dof(self) -> int:
        """The number of coordinates: that of the degrees of freedom where there are no constraints."""
        return self.law.dof

    @cached_property
    def constraint_rank(self) -> int:
        """The number of constraints that are independent, at states of the domain that obey them."""
        return constraint_rank(self.name, self.law, self.domain) if self.law.is_constrained else 0

    @property
    def degrees_of_freedom(self) -> int:
        """The coordinates less the constraints that are independent."""
        return self.dof - self.constraint_rank

    @property
    def t(self) -> sp.Symbol:
        """The time symbol, as the coordinates carry it."""
        return self.law.t

    @property
    def q(self) -> tuple[sp.Symbol, ...]:
        """Plain symbols for the coordinates: `theta1`."""
        return self.law.q

    @property
    def v(self) -> tuple[sp.Symbol, ...]:
        """Plain symbols for the velocities: `theta1_dot`."""
        return self.law.v

    @property
    def a(self) -> tuple[sp.Symbol, ...]:
        """Plain symbols for the accelerations: `theta1_ddot`."""
        return self.law.a

    @property
    def p(self) -> tuple[sp.Symbol, ...]:
        """Plain symbols for the canonical momenta: `p_theta1`."""
        return self.law.p

    @property
    def u(self) -> tuple[sp.Symbol, ...]:
        """Plain symbols for the control inputs."""
        return self.law.u

    @property
    def m(self) -> tuple[sp.Symbol, ...]:
        """The parameters that vary from sample to sample, in the order of declaration (the paper's appendix A)."""
        return tuple(symbol for symbol, parameter in self.parameters.items() if parameter.varies)

    @property
    def is_angle(self) -> tuple[bool, ...]:
        """For each coordinate, whether it is periodic."""
        return tuple(x in self.angles for x in self.coordinates)

    def plain(self, expression: Any) -> sp.Expr:
        """The expression with plain symbols in place of coordinates, velocities, accelerations and inputs."""
        return self.law.plain(expression)

    # --- what follows from the law ---------------------------------------------------------------------------------

    @property
    def plain_lagrangian(self) -> sp.Expr:
        """L(q, v, t) in plain symbols."""
        return self.law.plain_lagrangian

    @property
    def generalized_forces(self) -> sp.ImmutableMatrix:
        """Q − ∂F/∂v, (dof, 1): all that acts besides L."""
        return self.law.generalized_forces

    @property
    def has_forces(self) -> bool:
        """Whether anything acts besides L."""
        return self.law.has_forces

    @property
    def mass_matrix(self) -> sp.ImmutableMatrix:
        """M(q, v, t) = ∇ᵥ∇ᵥᵀL, (dof, dof)."""
        return self.law.mass_matrix

    @property
    def bias(self) -> sp.ImmutableMatrix:
        """b(q, v, t), (dof, 1), so that M a + b = Q with Q = `generalized_forces`."""
        return self.law.bias

    @property
    def equations_of_motion(self) -> tuple[sp.Expr, ...]:
        """M a + b − Q − Aᵀλ, one expression per coordinate, then A a + c, one per constraint: each vanishes along the
        motion."""
        return self.law.equations_of_motion

    @property
    def accelerations(self) -> tuple[sp.Expr, ...] | None:
        """a(q, v, t) in closed form for one or two coordinates without constraints, else None."""
        return self.law.accelerations

    @property
    def momenta(self) -> tuple[sp.Expr, ...]:
        """The canonical momenta pᵢ = ∂L/∂vᵢ."""
        return self.law.momenta

    @property
    def energy(self) -> sp.Expr:
        """The Jacobi energy h = v·∂L/∂v − L."""
        return self.law.energy

    @property
    def power(self) -> sp.Expr:
        """dh/dt = v·Q − ∂L/∂t − λ·b along the motion; zero where the energy is conserved."""
        return self.law.power

    @property
    def conserved_quantities(self) -> Mapping[str, sp.Expr]:
        """The energy, where it is conserved, and a momentum for each cyclic coordinate on which no force acts."""
        return self.law.conserved_quantities

    @property
    def conserves_energy(self) -> bool:
        """Whether the Jacobi energy is conserved."""
        return self.law.conserves_energy

    @property
    def hamiltonian(self) -> sp.Expr | None:
        """H(q, p, t) in closed form where L is quadratic in v and nothing is constrained, else None (see
        `SymbolicMomentum` for numbers)."""
        return self.law.hamiltonian

    # --- variations ------------------------------------------------------------------------------------------------

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
            known = changed[symbol]
            if isinstance(value, AbstractDistribution):
                changed[symbol] = Parameter(value, known.unit)
            else:
                changed[symbol] = replace(known, value=value)
        return replace(self, parameters=changed)

    def with_functions(self, values: Mapping[Any, Any], parameters: Mapping[Expression, Any] | None = None) -> "System":
        """The same system with functions that were left open put in: for each one an expression, in the argument that
        it is declared of, or a function of SymPy expressions; and the parameters that these bring.

        Raises `ValueError` for a function that is not left open, and for an expression of one that stands in the
        declaration with several arguments.
        """
        found = {str(function): function for function in self.unknown}
        chosen = {}
        for key, value in values.items():
            function = found.get(str(key))
            if function is None:
                raise ValueError(
                    f"{self.name} leaves no function {key} open. It leaves open: {', '.join(found) or 'none'}."
                )
            chosen[function] = value
        for function, value in chosen.items():
            places = {f for f in self.law.calls if f.func == function}
            if isinstance(value, sp.Lambda) or (callable(value) and not isinstance(value, sp.Basic)):
                continue
            if len(places) > 1:
                raise ValueError(
                    f"{function} stands in the declaration of {self.name} with several arguments: give it as a "
                    "function, lambda x: …"
                )
            chosen[function] = lambda *arguments, whole=value: sp.sympify(whole)

        def complete(expression: Any) -> Any:
            return expression.replace(
                lambda f: isinstance(f, AppliedUndef) and f.func in chosen, lambda f: chosen[f.func](*f.args)
            )

        return replace(
            self,
            lagrangian=complete(self.lagrangian),
            dissipation=complete(self.dissipation),
            forces={x: complete(force) for x, force in self.forces.items()},
            parameters={**self.parameters, **(parameters or {})},
            unknown={function: known for function, known in self.unknown.items() if function not in chosen},
        )

    def require_same(self, other: "System", what: str, remedy: str) -> None:
        """Raise a `ValueError` where another system, of which `what` is, has another law or other values of parameters
        than this one. Where states are drawn from may differ."""
        parts = ("lagrangian", "dissipation", "forces", "constraints", "velocity_constraints")
        for part in ("name", "coordinates", "parameters", *parts):
            theirs, ours = getattr(other, part), getattr(self, part)
            if theirs != ours:
                # neither sorted nor evaluated: an expression of a stranger can take long to be written out
                shown = "another one" if part in parts else f"{theirs}"[:200]
                raise ValueError(
                    f"{what} of another system: its {part} is {shown}, but {self.name} has {ours}. {remedy}"
                )

    def state_marginals(self, *, initial: bool = False) -> tuple[tuple[AbstractMarginal, AbstractMarginal], ...]:
        """For each coordinate what it and its velocity are drawn from; `initial` for those of roll-outs."""
        drawn = dict(self.domain.marginals)
        if initial:
            drawn |= marginals_of(self.experiment.initial_states)
        variables = [(x, x.diff(self.t)) for x in self.coordinates]
        missing = [y for pair in variables for y in pair if y not in drawn]
        if missing:
            where = "initial_states" if initial else "states"
            raise ValueError(
                f"{self.name} does not say what {missing[0]} is drawn from: add {where}={{{missing[0]}: …}}."
            )
        return tuple((drawn[x], drawn[v]) for x, v in variables)

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


def _as_written(entries: Mapping[tuple[Any, ...], AbstractDistribution]) -> Mapping[Any, AbstractDistribution]:
    """A variable that is drawn by itself as the key, in place of the tuple of it."""
    return FrozenDict({group[0] if len(group) == 1 else group: d for group, d in entries.items()})


def _parameter(symbol: Any, value: Any) -> Parameter:
    if isinstance(value, Parameter):
        return value
    try:
        return Parameter(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Parameter {symbol} must be a number or a distribution, but is {value!r}.") from error
