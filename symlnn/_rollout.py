"""What a simulation gives."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ._dynamics import AbstractDynamics
from ._results import RESULTS, in_words
from ._types import Coordinates, RealScalar, Varying


class DenseMotion(eqx.Module):
    """A motion at any time, interpolated between the steps of the integrator."""

    dynamics: AbstractDynamics
    states: Any
    m: Varying

    def __call__(self, t: RealScalar) -> tuple[Coordinates, Coordinates]:
        """(q, v) at time t."""
        return self.dynamics.observe(t, self.states.evaluate(t), self.m)


class Rollout(eqx.Module):
    """A motion, or a batch of them along the leading axis."""

    t: Float[Array, " time"]
    """The times, in seconds."""
    q: Float[Array, "*batch time dof"]
    v: Float[Array, "*batch time dof"]
    result: RESULTS
    """One code of `RESULTS` per motion: `successful`, `max_steps_reached`, `dt_min_reached`, `singular`, …"""
    integral: Float[Array, "*batch time"] | None = None
    """∫ g dt from the start on, of the `integrand` g of `simulate`; else None."""
    dense: DenseMotion | None = None
    """With `dense=True`, the motion at any time; else None."""

    @property
    def successful(self) -> Bool[Array, "*batch"]:
        """Whether the integration reached the end with finite states; after a failure q and v are infinite."""
        finite = jnp.all(jnp.isfinite(self.q) & jnp.isfinite(self.v), axis=(-2, -1))
        return (self.result == RESULTS.successful) & finite

    @property
    def reasons(self) -> np.ndarray:
        """Why each motion of a batch failed, in words; empty where it is successful."""
        words = in_words(self.result)
        return np.where(self.successful, "", np.where(words == "", "Its states are not finite.", words))
