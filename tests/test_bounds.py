"""Everything ends: wild states, motions that stick, long durations, each with a word of what failed."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

import symlnn
from benchmarks.wild_states import wild_states
from symlnn import RESULTS, Parameter, System, metrics, normal

t = dynamicsymbols._t
TINY = symlnn.Effort(symlnn.Budget(steps=(20, 0)), test_states=500, trajectories=4, check_states=200, quick=True)
SMALL = symlnn.find_model("nn", architecture=symlnn.Architecture(width=8, depth=1))


def check_wild(name: str, n: int) -> None:
    system = symlnn.load_system(name)
    start = wild_states(system, n)
    found = symlnn.simulate(symlnn.SymbolicDynamics(system), start, duration=0.2)
    ended = np.asarray(found.successful)
    finite = np.isfinite(found.q).all(axis=(1, 2)) & np.isfinite(found.v).all(axis=(1, 2))
    assert not (ended & ~finite).any()
    started = np.isfinite(start.q).all(axis=1) & np.isfinite(start.v).all(axis=1)
    assert not ended[~started].any()
    assert np.asarray(found.result == RESULTS.not_finite)[~started].all()
    assert ended[10:].any()
    assert ((found.reasons == "") == ended).all()


@pytest.mark.parametrize(
    "name", ["kepler", pytest.param("spherical_pendulum", marks=pytest.mark.slow), "relativistic_particle"]
)
def test_wild_states_end_each_with_its_own_code(name: str) -> None:
    check_wild(name, 50)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in symlnn.catalogue_names() if name != "seven_joint_arm"])
def test_a_thousand_wild_states_of_every_system_end(name: str) -> None:
    check_wild(name, 1000)


def test_a_motion_has_steps_for_every_instant_that_it_is_observed_at() -> None:
    law = symlnn.SymbolicDynamics(symlnn.load_system("harmonic_oscillator"))
    long = symlnn.simulate(law, (jnp.ones(1), jnp.zeros(1)), duration=1e4, rate=1.0)
    assert bool(long.successful)
    unseen = symlnn.simulate(law, (jnp.ones(1), jnp.zeros(1)), times=jnp.array([0.0, 1e6]))
    assert bool(unseen.result == RESULTS.max_steps_reached)


def sliding(sharpness: float | None = None) -> System:
    """A block on a rough table, with friction that is a step or nearly one."""
    x = dynamicsymbols("x")
    mu, k = sp.symbols("mu k", positive=True)
    v = x.diff(t)
    friction = -mu * (sp.sign(v) if sharpness is None else sp.tanh(sharpness * v))
    return System(
        name="sliding_block",
        coordinates=(x,),
        lagrangian=v**2 / 2 - k * x**2 / 2,
        forces={x: friction},
        parameters={mu: Parameter(0.3, "N"), k: Parameter(1.0, "N/m")},
        states={x: normal(0, 1), v: normal(0, 1)},
        duration=20.0,
    )


def test_lyapunov_exponents_of_what_sticks_are_not_numbers() -> None:
    system = sliding()
    start = symlnn.sample_states(system, 3, key=jax.random.key(0))
    exponents, chaotic = metrics.lyapunov_exponents(symlnn.SymbolicDynamics(system), start, 20.0)
    assert np.isnan(exponents).all() and chaotic is None


@pytest.mark.slow
@pytest.mark.production
def test_a_report_of_what_cannot_be_integrated_is_complete_and_says_so(tmp_path: Path) -> None:
    result = symlnn.validate(sliding(), {"nn": SMALL}, out=tmp_path / "r", effort=TINY)
    assert not result.bench.moves and len(result.bench.unfinished) == 4
    document = result.to_json()
    lost = [note for note in document["notes"] if note.startswith("Analytic motions that did not reach their end: ")]
    assert lost and sum(int(note.split(": ")[1].split(".")[0]) for note in lost) == 4  # for one reason or another
    assert document["models"]["nn"]["acceleration"]["l1_sum"] > 0
    assert document["models"]["nn"]["valid_time"]["median_seconds"] is None
    page = (tmp_path / "r" / "index.html").read_text()
    assert all(note in page for note in lost)
    assert "How it moves" not in page


@pytest.mark.slow
@pytest.mark.production
def test_what_the_analytic_motion_fails_at_is_not_held_against_a_model(tmp_path: Path) -> None:
    """A planet that falls into the sun from some of its starts: the others are measured."""
    system = symlnn.load_system("kepler")
    falling = dataclasses.replace(
        system, initial_states={x.diff(t): normal(0, 0.05) for x in system.coordinates[-1:]}, duration=20.0
    )
    bench = symlnn.report.Bench.of_system(falling, test_states=100, trajectories=40, key=jax.random.key(0))
    judged = bench.judge(bench.truth)
    assert bench.start.q.shape[0] + len(bench.unfinished) == 40
    assert judged.motion.spread.failed == 0
    assert judged.valid_seconds.shape == (bench.start.q.shape[0],)
    if bench.moves:
        assert judged.valid_seconds.min() == 20.0
