"""Data sets: what they hold, the same for the same seed, on disk and back."""

import dataclasses
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import symlnn
from symlnn._serialise import system_from_json, system_to_json


def test_generate_is_the_oracle_at_named_dimensions(double_pendulum: symlnn.System) -> None:
    data = symlnn.generate(double_pendulum, 50, seed=3)
    assert data["q"].dims == ("sample", "coordinate")
    assert list(data["coordinate"].values) == ["theta1", "theta2"]
    assert list(data["unit"].values) == ["rad", "rad"]
    samples = symlnn.Instants().of(data)
    expected = symlnn.SymbolicDynamics(double_pendulum).acceleration(samples.states.q[7], samples.states.v[7])
    np.testing.assert_allclose(samples.a[7], expected, rtol=1e-12)
    assert json.loads(data.attrs["symlnn"])["seed"] == 3


def test_same_seed_same_data(pendulum: symlnn.System) -> None:
    xr.testing.assert_identical(symlnn.generate(pendulum, 20, seed=1), symlnn.generate(pendulum, 20, seed=1))
    assert not symlnn.generate(pendulum, 20, seed=1)["q"].equals(symlnn.generate(pendulum, 20, seed=2)["q"])


def test_survives_the_disk(pendulum: symlnn.System, tmp_path: Path) -> None:
    for data in (symlnn.generate(pendulum, 20), symlnn.generate_trajectories(pendulum, 2, duration=1.0, rate=5.0)):
        symlnn.save_dataset(tmp_path / "d.nc", data)
        xr.testing.assert_identical(symlnn.load_dataset(tmp_path / "d.nc", pendulum), data)
        assert [path.name for path in tmp_path.iterdir()] == ["d.nc"]


def test_trajectories_of_a_varying_parameter(key: object) -> None:
    system = symlnn.load_system("relativistic_particle")
    data = symlnn.generate_trajectories(system, 3, duration=0.5, rate=10.0)
    assert data["m"].dims == ("trajectory", "parameter")
    assert dict(data.sizes)["time"] == 6
    samples = symlnn.Instants().of(data)
    assert samples.states.m.shape == (18, 1)
    np.testing.assert_array_equal(samples.states.m[:6], data["m"].values[:1].repeat(6, axis=0))


def test_noise_has_the_stated_size(pendulum: symlnn.System) -> None:
    clean = symlnn.generate_trajectories(pendulum, 40, duration=5.0)
    noisy = symlnn.generate_trajectories(pendulum, 40, duration=5.0, noise=0.1)
    for name in ("q", "v", "a"):
        measured = float((noisy[name] - clean[name]).std() / clean[name].std())
        assert measured == pytest.approx(0.1, rel=0.05)  # 10,000 values: 0.7 % of standard error


def test_learns_from_a_data_set(pendulum: symlnn.System) -> None:
    data = symlnn.generate_trajectories(pendulum, 20, duration=2.0, rate=20.0)
    model = symlnn.find_model("lnn", architecture=symlnn.Architecture(16, 2))
    learned = symlnn.learn(pendulum, model, data=data, budget=symlnn.Budget(steps=200))
    assert learned.fit.lowest < 0.1
    with pytest.raises(ValueError, match="too few"):
        symlnn.learn(pendulum, model, data=symlnn.generate(pendulum, 5))


def test_whole_motions_are_held_out(pendulum: symlnn.System) -> None:
    """Never instants of a motion that is trained on; the end of the motion where there is one."""
    several = symlnn.generate_trajectories(pendulum, 12, duration=1.0, rate=10.0)
    training, held = symlnn.hold_out(several, 0.25, jax.random.key(0))
    starts = {float(q) for q in training["q"].values[:, 0, 0]}
    assert training.sizes["trajectory"] == 9
    assert all(float(q) not in starts for q in held["q"].values[:, 0, 0])
    one = several.isel(trajectory=[0])
    training, held = symlnn.hold_out(one, 0.25, jax.random.key(0))
    assert float(training["t"].max()) < float(held["t"].min())
    single = symlnn.generate(pendulum, 40)
    training, held = symlnn.hold_out(single, 0.25, jax.random.key(0))
    assert (training.sizes["sample"], held.sizes["sample"]) == (30, 10)


def test_joint_and_fixed_distributions() -> None:
    system = symlnn.load_system("charged_particle")
    x, y = system.coordinates
    covariance = [[1.0, 0.9], [0.9, 1.0]]
    joint = dataclasses.replace(
        system,
        states={
            **{v: d for v, d in system.states.items() if v not in (x, y)},
            (x, y): symlnn.multivariate_normal([1, 2], covariance),
        },
        initial_states={x: 0.5},
    )
    drawn = symlnn.sample_states(joint, 20_000, key=jax.random.key(0))
    np.testing.assert_allclose(np.cov(drawn.q.T), covariance, atol=0.05)  # 20,000 draws: 1 % of standard error
    np.testing.assert_allclose(drawn.q.mean(axis=0), [1, 2], atol=0.05)
    start = symlnn.sample_states(joint, 100, key=jax.random.key(0), initial=True)
    np.testing.assert_array_equal(start.q[:, 0], 0.5)
    assert float(jnp.std(start.q[:, 1])) > 0.5
    assert system_from_json(json.loads(json.dumps(system_to_json(joint)))) == joint


def test_a_system_without_states_says_what_it_needs(pendulum: symlnn.System) -> None:
    measured = dataclasses.replace(pendulum, states={}, initial_states={})
    assert measured.dof == 1
    with pytest.raises(ValueError, match=r"does not say what theta.* is drawn from: add states="):
        symlnn.sample_states(measured, 3, key=jax.random.key(0))
    with pytest.raises(ValueError, match="add initial_states="):
        symlnn.sample_states(measured, 3, key=jax.random.key(0), initial=True)
    data = symlnn.generate_trajectories(pendulum, 12, duration=1.0, rate=20.0)
    recipe = symlnn.Recipe.single(symlnn.FirstOrder(chunk=25))
    model = symlnn.find_model("lnn", architecture=symlnn.Architecture(16, 2), recipe=recipe)
    learned = symlnn.learn(measured, model, data=data, budget=symlnn.Budget(steps=100))
    assert learned.fit.lowest < 0.5


def test_data_of_another_system_are_refused(pendulum: symlnn.System, tmp_path: Path) -> None:
    symlnn.save_dataset(tmp_path / "d.nc", symlnn.generate(pendulum, 20))
    with pytest.raises(ValueError, match="another system: its name"):
        symlnn.load_dataset(tmp_path / "d.nc", symlnn.load_system("kepler"))
    with pytest.raises(ValueError, match="another system: its parameters"):
        symlnn.load_dataset(tmp_path / "d.nc", pendulum.with_parameters({"l": 3.0}))


def test_damaged_and_foreign_files_are_refused(pendulum: symlnn.System, tmp_path: Path) -> None:
    path = tmp_path / "d.nc"
    symlnn.save_dataset(path, symlnn.generate(pendulum, 2000))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="its checksum does not match"):
        symlnn.load_dataset(path)
    xr.Dataset({"q": ("sample", [1.0])}).to_netcdf(path, engine="h5netcdf")
    with pytest.raises(ValueError, match="no data set that symlnn wrote"):
        symlnn.load_dataset(path)
    with pytest.raises(ValueError, match="no data set"):
        symlnn.load_dataset(tmp_path / "absent.nc")


def test_values_that_are_not_finite_are_refused(pendulum: symlnn.System) -> None:
    data = symlnn.generate(pendulum, 20)
    data["a"][3, 0] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        symlnn.Instants().of(data)


def test_data_without_accelerations_say_so(pendulum: symlnn.System) -> None:
    with pytest.raises(ValueError, match="holds no accelerations"):
        symlnn.learn(pendulum, "nn", data=symlnn.generate(pendulum, 20).drop_vars("a"))


@pytest.mark.parametrize("arguments", [{"noise": -1.0}, {"start": 0}])
def test_wrong_arguments(pendulum: symlnn.System, arguments: dict) -> None:
    with pytest.raises(ValueError, match=r"negative|at least 1"):
        symlnn.generate_trajectories(pendulum, **{"start": 1, **arguments})
