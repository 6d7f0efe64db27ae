"""How long the parts of something take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Timer:
    """Seconds spent on each part of what takes long."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        begin = time.monotonic()
        yield
        self.spent[part] = self.spent.get(part, 0.0) + time.monotonic() - begin
