"""Accelerations given directly by a function of the state, with no law behind them: the paper's baseline."""

from collections.abc import Callable

from jaxtyping import Array

from .._types import Coordinates, RealScalar, Varying
from ._base import AbstractSecondOrderDynamics


class DirectAcceleration(AbstractSecondOrderDynamics):
    """a = f(q, v, m, u, t) for any function f, a network say. Nothing is conserved by construction.

    Source: the "baseline neural network" of Cranmer et al. 2020 (arXiv:2003.04630), section 5.
    """

    network: Callable[[Coordinates, Coordinates, Varying | None, Array | None, RealScalar], Coordinates]
    """f(q, v, m, u, t) → (dof,)."""

    def acceleration(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Coordinates:
        """a = f(q, v, m, u, t)."""
        return self.network(q, v, m, u, t)
