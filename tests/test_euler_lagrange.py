"""The Euler–Lagrange equation: the paper's worked example and formula, and its invariances."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import symlnn
from symlnn import _symbolic


def test_falling_ball_step_by_step() -> None:
    """Appendix B of the paper: eqs. 10–12, then the accelerations (−g, 0), as exact expressions."""
    system = symlnn.load_system("falling_ball")
    m, g = system.parameters
    mass_matrix, bias = _symbolic.equation_of_motion(system.plain_lagrangian, system.q, system.v, system.t)
    assert mass_matrix == sp.ImmutableMatrix([[m, 0], [0, m]])
    assert bias == sp.ImmutableMatrix([m * g, 0])
    assert system.accelerations == (-g, 0)


def appendix_formula(lagrangian: Callable, q: jax.Array, v: jax.Array, m: jax.Array | None = None) -> jax.Array:
    """Appendix A of the paper, written out as there."""
    hessian = jax.hessian(lagrangian, 1)(q, v, m)
    mixed = jax.jacobian(jax.jacobian(lagrangian, 1), 0)(q, v, m)
    return jnp.linalg.pinv(hessian) @ (jax.grad(lagrangian, 0)(q, v, m) - mixed @ v)


@eqx.filter_jit
def of_both(lagrangian: symlnn.AbstractLagrangian, states: symlnn.States) -> tuple[jax.Array, jax.Array]:
    """Accelerations by our law, and by the formula."""
    law = symlnn.EulerLagrange(lagrangian)
    both = jax.vmap(lambda q, v, m: (law.acceleration(q, v, m), appendix_formula(lagrangian, q, v, m)))
    return both(states.q, states.v, states.m)


@pytest.mark.parametrize("name", ["double_pendulum", "charged_particle", "relativistic_particle", "n_pendulum"])
def test_agrees_with_the_appendix_on_symbolic_lagrangians(name: str, key: jax.Array) -> None:
    system = symlnn.load_system(name)
    lagrangian = symlnn.SymbolicLagrangian(system)
    states = symlnn.sample_states(system, 50, key=key)
    ours, theirs = of_both(lagrangian, states)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def random_network(system: symlnn.System, key: jax.Array) -> symlnn.MLPLagrangian:
    samples = eqx.filter_jit(symlnn.Stream.of(system))(key, 200)
    features = symlnn.Features(system.is_angle, symlnn.natural_scales(system, samples))
    return symlnn.MLPLagrangian(features, symlnn.Architecture(width=16, depth=2), key=key)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("pendulum", marks=pytest.mark.slow),
        "double_pendulum",
        pytest.param("n_pendulum", marks=pytest.mark.slow),
        "relativistic_particle",
    ],
)
def test_agrees_with_the_appendix_on_a_random_network(name: str, key: jax.Array) -> None:
    """Dense double derivatives cost digits where the random mass matrix is nearly singular, hence 1e-6."""
    system = symlnn.load_system(name)
    lagrangian = random_network(system, key)
    states = symlnn.sample_states(system, 50, key=key)
    ours, theirs = of_both(lagrangian, states)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


class Gauged(symlnn.AbstractLagrangian):
    """c L + dF/dt with F = sin(q₁) q₂ + t q₁²."""

    lagrangian: symlnn.AbstractLagrangian
    factor: jax.Array

    def __call__(self, q: jax.Array, v: jax.Array, m: jax.Array | None = None, t: jax.Array | float = 0.0) -> jax.Array:
        def primitive(q: jax.Array, t: jax.Array) -> jax.Array:
            return jnp.sin(q[0]) * q[-1] + t * q[0] ** 2

        time = jnp.asarray(t, q.dtype)
        _, total = jax.jvp(primitive, (q, time), (v, jnp.ones_like(time)))
        return self.factor * self.lagrangian(q, v, m, t) + total


numbers = st.floats(-3, 3)


@eqx.filter_jit
def plain_and_gauged(
    lagrangian: symlnn.AbstractLagrangian, factor: jax.Array, q: jax.Array, v: jax.Array, t: jax.Array
) -> list[jax.Array]:
    laws = map(symlnn.EulerLagrange, (lagrangian, Gauged(lagrangian, factor)))
    return [law.acceleration(q, v, None, None, t) for law in laws]


@settings(max_examples=25, deadline=None)
@given(st.lists(numbers, min_size=4, max_size=4), st.floats(0.1, 10.0), numbers)
def test_a_factor_and_a_total_derivative_change_nothing(state: list[float], factor: float, t: float) -> None:
    lagrangian = symlnn.SymbolicLagrangian(symlnn.load_system("double_pendulum"))
    arguments = map(jnp.asarray, (factor, state[:2], state[2:], t))
    plain, gauged = plain_and_gauged(lagrangian, *arguments)
    np.testing.assert_allclose(gauged, plain, rtol=1e-9, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.lists(numbers, min_size=4, max_size=4))
def test_the_mass_matrix_is_symmetric_and_that_of_sympy(state: list[float]) -> None:
    system = symlnn.load_system("double_pendulum")
    q, v = jnp.asarray(state[:2]), jnp.asarray(state[2:])
    twin = symlnn.EulerLagrange(symlnn.SymbolicLagrangian(system))
    matrix = twin.mass_matrix(q, v)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-14)
    np.testing.assert_allclose(matrix, symlnn.SymbolicDynamics(system).mass_matrix(q, v), atol=1e-12)
    np.testing.assert_allclose(twin.energy(q, v), symlnn.SymbolicDynamics(system).energy(q, v), atol=1e-10)


def test_accelerations_can_be_differentiated_in_the_parameters() -> None:
    """∂a/∂g of the pendulum is −sin θ / l."""
    system = symlnn.load_system("pendulum")

    def acceleration(g: jax.Array) -> jax.Array:
        dynamics = symlnn.SymbolicDynamics(system, {"g": g, "l": 2.0})
        return dynamics.acceleration(jnp.array([0.5]), jnp.array([1.0]))[0]

    np.testing.assert_allclose(jax.grad(acceleration)(jnp.array(9.8)), -np.sin(0.5) / 2, rtol=1e-12)


def test_a_missing_m_is_named() -> None:
    dynamics = symlnn.SymbolicDynamics(symlnn.load_system("relativistic_particle"))
    with pytest.raises(ValueError, match="m must hold g"):
        dynamics.acceleration(jnp.zeros(1), jnp.zeros(1))
    fixed = symlnn.SymbolicDynamics(symlnn.load_system("relativistic_particle"), {"g": 2.0})
    np.testing.assert_allclose(fixed.acceleration(jnp.zeros(1), jnp.zeros(1)), [2.0])
    with pytest.raises(ValueError, match="no parameter 'h'"):
        symlnn.SymbolicDynamics(symlnn.load_system("relativistic_particle"), {"h": 2.0})


def test_a_wrong_shape_is_refused(pendulum: symlnn.System) -> None:
    """The import hook of the tests checks the named axes."""
    with pytest.raises(Exception, match="Type-check error"):
        symlnn.SymbolicDynamics(pendulum).acceleration(jnp.zeros(1), jnp.zeros(2))


def test_filter_jit_takes_a_method(double_pendulum: symlnn.System) -> None:
    dynamics = symlnn.SymbolicDynamics(double_pendulum)
    state = jnp.array([0.1, 0.2]), jnp.array([0.3, 0.4])
    np.testing.assert_allclose(eqx.filter_jit(dynamics.acceleration)(*state), dynamics.acceleration(*state), rtol=1e-12)


@pytest.mark.parametrize("name", ["double_pendulum", "relativistic_particle", "charged_particle"])
def test_the_legendre_transform_is_inverted(name: str, key: jax.Array) -> None:
    system = symlnn.load_system(name)
    momentum = symlnn.SymbolicMomentum(system)
    states = symlnn.sample_states(system, 20, key=key)
    v = 0.8 * states.v
    law = symlnn.SymbolicDynamics(system)

    @jax.jit
    @jax.vmap
    def there_and_back(q: jax.Array, v: jax.Array, m: jax.Array) -> list[jax.Array]:
        p = momentum(q, v, m)
        return [p, momentum.velocities(q, p, m, guess=0.9 * v), law.energy(q, v, m)]

    p, back, energy = there_and_back(states.q, v, states.m)
    np.testing.assert_allclose(back, v, rtol=1e-7, atol=1e-8)
    if name != "relativistic_particle":
        hamiltonian = jax.vmap(momentum.hamiltonian)(states.q, p, states.m)
        np.testing.assert_allclose(hamiltonian, energy, rtol=1e-7, atol=1e-8)
        closed = sp.lambdify([*system.q, *system.p, *system.parameters], system.hamiltonian, "numpy")
        values = list(momentum.dynamics.parameters.fixed.values())
        np.testing.assert_allclose(closed(*states.q.T, *p.T, *values), energy, rtol=1e-9)
    else:
        assert system.hamiltonian is None


def test_a_lagrangian_may_be_linear_in_its_coefficients(pendulum: symlnn.System) -> None:
    """Σₖ cₖ φₖ moves as the same sum in SymPy, is trained by its coefficients, and refuses what it does not know."""
    theta, omega = pendulum.coordinates[0], pendulum.coordinates[0].diff(pendulum.t)
    linear = symlnn.LinearLagrangian(pendulum, [omega**2 / 2, sp.cos(theta)], [2.0, 19.6])
    q, v = jnp.array([0.7]), jnp.array([-0.4])
    expected = symlnn.SymbolicDynamics(pendulum).acceleration(q, v)  # m = l = 1, g = 9.8
    np.testing.assert_allclose(symlnn.EulerLagrange(linear).acceleration(q, v), expected, rtol=1e-14)

    def squared(law: symlnn.LinearLagrangian) -> jax.Array:
        return jnp.sum(symlnn.EulerLagrange(law).acceleration(q, v) ** 2)

    slope = eqx.filter_grad(squared)(linear).coefficients
    # a = −(c₂/c₁) sin θ, so c₁ ∂/∂c₁ a² = −2 a² = −c₂ ∂/∂c₂ a²
    np.testing.assert_allclose(slope * linear.coefficients, jnp.array([-2.0, 2.0]) * expected**2, rtol=1e-12)
    with pytest.raises(ValueError, match="A term contains z"):
        symlnn.LinearLagrangian(pendulum, [sp.Symbol("z") * omega], [1.0])
    with pytest.raises(ValueError, match="1 terms and 2 coefficients"):
        symlnn.LinearLagrangian(pendulum, [omega**2], [1.0, 2.0])
