"""Functions of several arguments and whole Lagrangians, learned as networks; black boxes."""

import dataclasses
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

import symlnn
from symlnn import Method, Motions, Parameter, Run, System, Unknown, uniform

x, theta = dynamicsymbols("x theta")
t = dynamicsymbols._t
v, omega = x.diff(t), theta.diff(t)
m, k = sp.symbols("m k", positive=True)
F = sp.Symbol("F", real=True)
f, L = sp.Function("f"), sp.Function("L")

DRIVEN = System(
    name="driven",
    coordinates=(x,),
    units={x: "m"},
    lagrangian=m * v**2 / 2,
    forces={x: F + f(x, v)},
    inputs={F: uniform(-1, 1)},
    unknown={f: Unknown(width=6)},
    parameters={m: Parameter(1.0, "kg")},
)
PENDULUM = System(
    name="pendulum",
    coordinates=(theta,),
    angles=(theta,),
    lagrangian=omega**2 / 2 + 9.81 * sp.cos(theta),
)
OPEN = System(
    name="open_pendulum",
    coordinates=(theta,),
    angles=(theta,),
    lagrangian=L(theta, omega),
    unknown={L: Unknown(width=6)},
)


def motions(system: System, starts: list[float], *, noise: float) -> Motions:
    """Runs of 6 s at 50 per second, from rest."""
    at = np.arange(301) / 50
    law, rng = symlnn.SymbolicDynamics(system), np.random.default_rng(0)
    runs = []
    for number, start in enumerate(starts):
        u = np.sin(1.3 * at[:, None] + number) if system.u else None
        inputs = None if u is None else symlnn.SampledInputs(jnp.asarray(at), jnp.asarray(u))
        state = symlnn.States.of(jnp.array([start]), jnp.zeros(1), u=None if u is None else jnp.zeros(1))
        found = symlnn.simulate(law, state, times=jnp.asarray(at), u=inputs)
        assert bool(found.successful)
        q = np.asarray(found.q)
        runs.append(Run(f"run{number}", at, q + noise * rng.normal(size=q.shape), u=u))
    return Motions.of(system, runs)


@pytest.mark.slow
def test_a_force_of_two_arguments_is_learned() -> None:
    """f = −x − 0.3 v (1 + x²): neither a sum nor a product of functions of one argument."""
    truth = DRIVEN.with_functions({f: lambda x, v: -x - 0.3 * v * (1 + x**2)})
    data = motions(truth, [1.5, -1.0, 0.5, -0.2], noise=1e-3)
    found = symlnn.identify(DRIVEN, data)
    assert found.kept == "weak" and found.parameters == {}
    at = [
        symlnn.States.of(jnp.array([a]), jnp.array([b]), u=jnp.zeros(1)) for a in (-0.8, 0.0, 0.8) for b in (-0.5, 0.5)
    ]
    law = symlnn.SymbolicDynamics(truth)
    pairs = [[d.acceleration(s.q, s.v, None, s.u)[0] for d in (found.dynamics["identified"], law)] for s in at]
    learned, true = np.array(pairs).T
    assert np.sqrt(np.mean((learned - true) ** 2)) < 0.05 * np.sqrt(np.mean(true**2))


@pytest.mark.slow
@pytest.mark.production
def test_a_whole_lagrangian_is_learned_though_none_at_all_would_fit() -> None:
    """Where no force is measured L ≡ 0 solves the equation of motion, and no factor of L is told from another."""
    data = motions(PENDULUM, [1.0, 1.8, 2.5], noise=1e-3)
    found = symlnn.identify(OPEN, data)
    learned, true = found.dynamics["identified"], symlnn.SymbolicDynamics(PENDULUM)
    states = [(jnp.array([a]), jnp.array([b])) for a in (-1.5, -0.5, 0.7, 1.4) for b in (-1.0, 1.0)]
    off = np.array([learned.acceleration(q, v)[0] - true.acceleration(q, v)[0] for q, v in states])
    assert np.sqrt(np.mean(off**2)) < 0.3  # of 9.81 at most
    assert any("up to a factor" in sentence for sentence in found.diagnosis)


@pytest.mark.slow
def test_black_boxes_stand_beside_the_declared_law() -> None:
    truth = DRIVEN.with_functions({f: lambda x, v: -x - 0.3 * v})
    free = dataclasses.replace(truth, parameters={m: Parameter(1.2, "kg", free=True)})
    data = motions(truth, [1.5, -1.0, 0.5], noise=1e-3)
    found = symlnn.identify(free, data, models=("delan", "nn"), method=Method(shooting=False))
    assert set(found.models) == {"declared", "identified", "delan", "nn"}
    assert found.models["nn"].force is None and found.models["delan"].force is not None
    for name in ("delan", "nn"):
        assert found.models[name].score < 0.2, name
    document = found.to_json()
    assert document["models"]["nn"]["force_rmse"] is None
    assert set(document["models"]["delan"]["prediction"]["1"]["median"]) == {"x"}


@pytest.mark.parametrize(
    ("system", "name", "message"),
    [
        (DRIVEN, "lnn", "Unknown black box 'lnn'; choose one of delan, nn"),
        (dataclasses.replace(PENDULUM, lagrangian=omega**2 / 2 + sp.cos(theta + t), time=uniform(0, 1)), "nn", "time"),
    ],
)
def test_what_no_black_box_is_for(system: System, name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        symlnn.black_box(system, name)


def test_functions_stand_where_the_declaration_calls_them() -> None:
    """L, and its derivatives, are those of the expression put in; calls within calls too."""
    g = sp.Function("g")
    nested = System(
        name="nested",
        coordinates=(x,),
        lagrangian=v**2 / 2 - f(x, g(x)) - g(2 * x),
        dissipation=f(v, v),
        unknown={f: Unknown(), g: Unknown()},
    )
    functions = {"f": lambda a, b: a**2 * jnp.cos(b), "g": lambda a: a**3}
    whole = nested.with_functions({f: lambda a, b: a**2 * sp.cos(b), g: lambda a: a**3})
    opened = symlnn.EulerLagrange(
        symlnn.SymbolicLagrangian(nested, functions=functions), symlnn.SymbolicForces(nested, functions=functions)
    )
    q, w = jnp.array([0.7]), jnp.array([-0.4])
    expected = symlnn.SymbolicDynamics(whole).acceleration(q, w)
    assert jnp.allclose(opened.acceleration(q, w), expected, rtol=1e-12)
    assert jnp.allclose(eqx.filter_jit(opened.acceleration)(q, w), expected, rtol=1e-12)
    with pytest.raises(ValueError, match="g is not known"):
        symlnn.SymbolicLagrangian(nested, functions={"f": functions["f"]})
    with pytest.raises(ValueError, match="leaves no function h open"):
        symlnn.SymbolicLagrangian(nested, functions={**functions, "h": functions["g"]})


def _law(system: System, functions: dict) -> symlnn.EulerLagrange:
    return symlnn.EulerLagrange(
        symlnn.SymbolicLagrangian(system, functions=functions), symlnn.SymbolicForces(system, functions=functions)
    )


@pytest.mark.slow
def test_networks_are_written_beside_their_declaration(tmp_path: Path) -> None:
    """A whole Lagrangian and a force of two arguments come back to the bit; a damaged file, and another law, do not."""
    for system, starts in ((OPEN, [1.0, 2.0, 2.5]), (DRIVEN, [0.3, 0.5])):
        truth = PENDULUM if system is OPEN else DRIVEN.with_functions({f: lambda a, b: -a - b / 5})
        with jax.enable_x64(True):
            found = symlnn.identify(system, motions(truth, starts, noise=1e-4), method=Method(half_width=0.5))
            symlnn.write_identification(found, tmp_path / system.name)
            file = tmp_path / system.name / "functions.symlnn"
            own = symlnn.load_system(str(tmp_path / system.name / "identified.py"))
            law, q, w = _law(own, symlnn.load_functions(file, own)), jnp.array([0.4]), jnp.array([-0.2])
            learned = found.dynamics["identified"].acceleration(q, w, u=jnp.zeros(len(system.u)))
            np.testing.assert_allclose(law.acceleration(q, w, u=jnp.zeros(len(system.u))), learned, rtol=1e-12)
        file.write_bytes(file.read_bytes()[:-1])
        with pytest.raises(ValueError, match="truncated"):
            symlnn.load_functions(file)
        with pytest.raises(ValueError, match="leaves no function h open"):
            symlnn.save_functions(file, own, {"h": found.networks[next(iter(found.networks))]})


def test_what_is_left_open_is_written_as_it_was_declared() -> None:
    x_function = sp.Function("x_")
    system = System(
        name="open",
        coordinates=(x,),
        lagrangian=m * v**2 / 2 - f(x, v) - x_function(x),
        unknown={f: Unknown(width=4), x_function: Unknown(even=True)},
        parameters={m: 1.0},
    )
    text = symlnn.system_to_text(system, {}, "Open.")
    space: dict = {}
    exec(text, space)
    assert space["SYSTEM"].unknown == system.unknown
    assert space["SYSTEM"].lagrangian == system.lagrangian
