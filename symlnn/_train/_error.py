"""The error that training looks at between its steps: the parameters that it keeps are those with the lowest."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp

from .._dynamics import acceleration_sizes, accelerations, relative_rms
from .._types import Samples, Scalar
from ._parts import by_parts
from ._residual import AbstractResidual


class AbstractError(eqx.Module):
    """How wrong a model is, about one for a model that knows nothing, together with what that is measured on."""

    @abc.abstractmethod
    def __call__(self, model: Any) -> Scalar:
        """The error of a model."""


class AccelerationError(AbstractError):
    """The root mean square of the errors of the accelerations, each in units of its size."""

    samples: Samples

    def __call__(self, model: Any) -> Scalar:
        """The error over the samples."""
        predicted = by_parts(lambda states: accelerations(model, states), self.samples.states)
        return relative_rms(predicted - self.samples.a, acceleration_sizes(self.samples))


class ResidualError(AbstractError):
    """The root mean square of a residual over a batch."""

    residual: AbstractResidual
    batch: Any

    def __call__(self, model: Any) -> Scalar:
        """The error over the batch."""
        found = by_parts(lambda part: self.residual(model, part), self.batch)
        return jnp.sqrt(jnp.mean(found**2))
