"""Identification: parameters of known laws from their own noisy motions, ranks, errors, reports."""

import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import scipy.stats
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

import symlnn
from symlnn import Method, Motions, Parameter, Run, System, uniform
from symlnn._cli import main as symlnn_cli
from symlnn._identify._rank import rank
from symlnn._identify._smooth import noise, stretches, time_scale
from symlnn._serialise import system_from_json, system_to_json

theta = dynamicsymbols("theta")
t = dynamicsymbols._t
omega = theta.diff(t)
m, l, g, c = sp.symbols("m l g c", positive=True)  # noqa: E741  the field's symbol for a length
tau = sp.Symbol("tau", real=True)

PENDULUM = System(
    name="damped_pendulum",
    coordinates=(theta,),
    angles=(theta,),
    units={theta: "rad"},
    lagrangian=m * l**2 * omega**2 / 2 + m * g * l * sp.cos(theta),
    dissipation=c * omega**2 / 2,
    parameters={
        m: Parameter(1.0, "kg"),
        l: Parameter(0.5, "m", free=True),
        g: 9.81,
        c: Parameter(0.05, "N m s", free=True),
    },
)
DRIVEN = dataclasses.replace(
    PENDULUM,
    forces={theta: tau},
    inputs={tau: uniform(-1, 1)},
    parameters={m: Parameter(1.0, "kg", free=True), l: Parameter(0.5, "m", free=True), g: 9.81, c: 0.05},
)
DECLARED = PENDULUM.with_parameters({"l": 0.8, "c": 0.2})


def motions(system: System, times: list[np.ndarray], noise: float, seed: int = 0) -> Motions:
    """One run for each array of times, of positions only."""
    rng = np.random.default_rng(seed)
    runs = []
    law = symlnn.SymbolicDynamics(system)
    for k, at in enumerate(times):
        u = 0.8 * np.sin(1.7 * at[:, None] + k) * np.cos(0.6 * at[:, None])
        inputs = None if not system.u else symlnn.SampledInputs(jnp.asarray(at), jnp.asarray(u))
        start = symlnn.States.of(
            jnp.array([1.2 + 0.3 * k]), jnp.array([0.1]), u=None if inputs is None else jnp.zeros(1)
        )
        found = symlnn.simulate(law, start, times=jnp.asarray(at), u=inputs)
        assert bool(found.successful)
        q = np.asarray(found.q) + noise * rng.normal(size=(len(at), 1))
        runs.append(Run(f"run{k}", at, q, u=u if system.u else None))
    return Motions.of(system, runs)


def even(seconds: float = 8.0, rate: float = 100.0) -> np.ndarray:
    return np.arange(round(seconds * rate) + 1) / rate


@pytest.fixture(scope="module")
def found() -> symlnn.Identification:
    return symlnn.identify(DECLARED, motions(PENDULUM, [even()] * 4, 1e-3))


def test_the_truth_is_found_from_a_wrong_start(found: symlnn.Identification) -> None:
    """Noise of 1e-3 rad, 100 Hz: three standard errors, and these are of order 1e-3 · (signal 1) / √(2400 samples)."""
    assert found.kept == "shooting"
    for name, truth in {"l": 0.5, "c": 0.05}.items():
        p = found.parameters[name]
        assert p.standard_error is not None and p.identifiable and not p.at_bound
        assert abs(p.value - truth) < 4 * p.standard_error
        assert p.standard_error < 0.01 * truth
        assert p.interval is not None and p.interval[0] < p.value < p.interval[1]
    assert found.noise["theta"] == pytest.approx(1e-3, rel=0.1)
    assert found.models["identified"].score < 0.01 * found.models["declared"].score
    assert found.diagnosis == ()


def test_without_torques_a_mass_cannot_be_told() -> None:
    """L and the dissipation scale together: m, c are confounded, c/m is not."""
    free = DECLARED.with_parameters({"m": 1.5})
    found = symlnn.identify(
        free, motions(PENDULUM, [even()] * 2, 1e-3), free=("m", "l", "c"), method=Method(shooting=False)
    )
    assert found.confounded == (("m", "c"),)
    assert found.to_json()["rank"] == 2 and found.to_json()["free"] == 3
    assert found.parameters["m"].value == pytest.approx(1.5) and not found.parameters["m"].identifiable
    assert found.parameters["c"].value / found.parameters["m"].value == pytest.approx(0.05, rel=0.02)
    assert "The data cannot tell m ↔ c apart" in found.diagnosis[0]


def test_a_parameter_stays_within_its_bounds() -> None:
    """The truth, l = 0.5 and c = 0.05, lies outside: both stay at the nearer bound, and are named."""
    bounded = dataclasses.replace(
        PENDULUM,
        parameters={
            m: 1.0,
            l: Parameter(0.8, "m", free=True, bounds=(0.55, 2.0)),
            g: 9.81,
            c: Parameter(0.01, "N m s", free=True, bounds=(float("-inf"), 0.02)),
        },
    )
    for method in (Method(), Method(shooting=False)):
        result = symlnn.identify(bounded, motions(PENDULUM, [even()] * 2, 1e-3), method=method)
        for name, value in {"l": 0.55, "c": 0.02}.items():
            p = result.parameters[name]
            assert p.value == pytest.approx(value, rel=1e-12) and p.at_bound and p.standard_error is None
            assert f"{name} is at its bound, {value}: the data would have it beyond." in result.diagnosis
    text = symlnn.system_to_text(result.system, {}, "Bounded.")
    space: dict = {}
    exec(text, space)
    assert space["SYSTEM"].parameters == result.system.parameters
    assert system_from_json(json.loads(json.dumps(system_to_json(result.system)))) == result.system


@pytest.mark.parametrize("bounds", [(1.0, 0.5), (0.6, 1.0), (float("nan"), 1.0)])
def test_wrong_bounds_are_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="bounds"):
        Parameter(0.5, "m", free=True, bounds=bounds)


@pytest.mark.slow
def test_with_torques_it_can() -> None:
    found = symlnn.identify(DRIVEN.with_parameters({"m": 2.0, "l": 0.7}), motions(DRIVEN, [even()] * 3, 1e-3))
    assert not found.confounded
    assert found.parameters["m"].value == pytest.approx(1.0, rel=0.01)
    assert found.parameters["l"].value == pytest.approx(0.5, rel=0.01)


@pytest.mark.slow
def test_gaps_and_jitter_do_little_harm() -> None:
    """One run, steps that vary by 20 %, two gaps of 0.3 s: within 2 %; without gaps within 0.5 %."""
    rng = np.random.default_rng(1)
    at = np.cumsum(0.01 * (1 + 0.2 * rng.uniform(-1, 1, 1200)))
    gappy = at[~(((at > 3) & (at < 3.3)) | ((at > 6) & (at < 6.3)))]
    for times, tolerance in ((gappy, 0.02), (at, 0.005)):
        result = symlnn.identify(DECLARED, motions(PENDULUM, [times], 1e-4))
        for name, truth in {"l": 0.5, "c": 0.05}.items():
            assert result.parameters[name].value == pytest.approx(truth, rel=tolerance)


def test_a_report_is_whole_and_its_law_loads(found: symlnn.Identification, tmp_path: Path) -> None:
    symlnn.write_identification(found, tmp_path / "out", command="symlnn identify …")
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    assert document["kind"] == "identification" and document["rank"] == document["free"] == 2
    assert set(document["parameters"]["l"]) == {
        "value",
        "standard_error",
        "declared",
        "unit",
        "identifiable",
        "at_bound",
    }
    assert [run["held_out"] for run in document["runs"]] == [False, False, False, True]
    assert set(document["models"]) == {"declared", "identified"}
    assert document["models"]["identified"]["force_rmse"]["theta"] > 0
    law = symlnn.load_system(str(tmp_path / "out" / "identified.py"))
    assert law.lagrangian == PENDULUM.lagrangian
    assert law.parameters[l].value == found.parameters["l"].value and law.states
    page = (tmp_path / "out" / "index.html").read_text()
    assert "Half of the held-out motions" in page and "symlnn identify …" in page
    assert {"motions.png", "force.png"} <= {path.name for path in (tmp_path / "out" / "figures").iterdir()}


def test_an_impossible_fit_is_called_that() -> None:
    """The sign of the torque column is wrong."""
    data = motions(DRIVEN, [even(4.0)] * 2, 1e-3)
    wrong = data.only(dataclasses.replace(run, u=-30 * np.asarray(run.u)) for run in data)
    with pytest.raises(ValueError, match="The residual force exceeds the signal in theta: with no values"):
        symlnn.identify(DRIVEN, wrong, free=("m",), method=Method(shooting=False))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"free": ("mass",)}, r"no parameter 'mass' to free. It has: m, l, g, c"),
        ({"free": ()}, "nothing to identify"),
        ({"hold_out": ("run9",)}, "no run 'run9' to hold out"),
        ({"hold_out": ("run0", "run1")}, "Every run is held out"),
        ({"method": Method(half_width=5.0)}, "is without gaps for 10 s"),
    ],
)
def test_what_cannot_be_done_is_said(options: dict, message: str) -> None:
    at = even(4.0, 50.0)
    data = Motions.of(PENDULUM, [Run(f"run{k}", at, np.sin(3 * at)[:, None]) for k in range(2)])
    with pytest.raises(ValueError, match=message):
        symlnn.identify(PENDULUM, data, **options)
    still = Motions.of(PENDULUM, [Run(f"run{k}", at, np.zeros((len(at), 1))) for k in range(2)])
    with pytest.raises(ValueError, match="Nothing moves in the data"):
        symlnn.identify(PENDULUM, still)


def test_a_wrong_free_parameter_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a number to start from"):
        Parameter(uniform(0, 1), free=True)
    with pytest.raises(ValueError, match="positive, finite number"):
        Method(half_width=-1.0)
    data = Motions.of(PENDULUM, [Run(f"run{k}", T := even(1.0), np.sin(T)[:, None]) for k in range(2)])
    with pytest.raises(ValueError, match="declared positive, but starts from -1"):
        symlnn.identify(PENDULUM.with_parameters({"l": -1.0}), data)


def test_the_weak_form_vanishes_on_the_motion() -> None:
    """Quadrature of a smooth integrand that vanishes at its ends, on 200 steps, errs by rounding only; what is left is
    that of the smoothed velocities, of second order in the window."""
    data = motions(PENDULUM, [even(6.0, 500.0)], 0.0)
    size = []
    for window in (0.1, 0.05):
        parts = list(stretches(data.runs[0], 0, window))
        form = symlnn.WeakForm.of(parts, 0.2)
        left = form(symlnn.SymbolicLagrangian(PENDULUM), symlnn.SymbolicForces(PENDULUM))
        size.append(float(jnp.abs(left).max()))
    assert size[0] < 1e-4  # of torques of 5 N m
    assert size[1] < size[0] / 3


def test_a_rank_names_what_is_confounded() -> None:
    """Columns a, b, a + b, c, 2c, and d = 0."""
    a, b, c, _ = np.random.default_rng(0).normal(size=(4, 50))
    found = rank(np.stack([a, b, a + b, c, 2 * c, 0 * c], axis=1))
    assert found.held == (0, 3, 5)
    assert found.groups == ((0, 1, 2), (3, 4), (5,))
    assert rank(np.stack([a, b], axis=1)).groups == ()


def test_noise_and_time_scale_are_those_of_the_data() -> None:
    at = even(20.0, 200.0)
    for level in (1e-4, 1e-2):
        q = np.sin(3 * at) + level * np.random.default_rng(0).normal(size=len(at))
        data = Motions((Run("r", at, q[:, None]),), ("x",))
        assert noise(data.runs[0])[0] == pytest.approx(level, rel=0.1)
        assert time_scale(data) == pytest.approx(1 / 3, rel=0.02)  # √(var q / var q̇) = 1/ω


def test_inspection_tells_rates_gaps_slopes_and_noise() -> None:
    at = even(10.0, 200.0)
    at = at[(at < 4) | (at > 4.5)]
    q = np.round(np.sin(3 * at) / 1e-3) * 1e-3
    run = Run("r", at, q[:, None], v=0.96 * 3 * np.cos(3 * at)[:, None])
    found = symlnn.inspect(Motions((run,), ("x",)))
    (told,) = found.runs
    assert told.rate == pytest.approx(200.0) and told.gaps == 1
    assert told.longest_gap == pytest.approx(0.51, abs=0.011)
    assert told.columns["x"].quantum == pytest.approx(1e-3, rel=0.01)
    assert told.velocity_slopes["x_dot"] == pytest.approx(0.96, abs=0.005)
    assert "0.96" in found.to_text() and json.dumps(found.to_json())


def test_a_delay_of_the_input_is_seen() -> None:
    """The torque is written 60 ms late."""
    data = motions(DRIVEN, [even(16.0)], 0.0)
    (run,) = data
    late = np.interp(run.t - 0.06, run.t, np.asarray(run.u)[:, 0])[:, None]
    found = symlnn.inspect(data.only([dataclasses.replace(run, u=late)]))
    assert found.delays["tau"] == pytest.approx(0.06, abs=0.021)


@pytest.mark.slow
def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """95 % intervals of two parameters over 40 data sets: of 80 fewer than 69 are inside once in a thousand times."""
    inside = 0
    for seed in range(40):
        found = symlnn.identify(DECLARED, motions(PENDULUM, [even(6.0, 50.0)] * 4, 5e-3, seed))
        for name, truth in {"l": 0.5, "c": 0.05}.items():
            interval = found.parameters[name].interval
            assert interval is not None
            inside += interval[0] <= truth <= interval[1]
    assert scipy.stats.binomtest(inside, 80, 0.95, alternative="less").pvalue > 1e-3


def test_the_commands_do_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`identify` and `inspect` on files; what is wrong is one line, and nothing is written."""
    for run in motions(PENDULUM, [even(4.0, 50.0)] * 2, 1e-3):
        pd.DataFrame({"time": run.t, "pos": run.q[:, 0]}).to_csv(tmp_path / f"{run.name}.csv", index=False)
    system = tmp_path / "own.py"
    system.write_text(symlnn.system_to_text(DECLARED, {}, "a pendulum"))
    logs = [str(tmp_path / f"run{k}.csv") for k in range(2)]
    data = [word for log in logs for word in ("--data", log)]
    names = ("--column", "theta=pos")

    def run_command(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            symlnn_cli(list(words))
        told, err = capsys.readouterr()
        return int(ended.value.code or 0), told, err

    out = tmp_path / "out"
    code, told, err = run_command("inspect", *logs, str(system), *names)
    assert code == 0 and "run0: 201 samples" in told, err
    code, _, err = run_command("identify", str(system), *data, "--quick", "--out", str(out))
    assert code == 1 and "no column 'theta'" in err and "--column theta=NAME" in err and not out.exists()
    code, _, err = run_command("identify", str(system), *data, *names, "--hold-out", "run7", "--out", str(out))
    assert code == 1 and "no run 'run7' to hold out" in err and not out.exists()
    code, told, err = run_command("identify", str(system), *data, *names, "--quick", "--out", str(out))
    assert code == 0 and "identified.py" in told, err
    assert json.loads((out / "report.json").read_text())["kept"] == "weak"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after", [3.0, 8.0, 13.0])
def test_what_was_there_is_whole_when_an_identification_is_killed(
    tmp_path: Path, number: signal.Signals, after: float
) -> None:
    """The report before stays to the byte, wherever the next one was, and nothing else is left but an empty lock."""
    for run in motions(PENDULUM, [even(4.0, 50.0)] * 2, 1e-3):
        pd.DataFrame({"t": run.t, "theta": run.q[:, 0]}).to_csv(tmp_path / f"{run.name}.csv", index=False)
    (tmp_path / "own.py").write_text(symlnn.system_to_text(DECLARED, {}, "a pendulum"))
    command = [sys.executable, "-m", "symlnn", "identify", "own.py", "--data", "run0.csv", "--data", "run1.csv"]
    subprocess.run([*command, "--quick", "--out", "out"], cwd=tmp_path, check=True, capture_output=True)

    def files() -> dict[str, bytes]:
        return {str(p.relative_to(tmp_path)): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    before = files()
    victim = subprocess.Popen([*command, "--out", "out"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        victim.wait(after)
    except subprocess.TimeoutExpired:
        victim.send_signal(number)
    victim.communicate()
    after_it = files()
    after_it.pop(".out.lock", None)  # empty, and held by nobody
    if victim.returncode != 0:
        assert after_it == before
    else:  # it was faster: then the new one is whole
        assert json.loads(after_it["out/report.json"])["kept"] == "shooting"


V, R = sp.Function("V"), sp.Function("R")
OPEN = dataclasses.replace(
    PENDULUM,
    name="open_pendulum",
    lagrangian=m * l**2 * omega**2 / 2 - V(theta),
    dissipation=0,
    forces={theta: R(omega)},
    unknown={V: symlnn.Unknown(even=True), R: symlnn.Unknown(dissipative=True, knots=10)},
    parameters={m: 1.0, l: 0.5},
)


@pytest.fixture(scope="module")
def opened() -> symlnn.Identification:
    return symlnn.identify(OPEN, motions(PENDULUM, [even()] * 3, 1e-3))


def test_a_potential_and_a_friction_are_found(opened: symlnn.Identification) -> None:
    """V = −m g l cos θ, R = −c ω; with m and l known the scale is, too."""
    potential, friction = opened.functions["V"], opened.functions["R"]
    assert friction.free_up_to is None
    slope = 9.81 * 0.5 * np.sin(potential.grid)
    assert np.linalg.norm(potential.derivative - slope) < 0.03 * np.linalg.norm(slope)
    force = -0.05 * friction.grid
    assert np.linalg.norm(friction.values - force) < 0.1 * np.linalg.norm(force)
    assert (friction.values * friction.grid <= 1e-12).all()
    assert friction.band is not None and np.isfinite(friction.band).all()
    assert opened.to_json()["functions"]["V"]["arguments"] == ["theta"]


def test_what_was_learned_as_curves_is_written_as_formulas(opened: symlnn.Identification, tmp_path: Path) -> None:
    """V = −m g l cos θ and R = −c ω, beside the curves, in report.json, and in a law.py that loads."""
    law = symlnn.recover_functions(opened)
    assert law is not None
    symlnn.write_identification(opened, tmp_path / "out", law=law)
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    formulas = {name: sp.sympify(f["expression"]) for name, f in document["functions"].items()}
    assert set(formulas["V"].as_coefficients_dict()) == {sp.cos(sp.Symbol("theta"))}
    assert set(formulas["R"].as_coefficients_dict()) == {sp.Symbol("theta_dot")}
    own = symlnn.load_system(str(tmp_path / "out" / "law.py"))
    q, v = jnp.array([0.4]), jnp.array([0.3])
    a = symlnn.SymbolicDynamics(own).acceleration(q, v)
    np.testing.assert_allclose(a, symlnn.SymbolicDynamics(PENDULUM).acceleration(q, v), rtol=0.01)
    assert "As formulas" in (tmp_path / "out" / "index.html").read_text()


def test_a_law_with_splines_is_a_declaration(opened: symlnn.Identification, tmp_path: Path) -> None:
    symlnn.write_identification(opened, tmp_path / "out")
    law = symlnn.load_system(str(tmp_path / "out" / "identified.py"))
    assert not law.unknown and law == opened.system
    q, v = jnp.array([0.4]), jnp.array([0.3])
    a = symlnn.SymbolicDynamics(law).acceleration(q, v)
    np.testing.assert_allclose(a, symlnn.SymbolicDynamics(PENDULUM).acceleration(q, v), rtol=0.02)
    assert (tmp_path / "out" / "figures" / "functions.png").is_file()
    assert "<mi>V</mi>" in (tmp_path / "out" / "index.html").read_text()  # SymPy would write v


@pytest.mark.slow
def test_a_constant_force_is_a_linear_term_of_the_potential() -> None:
    """−V′(x) + R(v), with a constant of 0.7 N: R(0) = 0 by convention, and V has it."""
    x = dynamicsymbols("x")
    speed = x.diff(t)
    potential, force = symlnn.Unknown(knots=6), symlnn.Unknown(knots=6)
    sliding = System(
        name="sliding",
        coordinates=(x,),
        units={x: "m"},
        lagrangian=m * speed**2 / 2 - V(x),
        forces={x: R(speed)},
        unknown={V: potential, R: force},
        parameters={m: 1.0},
    )
    truth = sliding.with_functions({V: lambda q: 2 * q**2, R: lambda w: 0.7 - 0.3 * w})
    result = symlnn.identify(sliding, motions(truth, [even(6.0, 50.0)] * 2, 1e-4), method=Method(shooting=False))
    spring, drag = result.functions["V"], result.functions["R"]
    assert not result.confounded
    assert spring.free_up_to == "a constant" and drag.free_up_to == "a linear term of V"
    assert "A constant force in R would be a linear term of V: by convention R(0) = 0." in result.diagnosis
    # beside the mean of the data, where a prior of smoothness does least
    np.testing.assert_allclose(np.interp([0.0, 0.6], spring.grid, spring.derivative), [-0.7, 1.7], atol=0.1)
    np.testing.assert_allclose(np.interp([-1.0, 0.0, 1.0], drag.grid, drag.values), [0.3, 0.0, -0.3], atol=0.05)


def test_an_unknown_function_whose_argument_never_varies_is_named() -> None:
    at = even(4.0, 50.0)
    two = dynamicsymbols("y")
    still = dataclasses.replace(
        OPEN,
        coordinates=(theta, two),
        lagrangian=OPEN.lagrangian + two.diff(t) ** 2 / 2 - R(two),
        forces={},
        unknown={V: symlnn.Unknown(), R: symlnn.Unknown()},
    )
    q = np.stack([np.sin(3 * at), 0 * at], axis=1)
    data = Motions.of(still, [Run(f"r{k}", at, q) for k in range(2)])
    with pytest.raises(ValueError, match="argument y of the unknown function R never varies"):
        symlnn.identify(still, data)


def test_an_incomplete_system_says_what_it_lacks() -> None:
    for ask in (
        lambda: symlnn.SymbolicDynamics(OPEN).acceleration(jnp.zeros(1), jnp.zeros(1)),
        lambda: OPEN.mass_matrix,
    ):
        with pytest.raises(ValueError, match=r"is not known.*system\.with_functions\(.*symlnn\.identify"):
            ask()
    whole = OPEN.with_functions({"V": -m * l * sp.Rational(981, 100) * sp.cos(theta), R: lambda x: -x / 20})
    assert not whole.unknown and whole.forces[theta] == -omega / 20
    with pytest.raises(ValueError, match=r"leaves no function W open\. It leaves open: V, R"):
        OPEN.with_functions({"W": 1})
    with pytest.raises(ValueError, match="The unknown function V stands in no expression"):
        dataclasses.replace(PENDULUM, unknown={V: symlnn.Unknown()})
    with pytest.raises(ValueError, match=r"declare unknown=\{V: Unknown\(\)\} and learn it"):
        dataclasses.replace(OPEN, unknown={R: symlnn.Unknown()})
    with pytest.raises(ValueError, match="even and odd is zero"):
        symlnn.Unknown(even=True, odd=True)
    written = json.loads(json.dumps(system_to_json(OPEN)))
    assert system_from_json(written) == OPEN
