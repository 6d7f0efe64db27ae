"""Every bad declaration fails in the constructor, with the symbol and the remedy."""

from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp
from sympy.physics.mechanics import ReferenceFrame, dynamicsymbols

from symlnn import Parameter, System, Uniform, fixed, multivariate_normal, normal, uniform

t = dynamicsymbols._t
x, y = dynamicsymbols("x y")
v = x.diff(t)
k = sp.Symbol("k", positive=True)
F = sp.Symbol("F", real=True)


def declare(**changes: Any) -> System:
    """A sound declaration, with changes."""
    fields: dict[str, Any] = {
        "name": "test",
        "coordinates": (x,),
        "lagrangian": v**2 / 2 - k * x**2 / 2,
        "parameters": {k: Parameter(2.0, "N/m")},
        "states": {x: uniform(-1, 1), v: uniform(-1, 1)},
    }
    return System(**(fields | changes))


def test_a_sound_declaration_is_accepted() -> None:
    system = declare()
    assert system.dof == 1
    assert system.accelerations == (-k * system.q[0],)


BAD: list[tuple[str, Callable[[], Any], str]] = [
    (
        "unknown symbol",
        lambda: declare(lagrangian=v**2 - sp.Symbol("kappa") * x),
        "unknown symbol kappa: add parameters",
    ),
    ("other assumptions", lambda: declare(lagrangian=v**2 - sp.Symbol("k") * x**2), "k with other assumptions"),
    ("no distribution of a velocity", lambda: declare(states={x: uniform(-1, 1)}), "velocity .* has no distribution"),
    ("no distribution of a coordinate", lambda: declare(states={v: uniform(-1, 1)}), "coordinate .* no distribution"),
    ("singular mass matrix", lambda: declare(lagrangian=v - k * x**2), "singular"),
    (
        "redundant coordinate",
        lambda: declare(
            coordinates=(x, y),
            lagrangian=(v + y.diff(t)) ** 2 - k * x**2,
            states={z: uniform(-1, 1) for z in (x, y, v, y.diff(t))},
        ),
        "rows are dependent",
    ),
    ("acceleration", lambda: declare(lagrangian=v**2 / 2 + x * x.diff(t, 2)), "derivative x_ddot"),
    (
        "other time symbol",
        lambda: declare(lagrangian=v**2 / 2 + sp.Function("x")(sp.Symbol("s"))),
        "another time symbol",
    ),
    ("third derivative", lambda: declare(lagrangian=v**2 / 2 + x.diff(t, 3)), "contains the derivative"),
    ("complex", lambda: declare(lagrangian=v**2 / 2 + sp.I * x), "complex"),
    ("vector", lambda: declare(lagrangian=v * ReferenceFrame("N").x), "scalar SymPy expression"),
    ("matrix", lambda: declare(lagrangian=sp.Matrix([v**2])), "scalar SymPy expression"),
    ("no expression", lambda: declare(lagrangian="v^^2"), "scalar SymPy expression"),
    ("infinite", lambda: declare(lagrangian=v**2 + sp.oo), "infinite or undefined"),
    ("reversed bounds", lambda: uniform(1, -1), "reversed"),
    ("reversed bounds, directly", lambda: declare(states={x: Uniform(1.0, -1.0), v: uniform(0, 1)}), "reversed"),
    ("negative spread", lambda: normal(0, -1), "above zero"),
    ("bound that is no number", lambda: uniform("a", 1), "must be a number"),
    ("infinite bound", lambda: uniform(0, sp.oo), "must be finite"),
    ("no distribution object", lambda: declare(states={x: "wide", v: uniform(0, 1)}), "must be uniform"),
    ("undeclared coordinate", lambda: declare(lagrangian=v**2 - y**2), "y.*no coordinate"),
    ("explicit time without its range", lambda: declare(lagrangian=v**2 / 2 - t * x), "add time=uniform"),
    (
        "input in the Lagrangian",
        lambda: declare(lagrangian=v**2 / 2 - y, inputs={y: uniform(-1, 1)}),
        "only appear in forces",
    ),
    ("coordinate that is a symbol", lambda: declare(coordinates=(sp.Symbol("x"),)), "dynamicsymbols"),
    ("no coordinates", lambda: declare(coordinates=()), "at least one coordinate"),
    ("coordinate twice", lambda: declare(coordinates=(x, x)), "declared twice"),
    ("two times", lambda: declare(coordinates=(x, sp.Function("y")(sp.Symbol("s")))), "another time symbol"),
    ("name clash", lambda: declare(parameters={k: 1.0, sp.Symbol("x"): 1.0}), "two different symbols"),
    ("parameter that is no symbol", lambda: declare(parameters={k: 1.0, 2 * k: 1.0}), "must be a symbol"),
    ("parameter that is no number", lambda: declare(parameters={k: "two"}), "number or a distribution"),
    ("parameter that is not a number", lambda: declare(parameters={k: float("nan")}), "Parameter k must be a number"),
    (
        "parameter set to a word",
        lambda: declare().with_parameters({"k": "two"}),
        "number or a distribution, but is 'two'",
    ),
    ("parameter set to nothing", lambda: declare().with_parameters({"k": float("nan")}), "must be finite"),
    (
        "joint distribution of one input",
        lambda: declare(forces={x: F}, inputs={F: multivariate_normal([0, 0], [[1, 0], [0, 1]])}),
        r"inputs\[F\] has a distribution of 2 variables",
    ),
    ("angle that is no coordinate", lambda: declare(angles=(y,)), "angles names y.*no coordinate"),
    ("unit of no coordinate", lambda: declare(units={y: "m"}), "units names y.*no coordinate"),
    ("force on no coordinate", lambda: declare(forces={y: 1}), "forces names y.*no coordinate"),
    ("initial state that is no number", lambda: declare(initial_states={x: "a"}), "must be uniform"),
    (
        "twice, alone and jointly",
        lambda: declare(states={x: uniform(0, 1), (x, v): multivariate_normal([0, 0], [[1, 0], [0, 1]])}),
        "twice",
    ),
    ("too few variables", lambda: declare(states={(x, v): uniform(0, 1)}), "it needs one of 2"),
    ("covariance that is none", lambda: multivariate_normal([0, 0], [[1, 2], [2, 1]]), "positive definite"),
    ("not symmetric", lambda: multivariate_normal([0, 0], [[1, 0.5], [0, 1]]), "symmetric"),
    ("fixed states", lambda: declare(states={x: fixed(1), v: uniform(0, 1)}), "one number"),
    ("initial state of nothing", lambda: declare(initial_states={y: uniform(0, 1)}), "no coordinate or velocity"),
    ("name that is no word", lambda: declare(name="a/b"), "names files"),
    ("duration", lambda: declare(duration=-1.0), "positive number of seconds"),
    ("complex mass matrix", lambda: declare(lagrangian=(x - 3) ** sp.Rational(1, 2) * v**2), "complex"),
]


@pytest.mark.parametrize(("make", "message"), [(m, s) for _, m, s in BAD], ids=[name for name, _, _ in BAD])
def test_bad_declarations(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_parameters_can_be_overridden() -> None:
    system = declare(parameters={k: Parameter(normal(2, 1), "N/m")})
    assert system.m == (k,)
    fixed = system.with_parameters({"k": 3.0})
    assert fixed.m == ()
    assert fixed.parameters[k] == Parameter(3.0, "N/m")
    with pytest.raises(ValueError, match=r"no parameter 'q'.*k"):
        system.with_parameters({"q": 1.0})


def test_repr_latex_shows_dots() -> None:
    assert r"\dot{x}" in declare()._repr_latex_()


def test_numbers_stand_for_fixed_distributions() -> None:
    system = declare(initial_states={x: 0.5, v: sp.Rational(1, 4)}, parameters={k: Parameter(fixed(2), "N/m")})
    assert system.initial_states[x] == fixed(0.5)
    assert system.initial_states[v] == fixed(0.25)
    assert system.parameters[k] == Parameter(2.0, "N/m")
    assert not system.m


def test_systems_that_differ_in_numbers_share_a_law() -> None:
    """So that nothing is derived or compiled again."""
    system = declare()
    for other in (
        declare(duration=3.0),
        system.with_parameters({"k": 7.0}),
        declare(states={x: uniform(2, 3), v: normal(0, 1)}),
    ):
        assert other.law is system.law
        assert other != system
    assert declare(lagrangian=v**2 - k * x**2).law is not system.law


def test_a_system_may_leave_its_states_to_data() -> None:
    assert declare(states={}, lagrangian=v**2 / 2 - k * t * x).dof == 1


def test_an_impulse_is_named_and_one_of_no_weight_is_none() -> None:
    """d/dx of x² H(x) holds x² δ(x), which vanishes; of H(x − 1) it is an impulse, which no motion can follow."""
    x = dynamicsymbols("x")
    v = x.diff(t)
    states = {x: uniform(-1, 1), v: uniform(-1, 1)}
    kinetic = v**2 / 2
    wall = System(name="w", coordinates=(x,), lagrangian=kinetic - x**2 * sp.Heaviside(x), states=states)
    assert wall.bias[0].subs(wall.q[0], 2) == 4 and wall.bias[0].subs(wall.q[0], -2) == 0
    for jump in (sp.Heaviside(x - 1), (x - 2) * sp.Heaviside(2 * x - 2), v * sp.sign(v - 1)):
        with pytest.raises(ValueError, match=r"would act by impulses: .* = 0: make it continuous"):
            System(name="j", coordinates=(x,), lagrangian=kinetic - jump, states=states)
