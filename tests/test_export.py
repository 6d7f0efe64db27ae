"""Laws for other programs do what ours do."""

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

import symlnn

NAMES = ["cart_pole", "driven_damped_pendulum", "four_bar_linkage"]


def drawn(name: str) -> tuple[symlnn.System, symlnn.States, np.ndarray, np.ndarray]:
    """A system, states, y and ẏ."""
    system = symlnn.load_system(name)
    states = symlnn.sample_states(system, 5, key=jax.random.key(0))
    a = symlnn.accelerations(symlnn.SymbolicDynamics(system), states)
    y = np.concatenate([states.q, states.v], axis=1)
    return system, states, y, np.concatenate([states.v, a], axis=1)


@pytest.mark.parametrize("name", NAMES)
def test_scipy(name: str) -> None:
    system, states, y, expected = drawn(name)
    for k in range(5):
        rates = symlnn.to_scipy(system, u=[float(x) for x in states.u[k]])
        np.testing.assert_allclose(rates(float(states.t[k]), y[k]), expected[k], rtol=1e-9)


def test_scipy_integrates_with_feedback() -> None:
    """A controller u(t, q, v), against our own integration of it."""
    system = symlnn.load_system("cart_pole")

    def push(t: Any, q: Any, v: Any) -> Any:
        return [-3.0 * q[0] - v[0]]

    start = np.array([0.1, 0.2, 0.0, 0.0])
    theirs = scipy.integrate.solve_ivp(symlnn.to_scipy(system, u=push), (0, 1), start, rtol=1e-10, atol=1e-12)
    ours = symlnn.simulate(
        symlnn.SymbolicDynamics(system),
        symlnn.States.of(start[:2], start[2:], u=jnp.zeros(1)),
        duration=1.0,
        u=lambda t, q, v: jnp.array(push(t, q, v)),
    )
    np.testing.assert_allclose(theirs.y[:2, -1], ours.q[-1], atol=1e-7)


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
@pytest.mark.parametrize("name", NAMES)
def test_c(name: str, tmp_path: Path) -> None:
    system, states, y, expected = drawn(name)
    source, library = tmp_path / "law.c", tmp_path / "law.so"
    source.write_text(symlnn.to_c(system))
    strict = ["-std=c99", "-Wall", "-Werror", "-Wno-unused-variable"]
    subprocess.run(["cc", *strict, "-shared", "-fPIC", "-O1", str(source), "-o", str(library), "-lm"], check=True)
    function = getattr(ctypes.CDLL(str(library)), f"{name}_rates")
    pointer = ctypes.POINTER(ctypes.c_double)

    def passed(values: Any) -> Any:
        return np.ascontiguousarray(values, float).ctypes.data_as(pointer)

    p = np.array([parameter.value for parameter in system.parameters.values()], float)
    for k in range(5):
        out = np.zeros(2 * system.dof)
        u = np.array(states.u[k], float)
        code = function(
            ctypes.c_double(float(states.t[k])), passed(y[k]), passed(u), passed(p), out.ctypes.data_as(pointer)
        )
        assert code == 0
        np.testing.assert_allclose(out, expected[k], rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_julia(name: str) -> None:
    """What it says; that it runs is not tested, where there is no Julia."""
    text = symlnn.to_julia(symlnn.load_system(name))
    assert f"function {name}_rates!(dy, y, p, t; u = " in text
    assert "[0]" not in text and "**" not in text
    assert text.count("function") == text.count("\nend")


def test_a_learned_model_as_stablehlo(tmp_path: Path) -> None:
    """Read back without symlnn, for a batch of another size."""
    pytest.importorskip("flatbuffers")
    system = symlnn.load_system("cart_pole")
    model = symlnn.find_model("lnn", architecture=symlnn.Architecture(width=8, depth=1))
    learned = symlnn.learn(system, model, budget=symlnn.Budget(steps=(2, 1))).dynamics
    path = tmp_path / "law.stablehlo"
    symlnn.to_stablehlo(learned, path, dof=2, u=1)
    exported = jax.export.deserialize(bytearray(path.read_bytes()))
    for count in (1, 7):
        states = symlnn.sample_states(system, count, key=jax.random.key(2))
        a = exported.call(states.q, states.v, states.m, states.u, states.t)
        np.testing.assert_allclose(a, symlnn.accelerations(learned, states), rtol=1e-10)


def test_what_is_refused() -> None:
    relativistic, cart = (symlnn.load_system(name) for name in ("relativistic_particle", "cart_pole"))
    with pytest.raises(ValueError, match="The parameter g varies: give its value"):
        symlnn.to_scipy(relativistic)
    with pytest.raises(ValueError, match="has no parameter 'h'"):
        symlnn.to_scipy(relativistic, {"h": 1.0})
    with pytest.raises(ValueError, match="has the control inputs u: give u as many numbers"):
        symlnn.to_scipy(cart)
    assert symlnn.to_scipy(relativistic, {"g": 2.0})(0.0, np.array([0.1, 0.2])).shape == (2,)
