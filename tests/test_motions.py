"""Recordings: reading them from files of every kind, what is wrong with them, splits, and round trips."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.io
import sympy as sp
import xarray as xr
from sympy.physics.mechanics import dynamicsymbols

import symlnn
from symlnn import Column, Motions, Run, read_motions

T = np.arange(20) * 0.1
TABLE = {"time": T, "pos": np.sin(T), "vel": np.cos(T)}
COLUMNS = {"theta": "pos", "theta_dot": "vel"}


def write(path: Path, table: dict[str, Any]) -> Path:
    match path.suffix:
        case ".csv":
            pd.DataFrame(table).to_csv(path, index=False)
        case ".txt":
            pd.DataFrame(table).to_csv(path, index=False, sep=";")
        case ".nc":
            xr.Dataset({name: ("row", values) for name, values in table.items()}).to_netcdf(path, engine="h5netcdf")
        case ".mat":
            scipy.io.savemat(path, table)
        case ".npz":
            np.savez(path, **table)
    return path


@pytest.mark.parametrize("kind", [".csv", ".txt", ".nc", ".mat", ".npz"])
def test_every_kind_of_file_says_the_same(kind: str, tmp_path: Path, pendulum: symlnn.System) -> None:
    motions = read_motions(write(tmp_path / f"run{kind}", TABLE), pendulum, COLUMNS)
    (run,) = motions
    assert run.name == "run"
    np.testing.assert_array_equal(run.t, T)
    np.testing.assert_array_equal(run.q[:, 0], np.sin(T))
    assert run.v is not None and run.u is None
    np.testing.assert_array_equal(run.v[:, 0], np.cos(T))


def test_units_signs_offsets_delays_and_turns(tmp_path: Path, pendulum: symlnn.System) -> None:
    turning = 3 * T
    written = np.rad2deg((turning + np.pi) % (2 * np.pi) - np.pi)
    toml = tmp_path / "map.toml"
    toml.write_text('t = "time"\n[theta]\ncolumn = "pos"\nunit = "deg"\nunwrap = true\n')
    (run,) = read_motions({"time": T, "pos": written}, pendulum, toml)
    np.testing.assert_allclose(run.q[:, 0], turning, atol=1e-12)
    with pytest.raises(ValueError, match="theta jumps by more than half a turn in line 13: give unwrap = true"):
        read_motions({"time": T, "pos": np.deg2rad(written)}, pendulum, COLUMNS | {"theta_dot": "pos"})
    late = Column("pos", scale=2.0, sign=-1, offset=1.0, delay=0.1)
    (run,) = read_motions({"time": T, "pos": 5 * T}, pendulum, {"theta": late})
    np.testing.assert_allclose(run.q[:-1, 0], -2 * (5 * (T[:-1] + 0.1) - 1))
    assert np.isnan(run.q[-1, 0])  # nothing was written so late


def test_each_file_is_a_run_of_its_own_name(tmp_path: Path, pendulum: symlnn.System) -> None:
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "log.csv", TABLE)
    paths = [tmp_path / folder / "log.csv" for folder in ("first", "second")]
    assert [run.name for run in read_motions(paths, pendulum, COLUMNS)] == ["log", "second_log"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pos": None}, "run.csv: there is no column 'pos' for theta. The columns are: time, vel"),
        ({"pos": ["a", *np.sin(T[1:])]}, "run.csv: the column 'pos' has 'a' in line 2, no number"),
        ({"time": [*T[:9], 0.0, *T[10:]]}, "run.csv: line 11 has the time 0 s after 0.8 s, but times must increase"),
        ({"time": [np.nan, *T[1:]]}, "run.csv: line 2 has no time"),
        ({"pos": np.full(20, np.nan)}, "run.csv: the column 'pos' of theta holds no number"),
        ({name: x[:1] for name, x in TABLE.items()}, "run.csv: The run 'run' has 1 sample: a motion needs two or more"),
    ],
)
def test_what_is_wrong_is_named(change: dict, message: str, tmp_path: Path, pendulum: symlnn.System) -> None:
    table = {name: x for name, x in (TABLE | change).items() if x is not None}
    with pytest.raises(ValueError) as found:
        read_motions(write(tmp_path / "run.csv", table), pendulum, COLUMNS)
    assert message in str(found.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[theta]\ncolour = "pos"', "theta has the unknown key 'colour'. Keys are: "),
        ('phi = "pos"', "pendulum has no variable 'phi'. It has: t, theta, theta_dot"),
        ("theta = 3", "theta must be the name of a column"),
        ("theta = ", "it is no TOML file"),
        ('[theta]\nunit = "furlong"', "The unit 'furlong' of the column 'theta' is not known"),
        ("[theta]\nsign = 2", "needs sign = 1 or −1"),
        ('[theta]\nscale = "2"', "scale of the column 'theta' must be a finite number"),
    ],
)
def test_a_wrong_map_is_named(text: str, message: str, tmp_path: Path, pendulum: symlnn.System) -> None:
    path = tmp_path / "map.toml"
    path.write_text(text)
    with pytest.raises(ValueError) as found:
        read_motions(TABLE, pendulum, path)
    assert str(found.value).startswith(str(path)) and message in str(found.value)


@pytest.mark.parametrize(("name", "body"), [("a.npz", b"PK"), ("a.mat", b"no"), ("a.nc", b"no"), ("a.xyz", b"")])
def test_what_is_no_log_is_said(name: str, body: bytes, tmp_path: Path, pendulum: symlnn.System) -> None:
    (tmp_path / name).write_bytes(body)
    with pytest.raises(ValueError, match=name):
        read_motions(tmp_path / name, pendulum)
    with pytest.raises(ValueError, match=r"There is no file .*nothing\.csv"):
        read_motions(tmp_path / "nothing.csv", pendulum)


def test_whole_runs_are_held_out_or_the_end_of_one() -> None:
    runs = [Run(f"r{k}", T, np.sin(T)[:, None]) for k in range(6)]
    motions = Motions(tuple(runs), ("x",))
    kept, held = motions.split()
    assert [run.name for run in held] == ["r5"] and len(kept) == 5
    kept, held = motions.split(["r0", "r3"])
    assert {run.name for run in held} == {"r0", "r3"}
    before, after = Motions((runs[0],), ("x",)).split()
    assert before.runs[0].t[-1] < after.runs[0].t[0]
    assert len(before.runs[0].t) + len(after.runs[0].t) == len(T)
    with pytest.raises(ValueError, match=r"no run 'nine' to hold out\. The runs are: r0, r1"):
        motions.split(["nine"])
    with pytest.raises(ValueError, match="Every run is held out"):
        motions.split([run.name for run in runs])


def test_a_round_trip_is_exact(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first = Run("first run", T, rng.normal(size=(20, 2)), u=rng.normal(size=(20, 1)), m=np.array([0.1]))
    gappy = np.where(rng.uniform(size=(7, 2)) < 0.3, np.nan, 1.0)
    second = Run("b", T[:7] ** 2 + T[:7], gappy, gappy, np.ones((7, 1)), np.array([0.3]))
    motions = Motions((first, second), ("x", "y"), ("F",), ("k",))
    motions.save(tmp_path / "m.nc")
    back = Motions.load(tmp_path / "m.nc")
    assert (back.coordinates, back.inputs, back.parameters) == (("x", "y"), ("F",), ("k",))
    for ours, theirs in zip(motions, back, strict=True):
        assert ours.name == theirs.name
        for name in ("t", "q", "v", "u", "m"):
            a, b = getattr(ours, name), getattr(theirs, name)
            np.testing.assert_equal(a, b)  # NaN equals NaN here
    (tmp_path / "other.nc").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"other\.nc holds no motions"):
        Motions.load(tmp_path / "other.nc")


def test_generated_trajectories_are_motions(pendulum: symlnn.System) -> None:
    data = symlnn.generate_trajectories(pendulum, 3, duration=1.0, rate=20.0)
    motions = Motions.of_dataset(data)
    assert len(motions) == 3
    np.testing.assert_array_equal(motions.runs[1].q, data["q"].values[1])


def test_files_that_were_written_here_are_read_as_recordings(pendulum: symlnn.System, tmp_path: Path) -> None:
    """Of `save_dataset` and `Motions.save`: all their runs, by name; single states, and another system, are refused."""
    data = symlnn.generate_trajectories(pendulum, 2, duration=1.0, rate=20.0)
    symlnn.save_dataset(tmp_path / "generated.nc", data)
    Motions.of_dataset(data).save(tmp_path / "saved.nc")
    generated, saved = (symlnn.read_motions(tmp_path / f"{name}.nc", pendulum) for name in ("generated", "saved"))
    for motions in (generated, saved, symlnn.read_motions([tmp_path / "saved.nc"])):
        assert [run.name for run in motions] == ["trajectory0", "trajectory1"]
        np.testing.assert_array_equal(motions.runs[1].q, data["q"].values[1])
    both = symlnn.read_motions([tmp_path / "generated.nc", tmp_path / "saved.nc"], pendulum)
    assert [run.name for run in both][1:3] == ["generated_trajectory1", "saved_trajectory0"]
    with pytest.raises(ValueError, match=r"saved\.nc: The motions have the coordinates theta, but kepler has phi, r"):
        symlnn.read_motions(tmp_path / "saved.nc", symlnn.load_system("kepler"))
    symlnn.save_dataset(tmp_path / "states.nc", symlnn.generate(pendulum, 10))
    with pytest.raises(ValueError, match="single states, no motions"):
        symlnn.read_motions(tmp_path / "states.nc", pendulum)


def test_names_are_put_in_the_order_of_the_system() -> None:
    t = np.arange(3.0)
    q, u = np.arange(6.0).reshape(3, 2), np.arange(6.0, 12.0).reshape(3, 2)
    motions = Motions((Run("a", t, q, q + 1, u, np.array([5.0])),), ("theta", "x"), ("g", "f"), ("m",))
    x, theta = dynamicsymbols("x theta")
    f, g, m = sp.symbols("f g m", positive=True)
    system = symlnn.System(
        name="two",
        coordinates=(x, theta),
        lagrangian=m * (x.diff() ** 2 + theta.diff() ** 2) / 2,
        forces={x: f, theta: g},
        inputs={f: symlnn.uniform(0, 1), g: symlnn.uniform(0, 1)},
        parameters={m: symlnn.uniform(1, 2)},
    )
    (run,) = motions.of_system(system)
    np.testing.assert_array_equal(run.q, q[:, ::-1])
    np.testing.assert_array_equal(run.v, q[:, ::-1] + 1)
    np.testing.assert_array_equal(run.u, u[:, ::-1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((T[::-1], T[:, None]), "times must increase"),
        ((np.array([0.0, np.inf]), T[:2, None]), "a time that is not finite"),
    ],
)
def test_a_wrong_run_is_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Run("r", *arguments)
