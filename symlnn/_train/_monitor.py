"""What looks at a training between its chunks of steps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ._checkpoint import Checkpoint
from ._error import AbstractError


@dataclass(frozen=True)
class Progress:
    """How a training stands after a chunk of steps; of an ensemble, the best member."""

    stage: str
    step: int
    share: float
    """Of the whole budget, what is spent."""
    loss: float
    error: float
    steps_per_second: float


Listener: TypeAlias = Callable[[Progress], None]


@dataclass(frozen=True)
class Monitor:
    """What is asked of a model in training, where that is kept, and who is told."""

    error: AbstractError | None = None
    """The held-out error, by which the best parameters are chosen; None is the residual on what was held out."""
    checkpoint: Checkpoint | None = None
    """Where the training is saved, to be resumed; None saves nothing."""
    listener: Listener = lambda progress: None
    """Called with the `Progress` after every chunk."""


UNSEEN = Monitor()
"""Nothing is kept, and nobody is told."""
