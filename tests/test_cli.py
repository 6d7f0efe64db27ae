"""The command line, as a user meets it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest

import symlnn
from symlnn._catalogue_files import entry
from symlnn._cli import _names, main


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
    for name in symlnn.catalogue_names():
        assert name in out


def test_what_a_system_file_says_is_what_it_declares() -> None:
    """`list` reads the files, and executes none."""
    for name in symlnn.catalogue_names():
        said = entry(symlnn.system_path(name))
        if name == "seven_joint_arm":  # which is in the file of the robot
            continue
        assert said.summary and said.group
        assert said.arguments or said.dof == symlnn.load_system(name).degrees_of_freedom


def test_help_lists_what_there_is() -> None:
    assert tuple(symlnn.MODELS) == _names.MODELS
    assert tuple(symlnn.RESIDUALS) == _names.RESIDUALS
    assert tuple(symlnn.SOLVERS) == _names.SOLVERS
    assert tuple(symlnn.BLACK_BOXES) == _names.BLACK_BOXES
    architecture = symlnn.Architecture()
    assert {name: getattr(architecture, name) for name in _names.ARCHITECTURE} == _names.ARCHITECTURE
    assert symlnn.FirstOrder().loss == _names.LOSS


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["list"],
        ["new", "my_system.py"],
        ["validate", "--help"],
        ["validate", "nothing"],
        ["train", "pendulum", "--out", "m.eqx", "--set", "n"],
        ["train", "pendulum", "--no-such-option"],
        ["identify", "pendulum"],
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_imported_before_it_is_needed(words: list[str], tmp_path: Path) -> None:
    """A process of its own: what `sys.modules` holds when it ends."""
    heavy = ("jaxlib", "sympy", "matplotlib", "xarray", "pandas", "scipy", "numpy")
    code = (
        "import sys\nfrom symlnn._cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    pass\n"
        f"print([m for m in {heavy!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]", done.stderr


def test_derive_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "derive", "n_pendulum", "--set", "n=1", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["accelerations"] == ["-g*sin(theta1)/l1"]


@pytest.mark.slow  # .ci/run does the same with the wheel
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


SMALL = ("--width", "16", "--depth", "2")


def test_new_does_not_overwrite(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text("mine")
    code, _, err = run(capsys, "new", "my.py")
    assert (code, (tmp_path / "my.py").read_text()) == (1, "mine")
    assert "exists" in err


@pytest.mark.parametrize("solver", [("taylor",), ("variational", "--step", "0.002")])
def test_a_motion_by_another_solver(
    solver: tuple[str, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = str(tmp_path / "m.nc")
    arguments = ("--initial", "theta=1.0", "--initial", "theta_dot=0", "--duration", "1", "--out", path)
    code, _, err = run(capsys, "simulate", "pendulum", *arguments, "--solver", *solver)
    assert code == 0, err
    usual = symlnn.simulate(
        symlnn.SymbolicDynamics(symlnn.load_system("pendulum")), symlnn.States.of([1.0], [0.0]), duration=1.0
    )
    np.testing.assert_allclose(symlnn.load_dataset(path)["q"][0], usual.q, atol=1e-4)


@pytest.mark.slow
@pytest.mark.production
def test_generate_train_simulate_validate(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The commands feed one another: data to training, the model to a roll-out and to a report."""
    own = ("--trajectories", "12", "--duration", "2", "--rate", "20", "--noise", "0.001")
    assert run(capsys, "generate", "pendulum", *own, "--out", "d.nc")[0] == 0
    code, out, err = run(capsys, "train", "pendulum", "--data", "d.nc", "--steps", "150+4", *SMALL, "--out", "old.eqx")
    assert code == 0, err
    assert "154 steps" in out
    assert not (tmp_path / "old.eqx.checkpoint").exists()
    start = ("--initial", "theta=1.0", "--initial", "theta_dot=0")
    code, out, err = run(
        capsys, "simulate", "pendulum", "--model", "old.eqx", *start, "--duration", "1", "--out", "t.nc"
    )
    assert code == 0, err
    motion = symlnn.load_dataset("t.nc")
    assert float(motion["q"][0, 0, 0]) == 1.0
    assert dict(motion.sizes)["time"] == 501
    trained = ("lnn,old.eqx", "--data", "d.nc", "--seeds", "2", "--steps", "60", *SMALL)
    for models in (("old.eqx",), trained):  # the second replaces the first
        code, _, err = run(capsys, "validate", "pendulum", "--quick", "--out", "report", "--models", *models)
        assert code == 0, err
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert [row["seed"] for row in report["models"]["lnn"]["seeds"]] == [0, 1]
    assert report["models"]["old"]["train_seconds"] == 0.0
    assert report["data"] == "d.nc"
    written = {str(path.relative_to(tmp_path / "report")) for path in (tmp_path / "report").rglob("*.*")}
    assert {"models/lnn.eqx", "models/old.eqx", "data/test_states.nc", "figures/energy.pdf"} <= written
    code, _, err = run(capsys, "validate", "kepler", "--models", "old.eqx", "--out", "report")
    assert (code, "model of pendulum" in err) == (1, True)
    code, _, err = run(capsys, "simulate", "kepler", "--model", "old.eqx", "--out", "t.nc")
    assert (code, "of another system: its name is pendulum" in err) == (1, True)


@pytest.mark.slow  # test_fit.py resumes one within its process
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_killed_training_resumes_to_the_same_parameters(tmp_path: Path, number: signal.Signals) -> None:
    """kill, then --resume: equal to the bit to a run that was left alone, and nothing else is left."""
    if signal.getsignal(number) is signal.SIG_IGN:  # by nohup, say, which what is started here inherits
        pytest.skip(f"{number.name} is ignored by what started the tests")
    command = [sys.executable, "-m", "symlnn", "train", "pendulum", "--steps", "12000+20", *SMALL, "--seed", "3"]
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(tmp_path / "jax")}
    subprocess.run([*command, "--out", "whole.eqx"], check=True, env=environment, capture_output=True)
    victim = subprocess.Popen([*command, "--out", "killed.eqx"], env=environment, stderr=subprocess.PIPE)
    checkpoint = tmp_path / "killed.eqx.checkpoint"
    deadline = time.monotonic() + 120
    first = b""
    # a second version of the checkpoint: training is under way
    while victim.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
        now = checkpoint.read_bytes() if checkpoint.exists() else b""
        if first and now != first:
            break
        first = first or now
    victim.send_signal(number)
    _, err = victim.communicate()
    caught = number is not signal.SIGKILL
    assert victim.returncode == (130 if caught else -number), err
    assert (tmp_path / "killed.eqx").exists() is caught
    subprocess.run([*command, "--out", "killed.eqx", "--resume"], check=True, env=environment, capture_output=True)
    whole, resumed = (symlnn.load_model(tmp_path / name).dynamics for name in ("whole.eqx", "killed.eqx"))
    for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(resumed), strict=True):
        np.testing.assert_array_equal(a, b)
    assert {path.name for path in tmp_path.iterdir()} == {"whole.eqx", "killed.eqx", "jax"}


def test_derive_as_text_and_latex(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "derive", "relativistic_particle", "--param", "g=2.0")
    assert code == 0
    assert "Conserved quantities" in out
    code, out, _ = run(capsys, "derive", "double_pendulum", "--latex")
    assert r"\ddot{\theta}_{1} &= " in out


def test_derive_a_field(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "derive", "klein_gordon", "--set", "n=3")
    assert code == 0
    assert "0 = -c**2*Derivative(phi(t, x), (x, 2)) + mu**2*phi(t, x) + Derivative(phi(t, x), (t, 2))" in out
    _, out, _ = run(capsys, "derive", "klein_gordon", "--set", "n=3", "--json")
    document = json.loads(out)
    assert document["field"]["energy_density"] == "c**2*phi_x**2/2 + mu**2*phi**2/2 + phi_t**2/2"
    assert document["field"]["conserved_currents"]["momentum_x"]["density"] == "-phi_t*phi_x"
    assert document["coordinates"] == ["phi0", "phi1", "phi2"]


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
    (("train", "pendulum", "--data", "corrupt.nc", "--out", "m.eqx"), "its checksum does not match", 1),
    (("simulate", "pendulum", "--model", "corrupt.nc", "--out", "t.nc"), "no model file", 1),
    (("validate", "pendulum", "--out", "full"), "not empty", 1),
    (("train", "pendulum", "--steps", "many", "--out", "m.eqx"), "whole number", 1),
    (("train", "pendulum", "--steps", "0", "--out", "m.eqx"), "must be positive", 1),
    (("train", "pendulum", "--steps", "1+2+3", "--out", "m.eqx"), "one for each stage", 1),
    (("train", "pendulum", "--seconds", "-1", "--out", "m.eqx"), "must be positive", 1),
    (("train", "pendulum", "--optimizer", "sam", "--out", "m.eqx"), "Unknown optimizer 'sam'", 1),
    (("train", "pendulum", "--residual", "energy", "--out", "m.eqx"), "Unknown residual 'energy'", 1),
    (("train", "pendulum", "--resume", "--out", "m.eqx"), "no checkpoint", 1),
    (("train", "pendulum", "--out", "full"), "is a folder", 1),
    (("train", "pendulum", "--data", "absent.nc", "--out", "m.eqx"), "no data set absent.nc", 1),
    (("validate", "pendulum", "--models", "lnn,lnn", "--out", "r"), "Two models are called 'lnn'", 1),
    (("validate", "pendulum", "--models", "", "--out", "r"), "at least one model", 1),
    (("validate", "pendulum", "--models", "absent.eqx", "--out", "r"), "no model file absent.eqx", 1),
    (("validate", "pendulum", "--seeds", "0", "--out", "r"), "at least 1", 1),
    (("validate", "pendulum", "--steps", "5", "--seconds", "5", "--out", "r"), "not both", 1),
    (("validate", "pendulum", "--out", "empty.py"), "is a file", 1),
    (("validate", "pendulum", "--out", "empty.py/report"), "is a file", 1),
    (("validate", "failing.py", "--out", "r"), "failing.py, line 3: ZeroDivisionError", 1),
    (("simulate", "pendulum", "--duration", "-1", "--out", "t.nc"), "must be positive", 1),
    (("simulate", "pendulum", "--initial", "phi=1", "--out", "t.nc"), "--initial names 'phi'", 1),
    (("simulate", "pendulum", "--solver", "euler", "--out", "t.nc"), "Unknown --solver 'euler'", 1),
    (("simulate", "pendulum", "--solver", "variational", "--out", "t.nc"), "constant step", 1),
    (("simulate", "pendulum", "--step", "0", "--out", "t.nc"), "step of an Integrator must be a positive", 1),
    (("simulate", "pendulum", "--initial", "theta", "--out", "t.nc"), "needs NAME=VALUE", 1),
    (("generate", "pendulum", "--out", "d.nc"), "either --samples", 1),
    (("generate", "pendulum", "--samples", "3", "--noise", "0.1", "--out", "d.nc"), "go with --trajectories", 1),
    (("generate", "pendulum", "--trajectories", "-1", "--out", "d.nc"), "at least 1", 1),
    (("derive", "n_pendulum", "--set", "n=0"), "whole number n ≥ 1", 1),
    (("derive", "n_pendulum", "--set", "k=2"), "unexpected keyword argument 'k'", 1),
    (("derive", "pendulum", "--set", "n=2"), "takes no arguments", 1),
    (("derive", "pendulum", "--param", "m=nan"), "must be finite", 1),
    (("derive", "pendulum", "--json", "--latex"), "not both", 1),
    (("new", "my.txt"), "must end in .py", 1),
    (("train", "pendulum"), "Missing option", 2),
    (("nosuch",), "No such command", 2),
]


@pytest.mark.parametrize(("arguments", "message", "code"), WRONG, ids=[" ".join(a) for a, _, _ in WRONG])
def test_wrong_input_is_one_clear_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple[str, ...], message: str, code: int
) -> None:
    (tmp_path / "empty.py").write_text("x = 1\n")
    (tmp_path / "failing.py").write_text("x = 1\n\ny = x / 0\n")
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
