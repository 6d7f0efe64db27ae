"""The process round a command: its signals, its compilation cache, its errors in one line, and its exit code."""

import os
import signal
import sys
from pathlib import Path

from . import _measured as _measured
from ._app import app


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong arguments, 130 interrupted."""
    _use_compilation_cache()
    _leave_checks_to_result_codes()
    _end_as_by_ctrl_c()
    given = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in given
    try:
        app(args=[argument for argument in given if argument != "--debug"], prog_name="symlnn")
    except Exception as error:
        if debug:
            raise
        print(f"symlnn: {_one_line(error)}", file=sys.stderr)
        raise SystemExit(1) from error


def _one_line(error: BaseException) -> str:
    # what comes from a file may hold anything, and a terminal obeys what it cannot print
    words = "".join(c if c.isprintable() else "�" for c in " ".join(str(error).split()))
    if isinstance(error, ValueError | OSError | RuntimeError):  # JAX's own errors are RuntimeErrors
        return words or type(error).__name__
    return f"{type(error).__name__}: {words} (unexpected: --debug shows where it arose)"


def _end_as_by_ctrl_c() -> None:
    """Let a terminal that closes, or a scheduler that ends the run, do what Ctrl-C does: keep what there is."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):
        found = getattr(signal, name, None)
        if found is not None and signal.getsignal(found) is signal.SIG_DFL:  # nohup ignores one of them
            signal.signal(found, interrupt)


def _use_compilation_cache() -> None:
    """Keep compiled functions between runs, in the user's cache folder, unless JAX is told another one."""
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    # JAX reads these when it is imported
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(home / "symlnn" / "jax")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")


def _leave_checks_to_result_codes() -> None:
    """Compile diffrax's loops without its own checks at run time: what can go wrong comes back as a result code.

    A check is a call from the compiled program back to Python, and JAX keeps no program with such a call in its cache.
    """
    os.environ.setdefault("EQX_ON_ERROR", "off")  # Equinox reads it when it is imported
