"""Files and folders are whole or absent: kills at every line, full disks, links, devices, two runs at one place."""

import itertools
import json
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import symlnn
from symlnn import _array_file, _files
from symlnn.report import check_folder, locked, replaced_folder

KILLS = """
import importlib.util, itertools, os, pathlib, shutil, signal, sys

source, root, kind = sys.argv[1:]
spec = importlib.util.spec_from_file_location("files", source)
files = importlib.util.module_from_spec(spec)
spec.loader.exec_module(files)
root = pathlib.Path(root)
place = root / "out"

def write(text):
    if kind == "file":
        files.write_file(place, text.encode() * 1000)
        return
    with files.locked(place), files.replaced_folder(place) as folder:
        (folder / "report.json").write_text(text * 1000)
        (folder / "sub").mkdir()
        (folder / "sub" / "data").write_text(text * 1000)

def content():
    if kind == "file":
        return {place.read_text()}
    return {(place / "report.json").read_text(), (place / "sub" / "data").read_text()}

def killed_at(number):
    lines = itertools.count(1)

    def trace(frame, event, argument):
        return within if frame.f_code.co_filename == source else None

    def within(frame, event, argument):
        if event == "line" and next(lines) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return within

    child = os.fork()
    if child == 0:
        sys.settrace(trace)
        write("new")
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL

for existing in (False, True):
    for number in itertools.count(1):
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        if existing:
            write("old")
        if not killed_at(number):
            break
        files.recover(place)
        if existing or place.exists():
            assert content() in ({"old" * 1000}, {"new" * 1000}), (number, content())
        write("newer")
        assert content() == {"newer" * 1000}
        assert os.listdir(root) == ["out"], (number, os.listdir(root))
    print(number - 1)
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_kill_at_any_line_leaves_the_old_or_the_new_and_nothing_else(tmp_path: Path, kind: str) -> None:
    command = [sys.executable, "-c", KILLS, str(_files.__file__), str(tmp_path / "place"), kind]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(int(kills) > 20 for kills in done.stdout.split())


def save_arrays(path: Path) -> None:
    _array_file.write_arrays(path, {"kind": "model"}, jnp.arange(10_000.0))


def save_data(path: Path) -> None:
    symlnn.save_dataset(path, xr.Dataset({"q": ("sample", np.arange(1000.0))}))


def save_report(path: Path) -> None:
    with replaced_folder(path) as folder:
        (folder / "report.json").write_text(json.dumps(list(range(10_000))))


@pytest.mark.parametrize("save", [save_arrays, save_data, save_report])
def test_a_full_disk_is_one_error_and_leaves_what_was_there(tmp_path: Path, save: Callable[[Path], None]) -> None:
    path = tmp_path / "out"
    save(path)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="out cannot be written: File too large"):
            save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_a_report_that_cannot_be_put_in_its_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_report(tmp_path / "out")
    before = (tmp_path / "out" / "report.json").read_text()
    moves, replace = itertools.count(1), Path.replace

    def fail(self: Path, target: Path) -> Path:
        if next(moves) == 2:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(KeyboardInterrupt), replaced_folder(tmp_path / "out") as folder:
        (folder / "report.json").write_text("new")
    assert (tmp_path / "out" / "report.json").read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_links_are_followed_and_devices_refused(tmp_path: Path) -> None:
    target, link, broken = tmp_path / "target", tmp_path / "link", tmp_path / "broken"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    broken.symlink_to(tmp_path / "elsewhere")
    _files.write_file(link, b"new")
    _files.write_file(broken, b"new")
    assert link.is_symlink() and target.read_bytes() == b"new" == (tmp_path / "elsewhere").read_bytes()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, message in (
        (Path(os.devnull), "no regular file"),
        (pipe, "no regular file"),
        (loop, "cannot be"),
        (tmp_path, "is a folder"),
        (tmp_path / "missing" / "file", "does not exist"),
        (target / "file", "does not exist"),
        (Path("a\0b"), "cannot be the name"),
    ):
        with pytest.raises(ValueError, match=message):
            _files.write_file(path, b"")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    real, alias = tmp_path / "real", tmp_path / "alias"
    alias.symlink_to(real)
    save_report(alias)
    assert alias.is_symlink() and (real / "report.json").is_file()


def test_only_a_report_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    (tmp_path / "file").write_text("")
    for name, message in (("mine", "holds no report"), ("file", "is a file"), ("file/report", "is a file")):
        with pytest.raises(ValueError, match=message):
            check_folder(tmp_path / name)


def test_two_runs_do_not_write_to_one_place(tmp_path: Path) -> None:
    hold = "from sys import *; from pathlib import *; from symlnn.report import *\n"
    hold += "with locked(Path(argv[1])): print('held', flush=True); stdin.read()"
    command = [sys.executable, "-c", hold, str(tmp_path / "out")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with pytest.raises(ValueError, match="out is being written by another run"), locked(tmp_path / "out"):
            pass
        with locked(tmp_path / "elsewhere"):
            pass
        other.send_signal(signal.SIGKILL)
    with locked(tmp_path / "out"):
        pass
    assert list(tmp_path.iterdir()) == []
