"""Training on several devices, and by several processes: the same parameters, and a word where one has ended."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symlnn

ON_DEVICES = """
import jax, numpy as np, equinox as eqx
from jax.flatten_util import ravel_pytree
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_disable_most_optimizations", True)
import symlnn
everything = jax.devices()
assert len(everything) == 4
system = symlnn.load_system("harmonic_oscillator")
lnn = symlnn.find_model("lnn", architecture=symlnn.Architecture(width=8, depth=1))
motion = symlnn.find_model("lnn", architecture=symlnn.Architecture(width=8, depth=1), residual="trajectory")
found = {}
for count in (1, 2, 4):
    jax.devices = lambda *_: everything[:count]
    for name, model in (("states", lnn), ("motions", motion)):
        learned = symlnn.learn(system, model, budget=symlnn.Budget(steps=(4, 4)))
        assert learned.fit.successful
        found[name, count] = np.asarray(ravel_pytree(eqx.filter(learned.dynamics, eqx.is_inexact_array))[0])
for name in ("states", "motions"):
    for count in (2, 4):
        one, several = found[name, 1], found[name, count]
        assert np.abs(several - one).max() <= 1e-10 * np.abs(one).max(), (name, count)
print("the same")
"""

LATTICE_ON_DEVICES = """
import dataclasses, jax, numpy as np, equinox as eqx
jax.config.update("jax_enable_x64", True)
import symlnn

def same(law, devices, m=None):
    dof = law.lagrangian.sites * law.lagrangian.fields
    divided = symlnn.ShardedEulerLagrange(law, devices)
    q, v = jax.random.normal(jax.random.key(0), (2, dof))
    mine = eqx.filter_jit(lambda law, q, v: law.acceleration(q, v))(divided, divided.divided(q), divided.divided(v))
    assert len(mine.sharding.device_set) == len(devices)
    np.testing.assert_allclose(mine, law.acceleration(q, v), rtol=1e-10, atol=1e-10)
    return divided

for shape, name in (((16,), "sine_gordon"), ((8, 6), "wave_equation_2d")):
    for boundary in ("periodic", "fixed", "free"):
        field = dataclasses.replace(symlnn.load_field(name), boundary=boundary)
        law = symlnn.SparseEulerLagrange(symlnn.graph_lagrangian(field.lattice(shape)))
        for count in (2, 4):
            divided = same(law, jax.devices()[:count])
q, v = jax.random.normal(jax.random.key(1), (2, 48))
one = symlnn.simulate(law, (q, v), duration=0.5)
several = symlnn.simulate(divided, (divided.divided(q), divided.divided(v)), duration=0.5)
assert several.successful and len(several.q.sharding.device_set) == 4
np.testing.assert_allclose(several.q, one.q, rtol=1e-10, atol=1e-10)

class Bond(symlnn.AbstractDensity):
    moving: int = 1
    coupled: bool = False
    def __call__(self, q, v, x, m, t):
        return (1 + x[0] ** 2) * (v**2).sum() / 2 - ((q[1:] - q[0]) ** 4).sum()

edges = [(i, (i + 1) % 12) for i in range(12)] + [(0, 3), (7, 9)]
groups = []
for sites in symlnn.graph_neighbourhoods(12, edges):
    groups.append(symlnn.Neighbourhoods(sites, np.linspace(0, 1, len(sites))[:, None]))
same(symlnn.SparseEulerLagrange(symlnn.GraphLagrangian([Bond()], groups, 12, 2)), jax.devices()[:3])
print("the same")
"""

COMMAND = ("train", "harmonic_oscillator", "--width", "8", "--depth", "1", "--out", "m.eqx")


@pytest.mark.slow
def test_two_and_four_devices_give_the_parameters_of_one() -> None:
    """In a process of its own, which is told before JAX starts that it has four."""
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
    done = subprocess.run([sys.executable, "-c", ON_DEVICES], env=environment, capture_output=True, text=True)
    assert done.stdout.endswith("the same\n"), done.stderr


@pytest.mark.slow
def test_a_lattice_on_several_devices_moves_as_on_one() -> None:
    """On rings and grids of every boundary, and on a graph whose neighbourhoods differ in size and attributes."""
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
    done = subprocess.run([sys.executable, "-c", LATTICE_ON_DEVICES], env=environment, capture_output=True, text=True)
    assert done.stdout.endswith("the same\n"), done.stderr


@pytest.mark.parametrize(
    ("sites", "devices", "arguments", "message"),
    [
        (9, 2, {}, "cannot be divided equally"),
        (4, 4, {}, "use fewer devices"),
        (9, 3, {"forces": lambda q, v, m, u, t: -v}, "forces"),
        (9, 3, {"coupled": True}, "couples the velocities of different sites"),
    ],
)
def test_lattices_that_cannot_be_divided(sites: int, devices: int, arguments: dict[str, Any], message: str) -> None:
    density = Springs(coupled=arguments.pop("coupled", False))
    group = symlnn.Neighbourhoods(symlnn.grid_neighbourhoods((sites,)))
    law = symlnn.SparseEulerLagrange(symlnn.GraphLagrangian([density], [group], sites), **arguments)
    with pytest.raises(ValueError, match=message):
        symlnn.ShardedEulerLagrange(law, jax.devices()[:1] * devices)


class Springs(symlnn.AbstractDensity):
    """A chain of springs; with a velocity of the neighbour too where it is coupled."""

    moving: int = eqx.field(static=True)
    coupled: bool = eqx.field(static=True)

    def __init__(self, coupled: bool):
        self.moving, self.coupled = 1 + coupled, coupled

    def __call__(self, q: Any, v: Any, x: Any, m: Any, t: Any) -> Any:
        return jnp.sum(v) ** 2 / 2 - jnp.sum((q[1:] - q[0]) ** 2)


def started(folder: Path, port: int, process: int, *more: str) -> subprocess.Popen:
    """One of two processes that train together."""
    together = ("--coordinator", f"127.0.0.1:{port}", "--processes", "2", "--process", str(process))
    command = [sys.executable, "-m", "symlnn", *COMMAND, *together, *more]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def free_port() -> int:
    """One that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.mark.slow
def test_two_processes_train_one_model_and_one_writes_it(tmp_path: Path) -> None:
    port = free_port()
    processes = [started(tmp_path, port, k, "--steps", "10+4") for k in range(2)]
    (out, error), (silent, _) = (p.communicate(timeout=300) for p in processes)
    assert [p.returncode for p in processes] == [0, 0], error
    assert "Wrote m.eqx" in out and "Wrote" not in silent
    together = (tmp_path / "m.eqx").read_bytes()
    subprocess.run([sys.executable, "-m", "symlnn", *COMMAND, "--steps", "10+4"], cwd=tmp_path, check=True)
    assert same(together, (tmp_path / "m.eqx").read_bytes(), tmp_path)


def same(one: bytes, other: bytes, folder: Path) -> bool:
    """Whether two model files hold the same parameters, up to rounding."""
    leaves = []
    for number, content in enumerate((one, other)):
        path = folder / f"{number}.eqx"
        path.write_bytes(content)
        dynamics = symlnn.load_model(path).dynamics
        leaves.append([np.asarray(x) for x in jax.tree.leaves(eqx.filter(dynamics, eqx.is_inexact_array))])
    return all(np.allclose(a, b, rtol=1e-9, atol=1e-9) for a, b in zip(*leaves, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("ended", [0, 1])
def test_where_one_ends_the_other_says_so_and_one_alone_goes_on(ended: int, tmp_path: Path) -> None:
    port = free_port()
    both = [started(tmp_path, port, k, "--seconds", "40") for k in range(2)]
    second, first = both[ended], both[1 - ended]
    deadline = time.monotonic() + 200
    while not (tmp_path / "m.eqx.checkpoint").exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(1.0)
    second.send_signal(signal.SIGKILL)
    second.communicate()
    _, error = first.communicate(timeout=120)
    assert first.returncode != 0
    assert "as another one has" in error and "--resume" in error
    assert not (tmp_path / "m.eqx").exists()
    done = subprocess.run(
        [sys.executable, "-m", "symlnn", *COMMAND, "--seconds", "40", "--resume"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "Wrote m.eqx" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--coordinator", "here:1"), "belong together"),
        (("--processes", "2", "--process", "1"), "belong together"),
        (("--coordinator", "here:1", "--processes", "2", "--process", "2"), "from 0 to 1"),
    ],
)
def test_halves_of_an_address_are_refused(
    arguments: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from symlnn._cli import main

    with pytest.raises(SystemExit) as ended:
        main([*COMMAND[:-1], str(tmp_path / "m.eqx"), *arguments])
    assert ended.value.code == 1
    assert message in " ".join(capsys.readouterr().err.split())
