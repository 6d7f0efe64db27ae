"""Graph networks: shared weights, exact symmetries, other sizes; and that a density is learned."""

from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symlnn
from symlnn import GraphAcceleration, NeighbourhoodMLP, graph_neighbourhoods, parameter_count

SMALL = symlnn.Architecture(width=16, depth=2)
SCALES = symlnn.SiteScales(q_mean=(0.5,), q=(1.0,), difference=(0.7,), v=(2.0,), a=(3.0,))


def density(*symmetries: str, members: int = 3, moving: int | None = None) -> symlnn.MLPDensity:
    return symlnn.MLPDensity(
        SCALES, SMALL, members=members, moving=moving, symmetries=symmetries, key=jax.random.key(0)
    )


def share(d: symlnn.MLPDensity, q: jax.Array, v: jax.Array) -> float:
    return float(d(q, v[: d.moving], jnp.zeros(0), None, 0.0))


def same(a: float, b: float) -> bool:
    return bool(np.isclose(a, b, rtol=1e-12))


@pytest.mark.parametrize("moving", [1, 3])
def test_symmetries_are_exact_where_asked_for(moving: int) -> None:
    q, v = jax.random.normal(jax.random.key(1), (2, 3, 1))
    plain = density(moving=moving)
    for symmetry, moved in {
        "translation": (q + 1.3, v),
        "reflection": (q[jnp.array([0, 2, 1])], v[jnp.array([0, 2, 1])]),
    }.items():
        kept = density(symmetry, moving=moving)
        assert same(share(kept, q, v), share(kept, *moved))
        assert not same(share(plain, q, v), share(plain, *moved))
        both = density("translation", "reflection", moving=moving)
        assert same(share(both, q, v), share(both, *moved))


def test_permutations_and_any_number_of_neighbours() -> None:
    d = density("permutation", members=5)
    q, v = jax.random.normal(jax.random.key(1), (2, 5, 1))
    order = jnp.array([0, 3, 1, 4, 2])
    assert same(share(d, q, v), share(d, q[order], v[order]))
    assert not same(share(d, q, v), share(d, q[::-1], v[::-1]))  # the centre is none of the neighbours
    assert np.isfinite(share(d, q[:3], v[:3]))
    plane = density("reflection", members=5)
    turned = jnp.array([0, 2, 1, 3, 4])  # left and right exchanged, above and below as they are
    assert same(share(plane, q, v), share(plane, q[turned], v[turned]))


def test_one_density_serves_sites_with_any_number_of_neighbours() -> None:
    """A star and a ring from the same weights, against the dense law."""
    d = density("permutation", members=4)
    for edges in ([(0, 1), (0, 2), (0, 3)], [(0, 1), (1, 2), (2, 3), (3, 0)]):
        groups = [symlnn.Neighbourhoods(rows) for rows in graph_neighbourhoods(4, edges)]
        lagrangian = symlnn.GraphLagrangian([d], groups, 4)
        q, v = jax.random.normal(jax.random.key(2), (2, 4))
        laws = symlnn.SparseEulerLagrange(lagrangian), symlnn.EulerLagrange(lagrangian)
        np.testing.assert_allclose(*(eqx.filter_jit(law.acceleration)(q, v) for law in laws), rtol=1e-9)


@pytest.mark.slow
def test_runs_on_other_sizes() -> None:
    """A state of period 8 moves on 8 sites as on 24."""
    ring, wider = (symlnn.load_lattice("wave_equation", n=n).graph for n in (8, 24))
    small = symlnn.GraphLagrangian([density()], symlnn.Neighbourhoods.of(ring), 8)
    q, v = jax.random.normal(jax.random.key(2), (2, 8))
    a = symlnn.SparseEulerLagrange(small)
    b = a.on(wider)
    accelerate = eqx.filter_jit(lambda law, q, v: law.acceleration(q, v))
    wide_q, wide_v = jnp.tile(q, 3), jnp.tile(v, 3)
    np.testing.assert_allclose(accelerate(b, wide_q, wide_v), jnp.tile(accelerate(a, q, v), 3), rtol=1e-9)
    network = NeighbourhoodMLP(SCALES, SMALL, 1, members=3, moving=3, key=jax.random.key(0))
    direct = GraphAcceleration(network, symlnn.Neighbourhoods.of(ring), 8)
    wide = direct.on(wider)
    np.testing.assert_allclose(
        wide(wide_q, wide_v, None, None, 0.0), jnp.tile(direct(q, v, None, None, 0.0), 3), rtol=1e-12
    )


@pytest.mark.slow
@pytest.mark.production
def test_learns_a_chain() -> None:
    """Of odd springs between walls, whose direction its edges tell."""
    system = symlnn.load_system("fput_chain", n=3)
    recipe = symlnn.Recipe.single(symlnn.FirstOrder(chunk=50))
    learned = symlnn.learn(
        system, symlnn.find_model("lgn", architecture=SMALL, recipe=recipe), budget=symlnn.Budget(steps=150)
    )
    assert learned.fit.lowest < 0.2
    model = learned.dynamics
    assert parameter_count(model) < 3000  # as many for any number of sites
    assert isinstance(model, symlnn.SparseEulerLagrange)
    assert system.graph is not None
    for group, (_, attributes) in zip(model.lagrangian.groups, system.graph.groups(), strict=True):
        assert attributes.size > 0
        np.testing.assert_array_equal(group.attributes, attributes)  # what is declared is not trained


def test_a_fixed_boundary_is_whole() -> None:
    """The shares of the places at rest beside the ends belong to a learned Lagrangian as to the declared one."""
    system = symlnn.load_system("wave_equation", n=4, boundary="fixed")
    assert system.graph is not None
    assert system.graph.sites == 4
    assert [row[0] for row in system.graph.neighbourhoods] == [4, 0, 1, 2, 3, 4]
    samples = eqx.filter_jit(symlnn.Stream.of(system))(jax.random.key(0), 100)
    scales = symlnn.natural_scales(system, samples)
    assert symlnn.SiteScales.measured(samples, system.graph).q[0] > 0
    for model in ("lgn", "gnn"):
        law = symlnn.ModelSpec(symlnn.find_model(model, architecture=SMALL), system, scales).build(jax.random.key(1))
        q, v = samples.states.q[0], samples.states.v[0]
        assert eqx.filter_jit(law.acceleration)(q, v).shape == (4,)


def test_saved_networks_know_their_graph(tmp_path: Path) -> None:
    system = symlnn.load_system("wave_equation", n=4)
    samples = eqx.filter_jit(symlnn.Stream.of(system))(jax.random.key(0), 100)
    model = symlnn.find_model("lgn", architecture=SMALL)
    spec = symlnn.ModelSpec(model, system, symlnn.natural_scales(system, samples))
    symlnn.save_model(tmp_path / "m.eqx", symlnn.TrainedModel(spec.build(jax.random.key(1)), spec))
    assert isinstance(symlnn.load_model(tmp_path / "m.eqx").dynamics, symlnn.SparseEulerLagrange)
    assert symlnn.load_spec(tmp_path / "m.eqx").system.graph == system.graph


@pytest.mark.parametrize("model", ["lgn", "gnn"])
def test_needs_a_graph(model: str, pendulum: symlnn.System) -> None:
    with pytest.raises(ValueError, match="needs a system with sites and neighbours, which pendulum is not"):
        symlnn.learn(pendulum, model)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"symmetries": ("parity",)}, "Unknown symmetry 'parity'"),
        ({"symmetries": ("reflection",), "members": 4}, "both sides of each axis"),
        ({"moving": 2}, "must be 1 or all 3"),
    ],
)
def test_wrong_densities(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        symlnn.MLPDensity(SCALES, SMALL, **{"members": 3, "key": jax.random.key(0)} | arguments)


@pytest.mark.parametrize(
    ("stencil", "order", "reach"),
    [("central", 2, 2), *(pytest.param("compact", 2 * n, 2 * n - 1, marks=pytest.mark.slow) for n in (1, 2))],
)
def test_the_baseline_sees_what_the_law_does(stencil: str, order: int, reach: int) -> None:
    """An acceleration depends on all neighbourhoods that its site is in: of a central slope, two sites away."""
    field = symlnn.load_field("wave_equation")
    assert field is not None
    system = field.discretise(12, order=order, stencil=stencil)
    samples = symlnn.Stream.of(system)(jax.random.key(0), 50)
    spec = symlnn.ModelSpec(
        symlnn.find_model("gnn", architecture=SMALL), system, symlnn.natural_scales(system, samples)
    )
    learned, truth = spec.build(jax.random.key(1)), symlnn.SymbolicDynamics(system)
    state = samples.states[0]

    def seen(law: symlnn.AbstractDynamics) -> set[int]:
        response = np.asarray(jax.jit(jax.jacobian(lambda q: law.acceleration(q, state.v)))(state.q))
        return set(np.flatnonzero(response[0]).tolist())

    assert max(min(j, 12 - j) for j in seen(truth)) == reach
    assert seen(truth) <= seen(learned)
