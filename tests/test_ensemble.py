"""Ensembles: several trainings under one vmap, each of which learns."""

import equinox as eqx
import jax
import numpy as np
import pytest

import symlnn

SMALL = symlnn.Architecture(width=8, depth=1)
RECIPE = symlnn.Recipe(stages=(symlnn.FirstOrder(chunk=20), symlnn.GaussNewton(batch=64)))


@pytest.fixture(scope="module")
def parts(pendulum: symlnn.System) -> tuple[symlnn.ModelSpec, symlnn.Stream, symlnn.Samples]:
    stream = symlnn.Stream(pendulum)
    samples = eqx.filter_jit(stream)(jax.random.key(0), 500)
    spec = symlnn.ModelSpec("lnn", pendulum, symlnn.natural_scales(pendulum, samples), SMALL)
    return spec, stream, samples


def members(spec: symlnn.ModelSpec, n: int) -> tuple[symlnn.AbstractDynamics, ...]:
    return tuple(spec.build(key) for key in jax.random.split(jax.random.key(1), n))


def fitted(parts: tuple, models: tuple, **budget: float) -> symlnn.Ensemble:
    spec, stream, samples = parts
    residual = symlnn.ScaledAcceleration(spec.scales.a)
    key = jax.random.key(2)
    return symlnn.fit_ensemble(models, stream, residual, key=key, validation=samples, recipe=RECIPE, **budget)  # pyright: ignore[reportArgumentType]


def test_every_member_learns(parts: tuple) -> None:
    found = fitted(parts, members(parts[0], 3), steps=200)
    assert found.steps == (188, 12)
    assert found.validation.shape == (len(found.seconds), 3)
    assert (found.validation.min(axis=0) < 0.1 * found.validation[0]).all()
    s = parts[2].states
    for member, lowest in zip(found.members, found.validation.min(axis=0), strict=True):
        predicted = jax.vmap(member.acceleration)(s.q, s.v, s.m, s.u, s.t)
        error = symlnn.acceleration_errors(parts[2].a, predicted).relative_rms
        np.testing.assert_allclose(error, lowest, rtol=1e-6)


def test_a_member_that_diverges_leaves_the_others_alone(parts: tuple) -> None:
    first, second = members(parts[0], 2)
    broken = jax.tree.map(lambda x: x * np.nan if eqx.is_inexact_array(x) else x, first)
    found = fitted(parts, (broken, second), steps=60)
    assert np.isinf(found.validation[:, 0]).all()
    assert np.isfinite(found.validation[:, 1]).all()


def test_a_budget_in_seconds_is_kept(parts: tuple) -> None:
    found = fitted(parts, members(parts[0], 2), seconds=1.0)
    # ended by the clock to within a chunk; a machine that stalls meanwhile may make that one long
    assert 0.5 < found.seconds[-1] < 4.0
    assert min(found.steps) > 0


def test_wrong_arguments(parts: tuple) -> None:
    with pytest.raises(ValueError, match="at least one member"):
        fitted(parts, (), steps=1)
    with pytest.raises(ValueError, match="exactly one of seconds and steps"):
        fitted(parts, members(parts[0], 1))
    with pytest.raises(ValueError, match="must be positive"):
        fitted(parts, members(parts[0], 1), seconds=0.0)
    other = symlnn.ModelSpec("delan", parts[0].system, parts[0].scales, SMALL).build(jax.random.key(0))
    with pytest.raises(ValueError, match="built alike"):
        fitted(parts, (*members(parts[0], 1), other), steps=10)
