"""The studies: each can be run, and writes what it found whole, or nothing."""

import dataclasses
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import sympy as sp
import typer
from typer.testing import CliRunner

import symlnn
from symlnn.report import FIGURES, examine, settings_of
from validation import _appendix_c, _write
from validation.__main__ import MEASURED, STUDIES, main
from validation._arm import arm
from validation._study import Animation, Claim, Equation, Mode, Study, completed, read_claims
from validation._write import Report

SMALL = symlnn.find_model(
    "nn", architecture=symlnn.Architecture(width=8, depth=1), recipe=symlnn.Recipe.single(symlnn.FirstOrder(chunk=10))
)
TINY = symlnn.Effort(symlnn.Budget(steps=20), test_states=200, trajectories=3, check_states=100)


def examined(name: str) -> symlnn.Validation:
    system = dataclasses.replace(symlnn.load_system(name), duration=1.0)
    return examine(system, {"network": SMALL}, effort=TINY, settings=settings_of(seed=0))


@pytest.fixture(scope="module")
def validations() -> tuple[symlnn.Validation, ...]:
    return examined("pendulum"), examined("harmonic_oscillator")


class Small(ModuleType):
    """A study with the template of another, small one."""

    CONFIG = dict.fromkeys(Mode)
    CLAIMS = (
        Claim("One", "more", 1.0, "m", at_most=3.0),
        Claim("Two", "words", None),
        Claim("Three", "more", None, "m", at_least=3.0),
    )


TEMPLATE = """{% extends "study.md.jinja" %}
{% block title %}A test{% endblock %}
{% block summary %}It works.{% endblock %}
{% block differences %}- None.{% endblock %}
{% block sections %}
## First

Text & more.

| what | how much |
|---|--:|
| {{ words | number }} | {{ more | number }} |

{{ picture("energy", "A picture.") }}

{{ picture("none", "Left out.") }}

{{ equation("L") }}

{% for name in pictured %}
{{ results(name) }}
{% endfor %}

{{ animation("They move.") if moves else "" }}
{% endblock %}
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Study], Path]:
    """Writes a study by the template above, and returns the folder."""
    for template in (Path(_write.__file__).parent / "templates").iterdir():
        (tmp_path / "templates").mkdir(exist_ok=True)
        (tmp_path / "templates" / template.name).write_text(template.read_text())
    (tmp_path / "templates" / "small.md.jinja").write_text(TEMPLATE)
    monkeypatch.setattr(_write, "TEMPLATES", tmp_path / "templates")

    def written(study: Study) -> Path:
        settings = settings_of(seed=3, command="python -m validation test")
        Report(Small("validation.small"), study, settings, Mode.quick).write(tmp_path / "r")
        return tmp_path / "r"

    return written


def study(validations: tuple[symlnn.Validation, ...]) -> Study:
    first = validations[0]
    figures = {"words": "a|b", "more": math.inf, "moves": False, "pictured": [v.system.name for v in validations]}
    return Study(
        figures=figures,
        validations=validations,
        of_models={(first.system.name, "network"): {"velocity": {"median": 0.5}}},
        pictures={"energy": lambda: FIGURES["energy"](first), "none": lambda: None},
        equations={"L": Equation(first.system, sp.Symbol("L"), first.system.plain_lagrangian)},
    )


def test_a_study_of_one_system(validations: tuple[symlnn.Validation, ...], write: Callable[[Study], Path]) -> None:
    folder = write(study(validations[:1]))
    document = json.loads((folder / "report.json").read_text())
    assert document["system"] == "pendulum"
    assert document["models"]["network"]["velocity"] == {"median": 0.5}
    assert document["models"]["network"]["energy"]["trajectories"] == 3
    one = {"claim": "One", "paper": 1.0, "here": None, "unit": "m; at most 3", "holds": False}
    assert document["paper"][0] == one  # infinite, which JSON does not know
    page = (folder / "index.html").read_text()
    assert "Text &amp; more." in page
    assert "<strong>no</strong>" in page
    assert page.count("data:image/png") == 1
    assert page.count("<table>") == 4  # claims, our own, what was learned, how well
    assert "<math" in page
    assert "http://" not in page and "https://" not in page
    written = {str(path.relative_to(folder)) for path in folder.rglob("*.*")}
    assert {"models/network.eqx", "data/test_states.nc", "figures/energy.pdf", "tables.md"} <= written
    text = (folder / "tables.md").read_text()
    assert "| One | 1 | ∞ | m; at most 3 | **no** |" in text
    assert "| a∣b | ∞ |" in text
    assert "`python -m validation test`" in text
    assert "|---|--:|--:|" in text and "| Acceleration error, absolute |" in text
    assert "A picture" not in text
    assert not re.search(r"\n\n\|--", text)  # the rule of a table stands under its head


def test_a_study_of_several(validations: tuple[symlnn.Validation, ...], write: Callable[[Study], Path]) -> None:
    folder = write(study(validations))
    document = json.loads((folder / "report.json").read_text())
    assert set(document["systems"]) == {"pendulum", "harmonic_oscillator"}
    assert document["systems"]["pendulum"]["models"]["network"]["velocity"]["median"] == 0.5
    assert (folder / "harmonic_oscillator" / "models" / "network.eqx").is_file()


def test_a_study_of_no_system(validations: tuple[symlnn.Validation, ...], write: Callable[[Study], Path]) -> None:
    """One that measures in its own way, with curves that move."""
    curves = {"analytic": np.ones((3, 4)), "network": np.full((3, 4), np.nan)}
    moving = Animation(curves, np.linspace(0.0, 1.0, 3))
    figures = {
        "words": "a|b",
        "more": math.inf,
        "moves": True,
        "pictured": [],
        "models": {"n": {"warning": "It fell."}},
    }
    alone = {"validations": (), "of_models": {}, "animation": moving, "figures": figures}
    folder = write(dataclasses.replace(study(validations), **alone))
    document = json.loads((folder / "report.json").read_text())
    assert document["seed"] == 3
    assert "systems" not in document
    page = (folder / "index.html").read_text()
    assert page.count("<canvas") == 1
    assert "<strong>n:</strong> It fell." in page
    assert "NaN" not in page


@pytest.mark.parametrize(
    ("limits", "value", "holds"),
    [
        ({"at_most": 3.0}, 2.0, True),
        ({"at_most": 3.0}, math.nan, False),
        ({"at_most": 3.0}, math.inf, False),
        ({"at_least": 1e-3}, 2.0, True),
        ({"at_least": 1e-3}, math.inf, False),
        ({"at_least": 1.0, "at_most": 3.0}, 0.5, False),
        ({"at_least": 1.0, "at_most": 3.0}, 2.0, True),
        ({"equal": "softplus"}, "tanh", False),
        ({"equal": True}, True, True),
        ({"at_most": 3.0}, None, None),
        ({}, 2.0, None),
    ],
)
def test_a_claim_holds_within_its_limits(limits: dict[str, Any], value: Any, holds: bool | None) -> None:
    assert Claim("c", "a.b", None, "m", **limits).judged({"a": {"b": value}})["holds"] is holds


def test_a_claim_names_its_limits() -> None:
    claim = Claim("c", "a.b", 1.0, "m", at_least=1.0, at_most=1e-3)
    assert claim.judged({"a": {"b": 2.0}})["unit"] == "m; at least 1; at most 0.001"


def test_an_interrupted_training_ends_a_study() -> None:
    codes = {
        "model": None,
        "last": None,
        "lowest": 1.0,
        "message": "",
        "history": symlnn.History(),
        "steps": (),
        "seen": 0,
        "seconds": 0.0,
    }
    interrupted, done = (
        symlnn.Fit(result=code, **codes) for code in (symlnn.RESULTS.interrupted, symlnn.RESULTS.successful)
    )
    assert completed(done) is done
    with pytest.raises(KeyboardInterrupt):
        completed(interrupted)


@pytest.mark.parametrize("name", list(STUDIES))
def test_every_study_has_every_mode(name: str) -> None:
    study = STUDIES[name]
    assert set(study.CONFIG) == set(Mode)
    assert study.CLAIMS
    assert read_claims(name)
    assert (Path(_write.TEMPLATES) / f"{name}.md.jinja").is_file()
    assert "Source: " in (study.__doc__ or "")
    assert callable(study.run)


def test_the_command_line(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(main)
    listed = CliRunner().invoke(app, ["--list"])
    assert listed.exit_code == 0
    assert all(name in listed.stdout for name in STUDIES)
    (tmp_path / "mine.txt").write_text("mine")
    for arguments, words in (
        (("kepler", "--out", "r"), "no study"),
        (("coordinates", "--quick", "--full", "--out", "r"), "not both"),
        (("coordinates", "--out", str(tmp_path)), "not empty"),
        (("measured_double_pendulum", "--out", "r"), "--data"),
        (("measured_double_pendulum", "--data", str(tmp_path), "--out", "r"), "--data"),
        (("noise", "--data", str(tmp_path), "--out", "r"), "takes no data"),
    ):
        refused = CliRunner().invoke(app, list(arguments))
        assert refused.exit_code == 2
        assert words in refused.output


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


def recordings(folder: Path) -> Path:
    """Logs of the simulated arm, with the names and the columns of the published ones."""
    folder.mkdir()
    law, t = symlnn.SymbolicDynamics(arm()), np.arange(801) / 200
    names = ("143339", "143524", "143601", "154220", "154548")
    for k, name in enumerate(names):
        u = np.stack([0.5 * np.sin((3 + k) * t), 0.4 * np.cos((5 + k) * t + k)], axis=1)
        start = symlnn.States.of(jnp.zeros(2), jnp.zeros(2), u=jnp.zeros(2))
        sampled = symlnn.SampledInputs(jnp.asarray(t), jnp.asarray(u))
        found = symlnn.simulate(law, start, times=jnp.asarray(t), u=sampled, integrator=symlnn.Integrator(rtol=1e-6))
        q = np.asarray(found.q) + 1e-4 * np.random.default_rng(k).normal(size=(len(t), 2))
        columns = ("time", "pos_meas1", "pos_meas2", "tau_meas1", "tau_meas2")
        pd.DataFrame(np.column_stack([t, q, u]), columns=list(columns)).to_csv(folder / f"{name}.csv", index=False)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", list(STUDIES))
def test_every_study_runs_quickly(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "validation", name, "--quick", "--out", str(tmp_path / "r")]
    if name in MEASURED:
        command += ["--data", str(recordings(tmp_path / "data"))]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "r" / "report.json").read_text())
    assert document["quick"] is True
    text = (tmp_path / "r" / "tables.md").read_text()
    rows = re.findall(r"^\|.*\|$", text, re.MULTILINE)
    page = (tmp_path / "r" / "index.html").read_text()
    assert len(rows) > 10
    assert "<p>|" not in page  # every table is one
    assert {"claim", "paper", "here", "unit", "holds"} == set(document["paper"][0])
