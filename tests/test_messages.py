"""What a declaration that is wrong, or unusual, is answered: one line that names what was written, and the remedy."""

import re
import warnings
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
import sympy as sp
from sympy.physics import units
from sympy.physics.mechanics import ReferenceFrame, dynamicsymbols
from sympy.vector import CoordSys3D

import symlnn
from symlnn import Parameter, System, normal, uniform
from symlnn._system import ordered

t = dynamicsymbols._t
x, y, theta = dynamicsymbols("x y theta")
v, w, omega = x.diff(t), y.diff(t), theta.diff(t)
m, k, c = sp.symbols("m k c", positive=True)
u = sp.Symbol("u", real=True)
later = sp.Symbol("t", positive=True)
x_later = sp.Function("x")(later)
multiplier, prescribed = sp.Function("lambda")(t), sp.Function("f")(t)
frame = ReferenceFrame("N")
vectors: Any = CoordSys3D("C")
STATES = {x: uniform(-1, 1), v: uniform(-1, 1)}
ANGLE = {"coordinates": (theta,), "angles": (theta,), "states": {theta: uniform(-1, 1), omega: uniform(-1, 1)}}
KINETIC = m * v**2 / 2
L = KINETIC - k * x**2 / 2


def declared(**changes: Any) -> System:
    usual = {"name": "s", "coordinates": (x,), "lagrangian": L, "parameters": {m: 1, k: 1}, "states": STATES}
    return System(**(usual | changes))


Changes = dict[str, Any] | Callable[[], Any]
REFUSED: dict[str, tuple[Changes, str]] = {
    "another t": ({"lagrangian": m * x_later.diff(later) ** 2 / 2}, r"another time symbol t \(positive=True\)"),
    "another t in states": (
        {"states": {x: uniform(-1, 1), x_later.diff(later): uniform(-1, 1)}},
        "another time symbol",
    ),
    "a tuple without a comma": (lambda: ordered(x, "angles"), r"write angles=\(x\(t\),\), with a comma"),
    "a symbol as coordinate": ({"coordinates": (sp.Symbol("x"),)}, r"declare it as dynamicsymbols\('x'\)"),
    "a string as coordinate": ({"coordinates": ("x",)}, r"declare it as dynamicsymbols\('x'\)"),
    "a motion that is prescribed": (
        {"lagrangian": KINETIC - k * (x - prescribed) ** 2},
        r"f\(t\).* an expression in t",
    ),
    "a force of time": ({"forces": {x: prescribed}}, r"f\(t\).* one of inputs"),
    "an undefined function": ({"lagrangian": KINETIC - sp.Function("V")(x)}, r"undefined function V\(x\)"),
    "a multiplier": ({"lagrangian": L + multiplier * (x**2 - 1)}, r"lambda\(t\).*multiplier of a constraint"),
    "a multiplier as coordinate": (
        {
            "coordinates": (x, multiplier),
            "lagrangian": L + multiplier * (x**2 - 1),
            "states": {**STATES, multiplier: uniform(-1, 1), multiplier.diff(t): uniform(-1, 1)},
        },
        r"velocity of lambda\(t\).*multiplier of a constraint",
    ),
    "a vector of sympy.vector": ({"lagrangian": x * vectors.i}, "sympy.vector.*take a dot product"),
    "a coordinate of sympy.vector": ({"lagrangian": L + vectors.x}, "sympy.vector.*coordinates of the system"),
    "a vector of a frame": ({"lagrangian": v * frame.x}, "must be a scalar SymPy expression"),
    "a matrix": ({"lagrangian": sp.Matrix([L])}, "is a MutableDenseMatrix"),
    "an equation": ({"lagrangian": sp.Eq(v, 1)}, "is a Equality"),
    "a list": ({"lagrangian": [L]}, "must be a scalar SymPy expression"),
    "text": ({"lagrangian": "m*v**2/2"}, "must be a scalar SymPy expression"),
    "a velocity as it is printed": ({"lagrangian": m * sp.Symbol("x_dot") ** 2 / 2}, r"x_dot, which is how Derivative"),
    "a coordinate as it is printed": ({"lagrangian": KINETIC - k * sp.Symbol("x") ** 2}, r"x, which is how x\(t\)"),
    "an acceleration": ({"lagrangian": L - x.diff(t, 2)}, "contains the derivative x_ddot"),
    "a unit": ({"lagrangian": L - x * units.meter}, r"the unit meter.* Parameter\(1.0, 'm'\)"),
    "an element": ({"lagrangian": L - sp.IndexedBase("k")[0] * x}, r"k\[0\]: write a symbol for each element"),
    "an impulse": ({"forces": {x: sp.DiracDelta(x)}}, "DiracDelta: no motion can follow an impulse"),
    "a jump": ({"lagrangian": L - sp.Heaviside(x)}, "act by impulses: .* where x = 0"),
    "a step of the potential": (
        {"lagrangian": L - sp.Piecewise((0, x < k / 2), (k, True))},
        r"Lagrangian of s jumps where k - 2\*x = 0.* by an impulse.*make it continuous there",
    ),
    "a slit": ({"lagrangian": L - sp.Piecewise((k, (x > 0) & (x < sp.Rational(1, 9))), (0, True))}, "jumps where x"),
    "a mass that a place changes": ({"lagrangian": sp.Piecewise((2, x < 0), (1, True)) * v**2}, "jumps where x = 0"),
    "a mass that jumps in time": (
        {"lagrangian": sp.Piecewise((2, t < 1), (1, True)) * v**2, "time": uniform(0, 2)},
        "jumps where t - 1 = 0",
    ),
    "a momentum that jumps in a speed": (
        {"lagrangian": L + sp.Piecewise((v, v > 0), (0, True)) * 3},
        "jumps where x_dot = 0",
    ),
    "a mass that jumps while motions last": (
        {"lagrangian": sp.Piecewise((2, t < 1), (1, True)) * v**2, "time": 0.0},
        "jumps where t - 1 = 0",
    ),
    "a wall that moves, and is a step": (
        {"lagrangian": L - sp.Piecewise((0, x < t / 3), (k, True)), "time": uniform(0, 2)},
        "jumps where",
    ),
    "stairs": ({"lagrangian": L - sp.floor(x)}, r"cannot be differentiated: .*floor\(x\)"),
    "NaN in L": ({"lagrangian": L + sp.nan * x}, "infinite or undefined number"),
    "a complex L": ({"lagrangian": L + sp.I * x}, "is complex"),
    "L that is not real": ({"lagrangian": KINETIC - sp.log(x - 5)}, "complex or infinite at states drawn"),
    "L without a kinetic energy": ({"lagrangian": -k * x**2}, r"does not depend on the velocity of x\(t\)"),
    "−L with forces": ({"lagrangian": -L, "forces": {x: -v}}, "kinetic energy of s is negative.* write L = T − V"),
    "an angle that is none": (
        ANGLE | {"lagrangian": omega**2 / 2 - theta**2, "parameters": {}},
        r"angles names theta\(t\).* grows by 2π",
    ),
    "an angle whose force is none": (
        ANGLE | {"lagrangian": omega**2 / 2, "forces": {theta: -theta}, "parameters": {}},
        r"or a force changes when theta\(t\) grows by 2π",
    ),
    "an unknown symbol": ({"lagrangian": L - c * x}, r"add parameters=\{c: Parameter"),
    "a twin with other assumptions": ({"lagrangian": L - sp.Symbol("k") * x}, "k with other assumptions"),
    "two of one name": (
        {"lagrangian": L - sp.Symbol("k") * x, "parameters": {m: 1, k: 1, sp.Symbol("k"): 2}},
        "k stands for two different symbols",
    ),
    "NaN as a parameter": (
        lambda: declared(parameters={m: Parameter(float("nan")), k: 1}),
        "must be finite, but is nan",
    ),
    "infinity as a parameter": ({"parameters": {m: float("inf"), k: 1}}, "Parameter m must be a number"),
    "a complex parameter": ({"parameters": {m: 1j, k: 1}}, "Parameter m must be a number"),
    "an input in L": ({"lagrangian": L - u * x, "inputs": {u: uniform(-1, 1)}}, "may only appear in forces"),
    "time without time": ({"lagrangian": L * (2 + sp.cos(t))}, r"add time=uniform\(0"),
    "states of another": ({"states": {x: uniform(-1, 1), w: uniform(-1, 1)}}, r"y\(t\).*no coordinate or velocity"),
    "a velocity that is not drawn": ({"states": {x: uniform(-1, 1)}}, r"velocity Derivative\(x\(t\), t\) has no"),
    "bounds in reverse": (lambda: declared(states={**STATES, x: uniform(1, -1)}), "reversed or equal bounds"),
    "a spread below zero": (lambda: declared(states={**STATES, x: normal(0, -1)}), "standard deviation above zero"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_named(name: str) -> None:
    changes, message = REFUSED[name]
    with pytest.raises(ValueError, match=re.compile(message, re.DOTALL)) as error:
        changes() if callable(changes) else declared(**changes)
    assert "\n" not in str(error.value)


ACCEPTED: dict[str, dict[str, Any]] = {
    "the dot product of vectors": {"lagrangian": m * (v * vectors.i).dot(v * vectors.i) / 2 - k * x**2 / 2},
    "a velocity by its own symbol": {"lagrangian": m * sp.Symbol("x_dot", real=True) ** 2 / 2 - k * x**2 / 2},
    "a step that x² carries": {"lagrangian": KINETIC - k * x**2 * sp.Heaviside(x)},
    "a soft wall": {"lagrangian": L - sp.Piecewise((0, x < k / 2), (50 * (x - k / 2) ** 2, True))},
    "a wall with a kink": {"lagrangian": L - sp.Piecewise((0, x < 0), (50 * x, True))},
    "a steep one": {"lagrangian": L - sp.Piecewise((0, x < 0), (1e5 * x, x < sp.Rational(1, 10**5)), (1, True))},
    "a step of a gauge": {"lagrangian": L + v * sp.Piecewise((0, x < 0), (k, True))},
    "a potential that is switched on": {
        "lagrangian": L - sp.Piecewise((0, t < 1), (x**2, True)),
        "time": uniform(0, 2),
    },
    "a step beyond what is drawn": {"lagrangian": L - sp.Piecewise((0, x**2 < 100), (k, True))},
    "steps of other kinds beside": {
        "lagrangian": L + v**2 * sp.Heaviside(v) / 9 - sp.Piecewise((0, x < 0), (x**2, True))
    },
    "a condition that switches itself": {"lagrangian": L - sp.Piecewise((x**2, sp.sign(x) > 0), (0, True))},
    "a condition of whole numbers": {
        "lagrangian": L - sp.Piecewise((sp.sin(sp.pi * x) ** 2, sp.Mod(x, 2) < 1), (0, True))
    },
    "a barrier without end": {
        "lagrangian": L - sp.Piecewise((1 / x, x > 0), (0, True)),
        "states": {x: uniform(1, 2), v: uniform(-1, 1)},
    },
    "a barrier of a logarithm": {
        "lagrangian": L + sp.Piecewise((sp.log(x), x > 0), (0, True)),
        "states": {x: uniform(1, 2), v: uniform(-1, 1)},
    },
    "a wall as steep as a root": {
        "lagrangian": L - sp.Piecewise((0, x < 0), (x ** sp.Rational(1, 4), True)),
    },
    "a kinetic energy that stiffens": {
        "lagrangian": KINETIC + sp.Piecewise((0, v < 0), (v**3, True)) - k * x**2,
    },
    "a parameter called cos": {
        "lagrangian": KINETIC - sp.Symbol("cos") * sp.cos(x),
        "parameters": {m: 1, sp.Symbol("cos"): 1},
    },
    "a parameter called array": {
        "lagrangian": KINETIC - sp.Symbol("array") * x**2,
        "parameters": {m: 1, sp.Symbol("array"): 1},
    },
    "−L without forces": {"lagrangian": -L},
    "a free particle": {"lagrangian": KINETIC, "parameters": {m: 1}},
    "a derivative to be taken": {"lagrangian": KINETIC - k * sp.Derivative(x**2, x)},
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_unusual_is_understood(name: str) -> None:
    system = declared(**ACCEPTED[name])
    states = symlnn.sample_states(system, 5, key=jax.random.key(0))
    law = symlnn.SymbolicDynamics(system)
    assert np.isfinite(symlnn.accelerations(law, states)).all()


def test_a_kinetic_energy_that_is_flat_at_rest_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="singular at rest"):
        declared(lagrangian=m * v**4 - k * x**2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        declared(lagrangian=m * v**4 - k * x**2, states={x: uniform(-1, 1), v: uniform(1, 2)})


@pytest.mark.production
def test_a_free_particle_is_learned() -> None:
    """Its accelerations are all zero, and an error relative to them would be 0/0."""
    free = declared(lagrangian=KINETIC, parameters={m: 1})
    recipe = symlnn.Recipe.single(symlnn.FirstOrder(chunk=20, batch=32))
    small = symlnn.find_model("lnn", architecture=symlnn.Architecture(8, 1), recipe=recipe)
    learned = symlnn.learn(free, small, budget=symlnn.Budget(steps=40))
    assert learned.fit.successful and learned.fit.lowest < 1


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_what_is_beyond_single_precision_is_told_so() -> None:
    heavy = declared(lagrangian=1e30 * v**2 / 2 - 1e45 * x**2, parameters={})
    with jax.enable_x64(False), pytest.raises(ValueError, match="use float64"):
        symlnn.generate(heavy, 5)
