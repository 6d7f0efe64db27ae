"""Motions that are kept on their constraints: a solver that projects each of its steps."""

import functools as ft
from collections.abc import Callable
from typing import Any

import diffrax
import jax
from diffrax import RESULTS
from jaxtyping import Array, PyTree

from ._accumulating import Accumulating
from ._base import AbstractDynamics, Arguments
from ._constraints import AbstractConstraints
from ._equation import AbstractEquationOfMotion
from ._hamilton import Hamilton
from ._natural import Natural, sizes_of
from ._surface import Surface


@ft.singledispatch
def constraints_of(dynamics: AbstractDynamics) -> AbstractConstraints | None:
    """What the motions of a law obey; None where it knows of no constraints."""
    return None


@constraints_of.register(AbstractEquationOfMotion)
@constraints_of.register(Hamilton)
def _(dynamics: AbstractEquationOfMotion | Hamilton) -> AbstractConstraints | None:
    return dynamics.constraints


@constraints_of.register(Natural)
@constraints_of.register(Accumulating)
def _(dynamics: Natural | Accumulating) -> AbstractConstraints | None:
    return constraints_of(dynamics.dynamics)


@ft.singledispatch
def onto_constraints(dynamics: AbstractDynamics, t: Array, y: Any, args: Arguments) -> Any:
    """The state nearby, of one that is near, which obeys the constraints of a law."""
    raise ValueError(f"{type(dynamics).__name__} has no constraints that a solver could keep.")


@onto_constraints.register(AbstractEquationOfMotion)
def _(dynamics: AbstractEquationOfMotion, t: Array, y: tuple[Array, Array], args: Arguments) -> tuple[Array, Array]:
    if dynamics.constraints is None:
        return y
    (q, v), m = y, None if args is None else args[0]
    return Surface(dynamics.constraints, m, t, sizes_of(dynamics, q)).nearby(q, v)


@onto_constraints.register(Hamilton)
def _(dynamics: Hamilton, t: Array, y: tuple[Array, Array], args: Arguments) -> tuple[Array, Array]:
    if dynamics.constraints is None:
        return y
    (q, p), m = y, None if args is None else args[0]
    q, _ = Surface(dynamics.constraints, m, t, sizes_of(dynamics, q)).nearby(q, dynamics.velocities(q, p, m, t))
    return q, dynamics.onto_constraints(q, p, m, t)


@onto_constraints.register(Natural)
def _(dynamics: Natural, t: Array, y: Any, args: Arguments) -> Any:
    inner = onto_constraints(dynamics.dynamics, t, dynamics.state(y), args)
    return jax.tree.map(lambda x, size: x / size, inner, dynamics.sizes)


@onto_constraints.register(Accumulating)
def _(dynamics: Accumulating, t: Array, y: Any, args: Arguments) -> Any:
    return onto_constraints(dynamics.dynamics, t, y[0], args), y[1]


class Projected(diffrax.AbstractWrappedSolver):
    """Any solver of diffrax, with every step projected onto the constraints of a law:

        y ↦ the nearest state with φ = 0 and ψ = 0.

    Without it the error of each step adds to what a motion has left of its constraints, which grows without bound. The
    order of the solver is kept: what the projection changes is of the size of its error. The error is estimated before.

    Source: Hairer, Lubich & Wanner, Geometric Numerical Integration, section IV.4.
    """

    solver: diffrax.AbstractSolver
    project: Callable[[Array, Any, Any], Any]
    """(t, y, args) ↦ y."""

    @property
    def term_structure(self) -> Any:
        """That of the solver."""
        return self.solver.term_structure

    @property
    def interpolation_cls(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """That of the solver."""
        return self.solver.interpolation_cls

    @property
    def root_finder(self) -> Any:
        """That of an implicit solver, in which diffrax puts the tolerances of steps."""
        return self.solver.root_finder  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def term_compatible_contr_kwargs(self) -> Any:
        """Those of the solver."""
        return self.solver.term_compatible_contr_kwargs

    def order(self, terms: PyTree[diffrax.AbstractTerm]) -> int | None:
        """That of the solver."""
        return self.solver.order(terms)

    def strong_order(self, terms: PyTree[diffrax.AbstractTerm]) -> Any:
        """That of the solver."""
        return self.solver.strong_order(terms)

    def error_order(self, terms: PyTree[diffrax.AbstractTerm]) -> Any:
        """That of the solver."""
        return self.solver.error_order(terms)

    def init(self, terms: Any, t0: Any, t1: Any, y0: Any, args: Any) -> Any:
        """As the solver."""
        return self.solver.init(terms, t0, t1, y0, args)

    def step(
        self, terms: Any, t0: Any, t1: Any, y0: Any, args: Any, solver_state: Any, made_jump: Any
    ) -> tuple[Any, Any, Any, Any, RESULTS]:
        """A step of the solver, projected. The next one evaluates the law at its start again, which has moved."""
        y1, error, dense, state, result = self.solver.step(terms, t0, t1, y0, args, solver_state, made_jump=True)
        y1 = self.project(t1, y1, args)
        return y1, error, dense | {"y1": y1}, state, result

    def func(self, terms: Any, t0: Any, y0: Any, args: Any) -> Any:
        """As the solver."""
        return self.solver.func(terms, t0, y0, args)


def kept(solver: diffrax.AbstractSolver, dynamics: AbstractDynamics) -> diffrax.AbstractSolver:
    """The solver, projecting where the law has constraints that do not lead back by themselves."""
    constraints = constraints_of(dynamics)
    if constraints is None or constraints.corrected:
        return solver
    return Projected(solver, ft.partial(onto_constraints, dynamics))
