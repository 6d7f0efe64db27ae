"""Generating data sets: accelerations at random states, and trajectories."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from .._dynamics import AbstractDynamics, SymbolicDynamics
from .._simulate import Rollout, simulate
from .._system import System
from .._types import Samples, States
from ._dataset import describe
from ._sampling import Stream, sample_states


def generate(system: System, samples: int, *, seed: int = 0) -> xr.Dataset:
    """Accelerations at `samples` states drawn from the declaration: q, v, a, u, m, t along `sample`.

    The same seed gives the same data. Raises `ValueError` where an acceleration is not finite.
    """
    if samples < 1:
        raise ValueError(f"The number of samples must be at least 1, but is {samples}.")
    drawn = eqx.filter_jit(Stream(system))(jax.random.key(seed), samples)
    if not bool(jnp.all(jnp.isfinite(drawn.a))):
        raise ValueError(
            f"The accelerations of {system.name} are not finite at some sampled states: "
            "narrow the distributions in states to where the mass matrix is regular."
        )
    return to_dataset(system, drawn, seed=seed)


def to_dataset(system: System, samples: Samples, *, seed: int) -> xr.Dataset:
    """Samples as an xarray data set with named dimensions."""
    states = samples.states
    return describe(
        xr.Dataset(
            {
                "q": (("sample", "coordinate"), np.array(states.q)),
                "v": (("sample", "coordinate"), np.array(states.v)),
                "a": (("sample", "coordinate"), np.array(samples.a)),
                "u": (("sample", "input"), np.array(states.u)),
                "m": (("sample", "parameter"), np.array(states.m)),
                "t": (("sample",), np.array(states.t)),
            }
        ),
        system,
        seed=seed,
    )


def generate_trajectories(
    system: System,
    trajectories: int,
    *,
    duration: float | None = None,
    rate: float = 50.0,
    noise: float = 0.0,
    seed: int = 0,
    dynamics: AbstractDynamics | None = None,
    states: States | None = None,
    rtol: float | None = None,
) -> xr.Dataset:
    """Motions from `trajectories` initial states (drawn, or given as `states`), sampled at `rate` per second.

    q, v, a along (trajectory, time); `duration` defaults to the system's. `dynamics` defaults to the analytic one.
    `noise` adds Gaussian measurement noise to q, v and a, of that share of each one's spread over the data; the
    accelerations are measured at the true states. A motion that failed is infinite from there on: `successful` is 0.
    """
    if trajectories < 1:
        raise ValueError(f"The number of trajectories must be at least 1, but is {trajectories}.")
    if not noise >= 0:
        raise ValueError(f"The noise must not be negative, but is {noise}.")
    draw, disturb = jax.random.split(jax.random.key(seed))
    start = sample_states(system, trajectories, key=draw, initial=True) if states is None else states
    law = SymbolicDynamics(system) if dynamics is None else dynamics
    rollout = simulate(
        law,
        start.q,
        start.v,
        duration=system.duration if duration is None else duration,
        rate=rate,
        m=start.m,
        u=start.u,
        rtol=rtol,
        atol=rtol,
    )
    return observe(system, rollout, start, law, noise=noise, key=disturb, seed=seed)


def observe(
    system: System,
    rollout: Rollout,
    start: States,
    dynamics: AbstractDynamics,
    *,
    noise: float = 0.0,
    key: jax.Array | None = None,
    seed: int = 0,
) -> xr.Dataset:
    """A batch of roll-outs as an xarray data set."""
    along = jax.vmap(dynamics.acceleration, in_axes=(0, 0, None, None, 0))
    a = jax.jit(jax.vmap(along, in_axes=(0, 0, 0, 0, None)))(rollout.q, rollout.v, start.m, start.u, rollout.t)
    measured = {"q": rollout.q, "v": rollout.v, "a": a}
    if noise > 0:
        keys = jax.random.split(jax.random.key(seed) if key is None else key, len(measured))
        measured = {
            name: x
            + noise * jnp.nanstd(jnp.where(jnp.isfinite(x), x, jnp.nan), axis=(0, 1)) * jax.random.normal(k, x.shape)
            for (name, x), k in zip(measured.items(), keys, strict=True)
        }
    variables = {name: (("trajectory", "time", "coordinate"), np.array(x)) for name, x in measured.items()}
    return describe(
        xr.Dataset(
            {
                **variables,
                "u": (("trajectory", "input"), np.array(start.u)),
                "m": (("trajectory", "parameter"), np.array(start.m)),
                "t": (("time",), np.array(rollout.t)),
                "successful": (("trajectory",), np.asarray(rollout.successful).astype(np.int8)),
            }
        ),
        system,
        seed=seed,
        noise=noise,
    )
