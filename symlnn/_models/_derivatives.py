"""The derivatives of learned Lagrangians, in fewer operations than those of any Lagrangian take."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .._dynamics import Derivatives
from .._types import Coordinates, RealScalar, Varying
from ._features import Features
from ._mlp import MLP


def along_motion(
    features: Features, q: Coordinates, v: Coordinates, m: Varying | None, t: RealScalar
) -> tuple[Array, Array]:
    """x(q, m, t), and its change along the motion, (v, 1) in (q, t)."""
    time = jnp.asarray(t, q.dtype)
    return jax.jvp(lambda q, t: features.positions(q, m, t), (q, time), (v, jnp.ones_like(time)))


def per_velocity(features: Features, like: Coordinates) -> Array:
    """∂y/∂v, (dof, dof): diagonal, and the same everywhere."""
    return jax.vmap(features.velocities)(jnp.eye(like.shape[0], dtype=like.dtype))


def of_perceptron(
    network: MLP, features: Features, q: Coordinates, v: Coordinates, m: Varying | None, t: RealScalar
) -> Derivatives:
    """Those of N(x, y): its curvature along each velocity and along the motion at constant velocity.

    x does not depend on v, and y on v alone, linearly, so that their own second derivatives add nothing.
    """
    dof = q.shape[0]
    x, moved = along_motion(features, q, v, m, t)
    velocities = jnp.concatenate([jnp.zeros((dof, len(x)), q.dtype), per_velocity(features, q)], axis=1)
    directions = jnp.concatenate([velocities, jnp.concatenate([moved, jnp.zeros_like(v)])[None]])
    gradient, form = network.curvature(jnp.concatenate([x, features.velocities(v)]), directions)
    (force,) = jax.vjp(lambda q: features.positions(q, m, t), q)[1](gradient[: len(x)])
    return Derivatives(form[:dof, :dof], force, form[:dof, dof])
