"""The accelerations of an LNN and their training gradient: `EulerLagrange` against the paper's appendix A.

The reference is the formula as the paper prints it, with `jax.hessian`, a jacobian of a jacobian, and a pseudo-inverse:

    pinv(∇ᵥ∇ᵥᵀL) [∇_q L − (∇_q∇ᵥᵀL) v].

`difference` is the largest relative difference of the two over the batch.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

import symlnn
from symlnn.metrics import max_relative_error

from ._timing import medians

CASES: tuple[tuple[str, dict[str, Any], int, int, int], ...] = (
    ("pendulum", {}, 128, 3, 256),
    ("double_pendulum", {}, 128, 3, 512),
    ("double_pendulum", {}, 500, 4, 32),
    ("n_pendulum", {"n": 4}, 128, 3, 256),
)
"""A system, its arguments, the width and the depth of the network, and the batch; the third is the paper's."""

Law: TypeAlias = Callable[[symlnn.AbstractLagrangian, Array, Array], Array]


def appendix(lagrangian: symlnn.AbstractLagrangian, q: Array, v: Array) -> Array:
    """The accelerations by the formula of appendix A."""
    hessian = jax.hessian(lagrangian, 1)(q, v)
    mixed = jax.jacobian(jax.jacobian(lagrangian, 1), 0)(q, v)
    return jnp.linalg.pinv(hessian) @ (jax.grad(lagrangian, 0)(q, v) - mixed @ v)


def ours(lagrangian: symlnn.AbstractLagrangian, q: Array, v: Array) -> Array:
    """The accelerations by `EulerLagrange`."""
    return symlnn.EulerLagrange(lagrangian).acceleration(q, v)


def _lagrangian(system: symlnn.System, width: int, depth: int) -> symlnn.MLPLagrangian:
    samples = eqx.filter_jit(symlnn.Stream.of(system))(jax.random.key(0), 1000)
    features = symlnn.Features(system.is_angle, symlnn.natural_scales(system, samples))
    return symlnn.MLPLagrangian(features, symlnn.Architecture(width=width, depth=depth), key=jax.random.key(1))


def _batched(law: Law) -> Callable[..., Array]:
    return eqx.filter_jit(lambda lagrangian, q, v: jax.vmap(law, in_axes=(None, 0, 0))(lagrangian, q, v))


def _gradient(law: Law) -> Callable[..., Any]:
    accelerations = _batched(law)

    def loss(lagrangian: symlnn.AbstractLagrangian, q: Array, v: Array) -> Array:
        return jnp.mean(accelerations(lagrangian, q, v) ** 2)

    return eqx.filter_jit(eqx.filter_grad(loss))


def run() -> dict[str, Any]:
    """A row per case, in float32 as LNNs are commonly trained."""
    return {"rows": [_row(symlnn.load_system(name, **arguments), *sizes) for name, arguments, *sizes in CASES]}


def _row(system: symlnn.System, width: int, depth: int, batch: int) -> dict[str, Any]:
    states = symlnn.sample_states(system, batch, key=jax.random.key(2))
    inputs = (_lagrangian(system, width, depth), states.q, states.v)
    a, b = _batched(ours)(*inputs), _batched(appendix)(*inputs)
    forward = medians({law.__name__: _batched(law) for law in (ours, appendix)}, inputs)
    training = medians({law.__name__: _gradient(law) for law in (ours, appendix)}, inputs)
    return {
        "system": system.name,
        "dof": system.dof,
        "layers": f"{depth} × {width}",
        "batch": batch,
        "acceleration_seconds": forward["ours"],
        "acceleration_ratio": forward["appendix"] / forward["ours"],
        "gradient_seconds": training["ours"],
        "gradient_ratio": training["appendix"] / training["ours"],
        "difference": max_relative_error(a, b, 0 * b),
    }
