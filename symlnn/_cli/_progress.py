"""A progress bar with the loss, the rate and the time left."""

import contextlib
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

import symlnn


class TrainingBar:
    """Shows on standard error what is being done and, while a model trains, how it stands."""

    def __init__(self, console: Console):
        self._progress = Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[state]}", markup=False),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._doing = ""

    def __enter__(self) -> "TrainingBar":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # a terminal that has gone
            self._progress.stop()

    def update(self, doing: str, progress: "symlnn.Progress | None") -> None:
        """Show the next state; a new `doing` begins a new bar."""
        if doing != self._doing or self._task is None:
            if self._task is not None:
                self._progress.remove_task(self._task)
            self._task = self._progress.add_task(doing, total=None, state="")
            self._doing = doing
        if progress is not None:
            state = f"{progress.stage}: error {progress.error:.2e}, loss {progress.loss:.2e}"
            state += f", {progress.steps_per_second:.1f}/s"
            self._progress.update(self._task, completed=progress.share, total=1.0, state=state)
