"""Checkpoints: all that a training needs to go on as if it had not been interrupted."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from .._array_file import read_arrays, read_header, write_arrays
from .._files import decoding

Entry: TypeAlias = float | tuple[float, ...]
"""A number, or one for each member of an ensemble."""


@dataclass(frozen=True)
class History:
    """A training curve: one row per chunk of steps."""

    stage: tuple[str, ...] = ()
    step: tuple[int, ...] = ()
    seconds: tuple[float, ...] = ()
    """Training time, without compilation."""
    loss: tuple[Entry, ...] = ()
    error: tuple[Entry, ...] = ()
    """The held-out error, of which the lowest is kept; by default relative, so that 1 is that of no prediction."""

    def append(self, stage: str, step: int, seconds: float, loss: Entry, error: Entry) -> "History":
        """The history with one more row."""
        return History(
            (*self.stage, stage),
            (*self.step, step),
            (*self.seconds, seconds),
            (*self.loss, loss),
            (*self.error, error),
        )

    def to_json(self) -> dict[str, list]:
        """The columns as JSON data."""
        return {name: list(column) for name, column in vars(self).items()}

    @staticmethod
    def from_json(data: Mapping[str, list]) -> "History":
        """The History of `to_json`."""

        def entry(value: Any) -> Any:
            return tuple(value) if isinstance(value, list) else value

        return History(**{name: tuple(map(entry, column)) for name, column in data.items()})


@dataclass(frozen=True)
class Position:
    """Where a training stands: `step` steps of stage `stage` are done, of the planned `steps`."""

    stage: int
    step: int
    steps: tuple[int, ...]
    """The planned steps of each stage that has been planned: with a budget in seconds, of those begun."""
    history: History

    @property
    def spent(self) -> float:
        """Training time so far, in seconds."""
        return self.history.seconds[-1] if self.history.seconds else 0.0

    @property
    def done(self) -> int:
        """The steps of all stages so far."""
        return sum(self.steps[: self.stage]) + self.step


@dataclass(frozen=True)
class Checkpoint:
    """Where a training is kept, and whether it goes on from there."""

    path: Path
    resume: bool = False
    """Go on from what stands there, if anything does, to the bit as if there had been no interruption."""
    every: float = 5.0
    """Seconds between two writings."""
    run: Mapping[str, Any] = field(default_factory=dict)
    """What tells this training from others: JSON data that have to be the same to go on."""

    def save(self, position: Position, arrays: Any) -> None:
        """Write a checkpoint, whole or not at all."""
        described = {**vars(position), "steps": list(position.steps), "history": position.history.to_json()}
        header = {"kind": "checkpoint", "run": dict(self.run), "position": described}
        write_arrays(self.path, header, arrays)

    def load(self, like: Any) -> tuple[Position, Any]:
        """The position and the arrays, in the structure that `like` gives for a position.

        Raises `ValueError` where the file belongs to another run.
        """
        header, body = read_header(self.path, "checkpoint")
        run = json.loads(json.dumps(dict(self.run)))  # tuples come back from a file as lists
        with decoding(f"{self.path} cannot be resumed from"):
            differing = [name for name in run if header["run"].get(name) != run[name]]
            if differing:
                raise ValueError(
                    f"it belongs to a run with another {', '.join(differing)}: repeat the command that began it, or "
                    "start anew without --resume."
                )
            data = header["position"]
            position = Position(data["stage"], data["step"], tuple(data["steps"]), History.from_json(data["history"]))
            if not all(type(n) is int and n >= 0 for n in (position.stage, position.step, *position.steps)):
                raise ValueError("its steps are no numbers")
            structure = like(position)
        return position, read_arrays(self.path, header, body, structure)
