"""Natural scales: what makes the inputs and outputs of a network of order one.

With q = Q x, v = V y and accelerations of size A, the Euler–Lagrange equation reads a = (V²/Q) L_x / L_yy: a network of
order one in (x, y) gives accelerations of order V²/Q. Where A is far from that, a Lagrangian needs a part of the
weight A Q/V² to be trained at all.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._dynamics import SymbolicDynamics, SymbolicForces
from .._system import System
from .._types import AbstractSizes, Samples, States

_RELATIVE_FLOOR = 1e-3


class Scales(AbstractSizes):
    """Centres and scales in the system's units: given, so that they are not trained, and arrays, so that compiled
    functions serve all of them."""

    q_mean: Float[Array, " dof"]
    q: Float[Array, " dof"]
    """Q: the standard deviation of each coordinate; 1 for angles, which are embedded as (sin, cos)."""
    v: Float[Array, " dof"]
    """V: the root mean square of each velocity."""
    a: Float[Array, " dof"]
    """A: the root mean square of each acceleration."""
    p: Float[Array, " dof"]
    """P: the median size of each canonical momentum, which may be heavy-tailed where L is not quadratic in v."""
    p_rate: Float[Array, " dof"]
    """The root mean square of each ṗ."""
    m_mean: Float[Array, " m"]
    m: Float[Array, " m"]
    u: Float[Array, " u"]
    """The root mean square of each control input."""
    t_mean: Float[Array, ""]
    t: Float[Array, ""]
    """The standard deviation of t; 0 where nothing depends on time."""
    energy: Float[Array, ""]
    """The size of L: 1, or what the declared forces fix it to, in which case L is no longer free up to a factor."""
    timed: bool = eqx.field(static=True)
    """Whether the system depends on time."""

    @property
    def potential_weight(self) -> Float[Array, ""]:
        """A Q/V², the size of the position-dependent part of L beside a kinetic part of order one."""
        return jnp.max(self.a * self.q / self.v**2)

    @property
    def interval(self) -> Float[Array, ""]:
        """A tenth of the time in which accelerations change velocities by their size, min V/A."""
        return 0.1 * jnp.min(self.v / self.a)

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON data; `Scales.from_json` is the inverse."""
        return {f.name: np.asarray(getattr(self, f.name)).tolist() for f in dataclasses.fields(self)}

    @staticmethod
    def from_json(data: Mapping[str, Any], system: System) -> "Scales":
        """The Scales of `to_json`. Raises `ValueError` where they are not those of a system of this size."""
        sizes = {
            "m_mean": len(system.m),
            "m": len(system.m),
            "u": len(system.u),
            "t_mean": None,
            "t": None,
            "energy": None,
        }
        arrays: dict[str, Any] = {}
        for name in (f.name for f in dataclasses.fields(Scales) if f.name != "timed"):
            array, size = np.asarray(data[name], float), sizes.get(name, system.dof)
            if array.shape != (() if size is None else (size,)) or not np.isfinite(array).all():
                raise ValueError(f"the scale {name} must be {'one' if size is None else size} finite numbers")
            arrays[name] = array
        return _scales(**arrays, timed=bool(data["timed"]))


def _scales(*, timed: bool, **arrays: Any) -> Scales:
    return Scales(**{name: jnp.asarray(x, jnp.result_type(float)) for name, x in arrays.items()}, timed=timed)


def natural_scales(system: System, samples: Samples) -> Scales:
    """The scales of a system: q, v, m, u and t from its declaration, a and p from data; all from data where it declares
    no states."""
    states = samples.states
    angles = np.array(system.is_angle)
    if system.states:
        positions, velocities = zip(*system.state_marginals(), strict=True)
        q_mean, q = np.array([d.mean for d in positions]), np.array([d.std for d in positions])
        v = np.array([d.size for d in velocities])
    else:
        q_mean, q = np.mean(states.q, axis=0), np.std(states.q, axis=0)
        v = np.sqrt(np.mean(np.square(states.v), axis=0))
    q = np.where(angles, 1.0, q)
    measured = _measured(SymbolicDynamics(system), SymbolicForces(system), samples)
    a, p, p_rate, forces = map(np.asarray, measured)
    rate = np.max(a / v)
    # a coordinate that is never accelerated still needs a scale: a small share of what the others suggest
    a = np.maximum(a, v * _RELATIVE_FLOOR * rate) if rate > 0 else v**2 / q
    domain = system.domain
    inputs = np.array([marginal.size for d in domain.inputs.values() for marginal in d.marginals])
    timed, t_mean, t = _of_time(system, states)
    return _scales(
        q_mean=np.where(angles, 0.0, q_mean),
        q=q,
        v=v,
        a=a,
        p=floored(p),
        p_rate=floored(p_rate),
        m_mean=[d.mean for d in domain.varying],
        m=[d.std for d in domain.varying],
        u=_unless_zero(inputs),
        t_mean=t_mean,
        t=t,
        energy=np.max(forces * v**2 / a) if system.has_forces else 1.0,
        timed=timed,
    )


@eqx.filter_jit
def _measured(dynamics: SymbolicDynamics, forces: SymbolicForces, samples: Samples) -> tuple[Array, ...]:
    """The root mean squares of a, ṗ and Q, and the medians of |p|: a, p, ṗ, Q."""
    states = samples.states

    def along(q: Array, v: Array, a: Array, m: Array, t: Array) -> tuple[Array, Array]:
        return jax.jvp(lambda q, v, t: dynamics.momenta(q, v, m, t), (q, v, t), (v, a, jnp.ones_like(t)))

    def rms(values: Array) -> Array:
        return jnp.sqrt(jnp.mean(values**2, axis=0))

    p, rate = jax.vmap(along)(states.q, states.v, samples.a, states.m, states.t)
    acting = jax.vmap(forces)(states.q, states.v, states.m, states.u, states.t)
    return rms(samples.a), jnp.median(jnp.abs(p), axis=0), rms(rate), rms(acting)


def _of_time(system: System, states: States) -> tuple[bool, float, float]:
    """Whether the system depends on time, and its mean and scale: as declared, or else of the data."""
    declared = system.domain.time
    if declared is not None:
        return True, declared.marginals[0].mean, float(_unless_zero(np.array([declared.marginals[0].std]))[0])
    if not system.law.depends_on_time:
        return False, 0.0, 0.0
    t = np.asarray(states.t)
    return True, float(t.mean()), float(_unless_zero(np.std(t, keepdims=True))[0])


def _unless_zero(sizes: np.ndarray) -> np.ndarray:
    """The sizes, with one in place of zero: of what is held at one value, any scale will do."""
    return np.where(sizes > 0, sizes, 1.0)


def floored(sizes: np.ndarray) -> np.ndarray:
    """The sizes, with the largest (or one) in place of those below a thousandth of it: zero but for rounding."""
    largest = sizes.max() if sizes.max() > 0 else 1.0
    return np.where(sizes > _RELATIVE_FLOOR * largest, sizes, largest)
