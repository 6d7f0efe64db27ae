"""`Law`: the Lagrangian and the forces of a system, in symbols, without the numbers."""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef, UndefinedFunction
from sympy.physics.units import Quantity

from .. import _symbolic
from .._frozen import FrozenDict
from ._checking import checking
from ._constraints import check_constraints
from ._expression import finished, is_name, listed, ordered, scalar


@dataclass(frozen=True, kw_only=True)
class Law:
    """L(q, q̇, t), with the generalised forces Q and the Rayleigh dissipation F that act besides:

        d/dt ∂L/∂q̇ᵢ − ∂L/∂qᵢ = Qᵢ − ∂F/∂q̇ᵢ + (Aᵀλ)ᵢ,

    with multipliers λ where there are constraints A q̇ + b = 0, whose forces Aᵀλ keep them.

    It is what compiled functions depend on, and all that they do: the values of parameters, the distributions of states
    and the duration of a motion are arguments. What is derived is in the plain symbols `q`, `v`, `a`, `p`, computed
    once and kept. Raises `ValueError` that names the symbol and the remedy.
    """

    coordinates: Sequence[Any]
    lagrangian: Any
    parameters: Sequence[Any] = ()
    """The symbols that stand for numbers."""
    dissipation: Any = sp.S.Zero
    forces: Mapping[Any, Any] = field(default_factory=dict)
    inputs: Sequence[Any] = ()
    """The control inputs u, which may appear in the forces."""
    unknown: Sequence[Any] = ()
    """The functions that are left open, as `sympy.Function("V")`: with any of them nothing can be derived."""
    constraints: Sequence[Any] = ()
    """φ(q, t), each zero along the motion."""
    velocity_constraints: Sequence[Any] = ()
    """ψ(q, q̇, t), linear in the velocities, each zero along the motion."""

    def __post_init__(self) -> None:
        for name in ("coordinates", "parameters", "inputs"):
            object.__setattr__(self, name, ordered(getattr(self, name), name))
        for name in ("lagrangian", "dissipation"):
            object.__setattr__(self, name, scalar(getattr(self, name), name))
        for name in ("constraints", "velocity_constraints"):
            given = ordered(getattr(self, name), name)
            object.__setattr__(self, name, tuple(scalar(x, f"{name}[{i}]") for i, x in enumerate(given)))
        forces = {x: scalar(force, f"forces[{x}]") for x, force in self.forces.items()}
        object.__setattr__(self, "forces", FrozenDict(forces))
        object.__setattr__(self, "unknown", tuple(self.unknown))
        self._check_coordinates()
        self._check_names()
        self._check_unknown()
        if not checking():
            return
        self.check_symbols("lagrangian", self.lagrangian)
        self.check_symbols("dissipation", self.dissipation)
        for x, force in self.forces.items():
            self.check_symbols(f"forces[{x}]", force, inputs=True)
        check_constraints(self)

    # --- names -----------------------------------------------------------------------------------------------------

    @property
    def dof(self) -> int:
        """The number of coordinates: that of the degrees of freedom where there are no constraints."""
        return len(self.coordinates)

    @property
    def is_constrained(self) -> bool:
        """Whether there are constraints."""
        return bool(self.constraints or self.velocity_constraints)

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
    def multipliers(self) -> tuple[sp.Symbol, ...]:
        """Plain symbols for the multipliers λ of the constraints: `lambda1`."""
        count = len(self.constraints) + len(self.velocity_constraints)
        taken = {symbol.name for symbol in (*self.parameters, *self.q, *self.v, *self.a, *self.u)}
        stem = next(s for s in ("lambda", "multiplier", "constraint_multiplier") if f"{s}1" not in taken)
        return tuple(sp.Symbol(f"{stem}{k + 1}", real=True) for k in range(count))

    @cached_property
    def u(self) -> tuple[sp.Symbol, ...]:
        """Plain symbols for the control inputs."""
        return tuple(x if x.is_Symbol else sp.Symbol(str(x.func), real=True) for x in self.inputs)

    @cached_property
    def _plain_symbols(self) -> Mapping[sp.Expr, sp.Expr]:
        rule: dict[sp.Expr, sp.Expr] = {}
        for x, qi, vi, ai in zip(self.coordinates, self.q, self.v, self.a, strict=True):
            rule |= {x.diff(self.t, 2): ai, x.diff(self.t): vi, x: qi}
        return rule | dict(zip(self.inputs, self.u, strict=True))

    def plain(self, expression: Any) -> sp.Expr:
        """The expression with plain symbols in place of coordinates, velocities, accelerations and inputs."""
        found = finished(sp.sympify(expression, strict=True))
        if found not in self._plain_forms:
            self._plain_forms[found] = found.xreplace(self._plain_symbols)
        return self._plain_forms[found]

    @cached_property
    def _plain_forms(self) -> dict[Any, Any]:
        """What `plain` has found."""
        return {}

    # --- what follows ----------------------------------------------------------------------------------------------

    @cached_property
    def plain_lagrangian(self) -> sp.Expr:
        """L(q, v, t) in plain symbols."""
        return sp.signsimp(self.plain(self.lagrangian))

    @cached_property
    def unsimplified(self) -> "Unsimplified":
        """What follows from L as the derivatives come: what is compiled, and never waits for a form to read."""
        return Unsimplified(self)

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
    def depends_on_time(self) -> bool:
        """Whether t stands in L, F, a force or a constraint explicitly."""
        declared = (self.lagrangian, self.dissipation, *self.forces.values())
        declared += (*self.constraints, *self.velocity_constraints)
        return any(self.t in self.plain(expression).free_symbols for expression in declared)

    @property
    def has_forces(self) -> bool:
        """Whether anything acts besides L."""
        return any(force != 0 for force in (self.dissipation, *self.forces.values()))

    @cached_property
    def mass_matrix(self) -> sp.ImmutableMatrix:
        """M(q, v, t) = ∇ᵥ∇ᵥᵀL, (dof, dof)."""
        return sp.ImmutableMatrix(self.unsimplified.mass_matrix.applyfunc(_symbolic.tidy))

    @cached_property
    def bias(self) -> sp.ImmutableMatrix:
        """b(q, v, t), (dof, 1), so that M a + b = Q with Q = `generalized_forces`."""
        return sp.ImmutableMatrix(self.unsimplified.bias.applyfunc(_symbolic.tidy))

    @cached_property
    def constraint_equations(self) -> _symbolic.ConstraintEquations:
        """The constraints, and what follows from them for velocities and accelerations."""
        positions, velocities = ([self.plain(x) for x in xs] for xs in (self.constraints, self.velocity_constraints))
        return _symbolic.constraint_equations(positions, velocities, self.q, self.v, self.t)

    @cached_property
    def equations_of_motion(self) -> tuple[sp.Expr, ...]:
        """M a + b − Q − Aᵀλ, one expression per coordinate, then A a + c, one per constraint: each vanishes along the
        motion."""
        residual = self.mass_matrix * sp.Matrix(self.a) + self.bias - self.generalized_forces
        if not self.is_constrained:
            return tuple(residual)
        known = self.constraint_equations
        forces = known.matrix.T * sp.Matrix(self.multipliers)
        return (*(residual - forces), *(known.matrix * sp.Matrix(self.a) + known.bias))

    @cached_property
    def accelerations(self) -> tuple[sp.Expr, ...] | None:
        """a(q, v, t) in closed form for one or two coordinates without constraints, else None.

        Above two the closed form is unreadable and slow: use `mass_matrix` and `bias`, and solve numerically.
        """
        if self.dof > 2 or self.is_constrained:
            return None
        return tuple(_symbolic.accelerations(self.mass_matrix, self.generalized_forces - self.bias))

    @cached_property
    def momenta(self) -> tuple[sp.Expr, ...]:
        """The canonical momenta pᵢ = ∂L/∂vᵢ."""
        return tuple(map(_symbolic.tidy, self.unsimplified.momenta))

    @cached_property
    def energy(self) -> sp.Expr:
        """The Jacobi energy h = v·∂L/∂v − L."""
        return _symbolic.tidy(self.unsimplified.energy)

    @cached_property
    def power(self) -> sp.Expr:
        """dh/dt = v·Q − ∂L/∂t − λ·b along the motion, where constraints with b = ψ − A v work too; zero where the
        energy is conserved."""
        if self.conserves_energy:
            return sp.S.Zero
        drift = self.constraint_equations.drift if self.is_constrained else ()
        work = sp.Add(*(force * b for force, b in zip(self.multipliers, drift, strict=True)))
        return _symbolic.tidy(self.unsimplified.power) - work

    @property
    def conserves_energy(self) -> bool:
        """Whether the Jacobi energy is conserved."""
        return self._conserved[0]

    @cached_property
    def _conserved(self) -> tuple[bool, tuple[bool, ...]]:
        forces = tuple(self.generalized_forces)
        steady, cyclic = _symbolic.conserved(self.plain_lagrangian, forces, self.q, self.v, self.t)
        if not self.is_constrained:
            return steady, cyclic
        known = self.constraint_equations
        steady = steady and all(map(_symbolic.is_zero, known.drift))
        columns = zip(*known.matrix.tolist(), strict=True)
        return steady, tuple(kept and not any(column) for kept, column in zip(cyclic, columns, strict=True))

    @cached_property
    def conserved_quantities(self) -> Mapping[str, sp.Expr]:
        """The energy, where it is conserved, and a momentum for each cyclic coordinate on which no force acts."""
        steady, cyclic = self._conserved
        found = {"energy": self.energy} if steady else {}
        momenta = zip(self.q, self.momenta, cyclic, strict=True)
        return FrozenDict(found | {f"momentum_{qi.name}": p for qi, p, kept in momenta if kept})

    @cached_property
    def hamiltonian(self) -> sp.Expr | None:
        """H(q, p, t) in closed form where L is quadratic in v and nothing is constrained, else None (see
        `SymbolicMomentum` for numbers)."""
        if self.is_constrained:
            return None
        return _symbolic.hamiltonian(self.plain_lagrangian, self.mass_matrix, self.v, self.p)

    # --- checks ----------------------------------------------------------------------------------------------------

    def _check_coordinates(self) -> None:
        if not self.coordinates:
            raise ValueError("A system needs at least one coordinate: coordinates=(dynamicsymbols('theta'),).")
        for x in self.coordinates:
            if not (isinstance(x, AppliedUndef) and len(x.args) == 1 and x.args[0].is_Symbol):
                raise ValueError(f"Coordinate {x} must be a function of time: declare it as dynamicsymbols('{x}').")
            if x.args[0] != self.t:
                raise ValueError(
                    f"Coordinate {x} depends on another time symbol than {self.coordinates[0]}: use one t for all."
                )
        repeated = {x for x, count in Counter(self.coordinates).items() if count > 1}
        if repeated:
            raise ValueError(f"Coordinate {listed(repeated)} is declared twice.")
        self.check_coordinates("forces", self.forces)

    @cached_property
    def calls(self) -> frozenset[Any]:
        """The undefined functions as they are applied in the declaration: V(x(t)), and x(t) itself."""
        declared = (self.lagrangian, self.dissipation, *self.forces.values())
        return frozenset(f for expression in declared for f in expression.atoms(AppliedUndef))

    def _check_unknown(self) -> None:
        found = {f.func for f in self.calls}
        for function in self.unknown:
            if not isinstance(function, UndefinedFunction):
                raise ValueError(f"unknown names {function}, which is no function: declare it as sympy.Function('V').")
            if function not in found:
                raise ValueError(f"The unknown function {function} stands in no expression: leave it out of unknown.")

    def require_complete(self, unknown: Sequence[Any] | None = None) -> None:
        """Raise a `ValueError` where a function is left open, one of these if they are given."""
        missing = self.unknown if unknown is None else unknown
        if missing:
            raise ValueError(
                f"{listed(missing)} is not known, so nothing follows from this law yet: complete it with "
                f"system.with_functions({{{missing[0]}: …}}), or learn it from motions with symlnn.identify."
            )

    def check_coordinates(self, what: str, named: Any) -> None:
        """Raise a `ValueError` where one of those that `what` names is no coordinate."""
        unknown = [x for x in named if x not in self.coordinates]
        if unknown:
            raise ValueError(f"{what} names {listed(unknown)}, which is no coordinate: add it to coordinates.")

    def _check_names(self) -> None:
        for symbol in self.parameters:
            if not isinstance(symbol, sp.Symbol):
                raise ValueError(f"Parameter {symbol} must be a symbol: sp.symbols('{symbol}', positive=True).")
        for symbol in (*self.parameters, *self.q, *self.u, self.t):
            if not is_name(symbol.name):
                shown = repr(symbol.name[:80])
                raise ValueError(f"The name {shown} cannot be shown: use printable characters, 200 at most.")
        names = [symbol.name for symbol in (*self.parameters, *self.q, *self.v, *self.a, *self.u, self.t)]
        repeated = {name for name, count in Counter(names).items() if count > 1}
        if repeated:
            raise ValueError(
                f"The name {listed(repeated)} stands for two different symbols "
                "(coordinates, velocities NAME_dot, accelerations NAME_ddot, inputs, parameters and time share one "
                "name space): rename one, or declare the symbol once with one set of assumptions."
            )

    def check_symbols(self, what: str, expression: sp.Expr, *, inputs: bool = False) -> None:
        """Raise a `ValueError` where `what`, an expression, holds a symbol that is not known here."""
        plain = self.plain(expression)
        self.check_time(what, plain)
        accelerations = plain.free_symbols & set(self.a)
        left = plain.atoms(sp.Derivative)
        if accelerations or left:
            raise ValueError(
                f"{what} contains the derivative {listed(accelerations or left)}: only coordinates and their first "
                f"time derivatives with respect to {self.t} may appear. Write velocities as q.diff({self.t}), with the "
                "same time symbol."
            )
        for function in sorted(plain.atoms(AppliedUndef), key=str):
            if function.func in self.unknown:
                continue
            self._explain_function(what, plain, function)
        if plain.has(sp.DiracDelta):
            raise ValueError(f"{what} contains DiracDelta: no motion can follow an impulse. Write a smooth pulse.")
        if plain.has(Quantity):
            raise ValueError(
                f"{what} contains the unit {listed(plain.atoms(Quantity))}: write numbers, and name units beside them, "
                "as in Parameter(1.0, 'm')."
            )
        if plain.has(sp.Indexed):
            raise ValueError(f"{what} contains {listed(plain.atoms(sp.Indexed))}: write a symbol for each element.")
        known = {*self.parameters, *self.q, *self.v, self.t, *(self.u if inputs else ())}
        for symbol in sorted(plain.free_symbols - known, key=str):
            self._explain_unknown(what, symbol)

    def check_time(self, what: str, expression: sp.Expr) -> None:
        """Raise a `ValueError` where an expression holds a coordinate of another time symbol."""
        names = {x.func.__name__: x for x in self.coordinates}
        for function in expression.atoms(AppliedUndef):
            ours = names.get(function.func.__name__)
            if ours is None or function == ours or function.args == ours.args:
                continue
            theirs = function.args[0]
            assumed = ", ".join(f"{name}={value}" for name, value in theirs._assumptions_orig.items())
            raise ValueError(
                f"{what} contains {function} of another time symbol {theirs}"
                + (f" ({assumed})" if assumed else "")
                + f" than that of the coordinate {ours}: declare {self.t} once, as sympy.physics.mechanics."
                "dynamicsymbols._t, say, and use it everywhere."
            )

    def _explain_function(self, what: str, plain: sp.Expr, function: Any) -> None:
        if function.args != (self.t,):
            raise ValueError(
                f"{what} contains the undefined function {function}: write what it is, or declare "
                f"unknown={{{function.func}: Unknown()}} and learn it."
            )
        if sp.diff(plain, function, 2) == 0 and what == "lagrangian" and not sp.diff(plain, function).has(*self.v):
            raise ValueError(
                f"{what} contains {function}, which is no coordinate. If it is the Lagrange multiplier of a "
                "constraint, take its term out of the Lagrangian and write the constraint as one of constraints, of "
                f"which the multipliers follow; if it is a motion that is prescribed, write it as an expression in "
                f"{self.t}."
            )
        raise ValueError(
            f"{what} contains {function}, which is no coordinate: write a motion that is prescribed as an expression "
            f"in {self.t}, make a force that is applied one of inputs, or add what moves to coordinates."
        )

    def _explain_unknown(self, what: str, symbol: sp.Basic) -> None:
        if symbol in self.u:
            raise ValueError(f"{what} contains the input {symbol}: control inputs may only appear in forces.")
        printed = {**dict(zip(map(str, self.q), self.coordinates, strict=True))}
        printed |= {str(v): x.diff(self.t) for v, x in zip(self.v, self.coordinates, strict=True)}
        if str(symbol) in printed:
            raise ValueError(
                f"{what} contains the symbol {symbol}, which is how {printed[str(symbol)]} is printed: write that."
            )
        if str(symbol) in {s.name for s in self.parameters}:
            raise ValueError(
                f"{what} contains a symbol {symbol} with other assumptions than the parameter of that name: "
                f"declare {symbol} once and use that object everywhere."
            )
        raise ValueError(
            f"{what} contains the unknown symbol {symbol}: add parameters={{{symbol}: Parameter(…, 'unit')}}, "
            "or make it a coordinate with dynamicsymbols."
        )


@dataclass(frozen=True)
class Unsimplified:
    """What follows from a law in the plain symbols, as the derivatives come."""

    law: Law

    @property
    def mass_matrix(self) -> sp.ImmutableMatrix:
        """M, (dof, dof)."""
        return self._equation[0]

    @property
    def bias(self) -> sp.ImmutableMatrix:
        """b, (dof, 1)."""
        return self._equation[1]

    @cached_property
    def _equation(self) -> tuple[sp.ImmutableMatrix, sp.ImmutableMatrix]:
        law = self.law
        law.require_complete()
        found = _symbolic.equation_of_motion(law.plain_lagrangian, law.q, law.v, law.t)
        left = sp.Tuple(*found[0], *found[1]).atoms(sp.Derivative, sp.Subs)
        if left:
            raise ValueError(
                f"The Lagrangian of {listed(law.coordinates)} cannot be differentiated: SymPy leaves {listed(left)}. "
                "Write what it stands for with Piecewise, or with a function that has a derivative."
            )
        if not any(matrix.has(sp.DiracDelta) for matrix in found):
            return found
        try:
            mass_matrix, bias = (sp.ImmutableMatrix(x.applyfunc(_symbolic.without_impulses)) for x in found)
        except ValueError as error:
            raise ValueError(f"The Lagrangian would act by impulses: {error}.") from error
        return mass_matrix, bias

    @cached_property
    def momenta(self) -> tuple[sp.Expr, ...]:
        """∂L/∂v."""
        return _symbolic.momenta(self.law.plain_lagrangian, self.law.v)

    @cached_property
    def energy(self) -> sp.Expr:
        """v·∂L/∂v − L."""
        return _symbolic.energy(self.law.plain_lagrangian, self.law.v)

    @cached_property
    def power(self) -> sp.Expr:
        """v·Q − ∂L/∂t."""
        law = self.law
        return _symbolic.power(law.plain_lagrangian, tuple(law.generalized_forces), law.v, law.t)


@functools.lru_cache(maxsize=256)
def shared(law: Law) -> Law:
    """The first law that was equal to this one: what has been derived of it need not be derived again."""
    return law
