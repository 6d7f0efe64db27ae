"""Generating data sets: accelerations at random states, and trajectories."""

import equinox as eqx
import jax
import numpy as np
import xarray as xr
from jaxtyping import Array

from .._dynamics import AbstractDynamics, SymbolicDynamics
from .._inputs import Control, inputs_at, motion_axes
from .._integrator import Integrator
from .._jumps import ending_at_jumps
from .._rollout import Rollout
from .._simulate import simulate
from .._system import System
from .._types import Samples, States, key_of, require_memory
from ._dataset import describe, with_noise
from ._observations import Stream, draw
from ._states import sample_states


def generate(system: System, samples: int, *, seed: int = 0) -> xr.Dataset:
    """Accelerations at `samples` states drawn from the declaration: q, v, a, u, m, t along `sample`.

    The same seed gives the same data. Raises `ValueError` where an acceleration is not finite.
    """
    if samples < 1:
        raise ValueError(f"The number of samples must be at least 1, but is {samples}.")
    require_memory(samples * (3 * system.dof + len(system.m) + len(system.u) + 1), f"{samples} samples")
    drawn = draw(Stream.of(system), key_of(seed), samples)
    require_finite(system, drawn)
    return samples_dataset(system, drawn, seed=seed)


def require_finite(system: System, samples: Samples) -> None:
    """Raise a `ValueError` where an acceleration of the declared system is not finite."""
    if not bool(np.isfinite(samples.a).all()):
        single = samples.a.dtype == np.float32
        raise ValueError(
            f"The accelerations of {system.name} are not finite at some sampled states: "
            + ("use float64, whose range is wider (--precision float64, jax_enable_x64), or " if single else "")
            + "narrow the distributions in states to where the mass matrix is regular."
        )


def samples_dataset(system: System, samples: Samples, *, seed: int) -> xr.Dataset:
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
    start: int | States,
    *,
    duration: float | None = None,
    rate: float | None = None,
    u: Control | None = None,
    noise: float = 0.0,
    seed: int = 0,
    dynamics: AbstractDynamics | None = None,
    integrator: Integrator | None = None,
) -> xr.Dataset:
    """Motions from as many drawn initial states as `start` says, or from those given, sampled at `rate` per second, by
    default at 500 equal steps. Steps of the integrator end where the declaration switches at a time: see `jump_times`.

    q, v, a along (trajectory, time); `duration` defaults to the system's. `dynamics` defaults to the analytic one, and
    `u` to the inputs of the initial states, held. `noise` adds Gaussian measurement noise to q, v and a, of that share
    of each one's spread over the data; the accelerations are measured at the true states. A motion that failed is
    infinite from there on: `successful` is 0, and `result` says why.
    """
    if isinstance(start, int) and start < 1:
        raise ValueError(f"The number of trajectories must be at least 1, but is {start}.")
    if not 0 <= noise < np.inf:
        raise ValueError(f"The noise must be finite and not negative, but is {noise}.")
    drawn, disturb = jax.random.split(key_of(seed))
    if isinstance(start, int):
        require_memory(2 * start * system.dof, f"{start} motions")
        states = sample_states(system, start, key=drawn, initial=True)
    else:
        states = start
    law = SymbolicDynamics(system) if dynamics is None else dynamics
    length = system.duration if duration is None else duration
    integrator = ending_at_jumps(integrator or Integrator(), system, states, length)
    rollout = simulate(law, states, duration=length, rate=rate, u=u, integrator=integrator)
    dataset = motions_dataset(system, rollout, states, law, u=u, seed=seed)
    return dataset if noise == 0 else _disturbed(dataset, noise, disturb)


@eqx.filter_jit
def _along(dynamics: AbstractDynamics, rollout: Rollout, states: States, u: Control | None) -> tuple[Array, Array]:
    """The accelerations along motions, and the inputs that they were found with."""

    def at(q: Array, v: Array, t: Array, state: States, u: Control | None) -> tuple[Array, Array]:
        inputs = state.u if u is None else inputs_at(u, t, q, v)
        assert inputs is not None
        return dynamics.acceleration(q, v, state.m, inputs, t), inputs

    own = motion_axes(u, states.q.shape[0])
    instants = jax.vmap(at, in_axes=(0, 0, 0, None, None))
    return eqx.filter_vmap(instants, in_axes=(0, 0, None, 0, own))(rollout.q, rollout.v, rollout.t, states, u)


def motions_dataset(
    system: System,
    rollout: Rollout,
    start: States,
    dynamics: AbstractDynamics,
    *,
    u: Control | None = None,
    seed: int = 0,
) -> xr.Dataset:
    """A batch of roll-outs as an xarray data set; the inputs along (trajectory, time) where they change."""
    a, inputs = _along(dynamics, rollout, start, u)
    variables = {"q": rollout.q, "v": rollout.v, "a": a}
    held = (("trajectory", "input"), np.array(start.u))
    return describe(
        xr.Dataset(
            {
                **{name: (("trajectory", "time", "coordinate"), np.array(x)) for name, x in variables.items()},
                "u": held if u is None else (("trajectory", "time", "input"), np.array(inputs)),
                "m": (("trajectory", "parameter"), np.array(start.m)),
                "t": (("time",), np.array(rollout.t)),
                "successful": (("trajectory",), np.asarray(rollout.successful).astype(np.int8)),
                "result": (("trajectory",), rollout.reasons),
            }
        ),
        system,
        seed=seed,
    )


def _disturbed(dataset: xr.Dataset, noise: float, key: Array) -> xr.Dataset:
    """With Gaussian noise on q, v and a, of a share of the spread of each."""
    keys = jax.random.split(key, 3)
    noisy = {}
    for name, k in zip(("q", "v", "a"), keys, strict=True):
        values = dataset[name].values
        spread = np.nanstd(np.where(np.isfinite(values), values, np.nan), axis=(0, 1))
        noisy[name] = dataset[name] + noise * spread * np.asarray(jax.random.normal(k, values.shape, values.dtype))
    disturbed = dataset.assign(noisy)
    for name in noisy:
        disturbed[name].attrs = dataset[name].attrs
    return with_noise(disturbed, noise)
