"""Training: it lowers the error, repeats itself, and goes on from a checkpoint as if it had not been interrupted."""

from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import pytest

import symlnn
from symlnn._models._mlp import cranmer_std

SMALL = symlnn.Architecture(width=16, depth=2)


def leaves(dynamics: symlnn.AbstractDynamics) -> list[np.ndarray]:
    return [np.asarray(x) for x in jax.tree.leaves(eqx.filter(dynamics, eqx.is_array))]


def test_the_papers_initialisation() -> None:
    """Its worked example: four layers, one hundred units."""
    stds = [cranmer_std(layer, 4, 100, 100) for layer in range(4)]
    np.testing.assert_allclose(stds, [0.22, 0.058, 0.116, 10.0], rtol=1e-12)


class Interrupted(Exception):
    pass


def test_resuming_ends_with_the_same_parameters(pendulum: symlnn.System, tmp_path: Path) -> None:
    arguments = {"steps": 330, "architecture": SMALL}
    whole = symlnn.learn(pendulum, "lnn", **arguments)

    def stop(report: object) -> None:
        if report.step >= 200:  # pyright: ignore[reportAttributeAccessIssue]
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
        symlnn.learn(pendulum, "lnn", steps=331, architecture=SMALL, checkpoint=checkpoint, resume=True)


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
