"""A stage of training: the interface of its single step, and what every stage is given."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._data import SegmentSource, Source, accelerations
from .._dynamics import AbstractDynamics
from .._types import Key, Samples, Scalar, Segments
from ._residual import AbstractResidual

_DIVERGED = 1.5


class Problem(eqx.Module):
    """What is trained, on what: the fixed part of the dynamics, the residual and the source of samples."""

    static: AbstractDynamics
    """The dynamics with None in place of what is trained."""
    residual: AbstractResidual
    source: Source | SegmentSource

    def residuals(self, params: AbstractDynamics, samples: Samples | Segments) -> Array:
        """The residuals of the dynamics with these trained parameters, (batch, rows)."""
        return self.residual(eqx.combine(params, self.static), samples)

    def error(self, params: AbstractDynamics, samples: Samples) -> Scalar:
        """The relative root-mean-square error of the accelerations, √(Σ|â − a|² / Σ|a|²): what validation looks at."""
        predicted = accelerations(eqx.combine(params, self.static), samples.states)
        return jnp.sqrt(jnp.sum((predicted - samples.a) ** 2) / jnp.sum(samples.a**2))


def diverged(error: Any, best: Any) -> Any:
    """Whether a validation error tells of a divergence: half again that of no prediction, and of the best so far.

    A black-box Lagrangian diverges where its mass matrix loses its sign at some states and large steps carry it on.
    Going back to the parameters before, with the next samples, most often does not meet the same fate.
    """
    return error > _DIVERGED * np.maximum(1.0, best)


class AbstractStage(eqx.Module):
    """One optimiser. A step is a pure function of its arguments, so that training resumes to the bit."""

    scheduled: eqx.AbstractClassVar[bool]
    """Whether a step depends on how many there are in all; if not, a budget in seconds ends the stage on time."""
    batch: eqx.AbstractVar[int]
    """States drawn for each step."""
    chunk: eqx.AbstractVar[int]
    """Steps between two looks at the clock, the validation loss and the checkpoint."""

    @abc.abstractmethod
    def init(self, params: Any) -> Any:
        """The optimiser's state at the start."""

    @abc.abstractmethod
    def step(self, problem: Problem, params: Any, state: Any, key: Key, progress: Scalar) -> tuple[Any, Any, Scalar]:
        """One step: (params, state, loss before it). `progress` runs from 0 to 1 over the stage."""
