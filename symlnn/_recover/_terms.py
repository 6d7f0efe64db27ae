"""The terms that a law may be made of, and what each adds to the equation of motion."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from jaxtyping import Float

from .._lambdify import lambdified
from .._system import System
from .._types import States


@dataclass(frozen=True)
class Term:
    """A candidate: what it adds to the Lagrangian, to the generalised forces, or to both, with one coefficient; in the
    plain symbols of a system."""

    lagrangian: sp.Expr = sp.S.Zero
    forces: tuple[sp.Expr, ...] = ()
    """One for each coordinate; empty where it adds to L alone."""
    tier: int = 0
    """How far it is from the ordinary: 0 for what is even and at most quadratic in velocities, polynomial or
    trigonometric in coordinates; 1 for other functions of coordinates; 2 for what is linear in velocities; 3 for a
    higher order; 4 for what is not polynomial in them."""
    of: str = ""
    """The function that it is a candidate for; empty where it is a term of the Lagrangian or of a force."""
    shape: sp.Expr | None = None
    """What it adds to that function."""
    inner: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()
    """The numbers within it that are not known, as k in exp(−k x), each with an expression of its size, 1/x: a family
    of terms. A positive symbol stands for a positive number."""

    @property
    def expression(self) -> sp.Expr:
        """What it is to read: what it adds to its function, to L, or to the first force that it adds to."""
        if self.shape is not None:
            return self.shape
        return self.lagrangian if self.lagrangian != 0 else next((f for f in self.forces if f != 0), sp.S.Zero)

    def within(self, values: Mapping[sp.Symbol, Any]) -> "Term":
        """With values for the numbers within it."""
        return self._of(lambda expression: expression.xreplace(values))

    def slope(self, number: sp.Symbol) -> "Term":
        """∂φ/∂k: what a change of a number within it adds."""
        return self._of(lambda expression: sp.diff(expression, number))

    def _of(self, change: Callable[[sp.Expr], sp.Expr]) -> "Term":
        shape = None if self.shape is None else change(self.shape)
        forces = tuple(change(force) for force in self.forces)
        return dataclasses.replace(self, lagrangian=change(self.lagrangian), forces=forces, shape=shape, inner=())

    @property
    def cost(self) -> int:
        """How long it is to read: its operations."""
        return 1 + int(sp.count_ops(self.expression))


PARAMETER = "parameter"
"""What a term is of that stands for the change of a number: of a free parameter, or within a term."""


def with_slopes(family: Term) -> tuple[Term, ...]:
    """A term, and what a change of each number within it adds."""
    slopes = [dataclasses.replace(family.slope(k), of=PARAMETER, shape=k) for k, _ in family.inner]
    return (dataclasses.replace(family, inner=()), *slopes)


@dataclass(frozen=True)
class Member:
    """A term of a family, with values of the numbers within it."""

    family: Term
    values: tuple[float, ...]

    @property
    def numbers(self) -> dict[sp.Symbol, float]:
        """The values, by symbol."""
        return {symbol: value for (symbol, _), value in zip(self.family.inner, self.values, strict=True)}

    def terms(self) -> tuple[Term, ...]:
        """The term, and what a change of each number adds."""
        floats = {symbol: sp.Float(value) for symbol, value in self.numbers.items()}
        within, *slopes = with_slopes(self.family)
        return within.within(floats), *(dataclasses.replace(x.within(floats), shape=x.shape) for x in slopes)


def by_cost(terms: Sequence[Term]) -> list[Term]:
    """The cheapest first, terms of L before forces."""
    return sorted(terms, key=lambda x: (bool(x.forces), x.of, x.tier, x.cost, str(x.expression), str(x.forces)))


@dataclass(frozen=True, eq=False)
class Columns:
    """What each term adds to the equation of motion Σₖ cₖ Eₖ = 0, with Eₖ = Hₖ a + hₖ, or to integrals of it."""

    e: Float[np.ndarray, "row dof term"]
    h: Float[np.ndarray, "row dof dof term"]
    """H = ∂²φ/∂v², the velocity Hessians, or their integrals; zero for forces."""

    def of(self, places: Any) -> "Columns":
        """Those of some terms."""
        return Columns(self.e[..., places], self.h[..., places])

    def at(self, rows: Any) -> "Columns":
        """At some of the rows."""
        return Columns(self.e[rows], self.h[rows])

    def beside(self, other: "Columns") -> "Columns":
        """With other terms after these."""
        return Columns(np.concatenate([self.e, other.e], axis=-1), np.concatenate([self.h, other.h], axis=-1))

    def as_powers(self, v: np.ndarray, a: np.ndarray) -> "Columns":
        """With the sizes of velocities, and accelerations in units of theirs."""
        return Columns(self.e * v[:, None], self.h * v[:, None, None] * a[:, None])

    def scaled(self, v: np.ndarray, a: np.ndarray) -> tuple["Columns", Float[np.ndarray, " term"]]:
        """Without units: rows as powers, with the sizes of velocities, accelerations in units of theirs, and every
        term as a share of its size; and these sizes."""
        powers = self.as_powers(v, a)
        e, h = powers.e, powers.h
        with np.errstate(all="ignore"):
            sizes = np.sqrt(np.mean(np.sum(e**2, axis=1) + np.sum(h**2, axis=(1, 2)), axis=0))
        sizes = np.where(np.isfinite(sizes) & (sizes > 0), sizes, 1.0)
        return Columns(e / sizes, h / sizes), sizes


@dataclass(frozen=True, eq=False)
class Points:
    """States, and what acts at them; each an array whose first axis is of points."""

    q: Float[np.ndarray, "point dof"]
    v: Float[np.ndarray, "point dof"]
    m: Float[np.ndarray, "point params"]
    u: Float[np.ndarray, "point u"]
    t: Float[np.ndarray, " point"]

    def at(self, places: Any) -> "Points":
        """Some of them."""
        return Points(self.q[places], self.v[places], self.m[places], self.u[places], self.t[places])

    @staticmethod
    def of(states: States) -> "Points":
        """These states, in double precision."""
        return Points(*(np.asarray(x, np.float64) for x in (states.q, states.v, states.m, states.u, states.t)))

    @staticmethod
    def joined(parts: Sequence["Points"]) -> "Points":
        """One after another."""
        return Points(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("q", "v", "m", "u", "t")))


@functools.lru_cache(maxsize=16)
def _compiled(symbols: tuple[tuple[sp.Symbol, ...], ...], terms: tuple[Term, ...]) -> Callable[..., Any]:
    q, v, m, u, t, inner = symbols
    dof = len(q)
    wanted: list[sp.Expr] = []
    for term in terms:
        momentum = [sp.diff(term.lagrangian, x) for x in v]
        forces = term.forces or (sp.S.Zero,) * dof
        wanted += momentum
        wanted += [sp.diff(term.lagrangian, x) + force for x, force in zip(q, forces, strict=True)]
        wanted += [sp.diff(p, x) for p in momentum for x in v]
        wanted += [
            sp.Add(*(sp.diff(p, x) * y for x, y in zip(q, v, strict=True)), *(sp.diff(p, x) for x in t))
            for p in momentum
        ]
    used = [k for k, expression in enumerate(wanted) if expression != 0]
    function = lambdified([*q, *v, *m, *u, *t, *inner], [wanted[k] for k in used], modules=["numpy"])

    def evaluate(points: Points, *numbers: float) -> tuple[np.ndarray, ...]:
        whole = np.zeros((len(points.q), len(wanted)))
        with np.errstate(all="ignore"):
            columns = function(*points.q.T, *points.v.T, *points.m.T, *points.u.T, points.t, *numbers)
            for place, column in zip(used, columns, strict=True):
                whole[:, place] = column
        whole = whole.reshape(len(points.q), len(terms), -1)
        p, f, h, g = np.split(whole, np.cumsum([dof, dof, dof * dof]), axis=2)
        h = h.reshape(len(points.q), len(terms), dof, dof)
        return tuple(np.moveaxis(x, 1, -1) for x in (p, f, h, g))

    return evaluate


def evaluated(
    system: System, terms: Sequence[Term], points: Points, inner: Mapping[sp.Symbol, float] | None = None
) -> tuple[np.ndarray, ...]:
    """(∂φ/∂v, ∂φ/∂q + force, ∂²φ/∂v², (∂²φ/∂v∂q) v + ∂²φ/∂v∂t) of every term at every point, for values of the numbers
    within terms; the last axis is of terms."""
    inner = {} if inner is None else inner
    symbols = (system.q, system.v, system.m, system.u, (system.t,), tuple(inner))
    return _compiled(symbols, tuple(terms))(points, *inner.values())
