"""How far motions are from their constraints."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._dynamics import AbstractConstraints, DeclaredSizes, SymbolicConstraints, constraint_errors, sizes_of
from .._rollout import Rollout
from .._system import System
from .._types import States


def constraint_drift(system: System, rollout: Rollout, start: States) -> Float[np.ndarray, "*batch time"]:
    """The largest distance of each state of a motion, or of a batch of them, from a constraint of the system:

        max |φᵢ|/‖∇φᵢ S‖,  |ψᵢ|/‖Aᵢ V‖    over all constraints,

    with the sizes S of coordinates and V of velocities, those that the declaration draws them from. Zeros where nothing
    is constrained; infinite where the motion is.
    """
    constraints = SymbolicConstraints.of(system)
    if constraints is None:
        return np.zeros(rollout.q.shape[:-1])
    sizes = sizes_of(DeclaredSizes.of(system), jnp.zeros(system.dof, rollout.q.dtype))
    errors = _errors if rollout.q.ndim == 2 else jax.vmap(_errors, in_axes=(None, 0, 0, 0, None, None))
    found = errors(constraints, rollout.q, rollout.v, start.m, rollout.t, sizes)
    finite = np.isfinite(np.asarray(rollout.q)).all(axis=-1)
    return np.where(finite, np.asarray(found), np.inf)


@eqx.filter_jit
def _errors(
    constraints: AbstractConstraints, q: Array, v: Array, m: Array, t: Array, sizes: tuple[Array, Array]
) -> Float[Array, " time"]:
    def one(q: Array, v: Array, t: Array) -> Array:
        return jnp.max(jnp.concatenate(constraint_errors(constraints(q, v, m, t), sizes)))

    return jax.vmap(one)(q, v, t)
