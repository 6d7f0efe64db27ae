"""Integrators that keep the geometry: their order, their invariants, and that they are symplectic."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symlnn
from symlnn import ImplicitMidpoint, Integrator, States, Variational
from symlnn._dynamics import Canonical

START = (jnp.array([1.0, -0.5]), jnp.array([0.3, 0.8]))


@pytest.fixture(scope="module")
def law() -> symlnn.SymbolicDynamics:
    return symlnn.SymbolicDynamics(symlnn.load_system("double_pendulum"))


@pytest.fixture(scope="module")
def hamilton() -> symlnn.Hamilton:
    """The same motion, in H(q, p)."""
    momentum = symlnn.SymbolicMomentum(symlnn.load_system("double_pendulum"))

    class Exact(symlnn.AbstractHamiltonian):
        def __call__(self, q, p, m=None, t=0.0):  # type: ignore[no-untyped-def]
            return momentum.hamiltonian(q, p, m, t)

    return symlnn.Hamilton(Exact(), momentum)


def end(dynamics: symlnn.AbstractDynamics, integrator: Integrator, duration: float = 1.0) -> jax.Array:
    found = symlnn.simulate(dynamics, START, times=jnp.array([0.0, duration]), integrator=integrator)
    assert found.successful, found.reasons
    return found.q[-1]


@pytest.mark.parametrize("solver", [Variational(), ImplicitMidpoint()])
def test_the_order_is_two(law: symlnn.SymbolicDynamics, solver: Variational | ImplicitMidpoint) -> None:
    exact = end(law, Integrator(rtol=1e-12))
    coarse, fine = (float(jnp.abs(end(law, Integrator(solver, step=h)) - exact).max()) for h in (0.02, 0.01))
    assert 3.5 < coarse / fine < 4.5


def test_the_variational_one_is_the_midpoint_rule_of_the_hamiltonian(
    law: symlnn.SymbolicDynamics, hamilton: symlnn.Hamilton
) -> None:
    of_l = end(law, Integrator(Variational(), step=0.02), 0.1)
    of_h = end(hamilton, Integrator(ImplicitMidpoint(), step=0.02), 0.1)
    np.testing.assert_allclose(of_l, of_h, atol=1e-9)


def test_it_is_symplectic(law: symlnn.SymbolicDynamics) -> None:
    """The derivative D of (q₀, p₀) ↦ (q₁, p₁) keeps dq ∧ dp: Dᵀ J D = J."""
    canonical = Canonical(law, jnp.ones(2))
    solver = Variational()
    q, p, v = canonical.initial_state(*START)

    def step(z: jax.Array) -> jax.Array:
        y = solver.step(canonical.terms(solver), 0.0, 0.05, (z[:2], z[2:], v), (None, None), None, False)[0]
        return jnp.concatenate(y[:2])

    z, form = jnp.concatenate([q, p]), np.block([[np.zeros((2, 2)), np.eye(2)], [-np.eye(2), np.zeros((2, 2))]])
    # central differences, as no derivative goes through the loop of Newton's method backwards
    slope = jax.vmap(lambda e: (step(z + 1e-5 * e) - step(z - 1e-5 * e)) / 2e-5)(jnp.eye(4)).T
    np.testing.assert_allclose(slope.T @ form @ slope, form, atol=1e-8)


def energy_drift(law: symlnn.AbstractDynamics, integrator: Integrator, start: tuple, duration: float) -> float:
    """The slope of a line through the energy, times the duration, in units of how much it oscillates."""
    motion = symlnn.simulate(law, start, duration=duration, rate=20.0, integrator=integrator)
    energy = np.asarray(jax.vmap(law.energy)(motion.q, motion.v))  # type: ignore[attr-defined]
    slope = np.polyfit(np.linspace(-1, 1, len(energy)), energy, 1)[0]
    return 2 * abs(slope) / energy.std()


def test_the_energy_does_not_drift() -> None:
    """Over 8,000 steps the energy oscillates; under a method of the same order it runs away."""
    pendulum = symlnn.SymbolicDynamics(symlnn.load_system("pendulum"))
    start = (jnp.array([2.0]), jnp.zeros(1))
    assert energy_drift(pendulum, Integrator(Variational(), step=0.05), start, 400.0) < 0.05
    assert energy_drift(pendulum, Integrator(diffrax.Heun(), step=0.05), start, 400.0) > 1.0


def test_the_momentum_of_a_symmetry_is_kept_to_rounding() -> None:
    """p_φ = m r² φ̇ of Kepler's problem, which no motion of the discrete equations changes."""
    kepler = symlnn.SymbolicDynamics(symlnn.load_system("kepler"))
    start = (jnp.array([1.0, 0.0]), jnp.array([0.2, 1.1]))
    motion = symlnn.simulate(kepler, start, duration=20.0, rate=10.0, integrator=Integrator(Variational(), step=0.02))
    momentum = jax.vmap(kepler.momenta)(motion.q, motion.v)[:, 1]
    np.testing.assert_allclose(momentum, momentum[0], rtol=1e-11)


def test_forces_and_time_are_in_it() -> None:
    """A driven, damped pendulum; of order two as well."""
    driven = symlnn.SymbolicDynamics(symlnn.load_system("driven_damped_pendulum"))
    start, times = (jnp.array([0.5]), jnp.array([1.0])), jnp.array([0.0, 3.0])

    def last(integrator: Integrator) -> jax.Array:
        return symlnn.simulate(driven, start, times=times, integrator=integrator).q[-1]

    exact = last(Integrator(rtol=1e-12))
    coarse, fine = (float(jnp.abs(last(Integrator(Variational(), step=h)) - exact)[0]) for h in (0.04, 0.02))
    assert 3.5 < coarse / fine < 4.5


@pytest.mark.parametrize(
    ("name", "arguments", "step"),
    [
        ("pendulum_cartesian", {"n": 1}, 0.02),
        pytest.param("pendulum_cartesian", {"n": 2}, 0.02, marks=pytest.mark.slow),
        pytest.param("four_bar_linkage", {}, 4e-3, marks=pytest.mark.slow),
    ],
)
def test_constraints_hold_and_the_order_is_two(name: str, arguments: dict[str, int], step: float) -> None:
    """To rounding at every step and between; against a method of high order."""
    system = symlnn.load_system(name, **arguments)
    law, start = symlnn.SymbolicDynamics(system), symlnn.sample_states(system, 2, key=jax.random.key(3), initial=True)
    times = jnp.array([0.0, 0.3 * step, 50 * step])
    exact = symlnn.simulate(law, start, times=times, integrator=Integrator(rtol=1e-11)).q[:, -1]
    errors = []
    for h in (step, step / 2):
        found = symlnn.simulate(law, start, times=times, integrator=Integrator(Variational(), step=h))
        assert found.successful.all()
        assert symlnn.metrics.constraint_drift(system, found, start).max() < 1e-12
        errors.append(float(jnp.abs(found.q[:, -1] - exact).max()))
    assert 3.5 < errors[0] / errors[1] < 4.5


@pytest.mark.slow
def test_the_energy_does_not_drift_with_constraints() -> None:
    """Of a rod in Cartesian coordinates, over 8,000 steps."""
    system = symlnn.load_system("pendulum_cartesian", n=1)
    start = symlnn.sample_states(system, 1, key=jax.random.key(3), initial=True)[0]
    integrator = Integrator(Variational(), step=0.02)
    assert energy_drift(symlnn.SymbolicDynamics(system), integrator, (start.q, start.v), 160.0) < 0.05


@pytest.mark.parametrize(
    ("name", "message"),
    [("chaplygin_sleigh", "some on velocities alone"), ("pendulum_cartesian", "no Baumgarte's terms")],
)
def test_constraints_that_it_cannot_keep_are_said(name: str, message: str) -> None:
    """Those on velocities, under which no action is stationary, and those that accelerations lead back to."""
    system = symlnn.load_system(name)
    known = symlnn.SymbolicConstraints.of(system)
    assert known is not None
    led = symlnn.Baumgarte(known, 5.0) if "Baumgarte" in message else None
    law = symlnn.SymbolicDynamics(system, constraints=led)
    start = symlnn.sample_states(system, 1, key=jax.random.key(0), initial=True)
    with pytest.raises(ValueError, match=message):
        symlnn.simulate(law, start, duration=0.1, rate=10.0, integrator=Integrator(Variational(), step=0.05))


def test_a_learned_lagrangian_moves_too() -> None:
    """L + 0.3 q·v, which moves as L does, through its own discrete equation."""

    class Learned(symlnn.AbstractLagrangian):
        def __call__(self, q, v, m=None, t=0.0):  # type: ignore[no-untyped-def]
            return v @ v / 2 + jnp.cos(q).sum() + 0.3 * q @ v

    learned = symlnn.EulerLagrange(Learned())
    times = jnp.linspace(0.0, 5.0, 6)
    exact = symlnn.simulate(learned, START, times=times, integrator=Integrator(rtol=1e-12))
    found = symlnn.simulate(learned, START, times=times, integrator=Integrator(Variational(), step=1e-3))
    np.testing.assert_allclose(found.q, exact.q, atol=1e-5)
    np.testing.assert_allclose(found.v, exact.v, atol=1e-5)
    many = symlnn.simulate(
        learned,
        States.of(jnp.stack([START[0]] * 3), jnp.stack([START[1]] * 3)),
        times=times,
        integrator=Integrator(Variational(), step=1e-3),
    )
    np.testing.assert_allclose(many.q[2], found.q, atol=1e-12)


def test_what_it_cannot_move_is_said() -> None:
    fall = symlnn.DirectAcceleration(lambda q, v, m, u, t: -jnp.ones_like(q))
    with pytest.raises(ValueError, match="needs a Lagrangian, which DirectAcceleration has not"):
        symlnn.simulate(fall, START, duration=1.0, integrator=Integrator(Variational(), step=0.1))
    with pytest.raises(ValueError, match="does not estimate its error"):
        Integrator(Variational())
    pendulum = symlnn.SymbolicDynamics(symlnn.load_system("pendulum"))
    start = States.of([[1.0], [jnp.nan]], [[0.0], [0.0]])
    found = symlnn.simulate(pendulum, start, duration=1.0, integrator=Integrator(Variational(), step=0.1))
    np.testing.assert_array_equal(found.successful, [True, False])
