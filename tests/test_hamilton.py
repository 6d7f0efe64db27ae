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
    return symlnn.Hamilton(Legendre(momentum), momentum, forces, symlnn.SymbolicConstraints.of(system))


@pytest.mark.parametrize("name", ["double_pendulum", "charged_particle", "relativistic_particle_paper"])
def test_agrees_with_the_oracle(name: str, key: jax.Array) -> None:
    system = symlnn.load_system(name)
    s = symlnn.sample_states(system, 200, key=key)
    expected = jax.vmap(symlnn.SymbolicDynamics(system).acceleration)(s.q, s.v, s.m, s.u, s.t)
    found = eqx.filter_jit(eqx.filter_vmap(true_flow(system).acceleration))(s.q, s.v, s.m, s.u, s.t)
    # the inverse of the momentum map has a relative tolerance of 1e-10, which near v = c is a larger one of v
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * float(jnp.abs(expected).max()))


@pytest.mark.parametrize(
    "name",
    [
        "chaplygin_sleigh",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("pendulum_cartesian", "rolling_disc", "four_bar_linkage", "slider_crank")
        ),
    ],
)
def test_constraints_act_on_momenta_as_on_accelerations(name: str, key: jax.Array) -> None:
    """ṗ = −∂H/∂q + Q + Aᵀλ with the multipliers of the bordered equation, for holonomic and rolling constraints."""
    system = symlnn.load_system(name)
    s = symlnn.sample_states(system, 50, key=key)
    expected = jax.vmap(symlnn.SymbolicDynamics(system).acceleration)(s.q, s.v, s.m, s.u, s.t)
    found = eqx.filter_jit(eqx.filter_vmap(true_flow(system).acceleration))(s.q, s.v, s.m, s.u, s.t)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8 * float(jnp.abs(expected).max()))


class Particles(symlnn.AbstractHamiltonian):
    """H = Σᵢ pᵢ²/(2 mᵢ) + g mᵢ yᵢ of q = (x₁, y₁, x₂, …)."""

    masses: jax.Array
    gravity: float

    def __call__(self, q: jax.Array, p: jax.Array, m: jax.Array | None = None, t: object = 0.0) -> jax.Array:
        return jnp.sum(p**2 / jnp.repeat(self.masses, 2)) / 2 + self.gravity * self.masses @ q[1::2]


def chain(masses: list[float]) -> tuple[symlnn.System, symlnn.Hamilton]:
    """Links in Cartesian coordinates, and what particles of these masses would do instead."""
    system = symlnn.load_system("pendulum_cartesian", n=len(masses))
    gravity = float(next(p.value for s, p in system.parameters.items() if s.name == "g"))
    rods, known = symlnn.SymbolicConstraints.of(system), symlnn.SymbolicMomentum(system)
    return system, symlnn.Hamilton(Particles(jnp.array(masses), gravity), known, constraints=rods)


@pytest.mark.slow
def test_motions_of_a_hamiltonian_keep_constraints(key: jax.Array) -> None:
    system, flow = chain([1.0, 1.0])
    start = symlnn.sample_states(system, 3, key=key, initial=True)
    truth = symlnn.simulate(symlnn.SymbolicDynamics(system), start, duration=1.0)
    motion = symlnn.simulate(flow, start, duration=1.0)
    assert motion.successful.all()
    assert symlnn.metrics.constraint_drift(system, motion, start).max() < 1e-10
    np.testing.assert_allclose(motion.q, truth.q, atol=1e-6)  # the integrators' tolerances of 1e-9, in a chaotic motion


def test_momenta_of_a_wrong_hamiltonian_are_kept_on_constraints(key: jax.Array) -> None:
    """Its velocities ∂H/∂p are none that the rods allow, and a shock by these makes them so: p + Aᵀμ."""
    system, law = chain([2.0, 0.3])
    state = symlnn.sample_states(system, 1, key=key)[0]
    q, p = law.initial_state(state.q, state.v)
    kept = law.onto_constraints(q, p)
    assert law.constraints is not None
    before, after = (law.constraints(q, law.velocities(q, x), None, 0.0) for x in (p, kept))
    size = float(jnp.abs(before.rate).max())
    assert size > 0.1
    assert float(jnp.abs(after.rate).max()) < 1e-12 * size
    shock = jnp.linalg.lstsq(after.matrix.T, kept - p)[0]
    np.testing.assert_allclose(after.matrix.T @ shock, kept - p, atol=1e-12)


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


def test_a_hamiltonian_without_mass_across_the_rods_says_so(key: jax.Array) -> None:
    """Its velocity ∂H/∂p does not depend on p, so that no force of the rods can turn it."""

    class Steady(symlnn.AbstractHamiltonian):
        def __call__(self, q: jax.Array, p: jax.Array, m: jax.Array | None = None, t: object = 0.0) -> jax.Array:
            return jnp.sum(p) - q @ q

    system, law = chain([1.0])
    law = symlnn.Hamilton(Steady(), law.momentum, constraints=law.constraints)
    start = symlnn.sample_states(system, 2, key=key)
    motion = symlnn.simulate(law, start, duration=0.1)
    assert (motion.result == symlnn.RESULTS.singular).all()
