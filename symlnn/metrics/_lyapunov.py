"""How fast neighbouring motions part."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._dynamics import AbstractDynamics
from .._types import RealScalar, States

_MAX_STEPS = 100_000


def lyapunov_exponents(
    dynamics: AbstractDynamics, start: States, duration: float, *, segments: int = 200
) -> tuple[Float[np.ndarray, " batch"], bool]:
    """Finite-time maximal Lyapunov exponents over the second half of the duration, and whether the motion is chaotic.

    A tangent vector follows the linearised flow, δ̇ = (∂f/∂y) δ, and is renormalised after every segment (Benettin et
    al. 1980); an exponent is its mean growth rate. Tangents of regular motion grow like a power of t, by a factor of
    two to four over the second half; the motion is called chaotic where the median growth exceeds e³ = 20.
    """
    growth = np.asarray(_growth(dynamics, start, jnp.asarray(duration, start.q.dtype), segments))
    return growth / (duration / 2), bool(np.median(growth) > 3.0)


@eqx.filter_jit
def _growth(dynamics: AbstractDynamics, start: States, duration: Array, segments: int) -> Float[Array, " batch"]:
    """The logarithm of the growth of a tangent vector over the second half of each motion."""
    span = duration / segments

    def one(begin: States) -> Array:
        y = dynamics.initial_state(begin.q, begin.v, begin.m, begin.t)

        def extended(t: RealScalar, state: tuple, args: tuple) -> tuple:
            return jax.jvp(lambda y: dynamics.vector_field(t, y, args), (state[0],), (state[1],))

        def segment(carry: tuple, i: Array) -> tuple[tuple, Array]:
            solution = diffrax.diffeqsolve(
                diffrax.ODETerm(extended),
                diffrax.Dopri8(),
                begin.t + i * span,
                begin.t + (i + 1) * span,
                None,
                carry,
                args=(begin.m, begin.u),
                stepsize_controller=diffrax.PIDController(rtol=1e-6, atol=1e-6),
                max_steps=_MAX_STEPS,
                throw=False,
            )
            state, tangent = jax.tree.map(lambda x: x[-1], solution.ys)
            size = jnp.sqrt(sum(jnp.sum(x**2) for x in jax.tree.leaves(tangent)))
            return (state, jax.tree.map(lambda x: x / size, tangent)), jnp.log(size)

        tangent = jax.tree.map(jnp.ones_like, y)
        _, growth = jax.lax.scan(segment, (y, tangent), jnp.arange(segments))
        return jnp.sum(growth[segments // 2 :])

    return jax.vmap(one)(start)
