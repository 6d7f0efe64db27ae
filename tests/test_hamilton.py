"""Hamilton's equations against the Euler–Lagrange equation, seen through the momentum map."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symlnn


class Legendre(symlnn.AbstractHamiltonian):
    """The true Hamiltonian of a system, by the Legendre transform of its Lagrangian."""

    momentum: symlnn.SymbolicMomentum

    def __call__(self, q: jax.Array, p: jax.Array, m: jax.Array | None = None, t: object = 0.0) -> jax.Array:
        return self.momentum.hamiltonian(q, p, m, t)  # pyright: ignore[reportArgumentType]


def true_flow(system: symlnn.System) -> symlnn.Hamilton:
    momentum = symlnn.SymbolicMomentum(system)
    forces = symlnn.SymbolicForces(system) if system.has_forces else None
    return symlnn.Hamilton(Legendre(momentum), momentum, forces)


@pytest.mark.parametrize("name", ["double_pendulum", "charged_particle", "relativistic_particle_paper"])
def test_agrees_with_the_oracle(name: str, key: jax.Array) -> None:
    system = symlnn.load_system(name)
    s = symlnn.sample_states(system, 200, key=key)
    expected = jax.vmap(symlnn.SymbolicDynamics(system).acceleration)(s.q, s.v, s.m, s.u, s.t)
    found = eqx.filter_jit(eqx.filter_vmap(true_flow(system).acceleration))(s.q, s.v, s.m, s.u, s.t)
    # the inverse of the momentum map has a relative tolerance of 1e-10, which near v = c is a larger one of v
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * float(jnp.abs(expected).max()))


def test_momenta_near_the_speed_of_light_are_inverted(key: jax.Array) -> None:
    """From v = 0, where a full Newton step would leave the light cone."""
    for name in ("relativistic_particle", "relativistic_particle_paper"):
        momentum = symlnn.SymbolicMomentum(symlnn.load_system(name))
        v = jnp.array([0.0, 0.3, -0.9, 0.99, 0.9999])[:, None]
        g = jnp.ones((5, 1))
        p = jax.vmap(momentum)(jnp.zeros((5, 1)), v, g)
        back = jax.vmap(momentum.velocities)(jnp.zeros((5, 1)), p, g)
        np.testing.assert_allclose(back, v, atol=1e-10)


@pytest.mark.slow
def test_a_forced_system_with_explicit_time() -> None:
    import sympy as sp
    from sympy.physics.mechanics import dynamicsymbols

    t, x, force = dynamicsymbols._t, dynamicsymbols("x"), sp.Symbol("F")
    v = x.diff(t)
    system = symlnn.System(
        name="rocket",
        coordinates=(x,),
        # a mass that changes in time and depends on place: p depends on q, v and t
        lagrangian=(2 + sp.sin(t)) * (1 + x**2) * v**2 / 2 - x**2,
        forces={x: force},
        inputs={force: symlnn.uniform(-1, 1)},
        dissipation=v**2 / 4,
        states={x: symlnn.uniform(-1, 1), v: symlnn.uniform(-1, 1)},
        time=symlnn.uniform(0, 5),
        duration=5.0,
    )
    s = symlnn.sample_states(system, 50, key=jax.random.key(0))
    expected = jax.vmap(symlnn.SymbolicDynamics(system).acceleration)(s.q, s.v, s.m, s.u, s.t)
    flow = true_flow(system)
    found = eqx.filter_jit(eqx.filter_vmap(flow.acceleration))(s.q, s.v, s.m, s.u, s.t)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-8)
    times = jnp.linspace(1.0, 4.0, 31)
    q, v = jnp.array([0.5]), jnp.array([0.2])
    rollout = symlnn.simulate(flow, (q, v), times=times, u=s.u[0])
    truth = symlnn.simulate(symlnn.SymbolicDynamics(system), (q, v), times=times, u=s.u[0])
    np.testing.assert_allclose(rollout.q, truth.q, atol=1e-6)  # the integrators' tolerances of 1e-8, over 3 s
    np.testing.assert_allclose(rollout.v, truth.v, atol=1e-6)


def test_velocities_taken_for_momenta() -> None:
    """Right for a unit mass in Cartesian coordinates, and the identity from outside."""
    momentum = symlnn.ObservedMomentum()
    q, v = jnp.array([0.3]), jnp.array([0.7])
    np.testing.assert_array_equal(momentum(q, v), v)
    np.testing.assert_array_equal(momentum.velocities(q, v), v)
