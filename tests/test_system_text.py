"""Declarations written as text, which load as what they were."""

from pathlib import Path

import pytest
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

import symlnn
from symlnn import Parameter, System, normal, system_to_text

SMALL = [name for name in symlnn.catalogue_names() if name != "seven_joint_arm"]
NAMES = [name for name in SMALL if symlnn.load_system(name).graph is None]


def reloaded(system: System, folder: Path) -> System:
    path = folder / "written.py"
    path.write_text(system_to_text(system, {}, "a system"))
    return symlnn.load_system(str(path))


@pytest.mark.parametrize("name", NAMES)
def test_every_system_comes_back(name: str, tmp_path: Path) -> None:
    system = symlnn.load_system(name)
    assert reloaded(system, tmp_path) == system


def test_exact_numbers_odd_names_and_kinks_come_back(tmp_path: Path) -> None:
    x, y = sp.Function("lambda")(t := dynamicsymbols._t), dynamicsymbols("y")
    k = sp.Symbol("k_{1}", positive=True)
    v = x.diff(t)
    wall = sp.Piecewise((0, y < sp.Rational(1, 3)), (k * (y - sp.Rational(1, 3)) ** 2, True))
    potential = (
        x**2 * sp.Rational(2, 7) + sp.sqrt(1 + y**2) + sp.pi * sp.Abs(x) ** sp.Rational(2, 3) + wall + sp.Max(0, y) ** 2
    )
    system = System(
        name="odd",
        coordinates=(x, y),
        lagrangian=v**2 / 2 + y.diff(t) ** 2 / 2 - potential,
        dissipation=sp.Float(0.1) * v**2,
        forces={y: -sp.tanh(y.diff(t)) * sp.exp(1)},
        parameters={k: Parameter(0.1, "N/m", free=True)},
        states={x: normal(0, 1), v: normal(0, 1), y: normal(0, 1), y.diff(t): normal(0, 1)},
    )
    assert reloaded(system, tmp_path) == system


def test_what_is_not_written_is_said() -> None:
    with pytest.raises(ValueError, match="stands on a graph: it is written as JSON only"):
        system_to_text(symlnn.load_system("wave_equation"), {}, "")
