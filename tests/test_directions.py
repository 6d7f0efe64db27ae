"""Laws with constraints are recovered from what is told in the directions that these leave free."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

import symlnn
from symlnn._recover._directions import Directions, Guides, obeying
from symlnn._recover._terms import Points

NAMES = ["pendulum_cartesian", "four_bar_linkage", "chaplygin_sleigh", "rolling_disc"]


def drawn(system: symlnn.System, count: int, noise: float = 0.0) -> symlnn.Samples:
    states = symlnn.sample_states(system, count, key=jax.random.key(0))
    a = np.asarray(symlnn.accelerations(symlnn.SymbolicDynamics(system), states))
    return symlnn.Samples(states, jnp.asarray(a + noise * a.std(0) * np.random.default_rng(0).normal(size=a.shape)))


@pytest.mark.parametrize("name", NAMES)
def test_the_free_directions_are_those_of_the_law(name: str) -> None:
    """A N = 0, a = a₀ + N α, and what constraints do not obey is moved to where they hold."""
    system = symlnn.load_system(name)
    samples = drawn(system, 50)
    points, sizes = Points.of(samples.states), np.linspace(0.5, 2.0, system.dof)
    directions = Directions.of(system, points, sizes)
    assert directions.free.shape == (50, system.dof, system.dof - system.constraint_rank)
    known = symlnn.SymbolicConstraints.of(system)
    assert known is not None
    at = jax.vmap(known)(samples.states.q, samples.states.v, samples.states.m, samples.states.t)
    np.testing.assert_allclose(np.asarray(at.matrix) @ directions.free, 0.0, atol=1e-11)
    a = np.asarray(samples.a)
    np.testing.assert_allclose(directions.obeying(a), a, rtol=1e-8, atol=1e-8 * np.abs(a).max())
    moved = obeying(system, dataclasses.replace(points, q=points.q + 1e-2, v=points.v + 1e-1))
    at = jax.vmap(known)(*map(jnp.asarray, (moved.q, moved.v, moved.m, moved.t)))
    np.testing.assert_allclose(at.position, 0.0, atol=1e-10)
    np.testing.assert_allclose(at.rate, 0.0, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_projections_change_as_they_do_along_a_motion(name: str) -> None:
    """Ṗ against central differences along the velocity, to their error."""
    system = symlnn.load_system(name)
    points, sizes, h = Points.of(drawn(system, 20).states), np.linspace(0.5, 2.0, system.dof), 1e-5
    ahead, behind = (
        Guides.of(system, dataclasses.replace(points, q=points.q + s * h * points.v, t=points.t + s * h), sizes).p
        for s in (1, -1)
    )
    change = Guides.of(system, points, sizes).change
    np.testing.assert_allclose((ahead - behind) / (2 * h), change, atol=1e-6 * max(1.0, np.abs(change).max()))


@pytest.mark.parametrize("noise", [pytest.param(0.0, marks=pytest.mark.slow), 0.05])
@pytest.mark.parametrize(
    ("name", "arguments", "other"),
    [
        ("pendulum_cartesian", {"n": 1}, "g"),
        ("chaplygin_sleigh", {}, "m"),
        pytest.param("four_bar_linkage", {}, "g", marks=pytest.mark.slow),
        pytest.param("pendulum_cartesian", {"n": 2}, "g", marks=pytest.mark.slow),
    ],
)
def test_laws_are_recovered_from_accelerations(name: str, arguments: dict, other: str, noise: float) -> None:
    """And a law with another value of a parameter is not equivalent."""
    system = symlnn.load_system(name, **arguments)
    found = symlnn.recover(system, drawn(system, 400, noise))
    assert found.explained, found.diagnosis
    assert symlnn.equivalent(system, found.system(), tolerance=noise)
    value = next(p.value for symbol, p in system.parameters.items() if symbol.name == other)
    changed = system.with_parameters({other: 1.3 * value})
    assert not symlnn.equivalent(changed, found.system(), tolerance=noise)


@pytest.mark.slow
def test_a_pendulum_is_recovered_from_positions() -> None:
    """Of a bob, x and y, with noise of a thousandth; its rod is known."""
    system = symlnn.load_system("pendulum_cartesian", n=1)
    start = symlnn.sample_states(system, 6, key=jax.random.key(1))
    motion = symlnn.simulate(symlnn.SymbolicDynamics(system), start, duration=6.0, rate=50.0)
    random = np.random.default_rng(0)
    runs = [
        symlnn.Run(f"r{k}", np.asarray(motion.t), q + 1e-3 * random.normal(size=q.shape))
        for k, q in enumerate(np.asarray(motion.q))
    ]
    found = symlnn.recover(system, symlnn.Motions.of(system, runs))
    assert found.explained, found.diagnosis
    assert symlnn.equivalent(system, found.system(), tolerance=0.01)


def test_a_free_parameter_in_a_constraint_is_refused() -> None:
    """Constraints are known: what they hold cannot be one of the numbers that are looked for."""
    system = symlnn.load_system("pendulum_cartesian", n=1)
    freed = {
        symbol: dataclasses.replace(p, free=True) if symbol.name == "l" else p
        for symbol, p in system.parameters.items()
    }
    with pytest.raises(ValueError, match="The parameter l is free and stands in a constraint"):
        symlnn.recover(dataclasses.replace(system, parameters=freed), drawn(system, 50))


def test_laws_of_rods_of_other_lengths_are_refused() -> None:
    system = symlnn.load_system("pendulum_cartesian", n=1)
    with pytest.raises(ValueError, match="different coordinates, inputs or constraints"):
        symlnn.equivalent(system, system.with_parameters({"l": 2.0}))


def test_other_constraints_are_refused() -> None:
    system = symlnn.load_system("pendulum_cartesian", n=1)
    x, y = system.coordinates
    longer = dataclasses.replace(system, constraints=(x**2 + y**2 - sp.Integer(4),))
    with pytest.raises(ValueError, match="different coordinates, inputs or constraints"):
        symlnn.equivalent(system, longer)
