"""Whether declarations are checked as they are made: those in files were, when they were declared."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_checking: ContextVar[bool] = ContextVar("_checking", default=True)


def checking() -> bool:
    """Whether what evaluates an expression is to be checked."""
    return _checking.get()


@contextmanager
def checked_before() -> Iterator[None]:
    """Take what is declared meanwhile as it is: evaluating an expression of a stranger can take forever."""
    token = _checking.set(False)
    try:
        yield
    finally:
        _checking.reset(token)
