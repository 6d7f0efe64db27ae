"""Two derivations of the same accelerations, compared."""

import math
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._data import sample_states
from .._dynamics import (
    AbstractDynamics,
    EulerLagrange,
    SymbolicConstraints,
    SymbolicDynamics,
    SymbolicForces,
    SymbolicLagrangian,
    accelerations,
)
from .._system import System
from .._types import States, key_of


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

    The difference is relative to the accelerations, or, where those are small because the terms of which they are made
    cancel, to the terms: see `cancellation`. The tolerance is 1e-10 in float64, and 1e-2 in float32, where cancellation
    near singular states costs four digits.
    """
    drawn = sample_states(system, states, key=key_of(seed))
    law = SymbolicDynamics(system)
    known = SymbolicConstraints.of(system)
    constraints = None if known is None else known.by_differentiation()
    twin = EulerLagrange(SymbolicLagrangian(system), SymbolicForces(system), constraints)
    a, b = (eqx.filter_jit(accelerations)(x, drawn) for x in (twin, law))
    tolerance = 1e-10 if drawn.q.dtype == jnp.float64 else 1e-2
    return CrossCheck(max_relative_error(a, b, cancellation(law, drawn)), states, tolerance)


@eqx.filter_jit
def cancellation(law: AbstractDynamics, states: States) -> Float[Array, "batch dof"]:
    """|(∂a/∂q) q| + |(∂a/∂v) v|: by how much accelerations move when coordinates or velocities do by their own size.

    Far above |a| where terms cancel in it, k x and k l of a stiff spring say, and so the size of its rounding.
    """

    def one(state: States) -> Array:
        def moved(q: Array, v: Array) -> Array:
            return law.acceleration(q, v, state.m, state.u, state.t)

        point = (state.q, state.v)
        directions = ((state.q, 0 * state.v), (0 * state.q, state.v))
        return sum((jnp.abs(jax.jvp(moved, point, direction)[1]) for direction in directions), jnp.zeros_like(state.q))

    return jax.vmap(one)(states)


def max_relative_error(
    a: Float[Array, "batch dof"], b: Float[Array, "batch dof"], terms: Float[Array, "batch dof"]
) -> float:
    """max over states of ‖a − b‖ / max(‖b‖, ‖terms‖, 1e-3), in units of the root mean square of each coordinate of b.

    Element by element, or without the floor, cancellation alone would give 3e-10 in float64.
    """
    rms = jnp.sqrt(jnp.mean(b**2, axis=0))
    difference, size, made_of = (
        jnp.linalg.norm(x / jnp.where(rms > 0, rms, jnp.max(jnp.where(rms > 0, rms, 1.0))), axis=-1)
        for x in (a - b, b, terms)
    )
    floor = 1e-3 * jnp.sqrt(jnp.mean(size**2))
    floor = jnp.where(floor > 0, floor, 1.0)
    worst = float(jnp.max(difference / jnp.maximum(jnp.maximum(size, made_of), floor)))
    return worst if math.isfinite(worst) else math.inf
