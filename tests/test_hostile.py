"""What a file or a declaration says is never run, never becomes markup, and cannot make the reader hang or grow."""

import copy
import itertools
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy.physics.mechanics import dynamicsymbols

import symlnn
from symlnn import Parameter, System, normal, uniform
from symlnn._expression_json import Decoder, encode
from symlnn._serialise import system_from_json, system_to_json

SETTINGS = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
t = dynamicsymbols._t
POSITIVE = sp.Symbol("x", real=True) > 0
PENDULUM = symlnn.load_system("pendulum")
PENDULUM_JSON = system_to_json(PENDULUM)
V = encode(PENDULUM.coordinates[0].diff(t))

names = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40)


# --- expressions ------------------------------------------------------------------------------------------------------


def leaves() -> st.SearchStrategy[sp.Expr]:
    finite = st.floats(allow_nan=False, allow_infinity=False)
    return st.one_of(
        st.integers(-(10**30), 10**30).map(sp.Integer),
        st.fractions(max_denominator=10**6).map(sp.Rational),
        finite.filter(lambda x: x == 0 or 1e-200 < abs(x) < 1e200).map(sp.Float),
        st.sampled_from([sp.pi, sp.E, sp.GoldenRatio, sp.EulerGamma]),
        names.map(sp.Symbol),
        names.map(lambda name: sp.Symbol(name, positive=True)),
        names.map(lambda name: sp.Function(name, real=True)(t)),
        names.map(lambda name: sp.Function(name)(t).diff(t)),
    )


def branches(inner: st.SearchStrategy[sp.Expr]) -> st.SearchStrategy[sp.Expr]:
    unary = st.sampled_from([sp.sin, sp.cos, sp.tanh, sp.Abs, sp.sign, sp.atan, sp.sqrt, lambda x: x**-2])
    return st.one_of(
        st.tuples(unary, inner).map(lambda parts: parts[0](parts[1])),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: sp.Add(*parts)),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: sp.Mul(*parts)),
        st.tuples(inner, inner).map(lambda parts: sp.Piecewise((parts[0], POSITIVE), (parts[1], True))),
    )


@SETTINGS
@given(st.recursive(leaves(), branches, max_leaves=8))
def test_expressions_come_back_as_they_were(expression: sp.Expr) -> None:
    if expression.has(sp.zoo, sp.nan, sp.oo, -sp.oo, sp.I):
        return
    again = Decoder().expression(json.loads(json.dumps(encode(expression))))
    assert again == expression and hash(again) == hash(expression)
    assert [type(x) for x in sp.preorder_traversal(again)] == [type(x) for x in sp.preorder_traversal(expression)]


TRUE = ["Singleton", "BooleanTrue"]
PIECES = ["Piecewise", ["ExprCondPair", V, ["StrictLessThan", V, 1]], ["ExprCondPair", 1, TRUE]]


def nested(depth: int, wrap: Callable[[Any], Any]) -> Any:
    found: Any = V
    for _ in range(depth):
        found = wrap(found)
    return found


ODD: dict[str, Any] = {
    "doubling": nested(10, lambda e: ["Mul", e, ["Add", e, 1]]),
    "many functions": ["Add", *[["sin", ["Mul", i, V]] for i in range(2, 1000)]],
    "product": ["Mul", *[["sin", ["Add", V, i]] for i in range(120)]],
    "maxima": nested(9, lambda e: ["Max", ["Add", e, V], ["Mul", e, 2]]),
    "zeros": ["Abs", ["Add", ["Mul", 0, V], *[["Pow", p, ["Rational", 1, 2]] for p in range(2, 60)]]],
    "pieces in pieces": nested(
        14,
        lambda e: ["Piecewise", ["ExprCondPair", e, ["StrictLessThan", V, 1]], ["ExprCondPair", 1, TRUE]],
    ),
    "function of a number": ["Function", "f", {}, 0],
}
"""What would take long to evaluate or to differentiate: it is read, since nothing is evaluated."""
BOMBS: dict[str, Any] = {
    "precision": ["Float", "1", 0],
    "huge precision": ["Float", "1", 10**10],
    "long digits": ["Float", "1" * 10**6, 53],
    "digits that are code": ["Float", "__import__('os')", 53],
    "power": ["Pow", 10, 10**10],
    "negative power": ["Pow", 10, -(10**10)],
    "tower": ["Pow", ["Pow", ["Pow", 10, 1000], 1000], 1000],
    "third argument": ["Pow", 10, 3, 5],
    "near one": ["Pow", ["Pow", ["Pow", ["Rational", 10**6 + 1, 10**6], 1000], 1000], 1000],
    "exponentials": ["exp", ["exp", ["exp", ["Float", "25.0", 53]]]],
    "exponentials that cancel": ["exp", ["exp", ["exp", ["Add", 25, V, ["Mul", -1, V]]]]],
    "gamma": ["gamma", 10**9],
    "factorial": ["factorial", 10**9],
    "sum": ["Sum", ["Symbol", "k", {}], ["Tuple", ["Symbol", "k", {}], 1, 10**8]],
    "integral": ["Integral", ["exp", ["Symbol", "x", {}]], ["Tuple", ["Symbol", "x", {}]]],
    "integer": 10**5000,
    "rational": ["Rational", 1, 10**5000],
    "zero denominator": ["Rational", 1, 0],
    "deep": nested(5000, lambda e: ["sin", e]),
    "wide": ["Add", *[["Mul", i, V] for i in range(20_000)]],
    "pieces in conditions": [
        "Piecewise",
        ["ExprCondPair", 1, ["StrictLessThan", ["Add", *[PIECES] * 12], 3]],
        ["ExprCondPair", 0, TRUE],
    ],
    "power near one": ["Pow", ["Rational", 10**6 + 1, 10**6], ["Add", 10**8, ["Mul", 0, V]]],
    "lambda": ["Lambda", ["Symbol", "x", {}], 1],
    "code": ["sympify", "__import__('os').system('true')"],
    "class of sympy": ["Matrix", [[1]]],
    "text": "__import__('os').system('true')",
    "null": None,
    "truth": True,
    "real number": 1.5,
    "no list": {"Add": [1]},
    "empty": [],
    "singleton": ["Singleton", "__class__"],
    "assumption": ["Symbol", "x", {"__import__": True}],
    "matrix symbol": ["Symbol", "x", {"commutative": False}],
    "contradiction": ["Symbol", "x", {"positive": True, "negative": True}],
    "derivative of high order": ["Derivative", encode(PENDULUM.coordinates[0]), encode(t), 10**6],
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_hard_to_evaluate_is_read_all_the_same(name: str) -> None:
    document = copy.deepcopy(PENDULUM_JSON)
    document["lagrangian"] = ["Add", document["lagrangian"], ODD[name]]
    system = system_from_json(document)
    assert Decoder().expression(encode(system.lagrangian)) == system.lagrangian


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_at_once(name: str) -> None:
    document = copy.deepcopy(PENDULUM_JSON)
    document["lagrangian"] = ["Add", document["lagrangian"], BOMBS[name]]
    with pytest.raises(ValueError, match="the declaration of a system cannot be read"):
        system_from_json(document)


def places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Every entry of JSON data, as the container and its key."""
    for key in document if isinstance(document, dict) else range(len(document)):
        yield document, key
        if isinstance(document[key], dict | list):
            yield from places(document[key])


SCRAPS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([10**30, 2**64, -1, 1.5, float("nan"), float("inf"), 1e308]),
    names,
    st.sampled_from(
        [[], {}, [[]], ["Add"], ["Symbol", "x", {}], {"normal": [0, -1]}, {"uniform": [1, 0]}, ["x"] * 1000]
    ),
)


@SETTINGS
@given(st.data())
def test_a_changed_declaration_is_a_system_or_a_value_error(data: st.DataObject) -> None:
    document = copy.deepcopy(PENDULUM_JSON)
    container, key = data.draw(st.sampled_from(list(places(document))))
    if data.draw(st.booleans()):
        container[key] = data.draw(SCRAPS)
    else:
        del container[key]
    begin = time.monotonic()
    try:
        assert isinstance(system_from_json(document), System)
    except ValueError as error:
        assert "cannot be read" in str(error)
    assert time.monotonic() - begin < 30  # not a measurement: what hangs is caught


# --- names ------------------------------------------------------------------------------------------------------------


def hostile(place: str, file: Path) -> str:
    """A name that creates a file when it is run as code, whatever stands around it."""
    code = f"__import__('pathlib').Path({str(file)!r}).touch()"
    return {
        "expression": code,
        "index": f"[0][{code} or 0]",
        "argument": f"x={code}",
        "statement": f"\n{code}\n",
        "call": f"x), {code}, (x",
        "string": f"'''+str({code})+'''",
        "markup": "</math><script>document.title = 'run'</script><img src=x onerror=\"document.title='run'\">",
        "entity": "&lt;script&gt; &InvisibleTimes; a<b",
    }[place]


KINDS = ("expression", "index", "argument", "statement", "call", "string", "markup", "entity")
PLACES = ("coordinate", "parameter", "input", "time", "bound", "unit", "parameter_unit", "reference", "function")


def declared(place: str, name: str) -> System:
    """A system with a name of anyone's at one place."""
    time_symbol = sp.Symbol(name) if place == "time" else t
    x = sp.Function(name if place == "coordinate" else "x")(time_symbol)
    k = sp.Symbol(name if place == "parameter" else "k", positive=True)
    u = sp.Symbol(name if place == "input" else "u", real=True)
    lagrangian = x.diff(time_symbol) ** 2 / 2 - k * x**2 / 2
    if place == "bound":
        i, n = sp.Symbol(name, integer=True), sp.Symbol("n", integer=True, positive=True)
        lagrangian -= sp.Sum(x**i, (i, 1, n))
    if place == "function":
        lagrangian -= sp.Function(name)(x)
    return System(
        name="hostile",
        coordinates=(x,),
        lagrangian=lagrangian,
        parameters={k: Parameter(1.0, name if place == "parameter_unit" else "N/m")}
        | ({sp.Symbol("n", integer=True, positive=True): 3} if place == "bound" else {}),
        inputs={u: uniform(-1, 1)},
        forces={x: u},
        states={x: normal(0, 1), x.diff(time_symbol): normal(0, 1)},
        units={x: name if place == "unit" else "m"},
        reference=name if place == "reference" else "",
    )


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_name_is_run(tmp_path: Path, place: str, kind: str) -> None:
    trace = tmp_path / "run"
    try:
        use(declared(place, hostile(kind, trace)))
    except ValueError:
        # what has no value in JAX, and what cannot be shown, is refused in words
        assert place in ("bound", "function") or kind == "statement"
    assert not trace.exists()


def use(system: System) -> None:
    again = system_from_json(json.loads(json.dumps(system_to_json(system))))
    assert again == system
    symlnn.SymbolicDynamics(again).acceleration(jnp.ones(1), jnp.ones(1), u=jnp.ones(1))


BEFORE = ("", "x), ", "[0][", "x=", "'", "'''+str(", "lambda x: ", "{", "x;", "\\", "f'{")
AFTER = ("", ", (x", " or 0]", "#", "'", ")+'''", "}", ":=1", ".real", "(x)", "}'")


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_hundreds_of_names_in_files(tmp_path: Path, place: str) -> None:
    """121 names at each place, in a declaration, in a data set, and in the header of a model."""
    trace, accepted = tmp_path / "run", 0
    for before, after in itertools.product(BEFORE, AFTER):
        try:
            system = declared(place, before + hostile("expression", trace) + after)
            use(system)
        except ValueError:
            continue
        finally:
            assert not trace.exists()
        accepted += 1
        symlnn.save_dataset(tmp_path / "data.nc", symlnn.generate(system, 2, seed=0))
        symlnn.load_dataset(tmp_path / "data.nc", system)
        if before == after == "":
            learned = symlnn.learn(system, "nn", budget=symlnn.Budget(steps=1), seed=0)
            symlnn.save_model(tmp_path / "model.eqx", learned.model)
            symlnn.load_model(tmp_path / "model.eqx")
        assert not trace.exists()
    assert accepted == (0 if place == "function" else len(BEFORE) * len(AFTER))


@SETTINGS
@given(st.sampled_from(PLACES), names)
def test_any_name_is_only_a_name(place: str, name: str) -> None:
    try:
        system = declared(place, name)
    except ValueError:
        return  # two symbols of one name, or an undefined function
    states = symlnn.States.of([1.0], [1.0], u=[0.0])
    assert np.isfinite(symlnn.SymbolicDynamics(system).energy(states.q, states.v, states.m, 0.0))
