"""Checkpoints: all that a run needs to go on as if it had not been interrupted."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._atomic import atomic_path
from .._models._spec import pack, read_header, unpack


@dataclass(frozen=True)
class History:
    """A training curve: one row per chunk of steps."""

    stage: tuple[str, ...] = ()
    step: tuple[int, ...] = ()
    seconds: tuple[float, ...] = ()
    """Training time, without compilation."""
    loss: tuple[float, ...] = ()
    validation: tuple[float, ...] = ()
    """The relative root-mean-square error of the accelerations on the validation samples."""

    def append(self, stage: str, step: int, seconds: float, loss: float, validation: float) -> "History":
        """The history with one more row."""
        return History(
            (*self.stage, stage),
            (*self.step, step),
            (*self.seconds, seconds),
            (*self.loss, loss),
            (*self.validation, validation),
        )

    def to_json(self) -> dict[str, list]:
        """The columns as JSON data."""
        return {name: list(column) for name, column in vars(self).items()}

    @staticmethod
    def from_json(data: dict[str, list]) -> "History":
        """The History of `to_json`."""
        return History(**{name: tuple(column) for name, column in data.items()})


@dataclass(frozen=True)
class Progress:
    """Where a run stands: `step` steps of stage `stage` are done, of the planned `steps`."""

    stage: int
    step: int
    steps: tuple[int, ...]
    """The planned steps of each stage that has been planned: with a budget in seconds, of those begun."""
    best: float
    """The lowest validation error so far; the best parameters have it."""
    history: History

    @property
    def spent(self) -> float:
        """Training time so far, in seconds."""
        return self.history.seconds[-1] if self.history.seconds else 0.0


def save_checkpoint(path: Path, run: dict[str, Any], progress: Progress, arrays: Any) -> None:
    """Write a checkpoint, whole or not at all. `run` identifies the run that may go on from it."""
    header = {
        "kind": "checkpoint",
        "run": run,
        "progress": {**vars(progress), "steps": list(progress.steps), "history": progress.history.to_json()},
    }
    with atomic_path(path) as temporary:
        temporary.write_bytes(pack(header, arrays))


def read_progress(path: Path, run: dict[str, Any]) -> Progress:
    """The progress in a checkpoint. Raises `ValueError` where it belongs to another run."""
    header, _ = read_header(path)
    if header.get("kind") != "checkpoint":
        raise ValueError(f"{path} is no checkpoint: start without --resume.")
    run = json.loads(json.dumps(run))  # tuples come back from a file as lists
    differing = [name for name in run if header["run"].get(name) != run[name]]
    if differing:
        raise ValueError(
            f"{path} belongs to a run with another {', '.join(differing)}: "
            "repeat the command that began it, or start anew without --resume."
        )
    data = header["progress"]
    return Progress(data["stage"], data["step"], tuple(data["steps"]), data["best"], History.from_json(data["history"]))


def read_arrays(path: Path, like: Any) -> Any:
    """The arrays of a checkpoint, in the structure of `like`."""
    header, body = read_header(path)
    return unpack(path, header, body, like)
