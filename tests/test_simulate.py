"""Roll-outs against known motions, and failure as a result."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symlnn


@pytest.fixture(scope="module")
def oscillator() -> symlnn.SymbolicDynamics:
    """q̈ = −4 q."""
    return symlnn.SymbolicDynamics(symlnn.load_system("harmonic_oscillator"))


def test_harmonic_motion(oscillator: symlnn.SymbolicDynamics) -> None:
    out = symlnn.simulate(oscillator, jnp.array([1.0]), jnp.array([0.0]), duration=10.0, rate=10.0)
    assert bool(out.successful)
    np.testing.assert_allclose(out.q[:, 0], np.cos(2 * out.t), atol=1e-6)  # rtol 1e-8 over three periods
    np.testing.assert_allclose(out.v[:, 0], -2 * np.sin(2 * out.t), atol=1e-6)


def test_any_solver_and_controller_and_times(oscillator: symlnn.SymbolicDynamics) -> None:
    times = jnp.linspace(0.0, 1.0, 1001)
    out = symlnn.simulate(
        oscillator,
        jnp.array([[1.0], [2.0]]),
        jnp.zeros((2, 1)),
        times=times,
        solver=diffrax.Tsit5(),
        stepsize_controller=diffrax.ConstantStepSize(),
    )
    assert out.q.shape == (2, 1001, 1)
    np.testing.assert_allclose(out.q[1, :, 0], 2 * np.cos(2 * times), atol=1e-9)


def test_dense_output(oscillator: symlnn.SymbolicDynamics) -> None:
    out = symlnn.simulate(oscillator, jnp.array([1.0]), jnp.array([0.0]), duration=1.0, dense=True, max_steps=1000)
    assert out.dense is not None
    q, _ = out.dense.evaluate(jnp.asarray(0.123))
    np.testing.assert_allclose(q[0], np.cos(0.246), atol=1e-6)


class Explosive(symlnn.AbstractSecondOrderDynamics):
    """q̈ = 2 q³, whose solution 1/(1 − t) from q = 1, v = 1 ends at t = 1."""

    def acceleration(
        self, q: jax.Array, v: jax.Array, m: object = None, u: object = None, t: object = 0.0
    ) -> jax.Array:
        return 2 * q**3


def test_failure_is_a_result_and_disturbs_no_other() -> None:
    out = symlnn.simulate(Explosive(), jnp.array([[1.0], [0.0]]), jnp.array([[1.0], [0.0]]), duration=2.0, rate=10.0)
    np.testing.assert_array_equal(out.successful, [False, True])
    np.testing.assert_allclose(out.q[0, :9, 0], 1 / (1 - out.t[:9]), rtol=1e-5)
    assert not np.isfinite(out.q[0, -1, 0])
    np.testing.assert_array_equal(out.q[1], 0.0)


def test_motions_are_differentiable_in_parameters() -> None:
    """q(t) = cos(√(k/m) t) from q = 1: dq/dk = −sin(ωt) t/(2 m ω)."""
    system = symlnn.load_system("harmonic_oscillator")

    def end(k: jax.Array) -> jax.Array:
        dynamics = symlnn.SymbolicDynamics(system, {"k": k, "m": 1.0})
        return symlnn.simulate(
            dynamics, jnp.array([1.0]), jnp.array([0.0]), times=jnp.array([0.0, 1.0]), max_steps=1000
        ).q[-1, 0]

    np.testing.assert_allclose(jax.grad(end)(jnp.asarray(4.0)), -np.sin(2.0) / 4, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "exactly one"),
        ({"duration": 1.0, "times": jnp.zeros(2)}, "exactly one"),
        ({"duration": -1.0}, "must be positive"),
        ({"duration": 1.0, "rate": 0.0}, "must be positive"),
    ],
)
def test_wrong_arguments(oscillator: symlnn.SymbolicDynamics, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        symlnn.simulate(oscillator, jnp.zeros(1), jnp.zeros(1), **arguments)


def test_a_batch_has_one_leading_axis(oscillator: symlnn.SymbolicDynamics) -> None:
    with pytest.raises(ValueError, match="one shape"):
        symlnn.simulate(oscillator, jnp.zeros((2, 1, 1)), jnp.zeros((2, 1, 1)), duration=1.0)
