"""A kind of model: what builds it, and what it is trained on."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from .._dynamics import AbstractDynamics

Builder = Callable[..., AbstractDynamics]
"""`builder(system, scales, architecture, *, key)` returns an untrained dynamics of the system; the first line of its
docstring is what a report calls the model."""


@dataclass(frozen=True)
class Model:
    """An entry of the table `MODELS`."""

    builder: Builder
    residual: str = "acceleration"
    """What it is trained on unless something else is asked for: a name of `RESIDUALS`."""

    @property
    def title(self) -> str:
        """The first line of the builder's docstring, without its full stop."""
        return (inspect.getdoc(self.builder) or "").split("\n", 1)[0].rstrip(".")
