"""Bodies on graphs, and lattices of the catalogue at any size."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sympy.physics.mechanics import dynamicsymbols

import symlnn
from symlnn import Network, normal

t = dynamicsymbols._t
q, r = dynamicsymbols("q r")
STATES = {q: normal(0, 1), q.diff(t): normal(0, 1)}


def chain(**changed: Any) -> Network:
    usual: dict[str, Any] = {
        "name": "chain",
        "bodies": 4,
        "coordinates": ((q,), (r,)),
        "body_lagrangian": q.diff(t) ** 2 / 2,
        "pair_lagrangian": -((r - q) ** 2) / 2,
        "edges": [(0, 1), (1, 2), (2, 3)],
        "states": STATES,
    }
    return Network(**(usual | changed))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("toda_lattice", {"n": 5}),
        pytest.param("toda_lattice", {"n": 4, "boundary": "free"}, marks=pytest.mark.slow),
        ("fput_chain", {"n": 4}),
        ("mass_spring_network", {"n": 4, "seed": 3}),
    ],
)
def test_large_and_small_networks_are_one(name: str, arguments: dict[str, Any]) -> None:
    """The compiled densities, for any n, against the system with symbols for every body."""
    lattice, system = symlnn.load_lattice(name, **arguments), symlnn.load_system(name, **arguments)
    law = symlnn.SparseEulerLagrange(symlnn.graph_lagrangian(lattice))
    truth = symlnn.SymbolicDynamics(system)
    positions, velocities = 0.3 * jax.random.normal(jax.random.key(0), (2, system.dof))
    pairs = [(law.acceleration, truth.acceleration), (law.energy, truth.energy)]
    (a, expected), energies = jax.jit(lambda q, v: [(f(q, v), g(q, v)) for f, g in pairs])(positions, velocities)
    np.testing.assert_allclose(a, expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(*energies, rtol=1e-12)


def test_a_chain_against_its_matrix() -> None:
    a = symlnn.SymbolicDynamics(chain().system()).acceleration(jnp.array([1.0, 0, 0, 2]), jnp.zeros(4))
    np.testing.assert_allclose(a, [-1, 1, 2, -2], rtol=1e-12)


def test_a_wall_holds_its_neighbour_to_zero() -> None:
    held = chain(edges=[(0, 1), (1, 2), (2, 3), (3, 4)])
    a = symlnn.SymbolicDynamics(held.system()).acceleration(jnp.array([0.0, 0, 0, 1]), jnp.zeros(4))
    np.testing.assert_allclose(a, [0, 0, 1, -2], rtol=1e-12)


def test_pairs_with_kinetic_energy_couple_velocities() -> None:
    """½(q̇ + ṙ)² on every edge beside ½q̇²: the sparse law solves for all bodies at once."""
    network = chain(pair_lagrangian=(q.diff(t) + r.diff(t)) ** 2 / 2 - (r - q) ** 2 / 2)
    law = symlnn.SparseEulerLagrange(symlnn.graph_lagrangian(network.lattice()))
    assert isinstance(law.solver, symlnn.DirectSolve | symlnn.PreconditionedGMRES)
    expected = symlnn.SymbolicDynamics(network.system()).acceleration(jnp.arange(4.0), jnp.ones(4))
    np.testing.assert_allclose(law.acceleration(jnp.arange(4.0), jnp.ones(4)), expected, rtol=1e-10, atol=1e-12)


def test_parameters_may_be_overridden_and_vary() -> None:
    lattice = symlnn.load_lattice("wave_equation", n=6)
    fast = symlnn.SparseEulerLagrange(symlnn.graph_lagrangian(lattice, {"c": 2.0}))
    slow = symlnn.SparseEulerLagrange(symlnn.graph_lagrangian(lattice))
    positions = jax.random.normal(jax.random.key(0), (6,))
    np.testing.assert_allclose(
        fast.acceleration(positions, positions), 4 * slow.acceleration(positions, positions), rtol=1e-12
    )
    varying = symlnn.load_system("wave_equation", n=4, varying=True)
    assert [symbol.name for symbol in varying.m] == ["c"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"edges": [(0, 9)]}, "names a site beyond"),
        ({"edges": [(4, 0)]}, "must begin at a body"),
        ({"edge_values": {dynamicsymbols._t: [1.0]}}, "must hold 3 numbers"),
        ({"states": {q: normal(0, 1)}}, "has no distribution"),
        ({"body_lagrangian": r.diff(t) ** 2}, "second end"),
        ({"initial_states": {r: normal(0, 1)}}, "initial_states names r"),
        ({"units": {r: "m"}}, "units names r"),
        ({"coordinates": ((q,), ())}, "as many coordinates"),
    ],
)
def test_bad_declarations(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        chain(**arguments)


def test_a_file_without_a_lattice() -> None:
    with pytest.raises(ValueError, match="defines no lattice"):
        symlnn.load_lattice("pendulum")
