"""Files and folders that are whole or absent, whatever ends the process that writes them.

Both are written beside their place, flushed to the disk and renamed. What a killed process left behind has its number
in the name: the next one that writes to that place removes it, or puts back what was moved aside.
"""

import contextlib
import hashlib
import itertools
import json
import os
import platform
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout


def _host() -> str:
    """What tells this machine, and the container that the process runs in, from others: there numbers mean others."""
    with contextlib.suppress(OSError):
        return hashlib.sha256(f"{platform.node()} {os.stat('/proc/self/ns/pid').st_ino}".encode()).hexdigest()[:8]
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


_HOST = _host()
LONGEST_TEXT = 2**23
"""Of what describes the content of a file, in bytes."""
_numbers = itertools.count()
_in_use: set[str] = set()
"""The names of what this process is writing."""


def write_file(path: Path, *parts: bytes | memoryview) -> None:
    """Write the parts, one after another, to a file that is then whole; an earlier one there is replaced.

    Raises `ValueError` where the path cannot be that of a file, and `OSError` where the disk does not take it.
    """
    target = check_file(path)
    recover(target)
    with _naming(path), _beside(target) as temporary:
        with temporary.open("xb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
        _sync(target.parent)


@contextlib.contextmanager
def replaced_folder(out: Path) -> Iterator[Path]:
    """A folder that takes the place of `out` when the block succeeds, and is removed when it does not."""
    target = check_folder(out)
    with _naming(out):
        target.parent.mkdir(parents=True, exist_ok=True)
        with _beside(target) as temporary:
            temporary.mkdir()
            yield temporary
            for path in (*temporary.rglob("*"), temporary):
                _sync(path)
            old = _name_beside(target, _OLD)
            try:
                if target.exists():
                    target.replace(old)
                temporary.replace(target)
            except BaseException:
                # whatever stops this, the old folder is at its place, or beside it for `recover` to put back
                if old.exists() and not target.exists():
                    old.replace(target)
                raise
            _sync(target.parent)
            _remove(old)


def check_file(path: Path) -> Path:
    """The file behind a path, through links. Raises `ValueError` where no file can be written there."""
    target = _resolved(path)
    folder = target.parent
    if target.is_dir():
        raise ValueError(f"{path} is a folder: name a file.")
    if target.exists() and not target.is_file():
        raise ValueError(f"{path} is no regular file but a device or a pipe: name a file.")
    if not folder.is_dir():
        raise ValueError(f"{path} cannot be written: the folder {folder} does not exist. Create it first.")
    if not os.access(folder, os.W_OK):
        raise ValueError(f"{path} cannot be written: {folder} is read-only for you.")
    return target


def check_folder(out: Path) -> Path:
    """The folder behind a path, through links, with the report that a killed process may have moved aside.

    Raises `ValueError` where a report may not be written there: another folder that is not empty, or no permission.
    """
    target = _resolved(out)
    parent = next((folder for folder in target.parents if folder.exists()), target)
    if not parent.is_dir():
        raise ValueError(f"{out} cannot be written: {parent} is a file. Name another folder.")
    if not os.access(parent, os.W_OK):
        raise ValueError(f"{out} cannot be written: {parent} is read-only for you. Name another folder.")
    recover(target)
    if target.exists():
        if not target.is_dir():
            raise ValueError(f"{out} is a file: name a folder for the report.")
        if any(target.iterdir()) and not (target / "report.json").is_file():
            raise ValueError(f"{out} is not empty and holds no report: name a new folder, so that nothing is lost.")
    return target


@contextlib.contextmanager
def decoding(failure: str) -> Iterator[None]:
    """Make a `ValueError`, which begins with `failure`, of whatever foreign data run into that are not as written."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{failure}: {error}") from error
    except Exception as error:  # those of every library that reads them
        raise ValueError(f"{failure} ({type(error).__name__}: {error}).") from error


def parsed(text: str | bytes) -> Any:
    """JSON data of a file, whose text is bounded, since a list of empty lists takes twenty times its length."""
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"its description is longer than {LONGEST_TEXT:,} characters")
    return json.loads(text)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes from writing to a path meanwhile, where the file system has locks.

    Raises `ValueError` where one does.
    """
    target = _resolved(path)
    lock = target.with_name(f".{_short(target)}.lock")
    held = FileLock(lock, timeout=0)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        held.acquire()
    except Timeout as error:
        raise ValueError(f"{path} is being written by another run: wait for its end, or name another place.") from error
    except (NotImplementedError, OSError):
        pass  # a file system without locks; one that is full says so when it is written to
    try:
        yield
    finally:
        if held.is_locked:
            with contextlib.suppress(OSError):
                lock.unlink(missing_ok=True)  # while it is held: one who waits for it sees that it is gone
            held.release()


def recover(target: Path) -> None:
    """Remove what killed processes left beside a file or folder, and put back what they had moved aside."""
    with contextlib.suppress(OSError):
        for left in target.parent.glob(f".{_escaped(_short(target))}.*-*-*.[no][el][wd]"):
            if left.name in _in_use or not _abandoned(left):
                continue
            if left.suffix == _OLD and not target.exists():
                left.replace(target)
            else:
                _remove(left)


_OLD, _NEW = ".old", ".new"
_FORGOTTEN = 3600.0
"""Seconds after which nobody is still writing something, on whatever machine."""


def _abandoned(left: Path) -> bool:
    """Whether the process that made this has ended, or, where it ran on another machine, was long ago."""
    host, _, rest = left.stem.rpartition(".")[2].partition("-")
    number = rest.partition("-")[0]
    if host == _HOST and number.isdigit():
        return not _lives(int(number))
    return time.time() - left.stat().st_mtime > _FORGOTTEN


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """The path of something new beside the target that is gone in the end."""
    place = _name_beside(target, _NEW)
    _in_use.add(place.name)
    try:
        yield place
    finally:
        _remove(place)
        _in_use.discard(place.name)


def _name_beside(target: Path, kind: str) -> Path:
    return target.with_name(f".{_short(target)}.{_HOST}-{os.getpid()}-{next(_numbers)}{kind}")


def _short(target: Path) -> str:
    """The name of a target, or its beginning and a hash of it where it is long: names have 255 bytes at most."""
    name = target.name
    if len(name.encode()) <= 100:
        return name
    return name.encode()[:80].decode(errors="ignore") + hashlib.sha256(name.encode()).hexdigest()[:16]


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    """Whether a process runs; one of the same number as this one that is not this one does not."""
    if process == os.getpid():
        return False
    if os.name == "nt":
        return True  # there a signal of zero would end it
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _resolved(path: Path) -> Path:
    try:
        found = path.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a null character
        raise ValueError(f"{str(path)!r} cannot be the name of a file or folder: {error}") from error
    if found.is_symlink():
        raise ValueError(f"{str(path)!r} cannot be the name of a file or folder: its links lead nowhere")
    return found


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the place in what the operating system says of a full disk or of missing rights."""
    try:
        yield
    except OSError as error:
        raise OSError(f"{path} cannot be written: {error.strerror or error}.") from error


def _sync(path: Path) -> None:
    """Flush a file, or the names in a folder, where the system can that, to the disk."""
    with contextlib.suppress(OSError) if path.is_dir() else contextlib.nullcontext():
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
