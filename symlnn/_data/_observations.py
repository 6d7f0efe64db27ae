"""What a residual asks of its data: accelerations at instants, or stretches of motion; and where either comes from."""

import abc
import math
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from .._dynamics import AbstractDynamics, SymbolicDynamics, accelerations
from .._simulate import flow
from .._system import System
from .._types import Key, Samples, Segments, States
from ._states import DeclaredStates, StateSource

Batch = TypeVar("Batch", Samples, Segments)
Data = TypeVar("Data", Samples, Segments, xr.Dataset)

Source = Callable[[Key, int], Any]
"""What training draws from: `source(key, n)` returns n observations, inside the compiled step."""

_SUBSTEPS = 2


class AbstractObservations(eqx.Module):
    """A kind of data: what is observed of a motion."""

    @abc.abstractmethod
    def at(self, dynamics: AbstractDynamics, states: States) -> Any:
        """What a law of motion says at a batch of states."""

    @abc.abstractmethod
    def of(self, data: Any) -> Any:
        """What a data set holds, or the observations themselves.

        Raises `ValueError` where they are not finite, too short, of another kind, or there are none.
        """


class Instants(AbstractObservations):
    """The accelerations at instants: `Samples`."""

    def at(self, dynamics: AbstractDynamics, states: States) -> Samples:
        """The states with their accelerations."""
        return Samples(states, accelerations(dynamics, states))

    def of(self, data: Any) -> Samples:
        """The samples of a data set; trajectories are taken apart into their instants."""
        if isinstance(data, Samples):
            return data
        dataset = successful(_dataset(data, "accelerations"))
        if "a" not in dataset:
            raise ValueError("The data set holds no accelerations a: train on its motions by symlnn.fit.")
        batch: tuple[str, ...] = ("trajectory", "time") if "trajectory" in dataset.dims else ("sample",)
        samples = Samples(_states(dataset, batch), _rows(dataset, batch, "a", "coordinate"))
        _require_finite(samples.a, samples.states.q, samples.states.v)
        return samples


class Stretches(AbstractObservations):
    """Stretches of motion, observed at `count` equal steps of time after their first state: `Segments`."""

    count: int = eqx.field(static=True)
    """Observations after the first."""
    interval: Float[Array, ""]
    """Seconds between two of them, where they are drawn from a law. Data that are further apart are integrated by
    several steps, none longer than this."""

    def __init__(self, count: int, interval: Any):
        if count < 1:
            raise ValueError(f"A stretch of motion needs at least 1 interval, but count is {count}.")
        self.count, self.interval = count, jnp.asarray(interval, jnp.result_type(float))

    def at(self, dynamics: AbstractDynamics, states: States) -> Segments:
        """What follows the states by two Dopri8 steps an interval: with that of `Scales`, exact to about 1e-9."""

        def one(state: States) -> tuple[Array, Array]:
            return flow(
                dynamics,
                state,
                interval=self.interval,
                count=self.count,
                solver=diffrax.Dopri8(),
                substeps=_SUBSTEPS,
                adjoint=diffrax.ForwardMode(),
            )

        return Segments(states, *jax.vmap(one)(states), self.interval)

    def of(self, data: Any) -> Segments:
        """Every stretch of `count` steps in the trajectories of a data set."""
        if isinstance(data, Segments):
            return data
        dataset = _dataset(data, "motions")
        if "trajectory" not in dataset.dims:
            raise ValueError(
                "Training on motions needs trajectories, but the data set holds single states: "
                "generate one with --trajectories, or train on accelerations."
            )
        dataset = successful(dataset)
        times = dataset["t"].values
        starts = len(times) - self.count
        if starts < 1:
            raise ValueError(f"The data set holds no trajectory of {self.count + 1} instants or more.")
        steps = np.diff(times)
        if not np.allclose(steps, steps[0], rtol=1e-6):
            raise ValueError("Training on motions needs trajectories with equal steps of time.")
        batch = ("trajectory", "time")
        states = _states(dataset.isel(time=slice(0, starts)), batch)
        windows = np.arange(starts)[:, None] + np.arange(self.count + 1)

        def stretches(variable: str, axis: str) -> Array:
            """(stretches, count + 1, axis), the first state among them."""
            values = dataset[variable].transpose(*batch, axis).values[:, windows]
            return jnp.asarray(values.reshape(-1, *values.shape[2:]), jnp.result_type(float))

        q, v = stretches("q", "coordinate"), stretches("v", "coordinate")
        _require_finite(q, v)
        return Segments(
            states,
            q[:, 1:],
            v[:, 1:],
            jnp.asarray(steps[0], q.dtype),
            u=stretches("u", "input") if "time" in dataset["u"].dims else None,
            substeps=max(1, math.ceil(float(steps[0]) / float(self.interval) - 1e-9)),
        )


def _dataset(data: Any, what: str) -> xr.Dataset:
    if not isinstance(data, xr.Dataset):
        raise ValueError(f"Training on {what} cannot use {type(data).__name__}: give a data set, or another residual.")
    return data


def successful(dataset: xr.Dataset) -> xr.Dataset:
    """The data set without trajectories whose integration failed. Raises `ValueError` where nothing is left."""
    if "trajectory" in dataset.dims:
        dataset = dataset.isel(trajectory=np.flatnonzero(dataset["successful"].values))
    if not all(dataset.sizes[axis] for axis in ("trajectory", "time", "sample") if axis in dataset.dims):
        raise ValueError("The data set holds no samples.")
    return dataset


def _rows(dataset: xr.Dataset, batch: tuple[str, ...], variable: str, *axis: str) -> Array:
    """A variable as one row per sample; one that is constant along a batch dimension is repeated."""
    shape = tuple(dataset.sizes[dim] for dim in batch)
    own = [dim for dim in batch if dim in dataset[variable].dims]
    values = dataset[variable].transpose(*own, *axis).values
    places = tuple(slice(None) if dim in own else None for dim in batch)
    whole = np.broadcast_to(values[places], (*shape, *values.shape[len(own) :]))
    return jnp.asarray(whole.reshape(math.prod(shape), *whole.shape[len(shape) :]), jnp.result_type(float))


def _states(dataset: xr.Dataset, batch: tuple[str, ...]) -> States:
    return States(
        q=_rows(dataset, batch, "q", "coordinate"),
        v=_rows(dataset, batch, "v", "coordinate"),
        m=_rows(dataset, batch, "m", "parameter"),
        u=_rows(dataset, batch, "u", "input"),
        t=_rows(dataset, batch, "t"),
    )


def _require_finite(*arrays: Array) -> None:
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError("The data set holds values that are not finite: remove those samples or generate it again.")


class Stream(eqx.Module):
    """Fresh observations at every call: states from a `StateSource`, what is observed of them from a law.

    `Stream.of(system)` draws the states that the system declares, and asks its own equations of motion.
    """

    dynamics: AbstractDynamics
    states: StateSource
    observations: AbstractObservations = Instants()

    @staticmethod
    def of(system: System, observations: AbstractObservations | None = None) -> "Stream":
        """Of a system: its accelerations, unless other observations are asked for."""
        return Stream(SymbolicDynamics(system), DeclaredStates(system), observations or Instants())

    def __call__(self, key: Key, n: int) -> Any:
        """n observations."""
        return self.observations.at(self.dynamics, self.states(key, n))


class Resample(eqx.Module, Generic[Batch]):
    """Observations drawn with replacement from a fixed batch."""

    batch: Batch

    def __call__(self, key: Key, n: int) -> Batch:
        """n of them."""
        return self.batch[jax.random.randint(key, (n,), 0, self.batch.size)]


@eqx.filter_jit
def draw(source: Source, key: Key, n: int) -> Any:
    """n observations of a source, compiled once for all sources of a kind."""
    return source(key, n)


def hold_out(data: Data, share: float, key: Key) -> tuple[Data, Data]:
    """What data are trained on, and that share of them which is held out.

    Of a data set whole motions are held out where there are several, the end of the motion where there is one, and
    samples where they are single states: never instants of a motion that is trained on. Raises `ValueError` where there
    are too few.
    """
    if not isinstance(data, xr.Dataset):
        training, held = _places("observation", data.size, share, key)
        return data[jnp.asarray(training)], data[jnp.asarray(held)]
    data = successful(data)
    axis = "sample" if "trajectory" not in data.dims else "time" if data.sizes["trajectory"] == 1 else "trajectory"
    training, held = _places(axis, data.sizes[axis], share, key)
    return data.isel({axis: training}), data.isel({axis: held})


def _places(axis: str, count: int, share: float, key: Key) -> tuple[np.ndarray, np.ndarray]:
    held = max(int(share * count), 1 if axis == "trajectory" else 0)
    if held < 1:
        raise ValueError(f"The data hold {count} {axis}s, too few to hold some out: at least 10 are needed.")
    order = np.arange(count)[::-1] if axis == "time" else np.asarray(jax.random.permutation(key, count))
    return np.sort(order[held:]), np.sort(order[:held])
