"""The report: what it says, and that it is whole or absent."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

import symlnn
from symlnn._report._law import law_of_best
from symlnn._report._mathml import inline
from symlnn._report._page import _in_words
from symlnn.plots import TRUTH, colours
from symlnn.report import equation, number

SMALL = symlnn.Architecture(width=8, depth=1)
TINY = symlnn.Effort(symlnn.Budget(steps=60), test_states=2_000, check_states=500, quick=True)


def small(name: str) -> symlnn.Model:
    return symlnn.find_model(name, architecture=SMALL)


@pytest.mark.slow
@pytest.mark.production
def test_an_interrupted_validation_writes_nothing(pendulum: symlnn.System, tmp_path: Path) -> None:
    def stop(doing: str, report: object) -> None:
        if report is not None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        symlnn.validate(pendulum, ("nn",), out=tmp_path / "r", effort=TINY, listener=stop)
    assert not list(tmp_path.iterdir())


def broken(system: symlnn.System, scales: symlnn.Scales, architecture: symlnn.Architecture, *, key: Any) -> Any:
    """A model that is no number anywhere."""
    built = small("nn").builder(system, scales, SMALL, key=key)
    return jax.tree.map(lambda x: x * np.nan if eqx.is_inexact_array(x) else x, built)


@pytest.mark.slow
@pytest.mark.production
def test_a_planar_chain_is_animated_and_chaos_is_named(double_pendulum: symlnn.System, tmp_path: Path) -> None:
    models = {"nn": small("nn"), "broken": broken, "theirs": symlnn.SymbolicDynamics(double_pendulum)}
    result = symlnn.validate(double_pendulum, models, out=tmp_path / "r", effort=TINY, command="symlnn …")
    page = (tmp_path / "r" / "index.html").read_text()
    assert "<canvas" in page
    assert "Lyapunov time of" in page
    assert "http://" not in page and "https://" not in page
    assert result.lyapunov_time is not None
    document = result.to_json()
    assert document["cross_checks"]["symbolic_vs_autodiff"]["passed"]
    assert document["models"]["nn"]["energy"]["trajectories"] == 40
    # one model that cannot be trained does not take the report with it
    assert "At step 0 the loss is nan" in document["models"]["broken"]["warning"]
    assert "broken: At step 0" in page
    assert document["models"]["nn"]["warning"] == ""
    # a dynamics is measured as it is, and the truth is right
    assert document["models"]["theirs"]["acceleration"]["relative_rms"] < 1e-12
    assert not (tmp_path / "r" / "models" / "theirs.eqx").exists()
    assert (tmp_path / "r" / "models" / "nn.eqx").exists()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (0.0042, "4.2×10⁻³"),
        (12345.0, "1.2×10⁴"),
        (0.12, "0.12"),
        (None, "–"),
        (math.inf, "∞"),
        (412.3, "412"),
    ],
)
def test_numbers(value: float | None, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("distribution", "shown"),
    [
        (symlnn.uniform(-sp.pi, 2 * sp.pi), "uniform on [−π, 2π)"),
        (symlnn.uniform(-sp.pi / 2, 1), "uniform on [−π/2, 1)"),
        (symlnn.normal(0, 10), "normal, mean 0, standard deviation 10"),
    ],
)
def test_distributions_in_words(distribution: symlnn.Uniform, shown: str) -> None:
    assert _in_words(distribution) == shown


def test_equations_have_dots_over_letters_and_powers_over_indices(double_pendulum: symlnn.System) -> None:
    first, second = double_pendulum.v[0], double_pendulum.a[1]
    markup = equation(double_pendulum, first**2 + 3 * sp.sin(double_pendulum.q[0]), left=second)
    theta = '<mover accent="true"><mi>θ</mi><mo>{}</mo></mover>'
    assert f"<msubsup>{theta.format('˙')}<mi>1</mi><mn>2</mn></msubsup>" in markup
    assert f"<msub>{theta.format('¨')}<mi>2</mi></msub>" in markup
    assert markup.count("<math") == 2  # a line may break between the two terms
    assert 'lspace="0.17em"' in markup  # 3 sin θ, not 3sin θ


@pytest.mark.slow
def test_a_bench_takes_any_law_with_an_energy() -> None:
    """A lattice, which has no declaration of states: the truth keeps its energy, a faster wave loses its way."""
    laws = [
        symlnn.SparseEulerLagrange(symlnn.graph_lagrangian(symlnn.load_lattice("wave_equation", n=8), {"c": c}))
        for c in (1.0, 1.1)
    ]
    q = jnp.sin(2 * jnp.pi * (jnp.arange(8) + jnp.array([[0.0], [1.5]])) / 8)
    start = symlnn.States.of(q, jnp.zeros_like(q))
    bench = symlnn.Bench.of_law(laws[0], start, start, jnp.linspace(0.0, 1.0, 21))
    same, off = (bench.judge(law) for law in laws)
    assert same.acceleration.relative_rms == 0
    assert same.motion.spread.final_max < 1e-6  # the tolerance of the integrator
    assert off.acceleration.relative_rms == pytest.approx(0.21)  # c² = 1.21
    assert off.motion.spread.final_max > 1e-3
    assert off.valid_seconds.max() < same.valid_seconds.min() == 1.0


def test_a_model_keeps_its_colour() -> None:
    assert colours(["nn", "lnn"])["lnn"] == colours(["lnn", "mine"])["lnn"]
    shades = colours(["lnn", "nn", "a", "b"])
    assert len({*shades.values(), TRUTH}) == 5


@pytest.mark.slow
@pytest.mark.production
def test_energy_is_null_where_it_is_not_conserved(tmp_path: Path) -> None:
    pendulum = symlnn.load_system("pendulum")
    theta = pendulum.coordinates[0]
    damped = symlnn.System(
        name="damped",
        coordinates=pendulum.coordinates,
        lagrangian=pendulum.lagrangian,
        parameters=pendulum.parameters,
        states=pendulum.states,
        angles=pendulum.angles,
        dissipation=theta.diff(pendulum.t) ** 2 / 10,
        duration=2.0,
    )
    result = symlnn.validate(damped, {"lnn": small("lnn")}, out=tmp_path / "r", effort=TINY)
    model = result.to_json()["models"]["lnn"]
    assert model["energy"] is None
    assert model["power_balance"]["trajectories"] == 40
    # the oracle loses exactly what the friction takes, to the trapezoidal rule's error
    assert np.median(result.oracle.balance[:, -1]) < 1e-4


def test_names_written_in_latex_are_read() -> None:
    angle, t = dynamicsymbols(r"\theta_{2}"), dynamicsymbols._t
    system = symlnn.System(
        name="s",
        coordinates=(angle,),
        lagrangian=angle.diff(t) ** 2 / 2 - sp.Symbol(r"\Omega_{a}") * sp.cos(angle),
        parameters={sp.Symbol(r"\Omega_{a}"): 1.0},
    )
    shown = inline(system, system.plain_lagrangian)
    assert "θ" in shown and "Ω" in shown and "\\" not in shown and "{" not in shown


def test_what_a_model_learned_is_written_as_a_formula(pendulum: symlnn.System, tmp_path: Path) -> None:
    """The law of the best model, held against the declared one; of a model that is wrong by more than a tenth none."""
    effort = symlnn.Effort(symlnn.Budget(steps=1), test_states=500, trajectories=3, check_states=100, recover=True)
    truth = symlnn.SymbolicDynamics(pendulum)
    result = symlnn.validate(pendulum, {"theirs": truth}, out=tmp_path / "r", effort=effort)
    assert result.law is not None and result.law.equivalent
    assert result.to_json()["law"]["model"] == "theirs"
    assert "It is the declared Lagrangian" in (tmp_path / "r" / "index.html").read_text()
    wrong = result.bench.judge(symlnn.SymbolicDynamics(pendulum, {"g": 20.0}))
    assert law_of_best(pendulum, [dataclasses.replace(result.models[0], judgement=wrong)], seed=0) is None
