"""The interfaces: a Lagrangian, a Hamiltonian, a momentum map, and a dynamics that diffrax can integrate."""

import abc
import functools as ft
from collections.abc import Callable
from typing import Any, TypeAlias

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PyTree

from .._inputs import Control, inputs_at
from .._results import RESULTS
from .._taylor import SeriesTerm, Taylor
from .._types import Coordinates, Flag, RealScalar, Scalar, Varying
from ._terms import ode_terms

Arguments: TypeAlias = tuple[Varying | None, Control | None] | None
Forces: TypeAlias = Callable[[Coordinates, Coordinates, Varying | None, Array | None, RealScalar], Coordinates]
"""Generalised forces Q(q, v, m, u, t) → (dof,)."""


class AbstractLagrangian(eqx.Module):
    """A Lagrangian L(q, v, m, t) of one state: a scalar, twice differentiable in v and once in q."""

    @abc.abstractmethod
    def __call__(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """L at one state; m holds the varying parameters, None where there are none."""


class AbstractHamiltonian(eqx.Module):
    """A Hamiltonian H(q, p, m, t) of one state: a scalar, once differentiable in q and p."""

    @abc.abstractmethod
    def __call__(self, q: Coordinates, p: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """H at one state; m holds the varying parameters, None where there are none."""


class AbstractMomentum(eqx.Module):
    """The map between velocities and momenta at one position: v ↦ p(q, v, m, t) and its inverse."""

    @abc.abstractmethod
    def __call__(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Coordinates:
        """The momenta p of the velocities v."""

    @abc.abstractmethod
    def velocities(self, q: Coordinates, p: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Coordinates:
        """The velocities v of the momenta p."""


class AbstractDynamics(eqx.Module):
    """A law of motion ẏ = f(t, y) with a state y of its own, seen from outside through (q, v).

    All methods take one state; use `jax.vmap` for more. Downstream of here analytic and learned dynamics are alike.
    """

    @abc.abstractmethod
    def vector_field(self, t: RealScalar, y: Any, args: Arguments) -> Any:
        """dy/dt, in diffrax's signature; args = (m, u), with u a control: see `inputs_at`."""

    @abc.abstractmethod
    def initial_state(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Any:
        """The state y of the coordinates q and velocities v at time t."""

    @abc.abstractmethod
    def observe(self, t: RealScalar, y: Any, m: Varying | None = None) -> tuple[Coordinates, Coordinates]:
        """The coordinates and velocities (q, v) of a state y."""

    @abc.abstractmethod
    def acceleration(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Coordinates:
        """The accelerations a = q̈."""

    def terms(self, solver: diffrax.AbstractSolver) -> PyTree[diffrax.AbstractTerm]:
        """ẏ = f(t, y) in the terms that a solver of diffrax wants; for one that splits, those of the `Doubled` law.

        Raises `ValueError` for a solver of stochastic equations.
        """
        if isinstance(solver, Taylor):
            return SeriesTerm(self.vector_field, self.series)
        return ode_terms(self.vector_field, solver)

    def series(self, t: RealScalar, y: Any, args: Arguments, order: int, always: Bool[Array, ""]) -> Any:
        """The Taylor coefficients yₖ, k = 0 … `order`, of the motion from y at time t, along a leading axis: what the
        solver `Taylor` needs.

        Raises `ValueError` for a law that is not one in SymPy.
        """
        raise ValueError(
            f"The solver Taylor needs recurrences that come from SymPy, which {type(self).__name__} is not: choose "
            "another, diffrax.Dopri8() say."
        )

    def status(self, t: RealScalar, y: Any, args: Arguments) -> RESULTS:
        """What can be said of the law at a state: `successful` where ẏ is finite and is what the law says.

        Else `not_finite`, or `singular`, say, for a law whose equation M a = r was not solved there: see `verdict`.
        """
        return verdict(self, t, y, args)


@ft.singledispatch
def verdict(dynamics: AbstractDynamics, t: RealScalar, y: Any, args: Arguments) -> RESULTS:
    """The status of a law at a state. A law that knows more than whether numbers are finite registers its own."""
    finite = all_finite((y, dynamics.vector_field(t, y, args)))
    return RESULTS.where(finite, RESULTS.successful, RESULTS.not_finite)


def all_finite(tree: PyTree[Array]) -> Flag:
    """Whether all numbers in the arrays of a tree are finite."""
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(tree)]))


class AbstractSecondOrderDynamics(AbstractDynamics):
    """A law for the accelerations: y = (q, v) and ẏ = (v, a)."""

    def vector_field(self, t: RealScalar, y: Any, args: Arguments) -> Any:
        """(v, a) at y = (q, v)."""
        q, v = y
        m, u = (None, None) if args is None else args
        return v, self.acceleration(q, v, m, inputs_at(u, t, q, v), t)

    def initial_state(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Any:
        """y = (q, v)."""
        return q, v

    def observe(self, t: RealScalar, y: Any, m: Varying | None = None) -> tuple[Coordinates, Coordinates]:
        """(q, v) = y."""
        return y
