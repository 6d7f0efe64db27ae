"""`fit`: it lowers any residual of any model, alone or as an ensemble, and goes on from where it was interrupted."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import symlnn
from symlnn import RESULTS, Budget, FirstOrder, GaussNewton, Recipe
from symlnn._train._gauss_newton import gram_matrix

SMALL = symlnn.Architecture(width=16, depth=2)
LNN = symlnn.find_model("lnn", architecture=SMALL)
RECIPE = Recipe(stages=(FirstOrder(chunk=20), GaussNewton(batch=64)))


def leaves(tree: Any) -> list[np.ndarray]:
    return [np.asarray(x) for x in jax.tree.leaves(eqx.filter(tree, eqx.is_array))]


def assert_equal(one: Any, other: Any) -> None:
    for a, b in zip(leaves(one), leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def parts(pendulum: symlnn.System) -> tuple[symlnn.ModelSpec, symlnn.Stream, symlnn.Samples]:
    stream = symlnn.Stream.of(pendulum)
    samples = eqx.filter_jit(stream)(jax.random.key(0), 500)
    return symlnn.ModelSpec(LNN, pendulum, symlnn.natural_scales(pendulum, samples)), stream, samples


def members(spec: symlnn.ModelSpec, n: int) -> tuple[symlnn.AbstractDynamics, ...]:
    return tuple(spec.build(key) for key in jax.random.split(jax.random.key(1), n))


def fitted(parts: tuple, model: Any, key: jax.Array, **others: Any) -> symlnn.Fit:
    spec, stream, _ = parts
    usual = {"recipe": RECIPE, "budget": Budget(steps=100), "monitor": watched(parts)}
    residual = symlnn.ScaledAcceleration(spec.scales.a)
    return symlnn.fit(model, residual, stream, key=key, **(usual | others))


def watched(parts: tuple, **others: Any) -> symlnn.Monitor:
    """By the error of the accelerations."""
    return symlnn.Monitor(symlnn.AccelerationError(parts[2]), **others)


# --- what it learns ---------------------------------------------------------------------------------------------------


@pytest.mark.production
def test_the_parameters_of_a_double_pendulum_from_its_accelerations(double_pendulum: symlnn.System) -> None:
    """Two lengths and a mass that nobody told, to 1e-8; the others stay as they were declared."""
    true = {"m1": 1.3, "l1": 0.8, "l2": 1.2}
    data = symlnn.Stream.of(double_pendulum.with_parameters(true))(jax.random.key(0), 400)
    guess = symlnn.SymbolicDynamics(double_pendulum)
    where = symlnn.only(guess, lambda law: [law.parameters.fixed[name] for name in true])
    found = symlnn.fit(
        guess,
        symlnn.PlainAcceleration(),
        data,
        key=jax.random.key(1),
        where=where,
        recipe=Recipe.single(GaussNewton(batch=64, momentum=0.0)),
        budget=Budget(steps=80),
    )
    assert found.successful
    values = found.model.parameters.fixed
    for name, value in true.items():
        np.testing.assert_allclose(values[name], value, rtol=1e-8)
    assert float(values["g"]) == 9.8
    assert float(values["m2"]) == 1.0


class Line(eqx.Module):
    """θ₀ + θ₁ x: a model that is no mechanics."""

    theta: jax.Array


class LineResidual(symlnn.AbstractResidual):
    """θ₀ + θ₁ q − a."""

    observations: ClassVar[symlnn.AbstractObservations] = symlnn.Instants()

    def __call__(self, dynamics: Line, batch: symlnn.Samples) -> jax.Array:
        return dynamics.theta[0] + dynamics.theta[1] * batch.states.q - batch.a


def line_data(n: int, noise: float) -> symlnn.Samples:
    """a = 3 − 2 q + noise."""
    q = jnp.linspace(-1.0, 1.0, n)[:, None]
    return symlnn.Samples(symlnn.States.of(q, 0 * q), 3 - 2 * q + noise * jnp.sin(40 * q))


def test_any_pytree_is_a_model() -> None:
    line = symlnn.fit(
        Line(jnp.zeros(2)),
        LineResidual(),
        line_data(200, 0.0),
        key=jax.random.key(0),
        recipe=Recipe.single(GaussNewton(batch=32, momentum=0.0)),
        budget=Budget(steps=60),
    )
    np.testing.assert_allclose(line.model.theta, [3.0, -2.0], rtol=1e-8)
    with pytest.raises(ValueError, match="nothing to train"):
        symlnn.fit(Line(jnp.ones(2)), LineResidual(), line_data(200, 0.0), key=jax.random.key(0), where=Line(False))  # pyright: ignore[reportArgumentType]


# --- Gauss–Newton -----------------------------------------------------------------------------------------------------


def step_of(stage: GaussNewton, state: Any, theta: jax.Array, batch: symlnn.Samples) -> tuple[Any, Any, jax.Array]:
    params, rest = eqx.partition(Line(theta), eqx.is_array)
    problem = symlnn.Problem(rest, LineResidual(), lambda key, n: batch)
    return stage.step(problem, params, state, jax.random.key(0), jnp.zeros(()))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_step_minimises_the_damped_model(momentum: float) -> None:
    """δ of |r + J δ|² + λκ |δ − μ δ′|² by the normal equations in parameter space, κ = mean diag(JJᵀ)."""
    batch = line_data(16, 0.3)
    stage = GaussNewton(batch=16, momentum=momentum, initial_damping=0.05)
    theta, last = jnp.array([1.0, 1.0]), jnp.array([0.3, -0.4])
    state = stage.init(Line(theta))._replace(last=last)
    moved, following, loss = step_of(stage, state, theta, batch)
    jacobian = np.concatenate([np.ones((16, 1)), np.asarray(batch.states.q)], axis=1)
    residuals = np.asarray(LineResidual()(Line(theta), batch))[:, 0]
    shift = 0.05 * np.mean(np.sum(jacobian**2, axis=1))
    drift = momentum * np.asarray(last)
    left = jacobian.T @ jacobian + shift * np.eye(2)
    expected = np.linalg.solve(left, -jacobian.T @ residuals + shift * drift)
    np.testing.assert_allclose(moved.theta - theta, expected, rtol=1e-9)
    np.testing.assert_allclose(following.last, expected, rtol=1e-9)
    np.testing.assert_allclose(loss, np.mean(residuals**2), rtol=1e-12)
    # the residual is linear in θ: the decrease is as predicted, and the damping is halved
    np.testing.assert_allclose(following.damping, 0.025, rtol=1e-12)


def test_a_step_without_the_jacobian_minimises_the_damped_model_too() -> None:
    """By conjugate gradients, which are exact after as many iterations as JJᵀ has directions; κ is estimated from the
    signs z, and δ is that of the normal equations with |Jᵀ z|²/16 in its place."""
    batch = line_data(16, 0.3)
    stage = GaussNewton(batch=16, initial_damping=0.05, largest_jacobian=1)
    theta, last = jnp.array([1.0, 1.0]), jnp.array([0.3, -0.4])
    moved, following, _ = step_of(stage, stage.init(Line(theta))._replace(last=last), theta, batch)
    jacobian = np.concatenate([np.ones((16, 1)), np.asarray(batch.states.q)], axis=1)
    residuals = np.asarray(LineResidual()(Line(theta), batch))[:, 0]
    signs = np.asarray(jax.random.rademacher(jax.random.fold_in(jax.random.key(0), 1), (16,), jnp.float64))
    shift = 0.05 * np.sum((jacobian.T @ signs) ** 2) / 16
    left, drift = jacobian.T @ jacobian + shift * np.eye(2), 0.9 * np.asarray(last)
    expected = np.linalg.solve(left, -jacobian.T @ residuals + shift * drift)
    np.testing.assert_allclose(moved.theta - theta, expected, rtol=1e-3)
    np.testing.assert_allclose(following.damping, 0.025, rtol=1e-12)


class Cliff(symlnn.AbstractResidual):
    """√(1 − θ₀) − a, which is no number beyond 1: a full step from below leads there."""

    observations: ClassVar[symlnn.AbstractObservations] = symlnn.Instants()

    def __call__(self, dynamics: Line, batch: symlnn.Samples) -> jax.Array:
        return jnp.sqrt(1 - dynamics.theta[:1]) - 0 * batch.a


def test_a_refused_step_keeps_the_parameters_and_a_quarter_of_the_momentum() -> None:
    batch = line_data(4, 0.0)
    theta, last = jnp.array([0.9, 0.0]), jnp.array([0.5, -0.2])
    params, rest = eqx.partition(Line(theta), eqx.is_array)
    problem = symlnn.Problem(rest, Cliff(), lambda key, n: batch)
    stage = GaussNewton(batch=4, initial_damping=1e-3)
    state = stage.init(params)._replace(last=last)
    moved, following, _ = stage.step(problem, params, state, jax.random.key(0), jnp.zeros(()))
    np.testing.assert_array_equal(moved.theta, theta)
    np.testing.assert_allclose(following.last, last / 4, rtol=1e-12)
    np.testing.assert_allclose(following.damping, 4e-3, rtol=1e-12)


def test_after_steps_that_went_astray_there_is_more_damping() -> None:
    stage = GaussNewton(initial_damping=0.01, maximal_damping=0.1)
    state = stage.init(jnp.zeros(3))._replace(last=jnp.ones(3))
    once = stage.retreat(state)
    np.testing.assert_allclose(once.damping, 0.04, rtol=1e-12)
    np.testing.assert_allclose(once.last, 0.25, rtol=1e-12)
    np.testing.assert_allclose(stage.retreat(stage.retreat(once)).damping, 0.1, rtol=1e-12)  # no more than the most


@pytest.mark.parametrize("rows", [1, 191, 192, 500])
def test_blocks_of_the_gram_matrix_make_all_of_it(rows: int) -> None:
    jacobian = jax.random.normal(jax.random.key(rows), (rows, 40))
    np.testing.assert_allclose(gram_matrix(jacobian), jacobian @ jacobian.T, rtol=1e-12, atol=1e-12)


def test_a_residual_has_as_many_observations_as_make_256_a_coordinate() -> None:
    assert GaussNewton().sized(2, 2, 10_000).drawn == 256
    assert GaussNewton().sized(8, 2, 10_000).drawn == 64
    assert GaussNewton(batch=7).sized(8, 2, 10_000).drawn == 7
    assert GaussNewton().sized(100, 100, 10_000).drawn == 40  # 4,096 residuals
    assert GaussNewton().sized(2, 2, 10**9).drawn == 256  # whose Jacobian is never written out
    assert GaussNewton().drawn == 256


# --- going on ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.production
def test_resuming_ends_with_the_same_parameters(pendulum: symlnn.System, tmp_path: Path) -> None:
    budget = Budget(steps=(200, 8))
    whole = symlnn.learn(pendulum, LNN, budget=budget)

    def stop(progress: symlnn.Progress) -> None:
        if progress.step >= 100:
            raise KeyboardInterrupt

    path = tmp_path / "run.checkpoint"
    partial = symlnn.learn(
        pendulum, LNN, budget=budget, monitor=symlnn.Monitor(checkpoint=symlnn.Checkpoint(path), listener=stop)
    )
    assert partial.fit.interrupted
    assert bool(partial.fit.result == RESULTS.interrupted)
    again = symlnn.Checkpoint(path, resume=True)
    resumed = symlnn.learn(pendulum, LNN, budget=budget, monitor=symlnn.Monitor(checkpoint=again))
    assert resumed.fit.steps == whole.fit.steps
    assert resumed.fit.history.error == whole.fit.history.error
    assert_equal(whole.fit.last, resumed.fit.last)
    assert_equal(whole.dynamics, resumed.dynamics)
    with pytest.raises(ValueError, match="another steps"):
        symlnn.learn(pendulum, LNN, budget=Budget(steps=(201, 8)), monitor=symlnn.Monitor(checkpoint=again))


def test_a_checkpoint_tells_runs_apart_by_what_they_are_made_of(tmp_path: Path) -> None:
    path = tmp_path / "line.checkpoint"

    def train(*, optimizer: Any, noise: float = 0.0) -> symlnn.Fit:
        return symlnn.fit(
            Line(jnp.zeros(2)),
            LineResidual(),
            line_data(200, noise),
            key=jax.random.key(0),
            recipe=Recipe.single(FirstOrder(optimizer=optimizer, batch=8, chunk=10)),
            budget=Budget(steps=20),
            monitor=symlnn.Monitor(checkpoint=symlnn.Checkpoint(path, resume=True)),
        )

    train(optimizer=optax.sgd(1.0, momentum=0.9))
    train(optimizer=optax.sgd(1.0, momentum=0.9))  # the same, though made anew
    with pytest.raises(ValueError, match="another recipe"):
        train(optimizer=optax.sgd(1.0, momentum=0.8))
    with pytest.raises(ValueError, match="another data"):
        train(optimizer=optax.sgd(1.0, momentum=0.9), noise=0.1)


def test_the_lowest_error_is_that_of_the_model_that_is_kept() -> None:
    best = Line(jnp.array([3.0, -2.0]))
    kept = symlnn.fit(
        best,
        LineResidual(),
        line_data(200, 0.0),
        key=jax.random.key(0),
        recipe=Recipe.single(FirstOrder(optimizer="sgd", learning_rate=0.1, batch=8, chunk=5)),
        budget=Budget(steps=5),
        monitor=symlnn.Monitor(Distance()),
    )
    assert_equal(kept.model, best)
    assert kept.lowest == 0.0


class Distance(symlnn.AbstractError):
    """How far the parameters are from [3, −2]; the second one counts most, so that a step away raises it."""

    def __call__(self, model: Any) -> jax.Array:
        return jnp.abs(model.theta - jnp.array([3.0, -2.0])).sum()


@pytest.mark.slow
@pytest.mark.production
def test_a_budget_in_seconds_is_kept_and_its_steps_give_the_same_model(pendulum: symlnn.System) -> None:
    timed = symlnn.learn(pendulum, LNN, budget=Budget(seconds=3.0))
    assert timed.fit.successful
    # ended by the clock to within a chunk; a machine that stalls meanwhile may make that one long
    assert 2.0 < timed.fit.seconds < 6.0
    again = symlnn.learn(pendulum, LNN, budget=Budget(steps=timed.fit.steps))
    assert_equal(timed.dynamics, again.dynamics)


def test_steps_counted_by_an_uneven_clock_give_the_same_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks end where they end without a clock, however long each of them takes: the best model depends on it."""
    generator, now = np.random.default_rng(0), 0.0

    def uneven() -> float:
        nonlocal now
        now += generator.exponential(0.1)
        return now

    def train(budget: Budget) -> symlnn.Fit:
        return symlnn.fit(
            Line(jnp.zeros(2)),
            LineResidual(),
            line_data(200, 0.1),
            key=jax.random.key(0),
            recipe=Recipe.single(GaussNewton(batch=4, momentum=0.0)),
            budget=budget,
        )

    for _ in range(10):
        with monkeypatch.context() as patch:
            patch.setattr("symlnn._train._fit.time", SimpleNamespace(monotonic=uneven))
            timed = train(Budget(seconds=3.0))
        again = train(Budget(steps=timed.steps))
        assert again.history.error == timed.history.error
        assert_equal(again.model, timed.model)


def test_a_second_training_compiles_nothing(compilations: list[str]) -> None:
    """Of the same law and sizes: with another value of a parameter, another distribution, another duration."""
    system = symlnn.load_system("harmonic_oscillator")
    x = system.coordinates[0]
    others = (
        system.with_parameters({"k": 7.0}),
        symlnn.System(**vars_of(system) | {"states": {**system.states, x: symlnn.uniform(-3, 2)}, "duration": 77.0}),
    )
    budget = Budget(steps=(20, 4))
    symlnn.learn(system, LNN, budget=budget)
    before = len(compilations)
    for other in others:
        symlnn.learn(other, LNN, budget=budget)
    assert compilations[before:] == []


def vars_of(system: symlnn.System) -> dict[str, Any]:
    return {name: getattr(system, name) for name in ("name", "coordinates", "lagrangian", "parameters", "states")}


# --- going wrong ------------------------------------------------------------------------------------------------------


class Leaping(symlnn.AbstractStage):
    """A stage whose first part throws the parameters far away, and whose second part leaves them where they are."""

    share: float = eqx.field(static=True)
    scheduled: ClassVar[bool] = True
    chunk: int = eqx.field(static=True, default=10)

    @property
    def drawn(self) -> int:
        return 1

    def sized(self, rows: int, coordinates: int, parameters: int) -> "Leaping":
        return self

    def init(self, params: Any) -> Any:
        return ()

    def retreat(self, state: Any) -> Any:
        return state

    def step(self, problem: Any, params: Any, state: Any, key: Any, progress: Any) -> tuple[Any, Any, jax.Array]:
        return jax.tree.map(lambda x: jnp.where(progress < self.share, 100 * x, x), params), state, progress


@pytest.mark.parametrize(("share", "steps"), [(0.5, 20), (1.0, 300)])
def test_steps_that_diverge_are_undone(parts: tuple, share: float, steps: int) -> None:
    spec = parts[0]
    model = members(symlnn.ModelSpec(symlnn.find_model("nn", architecture=SMALL), spec.system, spec.scales), 1)[0]
    found = fitted(
        parts, model, jax.random.key(0), recipe=Recipe.single(Leaping(share=share)), budget=Budget(steps=steps)
    )
    errors = np.array(found.history.error)
    assert errors[0] > 10
    assert_equal(found.last, model)
    if share < 1:
        assert found.successful
        assert errors[1] < 10
    else:
        assert bool(found.result == RESULTS.diverged)
        assert found.message.startswith("Twenty chunks of steps in a row")
        assert found.steps == (200,)  # twenty chunks, one after another


class Poisoned(eqx.Module):
    """A stream of samples whose accelerations are NaN."""

    stream: symlnn.Stream

    def __call__(self, key: jax.Array, n: int) -> symlnn.Samples:
        samples = self.stream(key, n)
        return symlnn.Samples(samples.states, samples.a * jnp.nan)


def test_a_loss_that_is_not_finite_is_a_result_with_advice_and_keeps_the_parameters(
    parts: tuple, tmp_path: Path
) -> None:
    spec, stream, _ = parts
    model, residual = members(spec, 1)[0], symlnn.ScaledAcceleration(spec.scales.a)
    arguments: dict[str, Any] = {
        "key": jax.random.key(2),
        "budget": Budget(steps=(100, 0)),
        "monitor": watched(parts, checkpoint=symlnn.Checkpoint(tmp_path / "c")),
    }
    found = symlnn.fit(model, residual, Poisoned(stream), **arguments)
    assert bool(found.result == RESULTS.not_finite)
    assert not found.successful
    assert found.message.startswith("At step 0 the loss is nan")
    assert "learning rate" in found.message
    assert_equal(found.model, model)
    assert_equal(found.last, model)


# --- ensembles --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.production
def test_a_member_is_trained_as_it_would_be_alone(parts: tuple) -> None:
    """Its samples, its steps, its parameters: to rounding."""
    models, keys = members(parts[0], 3), jax.random.split(jax.random.key(2), 3)
    together = fitted(parts, symlnn.stack(models), keys)
    assert together.steps == (94, 6)
    errors = np.array(together.history.error)
    assert errors.shape == (len(together.history.step), 3)
    assert (errors.min(axis=0) < 0.3 * errors[0]).all()
    for i, (model, key) in enumerate(zip(models, keys, strict=True)):
        alone, member = fitted(parts, model, key), together.member(i)
        assert member.successful
        np.testing.assert_allclose(alone.history.error, member.history.error, rtol=1e-6)
        np.testing.assert_allclose(alone.lowest, member.lowest, rtol=1e-6)
        for a, b in zip(leaves((alone.model, alone.last)), leaves((member.model, member.last)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


@pytest.mark.slow
@pytest.mark.production
def test_a_member_that_is_not_finite_leaves_the_others_alone(parts: tuple) -> None:
    first, second = members(parts[0], 2)
    broken = jax.tree.map(lambda x: x * np.nan if eqx.is_inexact_array(x) else x, first)
    found = fitted(parts, symlnn.stack((broken, second)), jax.random.split(jax.random.key(2), 2))
    np.testing.assert_array_equal(found.result == RESULTS.not_finite, [True, False])
    np.testing.assert_array_equal(found.result == RESULTS.successful, [False, True])
    assert found.lowest[1] < 0.5


@pytest.mark.slow
def test_an_ensemble_goes_on_too(parts: tuple, tmp_path: Path) -> None:
    models, keys = symlnn.stack(members(parts[0], 2)), jax.random.split(jax.random.key(2), 2)
    path = tmp_path / "c"

    def stop(progress: symlnn.Progress) -> None:
        raise KeyboardInterrupt

    fitted(parts, models, keys, monitor=watched(parts, checkpoint=symlnn.Checkpoint(path), listener=stop))
    resumed = fitted(parts, models, keys, monitor=watched(parts, checkpoint=symlnn.Checkpoint(path, resume=True)))
    assert_equal(resumed.model, fitted(parts, models, keys).model)


def test_a_law_is_a_model_as_it_stands(pendulum: symlnn.System) -> None:
    """`learn` goes on from its parameters; a Lagrangian alone is no law."""
    tiny = symlnn.find_model("delan", architecture=symlnn.Architecture(width=4, depth=1))
    law = symlnn.learn(pendulum, tiny, budget=Budget(steps=(4, 0))).dynamics
    learned = symlnn.learn(pendulum, law, budget=Budget(steps=(1, 0)), seed=5)
    assert learned.model.spec.model.name == "EulerLagrange"
    assert_equal(learned.model.spec.build(jax.random.key(9)), law)
    with pytest.raises(ValueError, match=r"is a Lagrangian and no law: learn EulerLagrange"):
        symlnn.learn(pendulum, law.lagrangian, budget=Budget(steps=1))  # pyright: ignore


# --- misuse -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussNewton(momentum=1.0), "momentum"),
        (lambda: Recipe(step_shares=(0.5, 0.2)), "adding up to 1"),
        (lambda: FirstOrder(loss="l3"), "Unknown loss 'l3'"),
        (lambda: FirstOrder(batch=0), "batch of FirstOrder must be a positive whole number"),
        (lambda: GaussNewton(chunk=0), "chunk of GaussNewton must be a positive whole number"),
        (lambda: Budget(seconds=1.0, steps=5), "exactly one"),
        (lambda: Budget(), "exactly one"),
        (lambda: Budget(seconds=0.0), "must be positive"),
        (lambda: Budget(steps=-1), "must be positive"),
        (lambda: Recipe().divide((1, 2, 3)), "one for each stage"),
        (lambda: symlnn.stack(()), "at least one member"),
        (lambda: symlnn.stack((Line(jnp.ones(2)), Line(jnp.ones(3)))), "built alike"),
    ],
)
def test_wrong_recipes(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_keys_and_members_must_be_as_many(parts: tuple) -> None:
    with pytest.raises(ValueError, match="needs 3 members along the leading axis"):
        fitted(parts, symlnn.stack(members(parts[0], 2)), jax.random.split(jax.random.key(0), 3))


def test_a_stage_without_steps_is_passed_over(pendulum: symlnn.System) -> None:
    learned = symlnn.learn(pendulum, symlnn.find_model("nn", architecture=SMALL), budget=Budget(steps=(0, 8)))
    assert learned.fit.steps == (0, 8)
    assert set(learned.fit.history.stage) == {"GaussNewton"}
