"""The Taylor method: its recurrences, its order, its lanes."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

import symlnn
from symlnn import RESULTS, Integrator, Parameter, States, System, Taylor

x, y = dynamicsymbols("x y")
t = dynamicsymbols._t
SMALL = [name for name in symlnn.catalogue_names() if name != "seven_joint_arm"]
CATALOGUE = [name for name in SMALL if (s := symlnn.load_system(name)).dof <= 3 and not s.law.is_constrained]


def oscillator(force: sp.Expr, mass: sp.Expr = sp.S.One, **more: object) -> System:
    """M(x) ẍ + … = F(x, ẋ, t)."""
    lagrangian = mass * x.diff(t) ** 2 / 2 - x**2 / 2
    states = {x: symlnn.uniform(0.3, 0.6), x.diff(t): symlnn.uniform(-0.5, 0.5)}
    return System(name="one", coordinates=(x,), lagrangian=lagrangian, forces={x: force}, states=states, **more)  # pyright: ignore


def coefficients(system: System, states: States, order: int) -> np.ndarray:
    """vₖ of each state."""
    law = symlnn.SymbolicDynamics(system)
    always = jnp.asarray(True)
    series = jax.vmap(lambda s: law.series(s.t, (s.q, s.v), (s.m, s.u), order, always)[1])
    return np.asarray(jax.jit(series)(states))


def by_derivatives(system: System, states: States, order: int) -> np.ndarray:
    """vₖ as the derivatives of a(q(t), v(t), t) along the motion, by forward differentiation, divided by k!."""
    law = symlnn.SymbolicDynamics(system)

    def one(s: States) -> jax.Array:
        def along(f):  # type: ignore[no-untyped-def]
            def rate(q, v, time):  # type: ignore[no-untyped-def]
                a = law.acceleration(q, v, s.m, s.u, time)
                return jax.jvp(f, (q, v, time), (v, a, jnp.ones_like(time)))[1]

            return rate

        found, function = [s.v], lambda q, v, time: law.acceleration(q, v, s.m, s.u, time)
        for k in range(1, order + 1):
            found.append(function(s.q, s.v, s.t) / float(sp.factorial(k)))
            function = along(function)
        return jnp.stack(found)

    return np.asarray(jax.jit(jax.vmap(one))(states))


FUNCTIONS = {
    "exp": sp.exp(-x),
    "log": sp.log(2 + x),
    "sin": sp.sin(3 * x),
    "cos and sin": sp.cos(x) * sp.sin(x),
    "sinh": sp.sinh(x) + sp.cosh(2 * x),
    "tan": sp.tan(x),
    "tanh": sp.tanh(3 * x.diff(t)),
    "atan": sp.atan(2 * x),
    "asin": sp.asin(x / 2),
    "acos": sp.acos(x / 2),
    "asinh": sp.asinh(x),
    "erf": sp.erf(x),
    "roots": sp.sqrt(1 + x**2) + (2 + x) ** sp.Rational(-3, 2),
    "powers": x**5 - x**2 * x.diff(t) + x**4,
    "quotients": 1 / (1 + x**2) + x / (3 + x) - 2 / x,
    "a power of a power": (1 + x**2) ** x,
    "time": sp.cos(2 * t) * x + t**2 - sp.exp(-t),
    "a constant": sp.S(3),
}


@pytest.mark.parametrize("force", FUNCTIONS.values(), ids=FUNCTIONS)
def test_every_function_has_its_recurrence(force: sp.Expr) -> None:
    system = oscillator(force, mass=1 + x**2, time=symlnn.uniform(0, 1) if force.has(t) else None)
    states = symlnn.sample_states(system, 3, key=jax.random.key(1))
    expected = by_derivatives(system, states, 3)
    size = np.abs(expected).max()
    np.testing.assert_allclose(coefficients(system, states, 3), expected, rtol=1e-9, atol=1e-10 * size)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_coefficients_of_the_catalogue(name: str) -> None:
    system = symlnn.load_system(name)
    states = symlnn.sample_states(system, 3, key=jax.random.key(2))
    try:
        found = coefficients(system, states, 2)
    except ValueError as error:
        assert "Taylor series" in str(error)
        return
    expected = by_derivatives(system, states, 2)
    for k in range(3):
        np.testing.assert_allclose(found[:, k], expected[:, k], rtol=1e-8, atol=1e-8 * np.abs(expected[:, k]).max())


def test_the_error_falls_with_the_order_of_the_method() -> None:
    system = symlnn.load_system("pendulum")
    law, start, times = symlnn.SymbolicDynamics(system), ([2.0], [0.5]), jnp.array([0.0, 2.0])
    exact = symlnn.simulate(law, States.of(*start), times=times, integrator=Integrator(rtol=1e-13)).q[-1]

    def error(step: float) -> float:
        found = symlnn.simulate(law, States.of(*start), times=times, integrator=Integrator(Taylor(6), step=step))
        return float(jnp.abs(found.q[-1] - exact)[0])

    assert 40 < error(0.1) / error(0.05) < 100  # 2⁶ = 64


@pytest.fixture(scope="module")
def batch() -> tuple[symlnn.SymbolicDynamics, States]:
    system = symlnn.load_system("double_pendulum")
    return symlnn.SymbolicDynamics(system), symlnn.sample_states(system, 9, key=jax.random.key(3), initial=True)


def test_lanes_move_as_other_solvers_do(batch: tuple[symlnn.SymbolicDynamics, States]) -> None:
    law, states = batch
    times = jnp.linspace(0.5, 2.5, 101)
    reference = symlnn.simulate(law, states, times=times, integrator=Integrator(rtol=1e-12))
    found = symlnn.simulate(law, states, times=times, integrator=Integrator(Taylor(6)))
    assert found.successful.all()
    np.testing.assert_allclose(found.q, reference.q, atol=1e-7)
    np.testing.assert_allclose(found.v, reference.v, atol=1e-6)
    alone = symlnn.simulate(law, states[4], times=times, integrator=Integrator(Taylor(6), dense=True))
    np.testing.assert_allclose(found.q[4], alone.q, atol=1e-7)
    assert alone.dense is not None
    np.testing.assert_allclose(alone.dense(jnp.asarray(1.2345))[0], reference_at(law, states[4], 1.2345), atol=1e-7)


def reference_at(law: symlnn.SymbolicDynamics, start: States, end: float) -> jax.Array:
    """q at one time after the time 0.5."""
    return symlnn.simulate(law, start, times=jnp.array([0.5, end]), integrator=Integrator(rtol=1e-12)).q[-1]


def test_more_motions_than_lanes_and_instants_than_a_step_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lanes take one motion after another; the order, and how many lanes there are, change nothing."""
    monkeypatch.setattr("symlnn._taylor._lanes.LANES", 4)
    system = symlnn.load_system("pendulum")
    law, states = symlnn.SymbolicDynamics(system), symlnn.sample_states(system, 23, key=jax.random.key(4))
    times = jnp.linspace(0.0, 1.0, 301)
    found = symlnn.simulate(law, states, times=times, integrator=Integrator(Taylor(8)))
    reference = symlnn.simulate(law, states, times=times, integrator=Integrator(rtol=1e-12))
    assert found.successful.all()
    np.testing.assert_allclose(found.q, reference.q, atol=1e-7)
    ends = symlnn.simulate(law, states, times=times[::300], integrator=Integrator(Taylor(8)))
    np.testing.assert_allclose(ends.q[:, -1], reference.q[:, -1], atol=1e-7)


def test_shares_of_cores_make_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    system = symlnn.load_system("pendulum")
    law, states = symlnn.SymbolicDynamics(system), symlnn.sample_states(system, 11, key=jax.random.key(5))
    whole = symlnn.simulate(law, states, duration=1.0, integrator=Integrator(Taylor()))
    monkeypatch.setattr("symlnn._many.LANES", 2)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    parts = symlnn.simulate(law, states, duration=1.0, integrator=Integrator(Taylor()))
    np.testing.assert_allclose(parts.q, whole.q, atol=1e-12)
    np.testing.assert_array_equal(parts.t, whole.t)
    assert parts.successful.all() and parts.successful.shape == (11,)


def test_parameters_and_inputs_of_each_motion() -> None:
    u, k = sp.symbols("u k")
    spring = Parameter(symlnn.uniform(0.5, 2))
    system = oscillator(u - k * x**3, inputs={u: symlnn.uniform(-1, 1)}, parameters={k: spring})
    law = symlnn.SymbolicDynamics(system)
    states = States.of([[0.5], [0.5], [0.1]], [[0.0], [0.0], [1.0]], m=[[0.5], [2.0], [1.0]], u=[[0.0], [0.0], [0.7]])
    times = jnp.linspace(0, 3, 7)
    reference = symlnn.simulate(law, states, times=times, integrator=Integrator(rtol=1e-12))
    found = symlnn.simulate(law, states, times=times, integrator=Integrator(Taylor()))
    np.testing.assert_allclose(found.q, reference.q, atol=1e-8)
    other = symlnn.simulate(law, states, times=times, u=jnp.array([0.7]), integrator=Integrator(Taylor()))
    np.testing.assert_allclose(other.q[2], reference.q[2], atol=1e-8)
    with pytest.raises(ValueError, match="inputs that are constant"):
        symlnn.simulate(law, states, times=times, u=lambda t, q, v: jnp.zeros(1), integrator=Integrator(Taylor()))


def test_a_motion_that_fails_leaves_the_others() -> None:
    """One falls into the centre, one starts at NaN, one has too many steps."""
    law = symlnn.SymbolicDynamics(symlnn.load_system("kepler"))
    q = jnp.array([[1.0, 0.0], [1.0, 0.0], [jnp.nan, 0.0], [2.0, 1.0]])
    v = jnp.array([[0.0, 1.0], [0.0, 0.0], [0.0, 1.0], [0.1, 0.3]])
    times = jnp.linspace(0.0, 4.0, 41)
    found = symlnn.simulate(law, (q, v), times=times, integrator=Integrator(Taylor(8)))
    np.testing.assert_array_equal(found.successful, [True, False, False, True])
    assert (jnp.isinf(found.q[1]) | jnp.isfinite(found.q[1])).all() and jnp.isinf(found.q[1, -1]).all()
    assert jnp.isfinite(found.q[1, :5]).all()
    assert found.reasons[2] == str(RESULTS[RESULTS.not_finite])
    alone = symlnn.simulate(law, (q[3:], v[3:]), times=times, integrator=Integrator(Taylor(8)))
    np.testing.assert_allclose(found.q[3], alone.q[0], atol=1e-12)
    few = symlnn.simulate(law, (q[:1], v[:1]), times=times, integrator=Integrator(Taylor(8), max_steps=3))
    assert few.reasons[0] == str(RESULTS[RESULTS.max_steps_reached])


def test_another_batch_of_the_same_shape_compiles_nothing(
    batch: tuple[symlnn.SymbolicDynamics, States], compilations: list[str]
) -> None:
    law, states = batch
    times = jnp.linspace(0.5, 2.5, 101)
    symlnn.simulate(law, states, times=times, integrator=Integrator(Taylor(6)))
    other = symlnn.SymbolicDynamics(symlnn.load_system("double_pendulum"), parameters={"l1": 2.0})
    turned = states[::-1]
    compilations.clear()
    found = symlnn.simulate(other, turned, times=times, integrator=Integrator(Taylor(6), rtol=1e-8))
    assert not compilations
    assert found.successful.all()


def test_it_runs_backwards_in_diffrax() -> None:
    law = symlnn.SymbolicDynamics(symlnn.load_system("pendulum"))
    start = (jnp.array([1.0]), jnp.array([0.5]))

    def end(first: float, last: float, y0: tuple) -> tuple:
        solver = Taylor()
        solution = diffrax.diffeqsolve(
            law.terms(solver), solver, first, last, None, y0, stepsize_controller=diffrax.PIDController(1e-10, 1e-10)
        )
        return jax.tree.map(lambda x: x[-1], solution.ys)

    there = end(0.0, 1.0, start)
    back = end(1.0, 0.0, there)
    np.testing.assert_allclose(np.array(back), np.array(start), atol=1e-8)
    assert abs(float(there[0][0]) - 1.0) > 0.1


@pytest.mark.parametrize("force", [sp.Abs(x), sp.sign(x.diff(t)), sp.Piecewise((x, x > 0), (0, True)), sp.Max(x, 0)])
def test_kinks_are_refused(force: sp.Expr) -> None:
    law, ones = symlnn.SymbolicDynamics(oscillator(force)), jnp.ones((2, 1))
    with pytest.raises(ValueError, match="no Taylor series"):
        symlnn.simulate(law, (ones, ones), duration=1.0, integrator=Integrator(Taylor()))


def test_laws_that_are_not_in_sympy_are_refused() -> None:
    class FreeFall(symlnn.AbstractSecondOrderDynamics):
        def acceleration(self, q, v, m=None, u=None, t=0.0):  # type: ignore[no-untyped-def]
            return -jnp.ones_like(q)

    with pytest.raises(ValueError, match="FreeFall is not"):
        symlnn.simulate(FreeFall(), (jnp.ones(1), jnp.ones(1)), duration=1.0, integrator=Integrator(Taylor()))
