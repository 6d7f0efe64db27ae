"""The error that training looks at between its steps: the parameters that it keeps are those with the lowest."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp

from .._dynamics import accelerations
from .._types import Samples, Scalar
from ._residual import AbstractResidual


class AbstractError(eqx.Module):
    """How wrong a model is, about one for a model that knows nothing, together with what that is measured on."""

    @abc.abstractmethod
    def __call__(self, model: Any) -> Scalar:
        """The error of a model."""


class AccelerationError(AbstractError):
    """The relative root-mean-square error of the accelerations, √(Σ|â − a|² / Σ|a|²)."""

    samples: Samples

    def __call__(self, model: Any) -> Scalar:
        """The error over the samples."""
        predicted = accelerations(model, self.samples.states)
        return jnp.sqrt(jnp.sum((predicted - self.samples.a) ** 2) / jnp.sum(self.samples.a**2))


class ResidualError(AbstractError):
    """The root mean square of a residual over a batch."""

    residual: AbstractResidual
    batch: Any

    def __call__(self, model: Any) -> Scalar:
        """The error over the batch."""
        return jnp.sqrt(jnp.mean(self.residual(model, self.batch) ** 2))
