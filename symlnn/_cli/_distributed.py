"""A training of several processes, on one machine or on many."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import lazy_loader

jax: Any = lazy_loader.load("jax")

_ATTENTION = 20
"""Seconds without a sign of life after which a process counts as dead."""
_ENDED = (
    b"symlnn: this process has ended before its time, as another one has: start all of them again, with --resume to go "
    b"on from the last checkpoint.\n"
)


@dataclass(frozen=True)
class Joining:
    """How the processes find one another."""

    distributed: bool
    coordinator: str | None
    processes: int | None
    process: int | None

    def __post_init__(self) -> None:
        given = (self.coordinator, self.processes, self.process)
        if any(value is not None for value in given) and None in given:
            raise ValueError(
                "--coordinator, --processes and --process belong together: give all three, or --distributed alone "
                "under SLURM or Open MPI, which know them."
            )
        if self.processes is not None and self.process is not None and not 0 <= self.process < self.processes:
            raise ValueError(f"--process counts from 0 to {self.processes - 1}, but is {self.process}.")

    @property
    def several(self) -> bool:
        """Whether there are other processes."""
        return self.distributed or self.coordinator is not None


@contextmanager
def joined(joining: Joining) -> Iterator[bool]:
    """Work together with the other processes, before JAX is used; whether this is the one that writes and speaks.

    Where another one ends before its time, this one ends too, at once: there is nothing that it could do without.
    """
    if not joining.several:
        yield True
        return
    done = _watched()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # C++ reports in many lines what the watcher says in one
    try:
        jax.distributed.initialize(
            joining.coordinator, joining.processes, joining.process, heartbeat_timeout_seconds=_ATTENTION
        )
    except (ValueError, RuntimeError) as error:
        done()
        raise RuntimeError(
            f"The processes cannot be joined ({str(error).splitlines()[0]}): give --coordinator HOST:PORT, --processes "
            "and --process, the same address to all of them, with the first process on that host."
        ) from error
    try:
        yield jax.process_index() == 0
    except jax.errors.JaxRuntimeError:
        os._exit(1)  # an ordinary end waits for the one that is gone
    else:
        jax.distributed.shutdown()
    finally:
        done()


def _watched() -> Callable[[], None]:
    """Have a child say so if this process ends before its time, which JAX may see to in C++; call what comes back when
    that may be."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(writing)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if not os.read(reading, 1):
            os.write(2, _ENDED)
        os._exit(0)
    os.close(reading)
    return lambda: _done(writing)


def _done(writing: int) -> None:
    os.write(writing, b".")
    os.close(writing)
