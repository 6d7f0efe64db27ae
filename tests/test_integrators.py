"""Every solver of ordinary differential equations that diffrax has moves a law of motion, to its order."""

import inspect
from typing import Any, get_origin

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symlnn
from symlnn._dynamics import Doubled
from symlnn._integrator import Integrator
from symlnn._simulate import flow


def all_of_them(test: Any) -> Any:
    """What compiles some fifty motions runs once, optimised: rounding differs there, and root finders feel it."""
    return pytest.mark.slow(pytest.mark.production(test))


class DampedOscillator(symlnn.AbstractSecondOrderDynamics):
    """q̈ = −4 q − 0.4 q̇: accelerations depend on velocities, so that no half of (q, v) moves by the other alone."""

    def acceleration(self, q: jax.Array, v: jax.Array, m: Any = None, u: Any = None, t: Any = 0.0) -> jax.Array:
        return -4 * q - 0.4 * v


def exact(t: np.ndarray) -> np.ndarray:
    """q of the damped oscillator, from q = 1 at rest."""
    rate = np.sqrt(4 - 0.2**2)
    return np.exp(-0.2 * t) * (np.cos(rate * t) + 0.2 / rate * np.sin(rate * t))


def is_ordinary(solver: type) -> bool:
    """Whether it is a method for ordinary differential equations, and one that can be made without arguments."""
    structure = solver.term_structure  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(structure, tuple) or structure is diffrax.AbstractTerm:
        return True
    return get_origin(structure) is diffrax.MultiTerm and issubclass(solver, diffrax.AbstractImplicitSolver)


def solvers() -> list[diffrax.AbstractSolver]:
    """One of each that diffrax exports; those of wrappers, tableaus and stochastic equations are left out."""
    classes = [c for _, c in inspect.getmembers(diffrax, inspect.isclass) if issubclass(c, diffrax.AbstractSolver)]
    concrete = [c for c in classes if not c.__name__.startswith("Abstract") and c is not diffrax.HalfSolver]
    half = [diffrax.HalfSolver(diffrax.Heun()), diffrax.HalfSolver(diffrax.SemiImplicitEuler())]
    return [c() for c in concrete if is_ordinary(c)] + half


def name(solver: diffrax.AbstractSolver) -> str:
    inner = solver.solver if isinstance(solver, diffrax.HalfSolver) else None
    return type(solver).__name__ + (f" of {type(inner).__name__}" if inner else "")


def test_all_of_them_are_found() -> None:
    found = {type(solver).__name__ for solver in solvers()}
    assert found >= {
        "Dopri8",
        "Sil3",
        "KenCarp5",
        "Kvaerno5",
        "SemiImplicitEuler",
        "ReversibleHeun",
        "LeapfrogMidpoint",
    }
    assert not found & {"EulerHeun", "SPaRK", "ALIGN", "ItoMilstein"}


def error(integrator: Integrator) -> float:
    times = jnp.linspace(0.0, 1.0, 3)
    rollout = symlnn.simulate(DampedOscillator(), (jnp.ones(1), jnp.zeros(1)), times=times, integrator=integrator)
    assert bool(rollout.successful)
    return float(np.abs(rollout.q[-1, 0] - exact(np.ones(1))).max())


@all_of_them
@pytest.mark.parametrize("solver", solvers(), ids=name)
def test_constant_steps_converge_to_the_motion(solver: diffrax.AbstractSolver) -> None:
    """By the order p: with a fifth of the step the error falls by 5ᵖ, or half of that, or is what is left anyway.

    What is left is the tolerance of the implicit solvers' root finders, 1e-8 a step of 50, and rounding.
    """
    order = solver.order(DampedOscillator().terms(solver))
    assert order is not None
    coarse, fine = (error(Integrator(solver, step=step)) for step in (0.1, 0.02))
    assert fine <= max(2 * coarse / 5**order, 5e-7)
    assert fine < 0.03  # the first-order methods, of which the error is h ω² t / 2 or so


@all_of_them
@pytest.mark.parametrize("solver", [s for s in solvers() if isinstance(s, diffrax.AbstractAdaptiveSolver)], ids=name)
def test_adaptive_steps_keep_their_tolerance(solver: diffrax.AbstractSolver) -> None:
    """A step's error is below 1e-5, and there are at most some thousands of them, those of first order."""
    assert error(Integrator(solver, rtol=1e-5, atol=1e-5)) < 0.01


def test_split_steps_are_the_method_itself_where_forces_do_not_depend_on_velocities() -> None:
    """q₁ = q₀ + h v₀, v₁ = v₀ + h a(q₁): a pendulum, and its energy does not drift."""

    class Pendulum(symlnn.AbstractSecondOrderDynamics):
        def acceleration(self, q: jax.Array, v: jax.Array, m: Any = None, u: Any = None, t: Any = 0.0) -> jax.Array:
            return -jnp.sin(q)

    integrator = Integrator(diffrax.SemiImplicitEuler(), step=0.1)
    rollout = symlnn.simulate(Pendulum(), (jnp.ones(1), jnp.zeros(1)), duration=20.0, rate=10.0, integrator=integrator)
    q, v, expected = 1.0, 0.0, []
    for _ in rollout.t:
        expected.append((q, v))
        q = q + 0.1 * v
        v = v - 0.1 * np.sin(q)
    found = np.concatenate([rollout.q, rollout.v], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-9)  # times of 0.1 k, and 200 steps of rounding
    energy = found[:, 1] ** 2 / 2 - np.cos(found[:, 0])
    assert np.abs(energy - energy[0]).max() < 0.05  # of order h, and bounded


def test_halves_of_an_implicit_step_are_refused() -> None:
    with pytest.raises(ValueError, match=r"HalfSolver takes an explicit solver .* for Kvaerno3"):
        Integrator(diffrax.HalfSolver(diffrax.Kvaerno3()))


class FreeFall(symlnn.AbstractSecondOrderDynamics):
    """q̈ = −9.81: every stage of an implicit step starts from its solution, and what is left is rounding."""

    def acceleration(self, q: jax.Array, v: jax.Array, m: Any = None, u: Any = None, t: Any = 0.0) -> jax.Array:
        return jnp.full_like(q, -9.81)


IMPLICIT = [s for s in solvers() if isinstance(s, diffrax.AbstractImplicitSolver)]


@all_of_them
@pytest.mark.parametrize("step", [None, 0.13], ids=["adaptive", "constant"])
@pytest.mark.parametrize("solver", IMPLICIT, ids=name)
def test_an_implicit_step_may_start_from_its_solution(solver: diffrax.AbstractSolver, step: float | None) -> None:
    start = (jnp.ones(1) / 3, 0.77 * jnp.ones(1))
    first_order = isinstance(solver, diffrax.ImplicitEuler)
    integrator = Integrator(solver, step=step) if step else Integrator(solver, rtol=1e-3, atol=1e-3)
    rollout = symlnn.simulate(FreeFall(), start, duration=1.0, rate=2.0, integrator=integrator)
    assert bool(rollout.successful)
    assert float(abs(rollout.q[-1, 0] - (1 / 3 + 0.77 - 9.81 / 2))) < (1.0 if first_order else 1e-9)


@pytest.mark.parametrize("solver", [diffrax.SemiImplicitEuler(), diffrax.Kvaerno3(), diffrax.Tsit5()], ids=name)
def test_a_solver_of_each_kind_moves_a_law(solver: diffrax.AbstractSolver) -> None:
    assert error(Integrator(solver, step=0.02)) < 0.03  # SemiImplicitEuler, h ω² t / 2 or so


@pytest.mark.production
@pytest.mark.parametrize("solver", [diffrax.SemiImplicitEuler(), diffrax.KenCarp3(), diffrax.Tsit5()], ids=name)
def test_the_flow_goes_through_every_kind_too(solver: diffrax.AbstractSolver) -> None:
    state = symlnn.States.of(jnp.ones(1), jnp.zeros(1))
    q, _ = flow_of(solver, state)
    np.testing.assert_allclose(q[:, 0], exact(np.linspace(0.1, 1.0, 10)), atol=5e-3)  # SemiImplicitEuler, h = 0.002


def flow_of(solver: diffrax.AbstractSolver, state: symlnn.States) -> tuple[jax.Array, jax.Array]:
    return flow(
        DampedOscillator(), state, interval=0.1, count=10, solver=solver, substeps=50, adjoint=diffrax.ForwardMode()
    )


def test_doubled_copies_are_one_motion() -> None:
    law = Doubled(DampedOscillator())
    q, v = jnp.array([0.3]), jnp.array([0.7])
    z = law.initial_state(q, v)
    (first, second), ((q2, v2), _) = law.vector_field(0.0, z, None), z
    assert jax.tree.all(jax.tree.map(jnp.array_equal, first, second))
    assert jnp.array_equal(law.acceleration(q, v), DampedOscillator().acceleration(q, v))
    observed = law.observe(0.0, ((q2, v2 + 1), (q2 + 1, v2)))
    assert jnp.array_equal(observed[0], q) and jnp.array_equal(observed[1], v)
