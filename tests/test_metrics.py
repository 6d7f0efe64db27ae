"""Metrics on cases whose answers are known."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symlnn
from symlnn import metrics
from symlnn.metrics import _cross_check
from symlnn.report import strict


def rollout(q: np.ndarray, v: np.ndarray, t: np.ndarray, *, failed: tuple[int, ...] = ()) -> symlnn.Rollout:
    codes: list[Any] = [symlnn.RESULTS.successful] * len(q)
    for k in failed:
        codes[k] = symlnn.RESULTS.max_steps_reached
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *codes)
    return symlnn.Rollout(jnp.asarray(t), jnp.asarray(q), jnp.asarray(v), stacked)


def samples(a: jax.Array) -> symlnn.Samples:
    """Accelerations at states of order one."""
    states = symlnn.States.of(jax.random.normal(jax.random.key(1), a.shape), jnp.ones_like(a))
    return symlnn.Samples(states, a)


def test_acceleration_errors() -> None:
    truth, model = jnp.array([[3.0, 4.0], [0.0, 0.0]]), jnp.array([[3.0, 3.0], [1.0, 1.0]])
    errors = metrics.acceleration_errors(samples(truth), model)
    assert errors.l1_sum == pytest.approx(1.5)  # (1 + 2)/2
    shares = (1 / 9, 2 / 16)  # of the mean squares, 0.5/4.5 and 1/8
    assert errors.coordinates == pytest.approx(tuple(map(math.sqrt, shares)))
    assert errors.relative_rms == pytest.approx(math.sqrt(sum(shares) / 2))
    assert errors.states == 2


def test_a_model_that_says_nothing_is_wrong_by_one_in_all_units() -> None:
    truth = jax.random.normal(jax.random.key(0), (100, 2))
    for unit in (1e-12, 1.0, 1e12):
        scaled = jax.tree.map(
            lambda x, unit=unit: x * jnp.array([unit, 1.0]) if x.shape[-1:] == (2,) else x, samples(truth)
        )
        assert metrics.acceleration_errors(scaled, 0 * scaled.a).relative_rms == pytest.approx(1.0)


def test_a_coordinate_that_is_never_accelerated_counts_by_the_time_of_the_others() -> None:
    truth = jnp.stack([jnp.zeros(50), jnp.ones(50)], axis=-1)
    off = truth + jnp.array([1e-3, 0.0])  # a thousandth of V max(A/V), with V = 1
    assert metrics.acceleration_errors(samples(truth), off).coordinates == pytest.approx((1.0, 0.0))


def test_a_model_that_is_not_finite_has_an_infinite_error() -> None:
    errors = metrics.acceleration_errors(samples(jnp.ones((2, 1))), jnp.array([[1.0], [jnp.nan]]))
    assert errors.l1_sum == math.inf
    assert errors.relative_rms == math.inf


def test_relative_error_has_a_floor() -> None:
    """A state whose acceleration is nearly zero is measured against 1e-3 of the typical size."""
    b = jnp.array([[1.0], [1e-12]])
    error = metrics.max_relative_error(b + jnp.array([[0.0], [1e-9]]), b, 0 * b)
    assert error == pytest.approx(1e-9 / math.sqrt(0.5) / 1e-3, rel=1e-6)


def test_the_papers_energy_scale(double_pendulum: symlnn.System) -> None:
    """(m₁+m₂) g l₁ + m₂ g l₂ = 29.4 J, from below: 32,768 states come within 0.2 % of the extremes."""
    assert metrics.energy_scale(double_pendulum) == pytest.approx(29.4, rel=2e-3)


def test_energy_scale_without_a_potential() -> None:
    system = symlnn.load_system("falling_ball").with_parameters({"g": 0.0})
    assert metrics.energy_scale(system) == pytest.approx(50.0, rel=0.05)  # half of ½(10² + 10²)


def test_energy_scale_of_heavy_tails() -> None:
    """Near the speed of light, and with a force that varies, some are of hundreds, and most kinetic ones of 0.2."""
    assert metrics.energy_scale(symlnn.load_system("relativistic_particle")) == pytest.approx(1.9, rel=0.05)


def test_a_failed_motion_is_infinite_and_counted() -> None:
    energy = jnp.array([[1.0, 1.5, 2.0], [1.0, 1.0, 1.0]])
    errors = metrics.energy_errors(energy, jnp.array([True, False]), 10.0)
    np.testing.assert_allclose(errors, [[0.0, 0.05, 0.1], [0.0, 0.0, np.inf]])
    spread = metrics.Spread.of(errors, np.array([True, False]))
    assert spread.final_mean == math.inf
    assert (spread.trajectories, spread.failed) == (2, 1)
    assert strict({"mean": spread.final_mean}) == {"mean": None}


def test_angles_are_compared_on_the_circle() -> None:
    difference = metrics.wrapped_difference(np.array([0.1, 0.1]), np.array([2 * np.pi, 2 * np.pi]), (True, False))
    np.testing.assert_allclose(difference, [0.1, 0.1 - 2 * np.pi])


def test_valid_time_of_a_known_drift(pendulum: symlnn.System) -> None:
    """The truth swings as sin t; the model is off by 0.1 t in the angle alone, so its distance is
    0.1 t/(√2 · spread), and exceeds 0.4 at a known time."""
    t = np.linspace(0, 20, 2001)
    q, v = np.sin(t)[None, :, None], np.cos(t)[None, :, None]
    truth, model = rollout(q, v, t), rollout(q + 0.1 * t[None, :, None], v, t)
    errors = metrics.state_errors(truth, model, is_angle=pendulum.is_angle)
    expected = 0.4 * np.sqrt(2) * q.std() / 0.1
    assert metrics.valid_times(errors, t)[0] == pytest.approx(expected, abs=0.011)
    assert metrics.valid_times(np.zeros((1, t.size)), t)[0] == 20.0


def test_a_failure_ends_the_valid_time(pendulum: symlnn.System) -> None:
    t = np.linspace(0, 1, 11)
    q, v = np.sin(t)[None, :, None], np.cos(t)[None, :, None]
    broken = np.where(t[None, :, None] > 0.55, np.inf, q)
    errors = metrics.state_errors(rollout(q, v, t), rollout(broken, v, t), is_angle=pendulum.is_angle)
    assert metrics.valid_times(errors, t)[0] == pytest.approx(0.6)


def test_share_outside(double_pendulum: symlnn.System) -> None:
    """Velocities were drawn on [−10, 10]; angles have no outside."""
    t = np.linspace(0, 1, 4)
    v = np.zeros((1, 4, 2))
    v[0, 1, 0] = 10.5
    assert metrics.share_outside(double_pendulum, rollout(np.full((1, 4, 2), 50.0), v, t)) == pytest.approx(0.25)


def test_lyapunov_exponents_tell_chaos_from_order(double_pendulum: symlnn.System, pendulum: symlnn.System) -> None:
    def start(system: symlnn.System, q: float) -> symlnn.States:
        states = symlnn.sample_states(system, 4, key=jax.random.key(0), initial=True)
        return symlnn.States(jnp.full_like(states.q, q), 0 * states.v, states.m, states.u, states.t)

    _, chaotic = metrics.lyapunov_exponents(symlnn.SymbolicDynamics(double_pendulum), start(double_pendulum, 2.0), 30.0)
    assert chaotic
    _, chaotic = metrics.lyapunov_exponents(symlnn.SymbolicDynamics(pendulum), start(pendulum, 1.0), 30.0)
    assert not chaotic


class Saddle(symlnn.AbstractSecondOrderDynamics):
    """q̈ = k q − c q̇, and from t = 100 on twice that k: tangents grow by (√(c² + 4k) − c)/2."""

    def acceleration(self, q: jax.Array, v: jax.Array, m: Any = None, u: Any = None, t: Any = 0.0) -> jax.Array:
        return jnp.where(t < 100.0, 1.5, 3.0) * q - 0.4 * v


@pytest.mark.parametrize(("t", "k"), [(0.0, 1.5), (100.0, 3.0)])
def test_lyapunov_exponents_of_a_saddle(t: float, k: float) -> None:
    """Exact, to the tolerance of 1e-6 a step of the tangent's growth."""
    begin = symlnn.States.of(jnp.full((2, 1), 1e-6), jnp.zeros((2, 1)), t=t)
    exponents, chaotic = metrics.lyapunov_exponents(Saddle(), begin, 20.0)
    assert chaotic is False  # what explodes is no chaos
    np.testing.assert_allclose(exponents, (np.sqrt(0.4**2 + 4 * k) - 0.4) / 2, rtol=1e-4)


def test_cross_check_notices_a_wrong_derivation(monkeypatch: pytest.MonkeyPatch, pendulum: symlnn.System) -> None:
    right = symlnn.accelerations
    monkeypatch.setattr(
        _cross_check,
        "accelerations",
        lambda law, s: right(law, s) * (1 + 1e-9 * isinstance(law, symlnn.EulerLagrange)),
    )
    check = symlnn.cross_check(pendulum, states=100)
    assert not check.passed
    assert 3e-10 < check.max_relative_error < 1.01e-9  # where terms cancel, relative to them
