"""Short stretches of motions, for training through an integrator."""

from collections.abc import Callable

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array

from .._dynamics import SymbolicDynamics
from .._simulate import flow
from .._system import System
from .._types import Key, Segments, States
from ._sampling import sample_states

SegmentSource = Callable[[Key, int], Segments]
"""What training through an integrator draws from: `source(key, n)` returns n segments."""

_SUBSTEPS = 2


class SegmentStream(eqx.Module):
    """Fresh segments of a system at every call: states from the declaration, what follows from the oracle.

    The oracle takes two Dopri8 steps an interval; with the interval of `Scales`, one tenth of the time in which
    velocities change, that is exact to about 1e-9.
    """

    dynamics: SymbolicDynamics
    interval: float = eqx.field(static=True)
    """Seconds between two observations."""
    count: int = eqx.field(static=True)
    """Observations after the first."""

    def __init__(self, system: System, *, interval: float, count: int):
        if not (interval > 0 and count >= 1):
            raise ValueError(f"interval and count must be positive, but are {interval} and {count}.")
        self.dynamics = SymbolicDynamics(system)
        self.interval, self.count = interval, count

    def __call__(self, key: Key, n: int) -> Segments:
        """n segments."""
        states = sample_states(self.dynamics.system, n, key=key)

        def one(state: States) -> tuple[Array, Array]:
            return flow(
                self.dynamics,
                state,
                interval=self.interval,
                count=self.count,
                solver=diffrax.Dopri8(),
                substeps=_SUBSTEPS,
                adjoint=diffrax.ForwardMode(),
            )

        return Segments(states, *jax.vmap(one)(states), self.interval)


def successful_trajectories(dataset: xr.Dataset) -> xr.Dataset:
    """The trajectories of a data set that were integrated to their end; `ValueError` where it holds single states."""
    if "trajectory" not in dataset.dims:
        raise ValueError(
            "Training on motions needs trajectories, but the data set holds single states: "
            "generate one with --trajectories, or train on accelerations."
        )
    return dataset.isel(trajectory=np.flatnonzero(dataset["successful"].values))


def segments_of(dataset: xr.Dataset, count: int) -> Segments:
    """Every stretch of `count` steps in the trajectories of a data set.

    Raises `ValueError` where it holds none, too short ones, or such as are not finite or of unequal steps of time.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, but is {count}.")
    dataset = successful_trajectories(dataset)
    times = dataset["t"].values
    starts = len(times) - count
    if starts < 1 or dataset.sizes["trajectory"] == 0:
        raise ValueError(f"The data set holds no trajectory of {count + 1} instants or more.")
    steps = np.diff(times)
    if not np.allclose(steps, steps[0], rtol=1e-6):
        raise ValueError("Training on motions needs trajectories with equal steps of time.")
    first = np.arange(starts)

    def column(name: str, axis: str) -> np.ndarray:
        return dataset[name].transpose("trajectory", ..., axis).values

    def rows(values: np.ndarray) -> Array:
        return jnp.asarray(values.reshape(len(values) * starts, *values.shape[2:]), jnp.result_type(float))

    def constant(name: str, axis: str) -> Array:
        return rows(np.repeat(column(name, axis)[:, None], starts, axis=1))

    q, v = column("q", "coordinate"), column("v", "coordinate")
    if not (np.isfinite(q).all() and np.isfinite(v).all()):
        raise ValueError("The data set holds values that are not finite: remove those trajectories.")
    states = States(
        q=rows(q[:, first]),
        v=rows(v[:, first]),
        m=constant("m", "parameter"),
        u=constant("u", "input"),
        t=rows(np.broadcast_to(times[first], (len(q), starts))),
    )
    later = first[:, None] + np.arange(1, count + 1)
    return Segments(states, rows(q[:, later]), rows(v[:, later]), float(steps[0]))
