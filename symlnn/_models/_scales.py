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

from .._dynamics import SymbolicDynamics, rate_sizes, rms
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
    """The size of L: 1, or M V² where declared forces fix it, so that L is no longer free up to a factor."""
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


def natural_scales(system: System, samples: Samples, *, measured: bool = False) -> Scales:
    """The scales of a system: q, v, m, u and t from its declaration, the others from samples; of `measured` samples,
    and where it declares no states, all of them."""
    states = samples.states
    angles = np.array(system.is_angle)
    if system.states and not measured:
        positions, velocities = zip(*system.state_marginals(), strict=True)
        q_mean, q = np.array([d.mean for d in positions]), np.array([d.std for d in positions])
        v = np.array([d.size for d in velocities])
    else:
        q_mean = np.mean(states.q, axis=0)
        q, v = _unless_zero(np.std(states.q, axis=0)), _unless_zero(rms(states.v))
    q = np.where(angles, 1.0, q)
    p, p_rate, mass = map(np.asarray, _measured(SymbolicDynamics(system), samples))
    a = np.asarray(rate_sizes(jnp.asarray(v), rms(samples.a))) if np.any(samples.a) else v**2 / q
    energy = float(np.max(mass * v**2))
    domain = system.domain
    inputs = np.array([marginal.size for d in domain.inputs.values() for marginal in d.marginals])
    timed, t_mean, t = _of_time(system, states)
    return _scales(
        q_mean=np.where(angles, 0.0, q_mean),
        q=q,
        v=v,
        a=a,
        p=_of_energy(p * v, energy) / v,
        p_rate=_of_energy(p_rate * q, energy) / q,
        m_mean=[d.mean for d in domain.varying],
        m=[d.std for d in domain.varying],
        u=_unless_zero(inputs),
        t_mean=t_mean,
        t=t,
        energy=energy if system.has_forces else 1.0,
        timed=timed,
    )


def scales_of_motions(system: System, states: States, *, time_scale: float, force: float) -> Scales:
    """The scales of a system of which nothing but motions is known, and the size of its generalised forces: velocities
    change by their size in `time_scale` seconds."""
    angles = np.array(system.is_angle)
    positions = np.asarray(states.q)
    q_mean, q, v = positions.mean(axis=0), _unless_zero(positions.std(axis=0)), _unless_zero(rms(states.v))
    q = np.where(angles, 1.0, q)
    a = v / time_scale
    timed, t_mean, t = _of_time(system, states)
    m = np.asarray(states.m)
    return _scales(
        q_mean=np.where(angles, 0.0, q_mean),
        q=q,
        v=v,
        a=a,
        p=force * time_scale * np.ones_like(v),
        p_rate=force * np.ones_like(v),
        m_mean=m.mean(axis=0),
        m=_unless_zero(m.std(axis=0)),
        u=_unless_zero(rms(states.u)),
        t_mean=t_mean,
        t=t,
        energy=float(np.max(force * v**2 / a)),
        timed=timed,
    )


@eqx.filter_jit
def _measured(dynamics: SymbolicDynamics, samples: Samples) -> tuple[Array, ...]:
    """The medians of |p|, and the root mean squares of ṗ and of the diagonal of the mass matrix."""
    states = samples.states

    def along(state: States, a: Array) -> tuple[Array, Array, Array]:
        def momenta(q: Array, v: Array, t: Array) -> Array:
            return dynamics.momenta(q, v, state.m, t)

        point, direction = (state.q, state.v, state.t), (state.v, a, jnp.ones_like(state.t))
        masses = jnp.diagonal(dynamics.mass_matrix(state.q, state.v, state.m, state.t))
        return *jax.jvp(momenta, point, direction), masses

    p, rate, masses = jax.vmap(along)(states, samples.a)
    return jnp.median(jnp.abs(p), axis=0), rms(rate), rms(masses)


def _of_time(system: System, states: States) -> tuple[bool, float, float]:
    """Whether the system depends on time, and its mean and scale: as declared, or else of the data."""
    declared = system.domain.time
    if declared is not None:
        return True, declared.marginals[0].mean, float(_unless_zero(np.array([declared.marginals[0].std]))[0])
    if not system.law.depends_on_time:
        return False, 0.0, 0.0
    t = np.asarray(states.t)
    return True, float(t.mean()), float(_unless_zero(np.std(t, keepdims=True))[0])


def _unless_zero(sizes: Any) -> np.ndarray:
    """The sizes, with one in place of zero: of what is held at one value, any scale will do."""
    sizes = np.asarray(sizes)
    return np.where(sizes > 0, sizes, 1.0)


def _of_energy(products: np.ndarray, energy: float) -> np.ndarray:
    """Products of energies, p V or ṗ Q, with the largest, or that energy, for those below a thousandth of it: they are
    zero but for rounding. Only energies of different coordinates can be compared."""
    largest = products.max() if products.max() > 0 else energy
    return np.where(products > _RELATIVE_FLOOR * largest, products, largest)
