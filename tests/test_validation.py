"""The studies: each can be run, and writes what it found whole, or nothing."""

import dataclasses
import json
import math
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

import symlnn
from symlnn.report import FIGURES, examine, settings_of
from validation import _appendix_c
from validation.__main__ import STUDIES
from validation._study import Animation, Claim, Equation, Mode, Picture, Results, Section, Study, Table
from validation._write import markdown, write_study

SMALL = symlnn.find_model("nn", architecture=symlnn.Architecture(width=8, depth=1))
TINY = symlnn.Effort(symlnn.Budget(steps=20), test_states=200, trajectories=3, check_states=100)


def examined(name: str) -> symlnn.Validation:
    system = dataclasses.replace(symlnn.load_system(name), duration=1.0)
    return examine(system, {"network": SMALL}, effort=TINY, settings=settings_of(seed=0))


@pytest.fixture(scope="module")
def validations() -> tuple[symlnn.Validation, ...]:
    return examined("pendulum"), examined("harmonic_oscillator")


def study(validations: tuple[symlnn.Validation, ...]) -> Study:
    first = validations[0]
    system = first.system
    blocks = (
        "Text & more.",
        Table(("what", "how much"), (("a|b", math.inf), ("c", 1234)), "A table."),
        Picture("energy", lambda: FIGURES["energy"](first), "A picture."),
        Picture("none", lambda: None, "Left out."),
        Equation(system, sp.Symbol("L"), system.plain_lagrangian),
        Results(first),
    )
    return Study(
        name="test",
        title="A test",
        summary=("It works.",),
        claims=(Claim("One", 1.0, math.inf, "m", False), Claim("Two", None, "yes", "")),
        differences=("None.",),
        sections=(Section("First", *blocks),),
        validations=validations,
        settings=settings_of(seed=3, command="python -m validation test"),
        mode=Mode.quick,
        extra={"more": math.nan},
        model_extra={(system.name, "network"): {"velocity": {"median": 0.5}}},
    )


def test_a_study_of_one_system(validations: tuple[symlnn.Validation, ...], tmp_path: Path) -> None:
    write_study(study(validations[:1]), tmp_path / "r")
    document = json.loads((tmp_path / "r" / "report.json").read_text())
    assert document["system"] == "pendulum"
    assert document["models"]["network"]["velocity"] == {"median": 0.5}
    assert document["models"]["network"]["energy"]["trajectories"] == 3
    assert document["paper"][0] == {"claim": "One", "paper": 1.0, "here": None, "unit": "m", "holds": False}
    assert document["more"] is None
    page = (tmp_path / "r" / "index.html").read_text()
    assert "Text &amp; more." in page
    assert "<b>no</b>" in page
    assert page.count("data:image/png") == 1
    assert "http" not in page.replace("http://www.w3.org", "").replace("https://www.w3.org", "")
    written = {str(path.relative_to(tmp_path / "r")) for path in (tmp_path / "r").rglob("*.*")}
    assert {"models/network.eqx", "data/test_states.nc", "figures/energy.pdf", "tables.md"} <= written


def test_a_study_of_several(validations: tuple[symlnn.Validation, ...], tmp_path: Path) -> None:
    write_study(study(validations), tmp_path / "r")
    document = json.loads((tmp_path / "r" / "report.json").read_text())
    assert set(document["systems"]) == {"pendulum", "harmonic_oscillator"}
    assert document["systems"]["pendulum"]["models"]["network"]["velocity"]["median"] == 0.5
    assert (tmp_path / "r" / "harmonic_oscillator" / "models" / "network.eqx").is_file()


def test_a_study_of_no_system(validations: tuple[symlnn.Validation, ...], tmp_path: Path) -> None:
    """One that measures in its own way, with curves that move."""
    curves = {"analytic": np.ones((3, 4)), "network": np.full((3, 4), np.nan)}
    moving = Animation(curves, np.linspace(0.0, 1.0, 3), "They move.")
    alone = dataclasses.replace(
        study(validations), validations=(), model_extra={}, sections=(Section("First", moving),)
    )
    write_study(alone, tmp_path / "r")
    document = json.loads((tmp_path / "r" / "report.json").read_text())
    assert document["seed"] == 3
    assert "systems" not in document
    page = (tmp_path / "r" / "index.html").read_text()
    assert page.count("<canvas") == 1
    assert "NaN" not in page


def test_claims_with_a_limit() -> None:
    assert Claim.at_most("c", None, 2.0, "m", 3) == Claim("c", None, 2.0, "m; at most 3", True)
    assert Claim.at_most("c", None, math.nan, "m", 3).holds is False
    assert Claim.more_than("c", 1.0, 2.0, "m", 1e-3) == Claim("c", 1.0, 2.0, "m; more than 0.001", True)


def test_tables_as_markdown(validations: tuple[symlnn.Validation, ...]) -> None:
    text = markdown(study(validations[:1]))
    assert "| One | 1 | ∞ | m | no |" in text
    assert "| a∣b | ∞ |" in text
    assert "`python -m validation test`" in text


@pytest.mark.parametrize("name", list(STUDIES))
def test_every_study_has_every_mode(name: str) -> None:
    study = STUDIES[name]
    assert set(study.CONFIG) == set(Mode)
    assert "Source: " in (study.__doc__ or "")
    assert callable(study.run)


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "validation", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_the_command_line(tmp_path: Path) -> None:
    checkout = Path(__file__).parents[1]
    listed = command("--list", cwd=checkout)
    assert listed.returncode == 0
    assert all(name in listed.stdout for name in STUDIES)
    (tmp_path / "mine.txt").write_text("mine")
    for arguments, words in (
        (("kepler", "--out", "r"), "no study"),
        (("coordinates", "--quick", "--full", "--out", "r"), "not both"),
        (("coordinates", "--out", str(tmp_path)), "not empty"),
    ):
        refused = command(*arguments, cwd=checkout)
        assert refused.returncode == 2
        assert words in refused.stderr


def test_the_divergence_from_a_unit_gaussian() -> None:
    values = jax.random.normal(jax.random.key(0), (100_000,))
    assert float(_appendix_c.gaussian_divergence(values)) < 1e-3
    # KL(N(1, 4) ‖ N(0, 1)) = ½ (1 + 4 − 1) − log 2
    np.testing.assert_allclose(_appendix_c.gaussian_divergence(1 + 2 * values), 2 - math.log(2), rtol=0.02)


def test_the_objective_has_a_minimum_in_sigma(key: jax.Array) -> None:
    """Far smaller and far larger weights are worse, and the derivative in log σ is finite."""

    def score(log_sigma: jax.Array) -> jax.Array:
        keys = jax.random.split(key, 5)
        one = lambda k: _appendix_c.divergence(log_sigma, 16, 1, 32, k)  # noqa: E731
        return jnp.median(jax.vmap(one)(keys))

    middle = jnp.log(jnp.array(_appendix_c.sigmas("cranmer", 16, 1)))
    at = jax.jit(score)
    assert float(at(middle)) < min(float(at(middle - 5)), float(at(middle + 5)))
    assert jnp.isfinite(jax.jit(jax.grad(score))(middle)).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", list(STUDIES))
def test_every_study_runs_quickly(name: str, tmp_path: Path) -> None:
    done = command(name, "--quick", "--out", str(tmp_path / "r"), cwd=Path(__file__).parents[1])
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "r" / "report.json").read_text())
    assert document["quick"] is True
    assert {"claim", "paper", "here", "unit", "holds"} == set(document["paper"][0])
