"""What was recovered, and how far to trust it."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import sympy as sp

from .._system import System
from ._dictionary import left_open
from ._rational import decimal
from ._terms import PARAMETER, Term


@dataclass(frozen=True)
class RecoveredTerm:
    """A term of a law, with its coefficient."""

    term: Term
    coefficient: float
    standard_error: float
    """Zero where the coefficient fixes the scale."""
    exact: Fraction | None
    """The fraction that stands for the coefficient, where chance would seldom give one so simple."""

    @property
    def number(self) -> sp.Expr:
        """The coefficient as it is written: exact, or rounded to a tenth of its standard error."""
        if self.exact is not None:
            return sp.Rational(self.exact.numerator, self.exact.denominator)
        return decimal(self.coefficient, self.standard_error)


@dataclass(frozen=True)
class FrontLaw:
    """A smaller or a larger law beside the one that was found."""

    terms: tuple[str, ...]
    score: float
    """n log σ² + penalty · terms, above that of the law that was found."""
    residual: float


@dataclass(frozen=True, eq=False)
class Recovery:
    """A law in SymPy, and what the data say of it."""

    declared: System
    terms: tuple[RecoveredTerm, ...]
    residual: float
    """The root mean square of the errors of accelerations, or of their means over windows, as a share of theirs."""
    noise_floor: float
    """How much of it no function of the state tells: where the residual is larger, something is missing."""
    explained: bool
    """Whether what the law leaves may well be noise."""
    free_scales: int
    """Parts of the Lagrangian that could be multiplied each by a number of its own; ½ m v² of each was chosen."""
    null_dimension: int
    """How many independent Lagrangians, among the candidates, have the motions of the law; one is the law itself."""
    alternatives: tuple[sp.Expr, ...]
    """An example of each of the others."""
    front: tuple[FrontLaw, ...]
    parameters: Mapping[str, tuple[float, float]]
    """The free parameters of what is known, and the numbers within terms, with their standard errors."""
    candidates: int
    rows: float
    """The number of equations that were told independently."""
    half_width: float | None
    """Of the windows, in seconds; None where accelerations were given."""
    seconds: Mapping[str, float]
    diagnosis: tuple[str, ...] = field(default=())

    @property
    def lagrangian(self) -> sp.Expr:
        """L in plain symbols, of the terms of no function and of no force."""
        return sp.Add(*(x.number * x.term.lagrangian for x in self.terms if not x.term.of))

    @property
    def forces(self) -> tuple[sp.Expr, ...]:
        """The generalised forces that were found, one for each coordinate, in plain symbols."""
        found = [x for x in self.terms if x.term.forces and not x.term.of]
        return tuple(sp.Add(*(x.number * x.term.forces[place] for x in found)) for place in range(self.declared.dof))

    @property
    def functions(self) -> dict[str, sp.Expr]:
        """What stands for the functions that the declaration leaves open, in its plain symbols."""
        names = [str(function) for function in left_open(self.declared)]
        return {
            name: sp.Add(*(x.number * x.term.expression for x in self.terms if x.term.of == name)) for name in names
        }

    def system(self) -> System:
        """A declaration with the law that was found: what was declared with its functions put in, or, where nothing
        was left open, the coordinates and inputs of the declaration with this Lagrangian and these forces."""
        declared = self.declared
        back = {plain: x for plain, x in zip(declared.q, declared.coordinates, strict=True)}
        back |= {plain: x.diff(declared.t) for plain, x in zip(declared.v, declared.coordinates, strict=True)}
        if left_open(declared):
            whole = declared.with_functions({name: f.xreplace(back) for name, f in self.functions.items()})
            known = {symbol.name for symbol in declared.parameters}
            return whole.with_parameters({k: value for k, (value, _) in self.parameters.items() if k in known})
        inputs = _inputs(declared)
        forces = {
            x: (found + own).xreplace(back)
            for x, found, own in zip(declared.coordinates, self.forces, inputs, strict=True)
            if found + own != 0
        }
        lagrangian = self.lagrangian.xreplace(back)
        used = set().union(
            lagrangian.free_symbols,
            *(force.free_symbols for force in forces.values()),
            constraint_symbols(declared),
        )
        return dataclasses.replace(
            declared,
            name=f"{declared.name}_recovered",
            lagrangian=lagrangian,
            forces=forces,
            dissipation=sp.S.Zero,
            parameters={symbol: p for symbol, p in declared.parameters.items() if symbol in used or p.varies},
            positions=(),
            graph=None,
            unknown={},
        )

    def to_json(self) -> dict[str, Any]:
        """The document `law.json`."""
        return {
            "kind": "law",
            "system": self.declared.name,
            "lagrangian": str(self.lagrangian),
            "forces": {x.name: str(f) for x, f in zip(self.declared.q, self.forces, strict=True) if f != 0},
            "terms": [
                {
                    "term": str(x.term.expression),
                    "of": x.term.of or ("force" if x.term.forces else "lagrangian"),
                    "coefficient": x.coefficient,
                    "standard_error": x.standard_error,
                    "exact": None if x.exact is None else str(x.exact),
                }
                for x in self.terms
            ],
            "functions": {name: str(f) for name, f in self.functions.items()},
            "parameters": {name: {"value": v, "standard_error": e} for name, (v, e) in self.parameters.items()},
            "residual": self.residual,
            "noise_floor": self.noise_floor,
            "explained": self.explained,
            "free_scales": self.free_scales,
            "null_dimension": self.null_dimension,
            "alternatives": [str(x) for x in self.alternatives],
            "front": [dataclasses.asdict(x) for x in self.front],
            "candidates": self.candidates,
            "rows": self.rows,
            "half_width": self.half_width,
            "seconds": dict(self.seconds),
            "diagnosis": list(self.diagnosis),
        }


def constraint_symbols(system: System) -> set[sp.Basic]:
    """What the constraints of a declaration depend on."""
    return set().union(*(sp.sympify(x).free_symbols for x in (*system.constraints, *system.velocity_constraints)))


def known_term(system: System) -> Term | None:
    """What is known of a law: of a declaration that leaves functions open all but these, else what it says of the
    inputs; None where that is nothing."""
    if left_open(system):
        lagrangian, forces = _known(system)
        numbers = _numbers(system)
        return _term(lagrangian.xreplace(numbers), [force.xreplace(numbers) for force in forces])
    return _term(sp.S.Zero, _inputs(system))


def free_terms(system: System) -> dict[str, Term]:
    """For each free parameter of what is known the derivative of L and of the forces: what a change of it adds."""
    if not left_open(system):
        return {}
    lagrangian, forces = _known(system)
    numbers, found = _numbers(system), {}
    for symbol, parameter in system.parameters.items():
        if parameter.free:
            slopes = [sp.diff(expression, symbol).xreplace(numbers) for expression in (lagrangian, *forces)]
            term = _term(slopes[0], slopes[1:])
            if term is not None:
                found[symbol.name] = dataclasses.replace(term, of=PARAMETER, shape=symbol)
    return found


def _known(system: System) -> tuple[sp.Expr, list[sp.Expr]]:
    nothing = system.with_functions({str(f): lambda *arguments: sp.S.Zero for f in left_open(system)})
    return nothing.plain_lagrangian, list(nothing.generalized_forces)


def _term(lagrangian: sp.Expr, forces: Sequence[sp.Expr]) -> Term | None:
    acting = tuple(forces) if any(force != 0 for force in forces) else ()
    return Term(lagrangian, acting) if lagrangian != 0 or acting else None


def _numbers(system: System) -> dict[sp.Symbol, sp.Float]:
    return {s: sp.Float(p.value) for s, p in system.parameters.items() if not p.varies}


def _inputs(system: System) -> tuple[sp.Expr, ...]:
    """The part of the forces that inputs have, with the values of parameters."""
    numbers = _numbers(system)
    off = {symbol: sp.S.Zero for symbol in system.u}
    forces = [force.xreplace(numbers) for force in system.generalized_forces]
    return tuple(sp.expand(force - force.xreplace(off)) for force in forces)
