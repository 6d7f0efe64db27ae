"""A first-order flow of (q, v) given directly: a neural ordinary differential equation."""

from collections.abc import Callable
from typing import Any

from jaxtyping import Array

from .._inputs import inputs_at
from .._types import Coordinates, RealScalar, Varying
from ._base import AbstractDynamics, Arguments


class NeuralODE(AbstractDynamics):
    """(q̇, v̇) = f(q, v, m, u, t) for any function f, a network say.

    Nothing says that q̇ = v: the flow has to learn it. Where it is known, `DirectAcceleration` learns v̇ alone.

    Source: Chen, Rubanova, Bettencourt & Duvenaud 2018 (arXiv:1806.07366).
    """

    network: Callable[
        [Coordinates, Coordinates, Varying | None, Array | None, RealScalar], tuple[Coordinates, Coordinates]
    ]
    """f(q, v, m, u, t) → two arrays (dof,)."""

    def vector_field(self, t: RealScalar, y: Any, args: Arguments) -> Any:
        """f at y = (q, v)."""
        q, v = y
        m, u = (None, None) if args is None else args
        return self.network(q, v, m, inputs_at(u, t, q, v), t)

    def initial_state(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Any:
        """y = (q, v)."""
        return q, v

    def observe(self, t: RealScalar, y: Any, m: Varying | None = None) -> tuple[Coordinates, Coordinates]:
        """(q, v) = y."""
        return y

    def acceleration(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Coordinates:
        """v̇, the second half of f."""
        return self.network(q, v, m, u, t)[1]
