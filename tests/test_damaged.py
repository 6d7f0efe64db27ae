"""Damaged and hostile model files and data sets: each loads as it was or is a `ValueError` that names the file."""

import copy
import hashlib
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import equinox as eqx
import h5py
import jax
import numpy as np
import pytest
import xarray as xr

import symlnn
from symlnn._array_file import read_header
from symlnn._serialise import system_to_json

COUNT = 1000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A model file of an untrained network."""
    path = tmp_path_factory.mktemp("model") / "m.eqx"
    system = symlnn.load_system("pendulum")
    samples = eqx.filter_jit(symlnn.Stream.of(system))(jax.random.key(0), 100)
    found = symlnn.find_model("lnn", architecture=symlnn.Architecture(width=8, depth=1))
    spec = symlnn.ModelSpec(found, system, symlnn.natural_scales(system, samples))
    symlnn.save_model(path, symlnn.TrainedModel(spec.build(jax.random.key(0)), spec))
    return path.read_bytes()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A data set of a few motions."""
    path = tmp_path_factory.mktemp("data") / "d.nc"
    symlnn.save_dataset(path, symlnn.generate_trajectories(symlnn.load_system("pendulum"), 2, duration=0.5))
    return path.read_bytes()


def damaged(whole: bytes, generator: random.Random) -> bytes:
    """The bytes with bits flipped, a stretch cut out, doubled or overwritten, or an end missing."""
    found = bytearray(whole)
    place = generator.randrange(len(found))
    match generator.randrange(6):
        case 0:
            found[place] ^= 1 << generator.randrange(8)
        case 1:
            del found[place:]
        case 2:
            del found[place : place + generator.randrange(1, 100)]
        case 3:
            found[place:place] = found[place : place + 64]
        case 4:
            found[place : place + 16] = generator.randbytes(16)
        case _:
            found += generator.randbytes(generator.randrange(1, 100))
    return bytes(found)


def assert_same(one: Any, other: Any) -> None:
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)


def check_damage(path: Path, content: bytes, load: Callable[[Path], Any], same: Callable[[Any, Any], None]) -> None:
    """Damage a file a thousand times: it loads as it was, or is refused by its name."""
    generator, refused = random.Random(0), 0
    path.write_bytes(content)
    whole = load(path)
    for _ in range(COUNT):
        path.write_bytes(damaged(content, generator))
        try:
            found = load(path)
        except ValueError as error:
            assert str(path) in str(error)
            refused += 1
        else:
            same(found, whole)
    assert refused > 0.9 * COUNT


def test_a_damaged_model_is_refused(tmp_path: Path, model: bytes) -> None:
    def same(found: symlnn.TrainedModel, whole: symlnn.TrainedModel) -> None:
        assert found.spec == whole.spec
        assert_same(found.dynamics, whole.dynamics)

    check_damage(tmp_path / "m.eqx", model, symlnn.load_model, same)


def test_a_damaged_data_set_is_refused(tmp_path: Path, data: bytes) -> None:
    check_damage(tmp_path / "d.nc", data, symlnn.load_dataset, xr.testing.assert_identical)


# --- made by somebody who knows of the checksum -----------------------------------------------------------------------


def sealed(path: Path, header: Any, body: bytes) -> None:
    """A model file with a checksum that fits, whatever its header says."""
    rest = (header if isinstance(header, bytes) else json.dumps(header).encode()) + b"\n" + body
    path.write_bytes(b"symlnn-arrays-2\n" + hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest)


def places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Every entry of JSON data, as the container and its key."""
    for key in document if isinstance(document, dict) else range(len(document)):
        yield document, key
        if isinstance(document[key], dict | list):
            yield from places(document[key])


SCRAPS = (None, True, -1, 0, 10**30, 1e308, float("nan"), "", "x" * 1000, [], {}, [[1, 2], [3]], {"a": 1}, [None])


def test_a_changed_header_is_a_model_or_a_value_error(tmp_path: Path, model: bytes) -> None:
    path, generator = tmp_path / "m.eqx", random.Random(0)
    path.write_bytes(model)
    whole, body = read_header(path, "model")
    loaded, count = 0, COUNT // 4
    for _ in range(count):
        header = copy.deepcopy(whole)
        container, key = generator.choice(list(places(header)))
        if generator.random() < 0.2:
            del container[key]
        else:
            container[key] = generator.choice(SCRAPS)
        sealed(path, header, body)
        for load in (symlnn.load_spec, symlnn.load_model):
            try:
                load(path)
                loaded += 1
            except ValueError as error:
                assert str(path) in str(error)
    assert loaded < count


HEADERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "deep": lambda header: b"[" * 10**6,
    "no object": lambda header: [],
    "another kind": lambda header: header | {"kind": "checkpoint"},
    "depth": lambda header: _with(header, "architecture", "depth", 10**7),
    "width": lambda header: _with(header, "architecture", "width", 10**7),
    "half a unit": lambda header: _with(header, "architecture", "width", 8.5),
    "scale": lambda header: _with(header, "scales", "q", [1.0] * 10**5),
    "arrays": lambda header: header | {"arrays": [[[10**12], "float64"]]},
    "objects": lambda header: header | {"arrays": [[[1], "object"]]},
    "text": lambda header: header | {"arrays": [[[1], "U1000000"]]},
    "negative": lambda header: header | {"arrays": [[[-1, -100], "float64"]]},
    "code": lambda header: _with(header, "model", None, "/tmp/evil.py"),
    "unknown model": lambda header: _with(header, "model", None, "transformer"),
}


def _with(header: dict[str, Any], part: str, key: str | None, value: Any) -> dict[str, Any]:
    header = copy.deepcopy(header)
    if key is None:
        header["spec"][part] = value
    else:
        header["spec"][part][key] = value
    return header


@pytest.mark.parametrize("name", HEADERS)
def test_a_hostile_header_is_refused(tmp_path: Path, model: bytes, name: str) -> None:
    path = tmp_path / "m.eqx"
    path.write_bytes(model)
    header, body = read_header(path, "model")
    sealed(path, HEADERS[name](header), body)
    with pytest.raises(ValueError, match=r"m\.eqx"):
        symlnn.load_model(path)


def test_code_is_executed_only_where_it_is_allowed(tmp_path: Path) -> None:
    trace, code, path = tmp_path / "run", tmp_path / "mine.py", tmp_path / "m.eqx"
    code.write_text(
        f"import pathlib, symlnn\npathlib.Path({str(trace)!r}).touch()\n"
        "def MODEL(system, scales, architecture, *, key):\n"
        '    """A network of mine."""\n'
        "    return symlnn.MODELS['nn'].builder(system, scales, architecture, key=key)\n"
    )
    system = symlnn.load_system("pendulum")
    model = symlnn.find_model(str(code), architecture=symlnn.Architecture(width=8, depth=1))
    symlnn.save_model(path, symlnn.learn(system, model, budget=symlnn.Budget(steps=(1, 0))).model)
    trace.unlink()
    assert symlnn.load_spec(path).model.title == "A network of mine"
    with pytest.raises(ValueError, match=r"mine\.py, which would be executed: (.*)allow_code=True\), or --allow-code"):
        symlnn.load_model(path)
    with pytest.raises(ValueError, match="has not been executed"):
        symlnn.load_spec(path).build(jax.random.key(0))
    assert not trace.exists()
    assert symlnn.load_model(path, allow_code=True).spec.model.title == "A network of mine"
    assert trace.exists()


def resealed(path: Path) -> None:
    """Put the checksum that fits after the end of a file."""
    body = path.read_bytes()
    path.write_bytes(body + f"\nsymlnn-sha256 {hashlib.sha256(body).hexdigest()}\n".encode())


def _inflated(file: h5py.File) -> None:
    del file["q"]
    file.create_dataset("q", shape=(10**9,), dtype="f4", chunks=(10**6,), compression="gzip", fillvalue=1.0)


def _external(file: h5py.File) -> None:
    del file["q"]
    file.create_dataset("q", shape=(4,), dtype="i1", external=[("/etc/hostname", 0, 4)])


def _linked(file: h5py.File) -> None:
    del file["q"]
    file["q"] = h5py.ExternalLink("/etc/hostname", "q")


def _soft(file: h5py.File) -> None:
    del file["q"]
    file["q"] = h5py.SoftLink("/v")


def _virtual(file: h5py.File) -> None:
    del file["q"]
    layout = h5py.VirtualLayout(shape=(4,), dtype="f8")
    layout[:] = h5py.VirtualSource("/etc/hostname", "q", shape=(4,))
    file.create_virtual_dataset("q", layout)


def _group(file: h5py.File) -> None:
    group = file.create_group("loop")
    group["loop"] = group


def _changed(edit: Callable[[dict[str, Any]], Any]) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        file.attrs["symlnn"] = json.dumps(edit(json.loads(str(file.attrs["symlnn"]))))

    return change


def _without(name: str) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]

    return change


FILES: dict[str, Callable[[h5py.File], None]] = {
    "inflated": _inflated,
    "external storage": _external,
    "external link": _linked,
    "soft link": _soft,
    "virtual": _virtual,
    "group": _group,
    "no system": _changed(lambda origin: {}),
    "no object": _changed(lambda origin: [1]),
    "bomb": _changed(lambda origin: {"system": origin["system"] | {"lagrangian": ["Pow", 10, 10**10]}}),
    "twice the coordinates": _changed(lambda origin: {"system": system_to_json(symlnn.load_system("double_pendulum"))}),
    "no positions": _without("q"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_data_set_is_refused(tmp_path: Path, data: bytes, name: str) -> None:
    path = tmp_path / "d.nc"
    path.write_bytes(data[:-80])
    with h5py.File(path, "r+") as file:
        FILES[name](file)
    resealed(path)
    with pytest.raises(ValueError, match=r"d\.nc is no data set of symlnn"):
        symlnn.load_dataset(path)


def test_data_that_were_changed_are_written_anew(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "d.nc"
    path.write_bytes(data)
    with xr.open_dataset(path, engine="h5netcdf") as opened:  # NetCDF does not mind the checksum
        changed = opened.load().isel(trajectory=[0])
    changed.to_netcdf(path, engine="h5netcdf")
    with pytest.raises(ValueError, match=r"if you changed it, write it with symlnn\.save_dataset"):
        symlnn.load_dataset(path)
    symlnn.save_dataset(path, changed)
    assert symlnn.load_dataset(path).sizes["trajectory"] == 1


def test_data_are_put_in_the_order_of_the_system_or_refused() -> None:
    system = symlnn.load_system("double_pendulum")
    dataset = symlnn.generate(system, 20)
    turned = dataset.isel(coordinate=[1, 0])
    budget, small = (
        symlnn.Budget(steps=(2, 0)),
        symlnn.find_model("nn", architecture=symlnn.Architecture(width=4, depth=1)),
    )
    one, other = (symlnn.learn(system, small, data=found, budget=budget) for found in (dataset, turned))
    assert_same(one.dynamics, other.dynamics)
    twice = xr.concat([dataset, dataset.assign_coords(coordinate=["a", "b"])], "coordinate", data_vars="all")
    for wrong, message in (
        (twice, "name the coordinates a, b, theta1, theta2"),
        (dataset.isel(coordinate=[0]), "name the coordinates theta1"),
        (dataset.transpose("coordinate", "sample", ...).rename(sample="row"), "q of the data stands along"),
        (dataset.assign(q=dataset["q"].astype(str)), "holds no numbers"),
        (symlnn.load_system("pendulum"), "data"),
    ):
        if isinstance(wrong, xr.Dataset):
            with pytest.raises(ValueError, match=message):
                symlnn.learn(system, small, data=wrong, budget=budget)
    states = symlnn.sample_states(symlnn.load_system("pendulum"), 20, key=jax.random.key(0))
    with pytest.raises(ValueError, match="The data have 1 coordinates"):
        symlnn.learn(system, small, data=symlnn.Samples(states, states.q), budget=budget)
