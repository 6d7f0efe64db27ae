"""Explicit time, control inputs, forces and dissipation, from the declaration to the roll-out."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

import symlnn
from symlnn import Parameter, System, normal, uniform
from symlnn.metrics import Power, energy_scale, power_balance_errors

t = dynamicsymbols._t
x, tau = dynamicsymbols("x tau")
v = x.diff(t)
m, k, c, w = sp.symbols("m k c w", positive=True)


@pytest.fixture(scope="module")
def driven() -> System:
    """m ẍ = −(k + sin wt) x − c ẋ + τ, with the damping varying from sample to sample."""
    return System(
        name="driven",
        coordinates=(x,),
        units={x: "m"},
        lagrangian=m * v**2 / 2 - (k + sp.sin(w * t)) * x**2 / 2,
        parameters={m: 2.0, k: 4.0, c: Parameter(normal(0.5, 0.1), "kg/s"), w: 1.0},
        states={x: uniform(-1, 1), v: uniform(-1, 1)},
        dissipation=c * v**2 / 2,
        forces={x: tau},
        inputs={tau: uniform(-1, 1)},
        time=uniform(0, 3),
        duration=5.0,
        reference="test",
    )


def test_accelerations(driven: System) -> None:
    dynamics = symlnn.SymbolicDynamics(driven)
    q, u, time, damping = 0.3, 0.7, 1.3, 0.6
    a = dynamics.acceleration(jnp.array([q]), jnp.array([-0.2]), jnp.array([damping]), jnp.array([u]), time)
    np.testing.assert_allclose(a, [(-(4 + np.sin(time)) * q + 0.2 * damping + u) / 2], rtol=1e-12)
    assert symlnn.cross_check(driven, states=1000).passed


def test_nothing_is_conserved(driven: System) -> None:
    assert dict(driven.conserved_quantities) == {}
    assert not driven.conserves_energy


def test_inputs_are_asked_for(driven: System) -> None:
    dynamics = symlnn.SymbolicDynamics(driven)
    with pytest.raises(ValueError, match="control inputs tau"):
        dynamics.acceleration(jnp.zeros(1), jnp.zeros(1), jnp.ones(1))


def test_a_control_law_closes_the_loop(driven: System) -> None:
    """u = k x + sin(wt) x + c ẋ cancels every force, so the motion is uniform."""

    def control(time: jax.Array, q: jax.Array, v: jax.Array) -> jax.Array:
        return (4 + jnp.sin(time)) * q + 0.5 * v

    rollout = symlnn.simulate(
        symlnn.SymbolicDynamics(driven),
        symlnn.States.of([0.1], [0.2], m=[0.5]),
        duration=3.0,
        rate=2.0,
        u=control,
    )
    np.testing.assert_allclose(rollout.q[:, 0], 0.1 + 0.2 * rollout.t, atol=1e-7)


def test_the_power_balance_holds(driven: System) -> None:
    start = symlnn.sample_states(driven, 4, key=jax.random.key(0), initial=True)
    law, scale = symlnn.SymbolicDynamics(driven), energy_scale(driven)
    rollout = symlnn.simulate(law, start, duration=5.0, rate=4.0, integrand=Power(law, scale))
    assert power_balance_errors(driven, rollout, start, scale).max() < 1e-6
    with pytest.raises(ValueError, match="no integral of the power"):
        power_balance_errors(driven, symlnn.simulate(law, start, duration=5.0), start, scale)


def test_work_between_frames_is_not_missed() -> None:
    """Kapitza's pivot turns at 100 rad/s, three frames a turn: the trapezoidal rule was off by 0.17."""
    system = symlnn.load_system("kapitza_pendulum").with_parameters({"Omega": 100.0})
    bench = symlnn.Bench.of_system(system, test_states=100, trajectories=8, key=jax.random.key(0))
    assert bench.oracle.spread.final_max < 1e-6


@pytest.mark.slow
@pytest.mark.production
def test_a_model_learns_it_with_the_declared_forces(driven: System) -> None:
    for name in ("lnn", "nn"):
        model = symlnn.find_model(name, architecture=symlnn.Architecture(width=16, depth=2))
        assert symlnn.learn(driven, model, budget=symlnn.Budget(steps=400)).fit.lowest < 0.05


def test_gyroscopic_forces_do_no_work() -> None:
    y = dynamicsymbols("y")
    u = y.diff(t)
    system = System(
        name="gyro",
        coordinates=(x, y),
        lagrangian=(v**2 + u**2) / 2,
        states={z: uniform(-1, 1) for z in (x, y, v, u)},
        forces={x: u, y: -v},
    )
    assert list(system.conserved_quantities) == ["energy"]


def test_a_cyclic_coordinate_without_force_keeps_its_momentum() -> None:
    y = dynamicsymbols("y")
    system = System(
        name="partly",
        coordinates=(x, y),
        lagrangian=(v**2 + y.diff(t) ** 2) / 2,
        states={z: uniform(-1, 1) for z in (x, y, v, y.diff(t))},
        dissipation=v**2,
    )
    assert list(system.conserved_quantities) == ["momentum_y"]


def test_the_factor_of_a_lagrangian_divides_the_forces(driven: System) -> None:
    """Of exp(4 s) L with Q the accelerations are those of L with exp(−4 s) Q; without forces there is no factor."""
    learned = symlnn.find_model("lnn", architecture=symlnn.Architecture(width=8, depth=1))
    samples = symlnn.Stream.of(driven)(jax.random.key(0), 50)
    law: Any = symlnn.ModelSpec(learned, driven, symlnn.natural_scales(driven, samples)).build(jax.random.key(1))
    forces, scaled = law.forces, eqx.tree_at(lambda x: x.lagrangian.scale, law, jnp.asarray(0.5))
    weaker = symlnn.EulerLagrange(law.lagrangian, lambda *state: jnp.exp(-2.0) * forces(*state))
    ours, theirs = (symlnn.accelerations(x, samples.states) for x in (scaled, weaker))
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    free = symlnn.load_system("pendulum")
    scales = symlnn.natural_scales(free, symlnn.Stream.of(free)(jax.random.key(0), 50))
    unforced: Any = symlnn.ModelSpec(learned, free, scales).build(jax.random.key(1))
    assert isinstance(unforced.lagrangian, symlnn.MLPLagrangian)
