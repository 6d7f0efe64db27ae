"""How fast neighbouring motions part."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .._dynamics import AbstractDynamics, Natural, in_natural_units
from .._step_control import RelativeToMotion
from .._types import RealScalar, States

_STEPS_A_SEGMENT, _STEPS = 1_000, 50_000
"""The most steps of the integrator for a segment of a motion, and for all of it."""
_TOLERANCE, _ZERO = 1e-6, 1e-12
_SMALLEST_STEP = 1e-10
"""As a share of the whole."""
_TURNS = 100.0
"""How long motions are followed, in times in which their states change by their size."""
_CHAOTIC_GROWTH = 3.0
"""Of the logarithm of a tangent. Tangents of regular motion grow like a power of t, by a factor of two to four."""
_BOUNDED_GROWTH = 2.5
"""Of the size of a state: one that drifts doubles it, one that falls or explodes does more."""


def turn_time(dynamics: AbstractDynamics, states: States) -> float:
    """The time in which states change by their size, 1/|dŷ/dt| in natural units: its median over the states."""
    return float(1 / np.median(_rates(dynamics, states)))


@eqx.filter_jit
def _rates(dynamics: AbstractDynamics, states: States) -> Float[Array, " batch"]:
    def one(state: States) -> Array:
        law = in_natural_units(dynamics, state.q, state.m, state.t)
        y = law.initial_state(state.q, state.v, state.m, state.t)
        rates = jax.tree.leaves(law.vector_field(state.t, y, (state.m, state.u)))
        return jnp.sqrt(jnp.mean(jnp.concatenate([rate.ravel() for rate in rates]) ** 2))

    return jax.vmap(one)(states)


def lyapunov_exponents(
    dynamics: AbstractDynamics,
    start: States,
    duration: float | None = None,
    *,
    is_angle: tuple[bool, ...] = (),
    segments: int = 200,
) -> tuple[Float[np.ndarray, " batch"], bool | None]:
    """Finite-time maximal Lyapunov exponents, and whether the motion is chaotic: bounded, with a positive exponent.

    A tangent vector follows the linearised flow, δ̇ = (∂f/∂y) δ, in natural units, and is renormalised after every
    segment (Benettin et al. 1980); an exponent is its mean growth rate over the second half of the `duration`, by
    default 100 times that in which states change by their size. The motion is called chaotic where the median growth
    exceeds e³ = 20, and its coordinates and velocities, but for angles, do not outgrow those of the first half by more
    than 2.5 times, as those near an unstable equilibrium do. The exponent of a motion which cannot be integrated to its
    end is NaN, and left out; where most are, it is not known (None).
    """
    length = _TURNS * turn_time(dynamics, start) if duration is None else duration
    if not np.isfinite(length):
        return np.full(start.q.shape[0], np.nan), None
    periodic = jnp.asarray(is_angle or (False,) * start.q.shape[-1])
    found = _growth(dynamics, start, jnp.asarray(length, start.q.dtype), periodic, segments)
    growth, larger = map(np.asarray, found)
    known = np.isfinite(growth)
    if 2 * known.sum() <= growth.size:
        return growth / (length / 2), None
    chaotic = np.median(growth[known]) > _CHAOTIC_GROWTH and np.median(larger[known]) < _BOUNDED_GROWTH
    return growth / (length / 2), bool(chaotic)


@eqx.filter_jit
def _growth(
    dynamics: AbstractDynamics, start: States, duration: Array, is_angle: Bool[Array, " dof"], segments: int
) -> tuple[Float[Array, " batch"], Float[Array, " batch"]]:
    """Of each motion's second half the logarithm of the growth of a tangent vector, and by how much its states are
    larger than those of the first."""
    span = duration / segments
    controller = RelativeToMotion(
        rtol=jnp.asarray(_TOLERANCE), atol=jnp.asarray(_ZERO), dtmin=_SMALLEST_STEP * duration
    )

    def one(begin: States) -> tuple[Array, Array]:
        law = in_natural_units(dynamics, begin.q, begin.m, begin.t)
        args = (begin.m, begin.u)

        def extended(t: RealScalar, state: tuple, args: tuple) -> tuple:
            return jax.jvp(lambda y: law.vector_field(t, y, args), (state[0],), (state[1],))

        def segment(carry: tuple[Any, Array], i: Array) -> tuple[tuple[Any, Array], tuple[Array, Array]]:
            state, left = carry
            first = begin.t + i * span
            solution = diffrax.diffeqsolve(
                diffrax.ODETerm(extended),
                diffrax.Dopri8(),
                first,
                jnp.where(left > 0, first + span, first),  # of what has failed nothing is integrated any more
                None,
                state,
                args=args,
                stepsize_controller=controller,
                max_steps=_STEPS_A_SEGMENT,
                throw=False,
            )
            y, tangent = jax.tree.map(lambda x: x[-1], solution.ys)
            size = jnp.sqrt(sum(jnp.sum(x**2) for x in jax.tree.leaves(tangent)))
            going = (left > 0) & (solution.result == diffrax.RESULTS.successful) & jnp.isfinite(size)
            left = jnp.where(going, left - solution.stats["num_steps"], 0)
            state = jax.tree.map(lambda new, old: jnp.where(going, new, old), (y, tangent), state)
            size = jnp.where(going, size, jnp.nan)
            tangent = jax.tree.map(lambda x: x / jnp.where(going, size, 1.0), state[1])
            return ((state[0], tangent), left), (jnp.log(size), _size(law, first + span, state[0], begin, is_angle))

        y = law.initial_state(begin.q, begin.v, begin.m, begin.t)
        tangent = jax.tree.map(jnp.ones_like, y)
        _, (growth, sizes) = jax.lax.scan(segment, ((y, tangent), jnp.asarray(_STEPS)), jnp.arange(segments))
        half = segments // 2
        return jnp.sum(growth[half:]), jnp.max(sizes[half:]) / jnp.max(sizes[:half])

    return jax.vmap(one)(start)


def _size(law: Natural, t: Array, y: Any, begin: States, is_angle: Bool[Array, " dof"]) -> Array:
    """The largest of the coordinates and velocities, in natural units, angles left out."""
    q, v = law.observe(t, y, begin.m)
    sizes = law.observe(t, jax.tree.map(jnp.ones_like, y), begin.m)
    q, v = (jnp.abs(x) / jnp.abs(s) for x, s in zip((q, v), sizes, strict=True))
    return jnp.maximum(jnp.max(jnp.where(is_angle, 0.0, q)), jnp.max(v))
