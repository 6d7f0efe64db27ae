"""The residuals: zero for the truth, and none that a trivial model makes small."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symlnn
from symlnn import RESIDUALS

SMALL = symlnn.Architecture(width=16, depth=2)


def scaled(system: symlnn.System) -> tuple[symlnn.Samples, symlnn.Scales]:
    samples = eqx.filter_jit(symlnn.Stream.of(system))(jax.random.key(0), 300)
    return samples, symlnn.natural_scales(system, samples)


def built(system: symlnn.System, scales: symlnn.Scales, model: str = "lnn") -> Any:
    spec = symlnn.ModelSpec(symlnn.find_model(model, architecture=SMALL), system, scales)
    return spec.build(jax.random.key(0))


def learn(system: symlnn.System, model: str, steps: Any, data: Any = None, **changes: Any) -> symlnn.Learned:
    found = symlnn.find_model(model, architecture=SMALL, **changes)
    return symlnn.learn(system, found, data=data, budget=symlnn.Budget(steps=steps))


@pytest.mark.parametrize("name", [*RESIDUALS])
@pytest.mark.parametrize("system_name", ["double_pendulum", "kepler"])
def test_the_truth_leaves_nothing(name: str, system_name: str) -> None:
    system = symlnn.load_system(system_name)
    samples, scales = scaled(system)
    twin = symlnn.EulerLagrange(symlnn.SymbolicLagrangian(system))
    residual = RESIDUALS[name](twin, scales, samples)
    drawn = eqx.filter_jit(symlnn.Stream.of(system, residual.observations))(jax.random.key(1), 100)
    found = eqx.filter_jit(residual)(twin, drawn)
    rows = {"vector_field": 2, "trajectory": 4}.get(name, 1) * system.dof
    assert found.shape == (drawn.size, rows)
    # one step of Tsit5 an interval is off by 2e-4 of the rates at the most violent states
    np.testing.assert_allclose(found, 0.0, atol=1e-3 if name == "trajectory" else 1e-9)


class Scaled(symlnn.AbstractLagrangian):
    """c · L + d(q₁²)/dt."""

    lagrangian: symlnn.AbstractLagrangian
    factor: float = eqx.field(static=True)

    def __call__(self, q: jax.Array, v: jax.Array, m: jax.Array | None = None, t: object = 0.0) -> jax.Array:
        return self.factor * self.lagrangian(q, v, m, t) + 2 * q[0] * v[0]  # pyright: ignore[reportArgumentType]


def test_no_lagrangian_is_a_trivial_minimum(double_pendulum: symlnn.System) -> None:
    """A wrong Lagrangian stays as wrong when it is made small, and a total derivative does not matter."""
    samples, scales = scaled(double_pendulum)
    wrong = built(double_pendulum, scales)
    assert isinstance(wrong, symlnn.EulerLagrange)
    residual = symlnn.EulerLagrangeResidual(scales.v, scales.a)
    reference = residual(wrong, samples)
    assert float(jnp.sqrt(jnp.mean(reference**2))) > 0.1
    for factor in (1e-9, -1e-3, 1e6):
        found = residual(symlnn.EulerLagrange(Scaled(wrong.lagrangian, factor)), samples)
        # beside a Lagrangian of 1e-9 the total derivative leaves rounding errors of 1e-16/1e-9
        np.testing.assert_allclose(jnp.abs(found), jnp.abs(reference), rtol=1e-4, atol=1e-4)
    nothing = residual(symlnn.EulerLagrange(Scaled(wrong.lagrangian, 0.0)), samples)
    assert not np.isfinite(nothing).any()


def test_with_one_coordinate_it_is_the_scaled_acceleration(pendulum: symlnn.System) -> None:
    samples, scales = scaled(pendulum)
    model = built(pendulum, scales)
    found = symlnn.EulerLagrangeResidual(scales.v, scales.a)(model, samples)
    expected = symlnn.ScaledAcceleration(scales.a)(model, samples)
    np.testing.assert_allclose(jnp.abs(found), jnp.abs(expected), rtol=1e-9)


def test_it_asks_for_a_mass_matrix(pendulum: symlnn.System) -> None:
    with pytest.raises(ValueError, match="needs a model with an equation M a = f, not a DirectAcceleration"):
        learn(pendulum, "nn", 10, residual="euler_lagrange")


def trajectory(scales: symlnn.Scales, count: int = 2, **others: Any) -> symlnn.TrajectoryResidual:
    return symlnn.TrajectoryResidual(symlnn.Stretches(count, scales.interval), scales.v, scales.a, **others)


@pytest.mark.slow
def test_a_long_interval_is_divided(pendulum: symlnn.System) -> None:
    """Data of a low rate must not be fitted with the error of one long step."""
    _, scales = scaled(pendulum)
    data = symlnn.generate_trajectories(pendulum, 4, duration=2.0, rate=5.0)
    assert scales.interval < 0.1
    residual = trajectory(scales, 1)
    fine = residual.observations.of(data)
    coarse = symlnn.Stretches(1, 0.2).of(data)
    assert (coarse.substeps, fine.substeps) == (1, int(np.ceil(0.2 / scales.interval)))
    law = symlnn.SymbolicDynamics(pendulum)
    errors = [float(jnp.abs(eqx.filter_jit(residual)(law, batch)).max()) for batch in (coarse, fine)]
    assert errors[1] < 0.1 * errors[0]  # Tsit5 is of order 5: half the step, a thirtieth of the error


@pytest.mark.slow
@pytest.mark.production
@pytest.mark.parametrize(
    ("adjoint", "tolerance"),
    [
        (diffrax.RecursiveCheckpointAdjoint(), 1e-10),
        # optimise-then-discretise: its own discretisation error
        (diffrax.BacksolveAdjoint(), 1e-3),
    ],
)
def test_adjoints_agree_with_forward_differences(
    pendulum: symlnn.System, adjoint: diffrax.AbstractAdjoint, tolerance: float
) -> None:
    _, scales = scaled(pendulum)
    segments = symlnn.Stream.of(pendulum, symlnn.Stretches(2, scales.interval))(jax.random.key(1), 5)
    model = built(pendulum, scales, "node")
    params, static = eqx.partition(model, symlnn.trainable(model))
    direction = jax.tree.map(jnp.ones_like, params)

    def loss(params: Any, adjoint: diffrax.AbstractAdjoint) -> jax.Array:
        residual = trajectory(scales, adjoint=adjoint)
        return jnp.sum(residual(eqx.combine(params, static), segments) ** 2)

    gradient = jax.jit(jax.grad(lambda p: loss(p, adjoint)))(params)
    along = sum(jnp.sum(g) for g in jax.tree.leaves(gradient))
    forward = jax.jit(lambda p: jax.jvp(lambda p: loss(p, diffrax.ForwardMode()), (p,), (direction,))[1])
    expected = forward(params)
    np.testing.assert_allclose(along, expected, rtol=tolerance)


def test_segments_of_trajectories_are_what_the_oracle_says(pendulum: symlnn.System) -> None:
    data = symlnn.generate_trajectories(pendulum, 3, duration=1.0, rate=20.0)
    segments = symlnn.Stretches(4, 0.05).of(data)
    assert segments.q.shape == (3 * (21 - 4), 4, 1)
    assert segments.u is None
    np.testing.assert_allclose(segments.interval, 0.05)
    np.testing.assert_array_equal(segments.q[0, :, 0], data["q"].values[0, 1:5, 0])
    np.testing.assert_array_equal(segments[17:].states.q[0], data["q"].values[1, 0])


@pytest.mark.slow
def test_inputs_that_change_are_followed() -> None:
    """A cart driven by a sampled force: the oracle leaves the residual of its own interpolation, and no more."""
    system = symlnn.load_system("cart_pole")
    times = jnp.linspace(0.0, 1.0, 51)
    force = symlnn.SampledInputs(times, 5 * jnp.sin(3 * times)[:, None])
    data = symlnn.generate_trajectories(system, 3, duration=1.0, rate=50.0, u=force)
    assert data["u"].dims == ("trajectory", "time", "input")
    np.testing.assert_allclose(data["u"].values[1], force.values, atol=1e-12)
    samples = symlnn.Instants().of(data)
    law = symlnn.SymbolicDynamics(system)
    np.testing.assert_allclose(symlnn.accelerations(law, samples.states), samples.a, rtol=1e-12, atol=1e-12)
    _, scales = scaled(system)
    residual = trajectory(scales)
    segments = residual.observations.of(data)
    assert segments.u is not None
    assert segments.u.shape == (3 * 49, 3, 1)
    held = eqx.tree_at(lambda s: s.u, segments, None)
    found, ignoring = (eqx.filter_jit(residual)(law, batch) for batch in (segments, held))
    assert float(jnp.abs(found).max()) < 1e-5  # one step of Tsit5 an interval
    assert float(jnp.abs(ignoring).max()) > 100 * float(jnp.abs(found).max())


@pytest.mark.slow
@pytest.mark.production
def test_training_on_the_motions_of_a_data_set(pendulum: symlnn.System) -> None:
    """One trajectory is held out; a first-order stage alone, to spare a compilation."""
    data = symlnn.generate_trajectories(pendulum, 3, duration=1.0, rate=20.0)
    recipe = symlnn.Recipe.single(symlnn.FirstOrder(chunk=25))
    learned = learn(pendulum, "node2", 400, data, recipe=recipe, residual=symlnn.trajectory(1))
    assert learned.fit.lowest < 0.1  # an untrained network errs by about one
    wrapped = data.assign(q=(data["q"] + np.pi) % (2 * np.pi) - np.pi + 4.0 * (data["t"] > 0.5))
    with pytest.raises(ValueError, match="theta jumps by more than half a turn"):
        learn(pendulum, "node2", 10, wrapped)


def test_what_cannot_be_trained_on_motions_is_said(pendulum: symlnn.System) -> None:
    single = symlnn.generate(pendulum, 50)
    with pytest.raises(ValueError, match="needs trajectories, but the data set holds single states"):
        learn(pendulum, "node", 10, single)
    with pytest.raises(ValueError, match="Training on motions cannot use Samples"):
        learn(pendulum, "node", 10, symlnn.Instants().of(single))
    short = symlnn.generate_trajectories(pendulum, 12, duration=0.1, rate=10.0)
    with pytest.raises(ValueError, match="no trajectory of 3 instants"):
        learn(pendulum, "node", 10, short)
    with pytest.raises(ValueError, match="Unknown residual 'energy'"):
        learn(pendulum, "lnn", 10, residual="energy")
    with pytest.raises(ValueError, match="at least 1 interval"):
        symlnn.Stretches(0, 0.1)


@pytest.mark.parametrize("residual", ["euler_lagrange", "vector_field"])
def test_any_of_them_trains_an_lnn(pendulum: symlnn.System, residual: str) -> None:
    learned = learn(pendulum, "lnn", (100, 12), residual=residual)
    assert learned.fit.lowest < 0.05
