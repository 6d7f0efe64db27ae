"""The folder of a report: replaced whole, and only if it is a report."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def check_folder(out: Path) -> None:
    """Raise a `ValueError` where a report may not be written to `out`: another non-empty folder, or no permission."""
    if out.exists():
        if not out.is_dir():
            raise ValueError(f"{out} is a file: name a folder for the report.")
        if any(out.iterdir()) and not (out / "report.json").is_file():
            raise ValueError(f"{out} is not empty and holds no report: name a new folder, so that nothing is lost.")
    parent = _nearest(out)
    if not os.access(parent, os.W_OK):
        raise ValueError(f"{out} cannot be written: {parent} is read-only for you. Name another folder.")


def _nearest(out: Path) -> Path:
    parent = out.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        raise ValueError(f"{out} cannot be written: {parent} is a file. Name another folder.")
    return parent


@contextmanager
def replaced_folder(out: Path) -> Iterator[Path]:
    """A temporary folder beside `out` that takes its place when the block succeeds and is removed when it fails."""
    check_folder(out)
    out.absolute().parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.absolute().parent))
    try:
        yield temporary
        temporary.chmod(0o755)
        if out.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.absolute().parent))
            os.replace(out, old)
            os.replace(temporary, out)
            shutil.rmtree(old)
        else:
            os.replace(temporary, out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
