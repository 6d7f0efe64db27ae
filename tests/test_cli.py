"""The command line, as a user meets it."""

import json
from pathlib import Path

import jax
import pytest

from symlnn._cli import main


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "jax"))
    monkeypatch.chdir(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit_:
        main(list(arguments))
    captured = capsys.readouterr()
    code = exit_.value.code
    return (code if isinstance(code, int) else 0), captured.out, captured.err


def test_list_names_every_system(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "list")
    assert code == 0
    assert "double_pendulum" in out


def test_derive_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "derive", "n_pendulum", "--set", "n=1", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["accelerations"] == ["-g*sin(theta1)/l1"]


def test_new_file_validates_unedited(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(capsys, "new", "my.py")[0] == 0
    code, _, err = run(
        capsys, "validate", "my.py", "--quick", "--steps", "120", "--width", "16", "--depth", "2", "--out", "report"
    )
    assert code == 0, err
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["quick"] is True
    assert set(report["models"]) == {"lnn", "nn"}
    page = (tmp_path / "report" / "index.html").read_text()
    assert "<math" in page
    assert 'src="http' not in page
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".report")]


WRONG = [
    (("derive", "nosuch"), "Unknown system 'nosuch'", 1),
    (("derive", "missing.py"), "no system file missing.py", 1),
    (("derive", "empty.py"), "defines no system", 1),
    (("derive", "broken.py"), "line 1: syntax error", 1),
    (("derive", "pendulum", "--param", "m=x"), "must be a number", 1),
    (("derive", "pendulum", "--param", "q=1"), "no parameter 'q'", 1),
    (("generate", "pendulum", "--samples", "0", "--out", "d.nc"), "at least 1", 1),
    (("generate", "pendulum", "--samples", "-3", "--out", "d.nc"), "at least 1", 1),
    (("generate", "pendulum", "--samples", "3", "--out", "no/such/d.nc"), "does not exist", 1),
    (("train", "pendulum", "--model", "nosuch", "--out", "m.eqx"), "Unknown model 'nosuch'", 1),
    (("train", "pendulum", "--data", "corrupt.nc", "--out", "m.eqx"), "no readable NetCDF", 1),
    (("simulate", "pendulum", "--model", "corrupt.nc", "--out", "t.nc"), "no model file", 1),
    (("validate", "pendulum", "--out", "full"), "not empty", 1),
    (("nosuch",), "No such command", 2),
]


@pytest.mark.parametrize(("arguments", "message", "code"), WRONG, ids=[" ".join(a) for a, _, _ in WRONG])
def test_wrong_input_is_one_clear_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple[str, ...], message: str, code: int
) -> None:
    (tmp_path / "empty.py").write_text("x = 1\n")
    (tmp_path / "broken.py").write_text("def\n")
    (tmp_path / "corrupt.nc").write_bytes(b"nothing")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("years of work")
    before = sorted(path.name for path in tmp_path.iterdir())
    actual, out, err = run(capsys, *arguments)
    assert actual == code
    assert message in err
    assert "Traceback" not in err + out
    if code == 1:
        assert len(err.strip().splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "jax") == before


def teardown_module() -> None:
    jax.config.update("jax_enable_x64", True)
