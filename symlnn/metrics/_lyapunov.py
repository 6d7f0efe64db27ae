"""How fast neighbouring motions part."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._dynamics import AbstractDynamics
from .._types import RealScalar, States

_STEPS_A_SEGMENT, _STEPS = 1_000, 50_000
"""The most steps of the integrator for a segment of a motion, and for all of it."""
_SMALLEST_STEP = 1e-10
"""As a share of the duration."""


def lyapunov_exponents(
    dynamics: AbstractDynamics, start: States, duration: float, *, segments: int = 200
) -> tuple[Float[np.ndarray, " batch"], bool | None]:
    """Finite-time maximal Lyapunov exponents over the second half of the duration, and whether the motion is chaotic.

    A tangent vector follows the linearised flow, δ̇ = (∂f/∂y) δ, and is renormalised after every segment (Benettin et
    al. 1980); an exponent is its mean growth rate. Tangents of regular motion grow like a power of t, by a factor of
    two to four over the second half; the motion is called chaotic where the median growth exceeds e³ = 20. That of a
    motion which cannot be integrated to its end is NaN, and left out; where most are, it is not known (None).
    """
    growth = np.asarray(_growth(dynamics, start, jnp.asarray(duration, start.q.dtype), segments))
    known = growth[np.isfinite(growth)]
    return growth / (duration / 2), bool(np.median(known) > 3.0) if 2 * known.size > growth.size else None


@eqx.filter_jit
def _growth(dynamics: AbstractDynamics, start: States, duration: Array, segments: int) -> Float[Array, " batch"]:
    """The logarithm of the growth of a tangent vector over the second half of each motion."""
    span, smallest = duration / segments, _SMALLEST_STEP * duration

    def one(begin: States) -> Array:
        y = dynamics.initial_state(begin.q, begin.v, begin.m, begin.t)

        def extended(t: RealScalar, state: tuple, args: tuple) -> tuple:
            return jax.jvp(lambda y: dynamics.vector_field(t, y, args), (state[0],), (state[1],))

        def segment(carry: tuple[Any, Array], i: Array) -> tuple[tuple[Any, Array], Array]:
            state, left = carry
            first = begin.t + i * span
            solution = diffrax.diffeqsolve(
                diffrax.ODETerm(extended),
                diffrax.Dopri8(),
                first,
                jnp.where(left > 0, first + span, first),  # of what has failed nothing is integrated any more
                None,
                state,
                args=(begin.m, begin.u),
                stepsize_controller=diffrax.PIDController(rtol=1e-6, atol=1e-6, dtmin=smallest, force_dtmin=False),
                max_steps=_STEPS_A_SEGMENT,
                throw=False,
            )
            y, tangent = jax.tree.map(lambda x: x[-1], solution.ys)
            size = jnp.sqrt(sum(jnp.sum(x**2) for x in jax.tree.leaves(tangent)))
            going = (left > 0) & (solution.result == diffrax.RESULTS.successful) & jnp.isfinite(size)
            left = jnp.where(going, left - solution.stats["num_steps"], 0)
            state = jax.tree.map(lambda new, old: jnp.where(going, new, old), (y, tangent), state)
            size = jnp.where(going, size, jnp.nan)
            return ((state[0], jax.tree.map(lambda x: x / jnp.where(going, size, 1.0), state[1])), left), jnp.log(size)

        tangent = jax.tree.map(jnp.ones_like, y)
        _, growth = jax.lax.scan(segment, ((y, tangent), jnp.asarray(_STEPS)), jnp.arange(segments))
        return jnp.sum(growth[segments // 2 :])

    return jax.vmap(one)(start)
