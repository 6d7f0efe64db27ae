"""Stretches of measurement that a motion is shot through, all of one duration."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .._data import Motions, Run
from .._dynamics import AbstractDynamics, Surface, constraints_of, sizes_of
from .._inputs import SampledInputs
from .._simulate import flow
from .._types import States
from ._smooth import Stretch, joined

_STATES = 500


class Windows(eqx.Module):
    """Measured positions at times of their own, and the smoothed state at the start of each window."""

    run: Int[np.ndarray, " window"]
    q: Float[Array, "window dof"]
    v: Float[Array, "window dof"]
    m: Float[Array, "window params"]
    t: Float[Array, " window"]
    input_times: Float[Array, "window inputs"]
    inputs: Float[Array, "window inputs u"]
    times: Float[Array, "window sample"]
    """Of the samples, after the start of the window."""
    measured: Float[Array, "window sample dof"]
    seen: Bool[Array, "window sample dof"]
    duration: float = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    """Of the integrator, in each window."""

    @staticmethod
    def of(
        motions: Motions, parts: Sequence[Stretch], *, duration: float, every: float, longest_step: float
    ) -> "Windows":
        """Windows that start every so many seconds within the smoothed stretches, integrated by steps of at most
        `longest_step`."""
        found = [window for part in parts for window in _cut(motions.runs[part.run], part, duration, every)]
        if not found:
            raise ValueError(
                f"No part of the data is without gaps for {duration:.3g} s, as long as a window of shooting: record "
                "longer ones, or set a shorter window."
            )
        measured = _padded([w.measured for w in found], np.nan)
        seen = np.isfinite(measured)
        return Windows(
            run=np.array([w.run for w in found]),
            q=jnp.asarray(np.stack([w.q for w in found])),
            v=jnp.asarray(np.stack([w.v for w in found])),
            m=jnp.asarray(np.stack([w.m for w in found])),
            t=jnp.asarray(np.array([w.t for w in found])),
            input_times=jnp.asarray(_padded([w.input_times for w in found], np.inf)),
            inputs=jnp.asarray(_padded([w.inputs for w in found], 0.0)),
            times=jnp.asarray(_padded([w.times for w in found], 0.0)),
            measured=jnp.asarray(np.where(seen, measured, 0.0)),
            seen=jnp.asarray(seen),
            duration=duration,
            steps=max(2, int(np.ceil(duration / longest_step))),
        )

    def __len__(self) -> int:
        return self.q.shape[0]

    def batch(self) -> "Windows":
        """What `jax.vmap` maps over: everything but the numbers of the runs."""
        return eqx.tree_at(lambda w: w.run, self, None)

    def motion(self, dynamics: AbstractDynamics, q: Array, v: Array) -> tuple[Array, Array]:
        """Of one window: (q, v) at its start and after each step of the integrator, of a motion from that state, or
        from the one nearby that obeys the constraints."""
        constraints = constraints_of(dynamics)
        if constraints is not None:
            q, v = Surface(constraints, self.m, self.t, sizes_of(dynamics, q)).nearby(q, v)
        along = flow(
            dynamics,
            States(q, v, self.m, jnp.zeros(self.inputs.shape[-1]), self.t),
            interval=self.duration / self.steps,
            count=self.steps,
            solver=diffrax.Tsit5(),
            substeps=1,
            adjoint=diffrax.ForwardMode(),
            u=SampledInputs(self.input_times, self.inputs),
        )
        return tuple(jnp.concatenate([x[None], y]) for x, y in zip((q, v), along, strict=True))  # pyright: ignore

    def predicted(self, dynamics: AbstractDynamics, q: Array, v: Array) -> Float[Array, "sample dof"]:
        """Of one window: the positions at the times of its samples, by cubic Hermite interpolation between steps."""
        along_q, along_v = self.motion(dynamics, q, v)
        h = self.duration / self.steps
        place = jnp.clip((self.times / h).astype(int), 0, self.steps - 1)
        s = (self.times / h - place)[:, None]
        q0, q1, v0, v1 = along_q[place], along_q[place + 1], along_v[place], along_v[place + 1]
        rise = q1 - q0
        return q0 + s * (h * v0 + s * (3 * rise - h * (2 * v0 + v1) + s * (h * (v0 + v1) - 2 * rise)))


@dataclass(frozen=True, eq=False)
class _Window:
    """One window before it is padded to the length of the longest."""

    run: int
    q: np.ndarray
    v: np.ndarray
    m: np.ndarray
    t: float
    input_times: np.ndarray
    inputs: np.ndarray
    times: np.ndarray
    measured: np.ndarray


def _cut(run: Run, part: Stretch, duration: float, every: float) -> Iterator[_Window]:
    """The windows within one stretch of a run."""
    u = np.zeros((len(run.t), 0)) if run.u is None else run.u
    known = np.isfinite(u).all(axis=1)
    for k in range(int((part.t[-1] - part.t[0] - duration) / every + 1e-9) + 1):
        start = part.t[0] + k * every
        end = start + duration * (1 + 1e-9)
        if end > part.t[-1] + duration * 1e-6:
            return
        inside = (run.t >= start - 1e-9 * part.step) & (run.t <= end)
        about = known & (run.t >= start - 3 * part.step) & (run.t <= end + 3 * part.step)
        q, v = (np.array([np.interp(start, part.t, c) for c in x.T]) for x in (part.q, part.v))
        times = run.t[inside] - start
        yield _Window(part.run, q, v, part.m, start, run.t[about], u[about], times, run.q[inside])


def _padded(rows: list[np.ndarray], value: float) -> np.ndarray:
    longest = max(map(len, rows))
    return np.stack([np.concatenate([x, np.full((longest - len(x), *x.shape[1:]), value)]) for x in rows])


def stable_step(dynamics: AbstractDynamics, parts: Sequence[Stretch]) -> float:
    """The step of Tsit5 that is stable for perturbations of the motions: 2 / max |λ|, λ the eigenvalues of
    ∂(v, a)/∂(q, v), in seconds.

    A friction c atan(v/w) makes them large where v is zero, which samples may miss: there they are taken too.
    """
    whole = joined(parts)
    count, dof = whole[0].shape
    few = np.linspace(0, count - 1, min(count, _STATES)).astype(int)
    still = np.concatenate([np.ones((1, dof)), 1 - np.eye(dof), np.zeros((1, dof))])
    states = States(*(jnp.asarray(np.repeat(x[few], len(still), axis=0)) for x in whole))
    states = eqx.tree_at(lambda s: s.v, states, states.v * jnp.asarray(np.tile(still, (len(few), 1))))
    rates = np.asarray(_jacobians(dynamics, states))
    fastest = np.abs(np.linalg.eigvals(rates[np.isfinite(rates).all(axis=(1, 2))])).max(initial=0.0)
    return float(2 / fastest) if fastest > 0 else np.inf


@eqx.filter_jit
def _jacobians(dynamics: AbstractDynamics, states: States) -> Array:
    def one(s: States) -> Array:
        def rate(y: Array) -> Array:
            q, v = jnp.split(y, 2)
            return jnp.concatenate([v, dynamics.acceleration(q, v, s.m, s.u, s.t)])

        return jax.jacfwd(rate)(jnp.concatenate([s.q, s.v]))

    return jax.vmap(one)(states)
