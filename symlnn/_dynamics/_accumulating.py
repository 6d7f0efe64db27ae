"""A law of motion with an integral that is taken along it."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from .._inputs import inputs_at
from .._results import RESULTS
from .._types import Coordinates, RealScalar, Scalar, Varying
from ._base import AbstractDynamics, Arguments, verdict

Integrand = Callable[[Coordinates, Coordinates, Varying | None, Array | None, RealScalar], Scalar]
"""g(q, v, m, u, t) → (), of order one."""


class Accumulating(AbstractDynamics):
    """A law ẏ = f(t, y), and beside it Ẇ = g(q, v, m, u, t): the state is (y, W), with W = 0 at the start.

    An integrator then takes steps that are short enough for g too, where a sum over the observed instants would miss
    what happens between them.
    """

    dynamics: AbstractDynamics
    integrand: Integrand

    def vector_field(self, t: RealScalar, y: Any, args: Arguments) -> Any:
        """(f(t, y), g)."""
        state, _ = y
        m, u = (None, None) if args is None else args
        q, v = self.dynamics.observe(t, state, m)
        return self.dynamics.vector_field(t, state, args), self.integrand(q, v, m, inputs_at(u, t, q, v), t)

    def initial_state(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Any:
        """(y, 0)."""
        return self.dynamics.initial_state(q, v, m, t), jnp.zeros((), q.dtype)

    def observe(self, t: RealScalar, y: Any, m: Varying | None = None) -> tuple[Coordinates, Coordinates]:
        """(q, v) of y."""
        return self.dynamics.observe(t, y[0], m)

    def acceleration(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Coordinates:
        """The accelerations of the law."""
        return self.dynamics.acceleration(q, v, m, u, t)


@verdict.register(Accumulating)
def _(law: Accumulating, t: RealScalar, y: Any, args: Arguments) -> RESULTS:
    """That of the law."""
    return law.dynamics.status(t, y[0], args)
