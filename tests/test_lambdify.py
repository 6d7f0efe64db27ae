"""No name out of a declaration or a file gets into source code that runs."""

import builtins
import keyword
from collections.abc import Callable
from typing import Any

import hypothesis
import hypothesis.strategies as st
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from sympy.physics.units import meter

import symlnn
from symlnn._compile import compile_expressions
from symlnn._lambdify import lambdified

RUNS: list[str] = []
"""What hostile names have run."""
CALL = "__import__('builtins').symlnn_test_runs('ran')"
HOSTILE = (
    f"[0][{CALL}*0]",
    f"x={CALL}",
    f"x){CALL}#",
    f"x\n{CALL}\n",
    f"lambda: {CALL}",
    f"{{{CALL}}}",
    f"x:={CALL}",
    '"""',
    "\\",
    "#",
    "cos",
    "array",
    "sum",
    "symlnn_0",
    "_Dummy_1",
    *keyword.kwlist,
)
names = st.sampled_from(HOSTILE) | st.text(min_size=1, max_size=20)


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(builtins, "symlnn_test_runs", RUNS.append, raising=False)
    yield
    assert RUNS == []


@hypothesis.given(st.lists(names, min_size=3, max_size=3, unique=True))
@hypothesis.settings(
    max_examples=60, deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_symbols_may_be_called_anything(words: list[str]) -> None:
    """Free ones, and bound ones of a sum."""
    a, b, i = (sp.Symbol(word, real=True) for word in words)
    whole = sp.Symbol(words[2], integer=True)
    for expression, expected in (
        (a * sp.cos(b) + a**2, lambda x, y: x * np.cos(y) + x**2),
        (sp.Sum(a * whole**2 + b, (whole, 1, 4)), lambda x, y: 30 * x + 4 * y),
        (sp.Piecewise((a, a < b), (b * i / i, True)), min),
    ):
        function = lambdified((a, b), [expression.subs(i, a)], modules="numpy")
        np.testing.assert_allclose(function(0.7, 1.3)[0], expected(0.7, 1.3), rtol=1e-12)


@pytest.mark.parametrize("word", (*HOSTILE[:3], *HOSTILE[4:7], "cos", "lambda", "array"))
def test_a_system_may_have_names_that_python_has_too(word: str) -> None:
    """A coordinate, a parameter and an input: the motion is that of the harmonic oscillator with a push."""
    t = sp.Symbol("t", real=True)
    x, stiffness, push = sp.Function(word)(t), sp.Symbol(f"{word} k", positive=True), sp.Symbol(f"{word} u", real=True)
    system = symlnn.System(
        name="named",
        coordinates=(x,),
        lagrangian=x.diff(t) ** 2 / 2 - stiffness * x**2 / 2,
        forces={x: push},
        inputs={push: symlnn.uniform(-1, 1)},
        parameters={stiffness: 3.0},
        states={x: symlnn.uniform(-1, 1), x.diff(t): symlnn.uniform(-1, 1)},
    )
    law = symlnn.SymbolicDynamics(system)
    a = law.acceleration(jnp.array([0.5]), jnp.zeros(1), u=jnp.array([0.25]))
    np.testing.assert_allclose(a, -3 * 0.5 + 0.25, rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: sp.Function(HOSTILE[0])(x), "is an undefined function"),
        (lambda x: sp.MatrixSymbol(HOSTILE[0], 2, 2)[0, 0] * x, "cannot be compiled"),
        (lambda x: meter * x, "A Quantity cannot be compiled"),
        (lambda x: sp.IndexedBase(HOSTILE[0])[x], "cannot be compiled"),
    ],
)
def test_what_holds_a_name_otherwise_is_refused(make: Callable[[sp.Symbol], sp.Expr], message: str) -> None:
    x = sp.Symbol("x")
    with pytest.raises(ValueError, match=message):
        compile_expressions(((x,),), (make(x),))
