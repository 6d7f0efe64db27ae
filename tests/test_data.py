"""Data sets: what they hold, the same for the same seed, on disk and back."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import symlnn


def test_generate_is_the_oracle_at_named_dimensions(double_pendulum: symlnn.System) -> None:
    data = symlnn.generate(double_pendulum, 50, seed=3)
    assert data["q"].dims == ("sample", "coordinate")
    assert list(data["coordinate"].values) == ["theta1", "theta2"]
    assert list(data["unit"].values) == ["rad", "rad"]
    samples = symlnn.samples_of(data)
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
    samples = symlnn.samples_of(data)
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
    learned = symlnn.learn(pendulum, "lnn", data=data, steps=200, architecture=symlnn.Architecture(16, 2))
    assert min(learned.fit.history.validation) < 0.1
    with pytest.raises(ValueError, match="too few"):
        symlnn.learn(pendulum, "lnn", data=symlnn.generate(pendulum, 5), steps=200)


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
    with pytest.raises(ValueError, match="no readable NetCDF"):
        symlnn.load_dataset(path)
    xr.Dataset({"q": ("sample", [1.0])}).to_netcdf(path, engine="h5netcdf")
    with pytest.raises(ValueError, match="no data set of symlnn: it lacks v"):
        symlnn.load_dataset(path)
    with pytest.raises(ValueError, match="no data set"):
        symlnn.load_dataset(tmp_path / "absent.nc")


def test_values_that_are_not_finite_are_refused(pendulum: symlnn.System) -> None:
    data = symlnn.generate(pendulum, 20)
    data["a"][3, 0] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        symlnn.samples_of(data)


@pytest.mark.parametrize("arguments", [{"noise": -1.0}, {"trajectories": 0}])
def test_wrong_arguments(pendulum: symlnn.System, arguments: dict) -> None:
    with pytest.raises(ValueError, match=r"negative|at least 1"):
        symlnn.generate_trajectories(pendulum, **{"trajectories": 1, **arguments})
