"""Training: it lowers the error, repeats itself, and goes on from a checkpoint as if it had not been interrupted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np
import pytest

import symlnn
from symlnn._models._mlp import cranmer_std
from symlnn._train import FirstOrder, GaussNewton, PlainAcceleration, ScaledAcceleration
from symlnn._train._stage import AbstractStage

SMALL = symlnn.Architecture(width=16, depth=2)


def leaves(dynamics: symlnn.AbstractDynamics) -> list[np.ndarray]:
    return [np.asarray(x) for x in jax.tree.leaves(eqx.filter(dynamics, eqx.is_array))]


def test_the_papers_initialisation() -> None:
    """Its worked example: four layers, one hundred units."""
    stds = [cranmer_std(layer, 4, 100, 100) for layer in range(4)]
    np.testing.assert_allclose(stds, [0.22, 0.058, 0.116, 10.0], rtol=1e-12)


def test_resuming_ends_with_the_same_parameters(pendulum: symlnn.System, tmp_path: Path) -> None:
    arguments = {"steps": (200, 8), "architecture": SMALL}
    whole = symlnn.learn(pendulum, "lnn", **arguments)

    def stop(report: object) -> None:
        if report.step >= 100:  # pyright: ignore[reportAttributeAccessIssue]
            raise KeyboardInterrupt

    checkpoint = tmp_path / "run.checkpoint"
    partial = symlnn.learn(pendulum, "lnn", **arguments, checkpoint=checkpoint, progress=stop)
    assert not partial.fit.complete
    resumed = symlnn.learn(pendulum, "lnn", **arguments, checkpoint=checkpoint, resume=True)
    assert resumed.fit.steps == whole.fit.steps
    for a, b in zip(leaves(whole.fit.last), leaves(resumed.fit.last), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(leaves(whole.fit.dynamics), leaves(resumed.fit.dynamics), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="another steps"):
        symlnn.learn(pendulum, "lnn", steps=(201, 8), architecture=SMALL, checkpoint=checkpoint, resume=True)


def test_models_survive_the_disk(pendulum: symlnn.System, tmp_path: Path) -> None:
    learned = symlnn.learn(pendulum, "lnn", steps=100, architecture=SMALL)
    path = tmp_path / "model.eqx"
    symlnn.save_model(path, learned.fit.dynamics, learned.spec)
    loaded = symlnn.load_model(path)
    q, v = jax.numpy.array([0.3]), jax.numpy.array([0.4])
    np.testing.assert_array_equal(loaded.acceleration(q, v), learned.fit.dynamics.acceleration(q, v))
    data = path.read_bytes()
    path.write_bytes(data[:-10])
    with pytest.raises(ValueError, match="damaged or truncated"):
        symlnn.load_model(path)
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match="no model file"):
        symlnn.load_model(path)


def test_a_budget_in_seconds_is_kept_and_its_steps_give_the_same_model(pendulum: symlnn.System) -> None:
    timed = symlnn.learn(pendulum, "lnn", seconds=3.0, architecture=SMALL)
    assert timed.fit.complete
    # ended by the clock to within a chunk; a machine that stalls meanwhile may make that one long
    assert 2.0 < timed.fit.seconds < 6.0
    again = symlnn.learn(pendulum, "lnn", steps=timed.fit.steps, architecture=SMALL)
    for a, b in zip(leaves(timed.fit.dynamics), leaves(again.fit.dynamics), strict=True):
        np.testing.assert_array_equal(a, b)


class Leaping(AbstractStage):
    """A stage whose first half throws the parameters far away, and whose second half leaves them where they are."""

    scheduled: ClassVar[bool] = True
    batch: int = 1
    chunk: int = 10

    def init(self, params: Any) -> Any:
        return ()

    def step(self, problem: Any, params: Any, state: Any, key: Any, progress: Any) -> tuple[Any, Any, jax.Array]:
        return jax.tree.map(lambda x: jax.numpy.where(progress < 0.5, 100 * x, x), params), state, progress


def test_steps_that_diverge_are_undone(pendulum: symlnn.System) -> None:
    recipe = symlnn.Recipe.single(Leaping())
    learned = symlnn.learn(pendulum, "nn", steps=20, architecture=SMALL, recipe=recipe)
    assert learned.fit.history.validation[0] > 10 > learned.fit.history.validation[1]
    untrained = learned.spec.build(jax.random.split(jax.random.key(0), 3)[0])
    for a, b in zip(leaves(learned.fit.last), leaves(untrained), strict=True):
        np.testing.assert_array_equal(a, b)


class Poisoned(eqx.Module):
    """A stream of samples whose accelerations are NaN."""

    stream: symlnn.Stream

    def __call__(self, key: jax.Array, n: int) -> symlnn.Samples:
        samples = self.stream(key, n)
        return symlnn.Samples(samples.states, samples.a * jax.numpy.nan)


def test_a_loss_that_is_not_finite_stops_with_advice_and_keeps_the_parameters(
    pendulum: symlnn.System, tmp_path: Path
) -> None:
    stream = symlnn.Stream(pendulum)
    samples = stream(jax.random.key(0), 100)
    scales = symlnn.natural_scales(pendulum, samples)
    model = symlnn.ModelSpec("lnn", pendulum, scales, SMALL).build(jax.random.key(1))
    residual = ScaledAcceleration(scales.a)
    checkpoint = tmp_path / "c"
    arguments = {"key": jax.random.key(2), "validation": samples, "steps": (100, 0), "checkpoint": checkpoint}
    with pytest.raises(symlnn.TrainingError, match=r"At step 0 the loss is nan.*last good parameters.*learning rate"):
        symlnn.fit(model, Poisoned(stream), residual, **arguments)
    resumed = symlnn.fit(model, stream, residual, **arguments, resume=True)
    assert resumed.steps == (100, 0)
    assert np.isfinite(resumed.history.validation).all()


def test_gauss_newton_solves_a_linear_problem_in_few_steps() -> None:
    """A model linear in its parameters, a = θ q, with more samples than parameters: full steps reach the minimum."""

    class Linear(symlnn.AbstractSecondOrderDynamics):
        theta: jax.Array

        def acceleration(
            self, q: jax.Array, v: jax.Array, m: object = None, u: object = None, t: object = 0.0
        ) -> jax.Array:
            return self.theta * q

    system = symlnn.load_system("harmonic_oscillator")
    stream = symlnn.Stream(system)
    recipe = symlnn.Recipe.single(GaussNewton(batch=32, momentum=0.0))
    fitted = symlnn.fit(
        Linear(jax.numpy.zeros(1)),
        stream,
        PlainAcceleration(),
        key=jax.random.key(0),
        validation=stream(jax.random.key(1), 50),
        recipe=recipe,
        steps=40,
    )
    acceleration = fitted.dynamics.acceleration(jax.numpy.ones(1), jax.numpy.zeros(1))
    np.testing.assert_allclose(acceleration, [-4.0], rtol=1e-9)  # q̈ = −4 q


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussNewton(momentum=1.0), "momentum"),
        (lambda: symlnn.Recipe(step_shares=(0.5, 0.2)), "adding up to 1"),
        (lambda: FirstOrder(loss="l3"), "Unknown loss 'l3'"),
        (lambda: symlnn.learn(symlnn.load_system("pendulum"), seconds=1.0, steps=5), "exactly one"),
    ],
)
def test_wrong_recipes(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_stage_without_steps_is_passed_over(pendulum: symlnn.System) -> None:
    learned = symlnn.learn(pendulum, "nn", steps=(0, 8), architecture=SMALL)
    assert learned.fit.steps == (0, 8)
    assert set(learned.fit.history.stage) == {"GaussNewton"}
