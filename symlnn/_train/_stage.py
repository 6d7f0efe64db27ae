"""A stage of training: the interface of its single step, and what every stage is given."""

import abc
import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
from jaxtyping import Array

from .._data import Source
from .._types import Key, Scalar
from ._devices import over_devices
from ._parts import by_parts
from ._residual import AbstractResidual


class Problem(eqx.Module):
    """What is trained, and on what."""

    rest: Any
    """The model with None in place of what is trained."""
    residual: AbstractResidual
    source: Source

    def residuals(self, params: Any, batch: Any) -> Array:
        """The residuals of the model with these trained parameters, (batch, rows)."""

        def of(shared: tuple[Any, Problem], batch: Any) -> Array:
            params, problem = shared
            model = eqx.combine(params, problem.rest)
            return by_parts(lambda part: problem.residual(model, part), batch)

        return self.over_devices(of, params, batch)

    def over_devices(self, function: Callable[[Any, Any], Any], params: Any, batch: Any) -> Any:
        """function((params, problem), batch), whose row i depends on batch[i] alone, by the shares of all devices."""
        arrays, static = eqx.partition((params, self), eqx.is_array)

        def of(arrays: Any, batch: Any) -> Any:
            return function(eqx.combine(arrays, static), batch)

        return over_devices(of, arrays, batch, batch.size)


class AbstractStage(eqx.Module):
    """One optimiser. A step is a pure function of its arguments, so that training resumes to the bit."""

    scheduled: eqx.AbstractClassVar[bool]
    """Whether a step depends on how many there are in all; if not, a budget in seconds ends the stage on time."""
    chunk: eqx.AbstractVar[int]
    """Steps between two looks at the clock, the held-out error and the checkpoint."""

    @property
    @abc.abstractmethod
    def drawn(self) -> int:
        """Observations drawn for each step."""

    @abc.abstractmethod
    def sized(self, rows: int, coordinates: int, parameters: int) -> "AbstractStage":
        """The stage for a residual of so many rows an observation, a system of so many coordinates, and a model of so
        many parameters."""

    @abc.abstractmethod
    def init(self, params: Any) -> Any:
        """The optimiser's state at the start."""

    @abc.abstractmethod
    def retreat(self, state: Any) -> Any:
        """The state with which to go on from where a chunk of steps began, after they went astray."""

    @abc.abstractmethod
    def step(self, problem: Problem, params: Any, state: Any, key: Key, progress: Scalar) -> tuple[Any, Any, Scalar]:
        """One step: (params, state, loss before it). `progress` runs from 0 to 1 over the stage."""


def check_counts(stage: AbstractStage, *names: str) -> None:
    """Raise a `ValueError` where a field that counts something is no positive whole number; None is left to be set."""
    for name in names:
        value = getattr(stage, name)
        if value is not None and not (isinstance(value, int) and value > 0):
            raise ValueError(f"{name} of {type(stage).__name__} must be a positive whole number, but is {value!r}.")


def check_sizes(stage: AbstractStage, *names: str) -> None:
    """Raise a `ValueError` where a field is no positive, finite number."""
    for name in names:
        value = getattr(stage, name)
        if not (isinstance(value, int | float) and 0 < value < math.inf):
            raise ValueError(f"{name} of {type(stage).__name__} must be positive and finite, but is {value!r}.")
