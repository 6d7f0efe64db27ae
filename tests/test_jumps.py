"""The instants at which a declaration switches are found, and every motion's steps end there."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.physics.mechanics import dynamicsymbols

import symlnn
from symlnn._jumps import ending_at_jumps

x, t = dynamicsymbols("x"), dynamicsymbols._t
T, k = sp.symbols("T k", positive=True)
WITHIN = sp.And(t > sp.Rational(1, 2), t < sp.Rational(501, 1000))
PULSE = sp.Piecewise((1000, WITHIN), (0, True))


def pushed(force: Any, **fields: Any) -> symlnn.System:
    return symlnn.System(
        name="pushed",
        coordinates=(x,),
        lagrangian=x.diff(t) ** 2 / 2,
        forces={x: force},
        states={x: symlnn.uniform(-1, 1), x.diff(t): symlnn.uniform(-1, 1)},
        time=symlnn.uniform(0, 1),
        duration=2.0,
        **fields,
    )


KNOWN: dict[str, tuple[Any, list[float]]] = {
    "a step": (sp.Heaviside(t - 1), [1.0]),
    "one that is over": (sp.Heaviside(t + 1), []),
    "at the ends": (sp.Heaviside(t) + sp.Heaviside(t - 4), []),
    "a pulse": (sp.Piecewise((1, WITHIN), (0, True)), [0.5, 0.501]),
    "two of a microsecond": (sp.Heaviside((t - 2) * (t - sp.Rational("2.000001")) * (t - 3)), [2.0, 2.000001, 3.0]),
    "a square wave": (sp.sign(sp.sin(2 * sp.pi * t)), [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5]),
    "of a period that is not whole": (sp.sign(sp.cos(t)), [np.pi / 2]),
    "a staircase": (sp.floor(t / 2) + sp.ceiling(t - sp.Rational(1, 2)), [0.5, 1.5, 2.0, 2.5, 3.5]),
    "a saw": (sp.Mod(t, sp.Rational(3, 2)), [1.5, 3.0]),
    "one that is let go": (sp.Max(1 - t, 0), [1.0]),
    "three lines": (sp.Max(0, t - 1, 2 * t - 5), [1.0, 2.5]),
    "of a state": (sp.sign(x) + sp.Heaviside(x.diff(t) - t), []),
    "a triple zero": (sp.Heaviside((t - 1) ** 3), [1.0]),
    "many": (sp.sign(sp.expand(sp.prod([t - sp.Rational(k, 8) for k in range(1, 21)]))), [k / 8 for k in range(1, 21)]),
    "one that is written twice": (
        sp.Heaviside(sp.exp(-t) - sp.Rational(1, 2)) + sp.Heaviside(sp.log(2) - t),
        [np.log(2)],
    ),
    "of a special function": (sp.Heaviside(sp.erf(t) - sp.Rational(1, 2)), [0.4769362762044699]),
    "of a root": (sp.Heaviside(sp.sqrt(t - 1) - sp.Rational(1, 2)), [1.25]),
    "equal instants": (sp.Piecewise((1, sp.Ne(t, 2)), (0, True)), [2.0]),
    "within another": (sp.Abs(sp.Heaviside(t - 2) - sp.Heaviside(t - 1)), [1.0, 2.0]),
    "a condition of both": (sp.Piecewise((1, sp.And(x > 0, t < 3)), (0, True)), [3.0]),
}


@pytest.mark.parametrize(("force", "expected"), KNOWN.values(), ids=KNOWN)
def test_switches_are_found(force: Any, expected: list[float]) -> None:
    found = symlnn.jump_times(pushed(force), 4.0)
    assert len(found) == len(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_they_are_where_parameters_put_them() -> None:
    force = k * sp.Heaviside(t - T)
    fixed = pushed(force, parameters={T: symlnn.Parameter(1.5, "s"), k: 1.0})
    np.testing.assert_allclose(symlnn.jump_times(fixed, 4.0), [1.5])
    assert not symlnn.jump_times(fixed, 1.0).size
    assert not symlnn.jump_times(fixed, 4.0, start=2.0).size
    drawn = pushed(force, parameters={k: symlnn.uniform(1, 2), T: symlnn.uniform(1, 2)})
    np.testing.assert_allclose(symlnn.jump_times(drawn, 4.0, m=[1.5, 1.2]), [1.2])
    assert not symlnn.jump_times(drawn, 4.0).size
    with pytest.raises(ValueError, match="give those of one motion"):
        symlnn.jump_times(drawn, 4.0, m=np.ones(3))


@settings(max_examples=30)
@given(st.floats(0.01, 0.98), st.floats(1e-6, 1e-2), st.floats(-6, 6))
def test_no_pulse_of_polynomials_is_missed(begin: float, width: float, magnitude: float) -> None:
    """However short, and in whatever unit of time."""
    unit = 10**magnitude
    end = begin + width
    pulse = sp.Piecewise((1, sp.And(t > begin * unit, t < end * unit)), (0, True))
    np.testing.assert_allclose(symlnn.jump_times(pushed(pulse), unit), np.array([begin, end]) * unit, rtol=1e-12)


def test_steps_end_where_they_are_told_to() -> None:
    """A push of 1 N s within a millisecond, which steps of their own size would pass over: v = 1 m/s after it."""
    law, rest = symlnn.SymbolicDynamics(pushed(PULSE)), symlnn.States.of([0.0], [0.0])
    told = symlnn.Integrator(jumps=jnp.array([0.5, 0.501]))
    motion = symlnn.simulate(law, rest, duration=2.0, rate=10.0, integrator=told)
    np.testing.assert_allclose(motion.v[-1, 0], 1.0, rtol=1e-9)
    np.testing.assert_allclose(motion.q[-1, 0], 2.0 - 0.5005, rtol=1e-9)
    alone = symlnn.simulate(law, rest, duration=2.0, rate=10.0)
    assert abs(float(alone.v[-1, 0]) - 1.0) > 0.1
    with pytest.raises(ValueError, match="jumps of an Integrator must be finite times that increase"):
        symlnn.Integrator(jumps=jnp.array([1.0, 0.5]))
    with pytest.raises(ValueError, match="Constant steps do not end at jumps"):
        symlnn.Integrator(jumps=jnp.array([0.5]), step=0.1)


def test_steps_of_what_is_generated_end_there() -> None:
    rest = symlnn.States.of(jnp.zeros((2, 1)), jnp.zeros((2, 1)))
    motion = symlnn.generate_trajectories(pushed(PULSE), rest, rate=10.0)
    np.testing.assert_allclose(motion["v"][:, -1], 1.0, rtol=1e-9)
    np.testing.assert_allclose(motion["q"][:, -1], 2.0 - 0.5005, rtol=1e-9)
    later = symlnn.States(rest.q, rest.v, rest.m, rest.u, jnp.full(2, 0.25))
    motion = symlnn.generate_trajectories(pushed(PULSE), later, duration=0.5, rate=10.0)
    np.testing.assert_allclose(motion["v"][:, -1], 1.0, rtol=1e-9)


def test_switches_that_differ_from_motion_to_motion_are_left_to_the_steps() -> None:
    system = pushed(k * sp.Heaviside(t - T), parameters={k: symlnn.uniform(1, 2), T: symlnn.uniform(0.5, 1.5)})
    motion = symlnn.generate_trajectories(system, 40, rate=10.0)
    assert motion["successful"].all()
    force, onset = motion["m"].values.T
    np.testing.assert_allclose(motion["v"][:, -1, 0] - motion["v"][:, 0, 0], force * (2 - onset), rtol=1e-6)


def test_two_switches_at_one_instant_but_for_rounding_are_passed() -> None:
    force, _ = KNOWN["one that is written twice"]
    motion = symlnn.generate_trajectories(pushed(force), 2, rate=10.0)
    assert motion["successful"].all()


def test_single_precision_tells_fewer_apart() -> None:
    system = pushed(sp.Add(*(sp.Heaviside(t - sp.Rational(onset)) for onset in ("1", "1.000001", "1.5"))))
    double = symlnn.States.of(jnp.zeros((1, 1)), jnp.zeros((1, 1)))
    single = jax.tree.map(lambda x: x.astype(jnp.float32), double)
    found = ending_at_jumps(symlnn.Integrator(), system, single, 2.0)
    assert found.jumps is not None
    np.testing.assert_allclose(found.jumps, [1.0, 1.5])
    motion = symlnn.simulate(symlnn.SymbolicDynamics(system), single, duration=2.0, integrator=found)
    assert motion.successful.all()


def test_constant_steps_and_jumps_of_ones_own_stay() -> None:
    for integrator in (symlnn.Integrator(step=0.01), symlnn.Integrator(jumps=jnp.array([0.2]))):
        assert eqx.tree_equal(
            integrator, ending_at_jumps(integrator, pushed(PULSE), symlnn.States.of([0.0], [0.0]), 1.0)
        )


def test_reports_hold_models_against_motions_that_were_pushed() -> None:
    system = pushed(PULSE)
    bench = symlnn.report.Bench.of_system(system, test_states=8, trajectories=2, key=jax.random.key(0))
    np.testing.assert_allclose(bench.rollout.v[:, -1] - bench.start.v, 1.0, rtol=1e-9)
    again = bench.judge(symlnn.SymbolicDynamics(system))
    assert float(np.max(again.state_errors)) < 1e-9
    # the work of the push is known to the rounding of its 500 J/kg within the millisecond
    assert float(bench.oracle.balance.max()) < 1e-8
