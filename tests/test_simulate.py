"""Roll-outs against known motions, and failure as a result."""

from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

import symlnn
from symlnn._inputs import SampledInputs
from symlnn._integrator import Integrator
from symlnn._results import RESULTS
from symlnn._simulate import flow

ONE, ZERO = jnp.array([1.0]), jnp.array([0.0])


@pytest.fixture(scope="module")
def oscillator() -> symlnn.SymbolicDynamics:
    """q̈ = −4 q."""
    return symlnn.SymbolicDynamics(symlnn.load_system("harmonic_oscillator"))


def test_harmonic_motion(oscillator: symlnn.SymbolicDynamics) -> None:
    out = symlnn.simulate(oscillator, (ONE, ZERO), duration=10.0, rate=10.0)
    assert bool(out.successful)
    np.testing.assert_allclose(out.q[:, 0], np.cos(2 * out.t), atol=1e-6)  # rtol 1e-8 over three periods
    np.testing.assert_allclose(out.v[:, 0], -2 * np.sin(2 * out.t), atol=1e-6)


def test_constant_steps_of_a_batch_at_given_times(oscillator: symlnn.SymbolicDynamics) -> None:
    times = jnp.linspace(0.0, 1.0, 11)
    start = jnp.array([[1.0], [2.0]]), jnp.zeros((2, 1))
    out = symlnn.simulate(oscillator, start, times=times, integrator=Integrator(diffrax.Tsit5(), step=1e-3))
    assert out.q.shape == (2, 11, 1)
    np.testing.assert_allclose(out.q[1, :, 0], 2 * np.cos(2 * times), atol=1e-9)  # (2 · 10⁻³)⁴, the interpolation's


def test_dense_output(oscillator: symlnn.SymbolicDynamics) -> None:
    out = symlnn.simulate(oscillator, (ONE, ZERO), duration=1.0, integrator=Integrator(dense=True, max_steps=1000))
    assert out.dense is not None
    q, _ = out.dense(jnp.asarray(0.123))
    np.testing.assert_allclose(q[0], np.cos(0.246), atol=1e-6)


class Driven(symlnn.AbstractSecondOrderDynamics):
    """q̈ = u + t: q = q₀ + v₀ τ + u τ²/2 + (t³ − t₀³)/6 − t₀² τ/2 over τ = t − t₀."""

    def acceleration(self, q: jax.Array, v: jax.Array, m: object = None, u: Any = None, t: Any = 0.0) -> jax.Array:
        return u + jnp.broadcast_to(t, q.shape)


def driven(t: jax.Array, first: float, u: float) -> np.ndarray:
    """q of `Driven` from rest at zero."""
    tau = np.asarray(t) - first
    return u * tau**2 / 2 + (np.asarray(t) ** 3 - first**3) / 6 - first**2 * tau / 2


def test_a_motion_starts_at_the_time_of_its_state() -> None:
    rest = np.zeros((2, 1))
    start = symlnn.States.of(rest, rest, u=np.array([[1.0], [2.0]]), t=3.0)
    out = symlnn.simulate(Driven(), start, duration=1.0, rate=4.0)
    np.testing.assert_allclose(out.t, [3.0, 3.25, 3.5, 3.75, 4.0])
    for motion, u in enumerate((1.0, 2.0)):
        np.testing.assert_allclose(out.q[motion, :, 0], driven(out.t, 3.0, u), atol=1e-7)  # rtol 1e-8, q of about 2
    unequal = symlnn.States.of(rest, rest, u=np.ones(1), t=np.array([0.0, 1.0]))
    with pytest.raises(ValueError, match="start at different times"):
        symlnn.simulate(Driven(), unequal, duration=1.0)
    out = symlnn.simulate(Driven(), unequal, times=jnp.array([1.0, 2.0]))
    np.testing.assert_allclose(out.q[0], out.q[1])


@pytest.mark.slow
@pytest.mark.parametrize("batch", [(), (2,)])
def test_inputs_of_every_kind(batch: tuple[int, ...]) -> None:
    """Held constant, sampled, and a function: u = 2 in all of them, of one motion and of two."""
    times = jnp.array([0.0, 1.0])
    start = jnp.zeros((*batch, 1)), jnp.zeros((*batch, 1))
    kinds = [
        jnp.array([2.0]),
        jnp.full((*batch, 1), 2.0),
        SampledInputs(times, jnp.full((2, 1), 2.0)),
        SampledInputs(times, jnp.full((*batch, 2, 1), 2.0)),
        lambda t, q, v: jnp.array([2.0]),
    ]
    for u in kinds:
        out = symlnn.simulate(Driven(), start, times=times, u=u)
        np.testing.assert_allclose(out.q[..., -1, 0], driven(times, 0.0, 2.0)[-1], atol=1e-7)
    ramp = SampledInputs(times, jnp.broadcast_to(jnp.array([[0.0], [6.0]]), (*batch, 2, 1)))
    out = symlnn.simulate(Driven(), start, times=times, u=ramp)
    np.testing.assert_allclose(out.q[..., -1, 0], 7 / 6, atol=1e-7)  # q̈ = 7 t
    for wrong in (jnp.ones((3, 1)), SampledInputs(times, jnp.ones((3, 2, 1)))):
        with pytest.raises(ValueError, match="The inputs u have the shape"):
            symlnn.simulate(Driven(), start, times=times, u=wrong)


def test_the_flow_takes_inputs_in_the_time_of_its_state() -> None:
    """From t = 3: those of the state, held, and samples u = t; the interval is data, and may be traced."""
    state = symlnn.States.of(np.zeros(1), np.zeros(1), u=np.array([2.0]), t=3.0)
    samples = SampledInputs(jnp.array([0.0, 10.0]), jnp.array([[0.0], [10.0]]))

    @jax.jit
    def end(interval: jax.Array) -> tuple[jax.Array, jax.Array]:
        def of(u: SampledInputs | None) -> jax.Array:
            adjoint = diffrax.ForwardMode()
            q, _ = flow(
                Driven(), state, interval=interval, count=2, solver=diffrax.Tsit5(), substeps=1, adjoint=adjoint, u=u
            )
            return q[-1, 0]

        return of(None), of(samples)

    for interval in (0.1, 0.5):
        held, sampled = end(jnp.asarray(interval))
        t = 3 + 2 * jnp.asarray(interval)
        np.testing.assert_allclose(held, driven(t, 3.0, 2.0), rtol=1e-12)  # polynomials of degree 3: exact
        np.testing.assert_allclose(sampled, 2 * driven(t, 3.0, 0.0), rtol=1e-12)


class Explosive(symlnn.AbstractSecondOrderDynamics):
    """q̈ = 2 q³, whose solution 1/(1 − t) from q = 1, v = 1 ends at t = 1."""

    def acceleration(
        self, q: jax.Array, v: jax.Array, m: object = None, u: object = None, t: object = 0.0
    ) -> jax.Array:
        return 2 * q**3


def is_code(rollout: symlnn.Rollout, *codes: Any) -> np.ndarray:
    """For each motion, whether its result is the code given for it."""
    of_each = [bool((rollout.result == code)[motion]) for motion, code in enumerate(codes)]
    return np.array(of_each)


def test_failure_is_a_result_and_disturbs_no_other() -> None:
    q, v = jnp.array([[1.0], [0.0], [jnp.nan], [jnp.inf]]), jnp.array([[1.0], [0.0], [0.0], [0.0]])
    out = symlnn.simulate(Explosive(), (q, v), duration=2.0, rate=10.0)
    np.testing.assert_array_equal(out.successful, [False, True, False, False])
    assert is_code(out, RESULTS.dt_min_reached, RESULTS.successful, RESULTS.not_finite, RESULTS.not_finite).all()
    np.testing.assert_allclose(out.q[0, :9, 0], 1 / (1 - out.t[:9]), rtol=1e-5)
    assert not np.isfinite(out.q[0, -1, 0])
    np.testing.assert_array_equal(out.q[1], 0.0)
    assert not np.isfinite(out.q[2:, 1:]).any()


def test_constant_steps_into_a_singularity_are_not_finite() -> None:
    start = jnp.array([[1.0], [0.0]]), jnp.array([[1.0], [0.0]])
    integrator = Integrator(diffrax.Euler(), step=0.1)
    out = symlnn.simulate(Explosive(), start, duration=4.0, rate=5.0, integrator=integrator)
    assert is_code(out, RESULTS.not_finite, RESULTS.successful).all()


class Massless(symlnn.AbstractLagrangian):
    """L = ½ (1 − q²) v² + q: at q = 1 the equation of motion is 0 · a = 1 + q v²."""

    def __call__(self, q: jax.Array, v: jax.Array, m: object = None, t: object = 0.0) -> jax.Array:
        return jnp.sum((1 - q**2) * v**2 / 2 + q)


def test_a_singular_equation_is_named() -> None:
    q, v = jnp.array([[1.0], [0.5], [jnp.nan]]), jnp.zeros((3, 1))
    out = symlnn.simulate(symlnn.EulerLagrange(Massless()), (q, v), duration=0.1, rate=10.0)
    assert is_code(out, RESULTS.singular, RESULTS.successful, RESULTS.not_finite).all()


@pytest.mark.parametrize("solver", [diffrax.SemiImplicitEuler(), diffrax.ImplicitEuler()])
def test_every_kind_of_solver_names_it(solver: diffrax.AbstractSolver) -> None:
    q, v = jnp.array([[1.0], [0.0]]), jnp.zeros((2, 1))
    integrator = Integrator(solver, step=0.01)
    out = symlnn.simulate(symlnn.EulerLagrange(Massless()), (q, v), duration=0.1, rate=10.0, integrator=integrator)
    assert is_code(out, RESULTS.singular, RESULTS.successful).all()


def test_motions_are_differentiable_in_parameters() -> None:
    """q(t) = cos(√(k/m) t) from q = 1: dq/dk = −sin(ωt) t/(2 m ω)."""
    system = symlnn.load_system("harmonic_oscillator")

    def end(k: jax.Array) -> jax.Array:
        dynamics = symlnn.SymbolicDynamics(system, {"k": k, "m": 1.0})
        integrator = Integrator(max_steps=1000)
        return symlnn.simulate(dynamics, (ONE, ZERO), times=jnp.array([0.0, 1.0]), integrator=integrator).q[-1, 0]

    np.testing.assert_allclose(jax.grad(end)(jnp.asarray(4.0)), -np.sin(2.0) / 4, rtol=1e-5)


def test_motions_through_a_checked_solve_are_differentiable() -> None:
    """The codes of `EulerLagrange` stand in no derivative's way: dq/dq₀ = cos ωt of a linear law."""

    class Oscillator(symlnn.AbstractLagrangian):
        def __call__(self, q: jax.Array, v: jax.Array, m: Any = None, t: object = 0.0) -> jax.Array:
            return jnp.sum(v**2 / 2 - 2 * q**2)

    law = symlnn.EulerLagrange(Oscillator())

    def end(q: jax.Array) -> jax.Array:
        integrator = Integrator(max_steps=1000)
        return symlnn.simulate(law, (q, ZERO), times=jnp.array([0.0, 1.0]), integrator=integrator).q[-1, 0]

    np.testing.assert_allclose(jax.grad(end)(ONE), [np.cos(2.0)], rtol=1e-6)


def test_other_numbers_compile_nothing(compilations: list[str]) -> None:
    system = symlnn.load_system("harmonic_oscillator")

    def run(k: float, first: float, duration: float, tolerance: float) -> jax.Array:
        start = symlnn.States.of(np.array([[first], [1.0]]), np.array([[0.0], [first]]), t=first)
        dynamics = symlnn.SymbolicDynamics(system, {"k": k})
        integrator = Integrator(rtol=tolerance, atol=tolerance)
        return symlnn.simulate(dynamics, start, duration=duration, rate=10 / duration, integrator=integrator).q

    run(4.0, 0.0, 1.0, 1e-8).block_until_ready()
    assert any("_integrate" in message for message in compilations)
    compilations.clear()
    run(5.0, 0.5, 2.0, 1e-6).block_until_ready()
    assert compilations == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "exactly one"),
        ({"duration": 1.0, "times": jnp.zeros(2)}, "exactly one"),
        ({"duration": -1.0}, "must be positive"),
        ({"duration": jnp.inf}, "must be positive and finite"),
        ({"duration": 1.0, "rate": 0.0}, "must be positive"),
        ({"times": jnp.zeros(2)}, "finite and increase"),
        ({"times": jnp.array([0.0, jnp.nan])}, "finite and increase"),
        ({"times": jnp.zeros(1)}, "two instants or more"),
    ],
)
def test_wrong_arguments(oscillator: symlnn.SymbolicDynamics, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        symlnn.simulate(oscillator, (ZERO, ZERO), **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rtol": 0.0}, "rtol of an Integrator must be a positive"),
        ({"atol": -1.0}, "atol of an Integrator must be a positive"),
        ({"step": jnp.inf}, "step of an Integrator must be a positive"),
        ({"max_steps": 0}, "max_steps of an Integrator must be positive"),
        ({"solver": diffrax.Euler()}, "constant step=…, or the solver as diffrax.HalfSolver"),
        ({"solver": diffrax.Euler(), "controller": diffrax.PIDController(rtol=1, atol=1)}, "constant step=…"),
        ({"controller": diffrax.ConstantStepSize()}, "give the Integrator step"),
        ({"rtol": 1e-3, "controller": diffrax.PIDController(rtol=1e-3, atol=1)}, "tolerances of its own"),
    ],
)
def test_wrong_integrators(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Integrator(**arguments)


def test_a_solver_of_stochastic_equations_is_refused(oscillator: symlnn.SymbolicDynamics) -> None:
    with pytest.raises(ValueError, match="EulerHeun is one of stochastic equations"):
        symlnn.simulate(oscillator, (ONE, ZERO), duration=1.0, integrator=Integrator(diffrax.EulerHeun(), step=0.1))


def test_a_batch_has_one_leading_axis(oscillator: symlnn.SymbolicDynamics) -> None:
    with pytest.raises(ValueError, match="one shape"):
        symlnn.simulate(oscillator, (jnp.zeros((2, 1, 1)), jnp.zeros((2, 1, 1))), duration=1.0)


def test_dry_friction_ends_and_balances() -> None:
    """Coulomb's friction of 0.5 N within a width of 1e-3 m/s on a cart of 1 kg with a spring, for 100 s: it comes to
    rest within the band |k x| ≤ c, and the work of friction is what the energy loses."""
    x, t = dynamicsymbols("x"), dynamicsymbols._t
    system = symlnn.System(
        name="cart",
        coordinates=(x,),
        lagrangian=x.diff(t) ** 2 / 2 - x**2,
        forces={x: -sp.tanh(1000 * x.diff(t)) / 2},
        states={x: symlnn.uniform(-1, 1), x.diff(t): symlnn.uniform(-1, 1)},
    )
    law = symlnn.SymbolicDynamics(system)
    power = symlnn.metrics.Power(law, 1.0)
    motion = symlnn.simulate(law, symlnn.States.of([1.0], [0.0]), duration=100.0, integrand=power)
    assert bool(motion.successful)
    assert abs(float(motion.q[-1, 0])) <= 0.25
    energy = jax.vmap(law.energy)(motion.q, motion.v)
    assert motion.integral is not None
    assert float(jnp.abs(energy - energy[0] - motion.integral).max()) < 1e-6
