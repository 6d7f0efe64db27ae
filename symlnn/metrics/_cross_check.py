"""Two derivations of the same accelerations, compared."""

from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp

from .._data import sample_states
from .._dynamics import EulerLagrange, SymbolicDynamics, SymbolicForces, SymbolicLagrangian, accelerations
from .._system import System
from .._types import key_of
from ._accelerations import max_relative_error


@dataclass(frozen=True)
class CrossCheck:
    """Two derivations of the same accelerations, compared."""

    max_relative_error: float
    states: int
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the largest error is within the tolerance."""
        return self.max_relative_error <= self.tolerance


def cross_check(system: System, *, states: int = 10_000, seed: int = 0) -> CrossCheck:
    """SymPy's equations of motion against automatic differentiation of the Lagrangian, at random states.

    The tolerance is 1e-10 in float64, and 1e-2 in float32, where cancellation near singular states costs four digits.
    """
    drawn = sample_states(system, states, key=key_of(seed))
    twin = EulerLagrange(SymbolicLagrangian(system), SymbolicForces(system))
    a, b = (eqx.filter_jit(accelerations)(law, drawn) for law in (twin, SymbolicDynamics(system)))
    tolerance = 1e-10 if drawn.q.dtype == jnp.float64 else 1e-2
    return CrossCheck(max_relative_error(a, b), states, tolerance)
