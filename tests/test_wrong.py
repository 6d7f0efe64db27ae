"""Wrong values: one line that says what and what to do, exit code 1 or 2, and nothing half-written."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

import symlnn
from symlnn import System, normal, uniform
from symlnn._cli import main

t = dynamicsymbols._t
x, y = dynamicsymbols("x y")
k = sp.Symbol("k", positive=True)

COMMANDS = [
    "derive",
    "derive nothing",
    "derive ./nothing.py",
    "derive nothing.py",
    "derive pendulum --json --latex",
    "derive pendulum --set n=3",
    "derive n_pendulum --set n=0",
    "derive n_pendulum --set n=-1",
    "derive n_pendulum --set n=2.5",
    "derive n_pendulum --set n=many",
    "derive n_pendulum --set m=3",
    "derive n_pendulum --set n",
    "derive pendulum --param g",
    "derive pendulum --param g=x",
    "derive pendulum --param g=nan",
    "derive pendulum --param g=inf",
    "derive pendulum --param mass=1",
    "derive pendulum --frobnicate",
    "new",
    "new my",
    "new missing/my.py",
    "new my.txt",
    "generate pendulum --out d.nc",
    "generate pendulum --samples 10",
    "generate pendulum --samples 0 --out d.nc",
    "generate pendulum --samples -1 --out d.nc",
    "generate pendulum --samples ten --out d.nc",
    "generate pendulum --samples 1000000000000 --out d.nc",
    "generate pendulum --samples 10 --trajectories 2 --out d.nc",
    "generate pendulum --samples 10 --noise 0.1 --out d.nc",
    "generate pendulum --samples 10 --out missing/d.nc",
    "generate pendulum --samples 10 --out .",
    "generate pendulum --samples 10 --out /dev/null",
    "generate pendulum --samples 10 --seed -1 --out d.nc",
    "generate pendulum --samples 10 --seed 99999999999999999999999 --out d.nc",
    "generate pendulum --samples 10 --seed 4294967296 --out d.nc",
    "generate pendulum --samples 10 --precision float16 --out d.nc",
    "generate pendulum --trajectories 0 --out d.nc",
    "generate pendulum --trajectories 2 --duration 0 --out d.nc",
    "generate pendulum --trajectories 2 --duration -1 --out d.nc",
    "generate pendulum --trajectories 2 --duration nan --out d.nc",
    "generate pendulum --trajectories 2 --duration inf --out d.nc",
    "generate pendulum --trajectories 2 --rate inf --out d.nc",
    "generate pendulum --trajectories 2 --rate 0 --out d.nc",
    "generate pendulum --trajectories 2 --rate -5 --out d.nc",
    "generate pendulum --trajectories 2 --rate 1e15 --out d.nc",
    "generate pendulum --trajectories 2 --noise -1 --out d.nc",
    "generate pendulum --trajectories 2 --noise nan --out d.nc",
    "generate pendulum --trajectories 2 --noise inf --out d.nc",
    "train pendulum --out m.eqx --model transformer",
    "train pendulum --out m.eqx --model mine.py",
    "train pendulum --out m.eqx --seconds 0",
    "train pendulum --out m.eqx --seconds -1",
    "train pendulum --out m.eqx --seconds inf",
    "train pendulum --out m.eqx --seconds nan",
    "train pendulum --out m.eqx --seconds 1 --steps 1",
    "train pendulum --out m.eqx --steps 0",
    "train pendulum --out m.eqx --steps -5",
    "train pendulum --out m.eqx --steps many",
    "train pendulum --out m.eqx --steps 1+2+3",
    "train pendulum --out m.eqx --width 0",
    "train pendulum --out m.eqx --width -3",
    "train pendulum --out m.eqx --width 1000000000",
    "train pendulum --out m.eqx --depth 0",
    "train pendulum --out m.eqx --depth 10000000",
    "train pendulum --out m.eqx --activation relu",
    "train pendulum --out m.eqx --initialization zero",
    "train pendulum --out m.eqx --optimizer adagrad",
    "train pendulum --out m.eqx --learning-rate -1",
    "train pendulum --out m.eqx --learning-rate 0",
    "train pendulum --out m.eqx --learning-rate nan",
    "train pendulum --out m.eqx --learning-rate inf",
    "train pendulum --out m.eqx --loss l3",
    "train pendulum --out m.eqx --residual jerk",
    "train pendulum --out m.eqx --data missing.nc",
    "train pendulum --out m.eqx --data text.txt",
    "train pendulum --out m.eqx --resume",
    "train pendulum --out missing/m.eqx",
    "simulate pendulum --out t.nc --model missing.eqx",
    "simulate pendulum --out t.nc --model text.txt",
    "simulate pendulum --out t.nc --rtol 0",
    "simulate pendulum --out t.nc --rtol -1",
    "simulate pendulum --out t.nc --rtol nan",
    "simulate pendulum --out t.nc --rtol inf",
    "simulate pendulum --out t.nc --initial theta",
    "simulate pendulum --out t.nc --initial phi=1",
    "simulate pendulum --out t.nc --initial theta=nan",
    "simulate pendulum --out t.nc --initial theta_dot=1e308",
    "simulate kepler --out t.nc --initial r=0",
    "simulate pendulum --out t.nc --trajectories 0",
    "simulate pendulum --out t.nc --trajectories -1",
    "validate pendulum --models , --out report",
    "validate pendulum --models nothing --out report",
    "validate pendulum --models lnn,lnn --out report",
    "validate pendulum --models missing.eqx --out report",
    "validate pendulum --models text.txt --out report",
    "validate pendulum --seeds 0 --out report",
    "validate pendulum --seeds -2 --out report",
    "validate pendulum --seconds 0 --out report",
    "validate pendulum --out text.txt",
    "validate pendulum --out .",
    "validate pendulum --out text.txt/report",
    "frobnicate",
]


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "text.txt").write_text("text")
    monkeypatch.chdir(tmp_path / "place")
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "jax"))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    code = ended.value.code
    return (code if isinstance(code, int) else 0), capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_command_is_one_line(capsys: pytest.CaptureFixture[str], command: str) -> None:
    code, error = run(capsys, *command.split())
    assert code in (1, 2), error
    if code == 1:
        assert len(error.splitlines()) == 1 and error.startswith("symlnn: ") and "--debug shows" not in error
    assert "Traceback" not in error
    assert [path.name for path in Path().iterdir()] == ["text.txt"]


FILES = [
    "raise SystemExit(0)",
    "raise SystemExit('done')",
    "raise MemoryError",
    "raise RecursionError",
    "raise KeyError('a')",
    "assert False",
    "def broken(:",
    "import nothing_of_that_name",
    "SYSTEM = 5",
    "x = 1",
    "def system(): raise SystemExit(0)",
    "def system(): raise MemoryError",
    "def system(n): return n",
    "def system(): return None",
    "\0",
    "system = 3",
]


@pytest.mark.parametrize("text", FILES)
def test_a_wrong_file_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str) -> None:
    (tmp_path / "my.py").write_text(text)
    code, error = run(capsys, "derive", str(tmp_path / "my.py"))
    assert code == 1
    assert len(error.splitlines()) == 1 and "my.py" in error and "--debug shows" not in error


USUAL: dict[str, Any] = {
    "name": "mine",
    "coordinates": (x,),
    "lagrangian": x.diff(t) ** 2 / 2 - k * x**2 / 2,
    "parameters": {k: 1.0},
    "states": {x: uniform(-1, 1), x.diff(t): normal(0, 1)},
}


DECLARATIONS: list[tuple[dict[str, Any], str]] = [
    ({"coordinates": {x}}, "coordinates must be a tuple or a list"),
    ({"coordinates": x}, "coordinates must be a tuple or a list"),
    ({"coordinates": "x"}, "coordinates must be a tuple or a list"),
    ({"angles": {x}}, "angles must be a tuple or a list"),
    ({"positions": {(x, x)}}, "positions must be a tuple or a list"),
    ({"positions": ((x,),)}, r"positions must hold the \(x, y\)"),
    ({"reference": 5}, "reference must be a string"),
    ({"name": 5}, "names files"),
    ({"name": "a" * 101}, "names files"),
    ({"lagrangian": "__import__('os').system('true')"}, "lagrangian must be a scalar SymPy expression"),
    ({"lagrangian": "x**2"}, "lagrangian must be a scalar SymPy expression"),
    ({"lagrangian": x.diff(t) ** 2 / 2 + sp.log(x - 3)}, "complex or infinite at states"),
    ({"lagrangian": x.diff(t) ** 2 / 2 + sp.sqrt(x - 3)}, "complex or infinite at states"),
    ({"forces": {x: sp.log(x - 3)}}, "complex or infinite at states"),
    ({"units": {x: 5}}, r"units\[x\(t\)\] must be a string"),
    ({"parameters": {k: symlnn.Parameter}}, "must be a number"),
    ({"parameters": {k: "1"}}, "must be a number"),
    ({"duration": "long"}, "positive number of seconds"),
    ({"duration": -1}, "positive number of seconds"),
    ({"graph": symlnn.Graph(2, 1, ((0, 1), (1, 0)), True)}, "2 sites of 1 coordinates"),
]

VALUES: list[tuple[Callable[[], object], str]] = [
    (lambda: symlnn.Parameter(1.0, 5), "unit of a parameter must be a string"),  # pyright: ignore[reportArgumentType]
    (lambda: symlnn.generate(symlnn.load_system("pendulum"), 10, seed=2**64), "seed must be a whole number"),
    (lambda: symlnn.generate(symlnn.load_system("pendulum"), 10, seed=-1), "seed must be a whole number"),
    (lambda: symlnn.generate(symlnn.load_system("pendulum"), 10**13), "GiB of memory"),
    (lambda: symlnn.FirstOrder(learning_rate=-1.0), "learning_rate of FirstOrder must be positive"),
    (lambda: symlnn.GaussNewton(initial_damping=0.0), "initial_damping of GaussNewton must be positive"),
    (lambda: symlnn.Architecture(width=2.5), "width must be a whole number"),  # pyright: ignore[reportArgumentType]
    (lambda: symlnn.Architecture(depth=10**7), "depth must be a whole number from 1 to 256"),
    (lambda: symlnn.Graph(3, 1, ((0, 1), (1, 0)), True), "neighbourhood around each"),
    (lambda: symlnn.Graph(2, 1, ((0, 5), (1, 0)), True), "neighbourhood around each"),
    (lambda: symlnn.Graph(2, 1, ((0, 1), (1, 0)), True, ((1.0,),)), "as many attributes"),
    (lambda: symlnn.Graph(2, 1, ((0, 1), (1, 0)), True, ((1.0,), (float("nan"),))), "as many attributes"),
]


def test_wrong_declarations_and_values_say_what() -> None:
    """As users meet them: in these tests a type that is annotated is checked before it is looked at."""
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def check(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


if __name__ == "__main__":
    for changes, expected in DECLARATIONS:
        check(partial(System, **(USUAL | changes)), expected)
    for make, expected in VALUES:
        check(make, expected)
