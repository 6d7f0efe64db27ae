"""The interfaces: a Lagrangian, a Hamiltonian, a momentum map, and a dynamics that diffrax can integrate."""

import abc
from typing import Any, TypeAlias

import equinox as eqx
from jaxtyping import Array

from .._inputs import Control
from .._types import Coordinates, RealScalar, Scalar, Varying

Arguments: TypeAlias = tuple[Varying | None, Control | None] | None


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
        """dy/dt, in diffrax's signature; args = (m, u), with u an array, None, or a function u(t, q, v)."""

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


class AbstractSecondOrderDynamics(AbstractDynamics):
    """A law for the accelerations: y = (q, v) and ẏ = (v, a)."""

    def vector_field(self, t: RealScalar, y: Any, args: Arguments) -> Any:
        """(v, a) at y = (q, v)."""
        q, v = y
        m, u = (None, None) if args is None else args
        inputs = u(t, q, v) if callable(u) else u
        return v, self.acceleration(q, v, m, inputs, t)

    def initial_state(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Any:
        """y = (q, v)."""
        return q, v

    def observe(self, t: RealScalar, y: Any, m: Varying | None = None) -> tuple[Coordinates, Coordinates]:
        """(q, v) = y."""
        return y
