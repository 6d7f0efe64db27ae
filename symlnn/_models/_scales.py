"""Natural scales: what makes the inputs and outputs of a network of order one.

With q = Q x, v = V y and accelerations of size A, the Euler–Lagrange equation reads a = (V²/Q) L_x / L_yy: a network of
order one in (x, y) gives accelerations of order V²/Q. Where A is far from that, a Lagrangian needs a part of the
weight A Q/V² to be trained at all.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._dynamics import SymbolicDynamics, SymbolicForces
from .._system import System
from .._types import Samples

_RELATIVE_FLOOR = 1e-3


@dataclass(frozen=True)
class Scales:
    """Centres and scales, as plain numbers: static, so that no gradient reaches them. SI or the system's units."""

    q_mean: tuple[float, ...]
    q: tuple[float, ...]
    """Q: the standard deviation of each coordinate; 1 for angles, which are embedded as (sin, cos)."""
    v: tuple[float, ...]
    """V: the root mean square of each velocity."""
    a: tuple[float, ...]
    """A: the root mean square of each acceleration."""
    p: tuple[float, ...]
    """P: the median size of each canonical momentum, which may be heavy-tailed where L is not quadratic in v."""
    p_rate: tuple[float, ...]
    """The root mean square of each ṗ."""
    m_mean: tuple[float, ...]
    m: tuple[float, ...]
    u: tuple[float, ...]
    """The root mean square of each control input."""
    t_mean: float
    t: float
    """The standard deviation of t; 0 where nothing depends on time."""
    energy: float
    """The size of L: 1, or what the declared forces fix it to, in which case L is no longer free up to a factor."""

    @property
    def potential_weight(self) -> float:
        """A Q/V², the size of the position-dependent part of L beside a kinetic part of order one."""
        ratios = [a * q / v**2 for a, q, v in zip(self.a, self.q, self.v, strict=True)]
        return max(ratios)

    @property
    def interval(self) -> float:
        """A tenth of the time in which accelerations change velocities by their size, min V/A."""
        return 0.1 * min(v / a for v, a in zip(self.v, self.a, strict=True))

    def to_json(self) -> dict[str, object]:
        """The fields as JSON data; `Scales.from_json` is the inverse."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_json(data: dict) -> "Scales":
        """The Scales of `to_json`."""
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else float(v) for k, v in data.items()}
        return Scales(**fields)


def natural_scales(system: System, samples: Samples) -> Scales:
    """The scales of a system from its declaration (q, v, m, u, t) and from data (a)."""
    positions, velocities = zip(*system.state_distributions(), strict=True)
    varying = [p.value for p in system.parameters.values() if p.varies]
    q = np.array([1.0 if angle else d.std for angle, d in zip(system.is_angle, positions, strict=True)])
    v = np.array([np.hypot(d.mean, d.std) for d in velocities])
    a = np.sqrt(np.mean(np.asarray(samples.a) ** 2, axis=0))
    rate = np.max(a / v)
    # a coordinate that is never accelerated still needs a scale: a small share of what the others suggest
    a = np.maximum(a, v * _RELATIVE_FLOOR * rate) if rate > 0 else v**2 / q
    p, p_rate = _momenta(system, samples)
    return Scales(
        q_mean=tuple(0.0 if angle else d.mean for angle, d in zip(system.is_angle, positions, strict=True)),
        q=tuple(map(float, q)),
        v=tuple(map(float, v)),
        a=tuple(map(float, a)),
        p=tuple(map(float, p)),
        p_rate=tuple(map(float, p_rate)),
        m_mean=tuple(d.mean for d in varying),
        m=tuple(d.std for d in varying),
        u=tuple(float(np.hypot(d.mean, d.std)) for d in system.inputs.values()),
        t_mean=0.0 if system.time is None else system.time.mean,
        t=0.0 if system.time is None else system.time.std,
        energy=_energy_scale(system, samples, v, a),
    )


def _momenta(system: System, samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    """The sizes of the canonical momenta and of their rates."""
    states, momenta = samples.states, SymbolicDynamics(system).momenta

    def along(q: Array, v: Array, a: Array, m: Array, t: Array) -> tuple[Array, Array]:
        return jax.jvp(lambda q, v, t: momenta(q, v, m, t), (q, v, t), (v, a, jnp.ones_like(t)))

    p, rate = jax.vmap(along)(states.q, states.v, samples.a, states.m, states.t)
    rms = np.sqrt(np.mean(np.asarray(rate) ** 2, axis=0))
    return floored(np.median(np.abs(p), axis=0)), floored(rms)


def floored(sizes: np.ndarray) -> np.ndarray:
    """The sizes, with the largest (or one) in place of those below a thousandth of it: zero but for rounding."""
    largest = sizes.max() if sizes.max() > 0 else 1.0
    return np.where(sizes > _RELATIVE_FLOOR * largest, sizes, largest)


def _energy_scale(system: System, samples: Samples, v: np.ndarray, a: np.ndarray) -> float:
    if not system.has_forces:
        return 1.0
    states = samples.states
    forces = jax.vmap(SymbolicForces(system))(states.q, states.v, states.m, states.u, states.t)
    size = np.asarray(jnp.sqrt(jnp.mean(forces**2, axis=0)))
    return float(max(size * v**2 / a))
