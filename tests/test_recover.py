"""`recover`: laws from accelerations and from positions, in their cheapest gauge, and what it says of bad data."""

import dataclasses
import json
from fractions import Fraction
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

import symlnn
from symlnn import Motions, Parameter, Run, Samples, System, Term, Unknown, equivalent, uniform
from symlnn._cli import main as symlnn_cli
from symlnn._recover._fit import polished
from symlnn._recover._rational import fraction
from symlnn._recover._terms import Columns

t = dynamicsymbols._t
x, y, theta = dynamicsymbols("x y theta")
v, w, omega = x.diff(t), y.diff(t), theta.diff(t)


def samples(system: System, *, noise: float, seed: int = 0, count: int = 600) -> Samples:
    """States of the declaration, with accelerations that have noise as a share of their size."""
    states = symlnn.sample_states(system, count, key=jax.random.key(seed))
    a = np.asarray(symlnn.accelerations(symlnn.SymbolicDynamics(system), states))
    added = noise * np.sqrt(np.mean(a**2, axis=0)) * np.random.default_rng(seed).normal(size=a.shape)
    return Samples(states, jnp.asarray(a + added))


def recordings(system: System, *, noise: float, runs: int = 10, seconds: float = 5.0, seed: int = 0) -> Motions:
    """Positions at 100 per second, from states of the declaration, with noise as a share of their spread."""
    times = np.linspace(0, seconds, round(100 * seconds) + 1)
    starts = symlnn.sample_states(system, runs, key=jax.random.key(seed))
    q = np.asarray(symlnn.simulate(symlnn.SymbolicDynamics(system), starts, times=jnp.asarray(times)).q)
    q = q + noise * np.minimum(q.std(axis=(0, 1)), 1.8) * np.random.default_rng(seed).normal(size=q.shape)
    return Motions.of(system, [Run(f"run{k}", times, one) for k, one in enumerate(q)])


# --- whether two laws are one -----------------------------------------------------------------------------------------


def test_a_factor_and_a_total_derivative_do_not_matter() -> None:
    lagrangian = v**2 / 2 + x * w - 2 * sp.cos(x)
    same = 3 * (lagrangian + x**2 * v + x * w * 0 + sp.diff(x * y, t))
    assert equivalent(lagrangian, same, (x, y))
    assert equivalent(x * w, (x * w - y * v) / 2, (x, y))
    assert equivalent(lagrangian, -lagrangian, (x, y))
    assert not equivalent(lagrangian, lagrangian + sp.Rational(1, 10**9) * y**2, (x, y))
    assert not equivalent(v**2 / 2 - x**2, v**2 / 2 - x**4, (x,))
    assert not equivalent(v**2 / 2, sp.S.One, (x,))


def test_a_factor_may_be_a_parameter_and_a_tolerance_forgives_rounding() -> None:
    m, k = sp.symbols("m k", positive=True)
    assert equivalent(m * v**2 / 2 - m * k * x**2, v**2 / 2 - k * x**2, (x,))
    assert not equivalent(m * v**2 / 2 - k * x**2, v**2 / 2 - k * x**2, (x,))
    assert equivalent(v**2 / 2 - 2.0000001 * x**2, v**2 / 2 - 2 * x**2, (x,), tolerance=1e-5)
    assert not equivalent(v**2 / 2 - 2.01 * x**2, v**2 / 2 - 2 * x**2, (x,), tolerance=1e-5)


def test_what_cannot_be_compared_is_said() -> None:
    with pytest.raises(ValueError, match="Give the coordinates"):
        equivalent(v**2, v**2)
    pendulum, double = symlnn.load_system("pendulum"), symlnn.load_system("double_pendulum")
    with pytest.raises(ValueError, match="different coordinates"):
        equivalent(pendulum, double)


# --- from accelerations -----------------------------------------------------------------------------------------------

CLOSED = (
    "pendulum",
    "harmonic_oscillator",
    "falling_ball",
    "charged_particle",
    "kepler",
    "kepler_si",
    "elastic_pendulum",
    "spherical_pendulum",
    "double_pendulum",
    "relativistic_particle",
    "relativistic_particle_paper",
    "cart_pole",
)


QUICK = ("pendulum", "harmonic_oscillator", "relativistic_particle", "relativistic_particle_paper")


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in CLOSED])
def test_every_law_of_the_catalogue_is_recovered(name: str) -> None:
    """Without noise it is equivalent; with 5 % of noise it has the same terms."""
    system = symlnn.load_system(name)
    exact = symlnn.recover(system, samples(system, noise=0.0))
    assert exact.explained, exact.diagnosis
    # a free scale may be another one than was declared
    assert exact.free_scales or equivalent(exact.system(), system, tolerance=1e-6), exact.lagrangian
    assert exact.residual < 1e-10  # rounding
    if name != "cart_pole":  # whose friction of 2e-6 drowns
        noisy = symlnn.recover(system, samples(system, noise=0.05))
        assert noisy.explained, noisy.diagnosis
        assert [x.term for x in noisy.terms] == [x.term for x in exact.terms]
        for one, other in zip(noisy.terms, exact.terms, strict=True):
            assert abs(one.coefficient - other.coefficient) <= 5 * one.standard_error + 1e-9


def test_coefficients_are_fractions_only_where_chance_would_seldom_give_them() -> None:
    system = symlnn.load_system("pendulum").with_parameters({"g": 9.8137})
    found = symlnn.recover(system, samples(system, noise=0.01))
    by_name = {str(x.term.expression): x for x in found.terms}
    assert by_name["cos(theta)"].exact is None
    assert str(by_name["theta_dot**2"].exact) == "1/2"
    assert abs(by_name["cos(theta)"].coefficient - 9.8137) < 4 * by_name["cos(theta)"].standard_error


# --- numbers within terms --------------------------------------------------------------------------------------------


def on_a_line(potential: sp.Expr, low: float = -1.0, high: float = 2.0) -> System:
    return System(
        name="line",
        coordinates=(x,),
        units={x: "m"},
        lagrangian=v**2 / 2 - potential,
        states={x: uniform(low, high), v: uniform(-1, 1)},
    )


@pytest.mark.parametrize(
    ("potential", "low"),
    [
        (sp.exp(-1.3 * x) + x**2 / 2, -1.0),
        pytest.param((1 - sp.exp(-0.8 * x)) ** 2, -1.0, marks=pytest.mark.slow),
        pytest.param(x**2 / 10 - 1 / (x**2 + 0.49), -2.0, marks=pytest.mark.slow),
        pytest.param(-2 * sp.exp(-1.7 * x**2), -2.0, marks=pytest.mark.slow),
    ],
)
def test_numbers_within_terms_are_found(potential: sp.Expr, low: float) -> None:
    """An exponential beside a spring; Morse's potential, with two exponentials; wells."""
    system = on_a_line(potential, low)
    exact = symlnn.recover(system, samples(system, noise=0.0))
    assert exact.explained and equivalent(exact.system(), system, tolerance=1e-6), exact.lagrangian
    if len(exact.parameters) > 1:  # two numbers beside each other drown in noise
        return
    noisy = symlnn.recover(system, samples(system, noise=0.01))
    assert noisy.explained and equivalent(noisy.system(), system, tolerance=0.1), noisy.lagrangian
    for name, (value, error) in noisy.parameters.items():
        truth = min((abs(number) for number, _ in exact.parameters.values()), key=lambda n: abs(n - abs(value)))
        assert abs(abs(value) - truth) < 4 * error, name


@pytest.mark.slow
def test_numbers_within_terms_of_two_coordinates() -> None:
    """Plummer's softened attraction, and two particles with Toda's exponential force between them."""
    states = {z: uniform(-1.5, 1.5) for z in (x, y, v, w)}
    for potential in (-1 / sp.sqrt(x**2 + y**2 + 0.25), sp.exp(-0.9 * (x - y)) + x**2 / 2 + y**2 / 2):
        system = System(
            name="plane",
            coordinates=(x, y),
            units={x: "m", y: "m"},
            lagrangian=(v**2 + w**2) / 2 - potential,
            states=states,
        )
        found = symlnn.recover(system, samples(system, noise=0.05))
        assert found.explained and equivalent(found.system(), system, tolerance=0.05), found.lagrangian


def test_a_family_of_ones_own(tmp_path: Path) -> None:
    """A term with a number within it that no dictionary has; the law with it is a declaration that loads."""
    k = sp.Symbol("k", positive=True)
    system = on_a_line(-sp.log(1 + 0.7 * x**2))
    place = system.q[0]
    family = Term(sp.log(1 + k * place**2), inner=((k, place**-2),))
    terms = [Term(system.v[0] ** 2), Term(place), Term(place**2), family]
    found = symlnn.recover(system, samples(system, noise=0.0), terms=terms)
    assert abs(found.parameters["k"][0] - 0.7) < 1e-6 and found.explained
    symlnn.write_law(found, tmp_path / "law.py")
    assert equivalent(symlnn.load_system(str(tmp_path / "law.py")), system, tolerance=1e-6)


def test_a_number_that_is_not_told_is_no_fraction() -> None:
    assert fraction(26773.8, 139177.0) is None
    assert fraction(0.4, 0.3) is None
    assert fraction(0.5, 1e-3) == Fraction(1, 2)


# --- what it says -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_missing_term_is_flagged() -> None:
    system = symlnn.load_system("double_pendulum")
    without = symlnn.dictionary(system, exclude=[sp.cos(theta1) for theta1 in system.q])
    few = [x for x in without if not (x.lagrangian.free_symbols <= set(system.q))]
    found = symlnn.recover(system, samples(system, noise=0.05), terms=few)
    assert not found.explained
    assert "Something is missing" in found.diagnosis[0]


def test_undeclared_damping_is_flagged() -> None:
    pendulum = symlnn.load_system("pendulum")
    damped = dataclasses.replace(pendulum, dissipation=pendulum.coordinates[0].diff(pendulum.t) ** 2 / 4)
    data = samples(damped, noise=0.01)
    assert not symlnn.recover(pendulum, data).explained
    found = symlnn.recover(pendulum, data, terms=symlnn.dictionary(pendulum, forces=True))
    assert found.explained
    assert equivalent(found.system(), damped, tolerance=0.01)


@pytest.mark.slow
def test_a_single_orbit_and_too_few_samples_are_flagged() -> None:
    system = symlnn.load_system("double_pendulum")
    found = symlnn.recover(system, samples(system, noise=0.01, count=60))
    assert not found.explained
    assert any("few" in sentence for sentence in found.diagnosis)
    kepler = symlnn.load_system("kepler")
    law = symlnn.SymbolicDynamics(kepler)
    start = symlnn.States.of(jnp.array([1.0, 0.0]), jnp.array([0.0, 1.2]))
    orbit = symlnn.simulate(law, start, times=jnp.linspace(0.0, 30.0, 601))
    states = symlnn.States.of(orbit.q, orbit.v)
    found = symlnn.recover(kepler, Samples(states, symlnn.accelerations(law, states)))
    assert not found.explained, found.lagrangian


@pytest.mark.slow
def test_several_lagrangians_of_one_motion_are_counted() -> None:
    """Of the isotropic oscillator (v² + w² − x² − y²)/2, v w − x y is one too, and each coordinate by itself."""
    system = System(
        name="isotropic",
        coordinates=(x, y),
        units={x: "m", y: "m"},
        lagrangian=(v**2 + w**2 - x**2 - y**2) / 2,
        states={z: uniform(-1, 1) for z in (x, y, v, w)},
    )
    found = symlnn.recover(system, samples(system, noise=0.0))
    assert (found.free_scales, found.null_dimension) == (1, 3)
    assert equivalent(found.system(), system)


def test_candidates_that_cannot_be_a_law_are_an_error() -> None:
    pendulum = symlnn.load_system("pendulum")
    data, angle = samples(pendulum, noise=0.0), pendulum.q[0]
    with pytest.raises(ValueError, match="positive mass matrix"):
        symlnn.recover(pendulum, data, terms=[Term(sp.cos(angle))])
    with pytest.raises(ValueError, match="no candidates"):
        symlnn.recover(pendulum, data, terms=[])
    with pytest.raises(ValueError, match="not finite along the data"):
        symlnn.recover(pendulum, data, terms=symlnn.dictionary(pendulum, include=[sp.sqrt(-1 - angle**2)]))


# --- from positions ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_from_noisy_positions_alone() -> None:
    for name in ("pendulum", "elastic_pendulum", "double_pendulum"):
        system = symlnn.load_system(name)
        found = symlnn.recover(system, recordings(system, noise=0.01))
        assert found.explained, found.diagnosis
        assert equivalent(found.system(), system, tolerance=0.03), found.lagrangian


def test_damping_and_a_drive_that_nobody_declared() -> None:
    """From positions with 1 % of noise: the friction, and the amplitude and the frequency of the drive."""
    system = symlnn.load_system("driven_damped_pendulum")
    times = np.linspace(0, 5, 501)
    random = np.random.default_rng(0)
    runs = []
    for k in range(10):
        q, speed = random.uniform(-3, 3, 1), random.uniform(-8, 8, 1)
        motion = symlnn.simulate(
            symlnn.SymbolicDynamics(system), (jnp.asarray(q), jnp.asarray(speed)), times=jnp.asarray(times)
        )
        runs.append(Run(f"run{k}", times, np.asarray(motion.q) + 0.01 * random.normal(size=(501, 1))))
    found = symlnn.recover(system, Motions.of(system, runs))
    assert found.explained, found.diagnosis
    assert equivalent(
        found.lagrangian.xreplace(dict(zip(system.q + system.v, (theta, omega), strict=True))),
        omega**2 / 2 + 9.8 * sp.cos(theta),
        (theta,),
        tolerance=0.02,
    )
    amplitude = {str(x.term.expression)[:3]: x.coefficient for x in found.terms if x.term.forces}
    assert abs(amplitude["cos"] - 1.5 * 9.8) < 0.2
    frequency = float(
        next(
            iter(
                next(x for x in found.terms if str(x.term.expression).startswith("cos(2")).term.expression.atoms(
                    sp.Float
                )
            )
        )
    )
    assert abs(frequency - 2 * 9.8**0.5 / 3) < 0.002


@pytest.mark.slow
def test_unknown_functions_of_half_a_law(tmp_path: Path) -> None:
    """A spring, and viscous and dry friction, of a cart with a pendulum whose mass is free; V and R are formulas."""
    cart, m, l, g = sp.symbols("M m l g", positive=True)  # noqa: E741
    spring, friction = sp.Function("V"), sp.Function("R")
    system = System(
        name="cart_pendulum",
        coordinates=(x, theta),
        angles=(theta,),
        units={x: "m", theta: "rad"},
        lagrangian=cart * v**2 / 2
        + m * (v**2 + 2 * l * v * omega * sp.cos(theta) + l**2 * omega**2) / 2
        + m * g * l * sp.cos(theta)
        - spring(x),
        forces={x: friction(v)},
        unknown={spring: Unknown(), friction: Unknown(odd=True)},
        parameters={cart: 1.0, m: Parameter(0.5, "kg", free=True), l: 0.5, g: 9.81},
    )
    hidden = {spring: 2 * x**2 + 3 * x**4, friction: lambda s: -0.3 * sp.tanh(s / 0.01) - 0.2 * s}
    law = symlnn.SymbolicDynamics(system.with_functions(hidden).with_parameters({"m": 0.4}))
    random, times = np.random.default_rng(100), np.arange(501) / 50
    runs = []
    for k in range(6):
        start = jnp.asarray(random.uniform([-1, -1.5], [1, 1.5])), jnp.asarray(random.uniform([-2, -3], [2, 3]))
        q = np.asarray(symlnn.simulate(law, start, times=jnp.asarray(times)).q)
        runs.append(Run(f"run{k}", times, q + 0.01 * q.std(axis=0) * random.normal(size=q.shape)))
    found = symlnn.recover(system, Motions.of(system, runs))
    assert found.explained, found.diagnosis
    place = system.q[0]
    assert set(found.functions["V"].as_coefficients_dict()) == {place**2, place**4}
    assert set(found.functions["R"].as_coefficients_dict()) == {system.v[0], sp.sign(system.v[0])}
    assert abs(found.parameters["m"][0] / 0.4 - 1) < 0.01
    assert abs(found.functions["V"].coeff(place, 4) / 3 - 1) < 0.02
    symlnn.write_law(found, tmp_path / "law.py")
    own = symlnn.load_system(str(tmp_path / "law.py"))
    assert not own.unknown


@pytest.mark.slow
def test_what_the_noise_of_positions_does_not_explain_is_flagged() -> None:
    """Motions into and out of a well that no polynomial is, and no family is given: few windows, and a regular part
    that no statistic of the residuals alone would see. With the families, the well is found."""
    system = on_a_line(x**2 / 10 - 1 / (x**2 + 0.49), -2.0, 2.0)
    data = recordings(system, noise=0.01, seed=7)
    without = symlnn.recover(system, data, terms=[term for term in symlnn.dictionary(system) if not term.inner])
    assert not without.explained and without.residual > 3 * without.noise_floor, without.lagrangian
    found = symlnn.recover(system, data)
    assert found.explained and abs(found.parameters["e_x"][0] - 0.7) < 0.02, found.lagrangian


# --- files and the command line ---------------------------------------------------------------------------------------


def test_a_law_is_a_declaration_that_loads(tmp_path: Path) -> None:
    system = symlnn.load_system("pendulum")
    found = symlnn.recover(system, samples(system, noise=0.0))
    symlnn.write_law(found, tmp_path / "law.py")
    assert equivalent(symlnn.load_system(str(tmp_path / "law.py")), system, tolerance=1e-6)
    assert symlnn.law_to_text(found) == (tmp_path / "law.py").read_text()
    with pytest.raises(ValueError, match=r"\.py file"):
        symlnn.write_law(found, tmp_path / "law.txt")


def test_the_command_does_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From logs to law.py, which loads; what is wrong is one line, and nothing is written."""
    system = symlnn.load_system("pendulum")
    data: list[str] = []
    for run in recordings(system, noise=0.01, runs=4):
        pd.DataFrame({"t": run.t, "theta": run.q[:, 0]}).to_csv(tmp_path / f"{run.name}.csv", index=False)
        data += ["--data", str(tmp_path / f"{run.name}.csv")]

    def run_command(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            symlnn_cli(["recover", "pendulum", *words])
        told, err = capsys.readouterr()
        return int(ended.value.code or 0), told, err

    law = tmp_path / "law.py"
    code, told, err = run_command(*data, "--out", str(law))
    assert code == 0 and "The law explains the data" in told, err
    assert equivalent(symlnn.load_system(str(law)), system, tolerance=0.02)
    document = json.loads(law.with_suffix(".json").read_text())
    assert document["kind"] == "law" and document["explained"] and document["null_dimension"] == 1
    law.unlink()
    for words, expected in (
        ((*data, "--out", str(tmp_path / "law.txt")), "must end in .py"),
        (("--out", str(law)), "Give either --data"),
        (("--model", str(tmp_path / "none.eqx"), "--out", str(law)), "There is no model file"),
        ((*data, "--column", "theta=nothing", "--out", str(law)), "nothing"),
    ):
        code, _, err = run_command(*words)
        assert code in (1, 2) and expected in err and not law.exists(), err


def test_regular_errors_of_a_model_are_not_taken_for_terms() -> None:
    """Accelerations that are wrong by half a percent in a regular way, as those of a network are."""
    system = symlnn.load_system("pendulum")
    exact = samples(system, noise=0.0)
    off = 0.03 * jnp.sin(3 * exact.states.q + 1) * jnp.cos(exact.states.v / 5)
    found = symlnn.recover(system, Samples(exact.states, exact.a + off), noise=0.03)
    assert {str(x.term.expression) for x in found.terms} == {"cos(theta)", "theta_dot**2"}
    assert found.explained
    with pytest.raises(ValueError, match="noise, a share"):
        symlnn.recover(system, exact, noise=2.0)


@pytest.mark.parametrize("size", [1e150, 1e160, 1e300])
def test_a_trial_whose_terms_overflow_is_none_and_no_error(size: float) -> None:
    """exp(k x) with a large k: its columns are finite, their squares are not; LAPACK would raise."""
    random = np.random.default_rng(0)
    e, h = random.normal(size=(50, 1, 3)), np.zeros((50, 1, 1, 3))
    h[..., 0] = 1.0
    e[..., 0] = random.normal(size=(50, 1))
    e[..., 2] *= size
    with np.errstate(all="ignore"):
        found = polished(Columns(e, h), np.array([1.0, 0.1, 1.0 / size]), np.ones(1), None)
    assert found is None or np.isfinite(found.c).all()
