"""The contract of every system in the catalogue."""

import json

import jax
import numpy as np
import pytest
import sympy as sp
from sympy.physics.mechanics import LagrangesMethod

import symlnn
from symlnn._serialise import system_from_json, system_to_json

NAMES = symlnn.catalogue_names()


@pytest.fixture(scope="module", params=NAMES)
def system(request: pytest.FixtureRequest) -> symlnn.System:
    return symlnn.load_system(request.param)


def test_declares_units_domain_and_source(system: symlnn.System) -> None:
    assert system.reference
    assert set(system.units) == set(system.coordinates)
    assert all(parameter.unit for parameter in system.parameters.values())


def test_agrees_with_lagranges_method(system: symlnn.System) -> None:
    """Against SymPy's own derivation, at random states and parameters."""
    method = LagrangesMethod(system.lagrangian, list(system.coordinates))
    method.form_lagranges_equations()
    matrix, forcing = (part.applyfunc(system.plain) for part in (method.mass_matrix, method.forcing))
    arguments = [*system.q, *system.v, *system.parameters]
    theirs = sp.lambdify(arguments, [matrix, forcing], "numpy")
    ours = sp.lambdify(arguments, [system.mass_matrix, system.generalized_forces - system.bias], "numpy")
    states = symlnn.sample_states(system, 20, key=jax.random.key(1))
    generator = np.random.default_rng(2)
    for q, v in zip(states.q, states.v, strict=True):
        values = [*map(float, q), *map(float, v), *generator.uniform(0.5, 2.0, len(system.parameters))]
        (m1, f1), (m2, f2) = theirs(*values), ours(*values)
        expected, actual = np.linalg.solve(m1, f1), np.linalg.solve(m2, f2)
        np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())


def test_symbolic_and_automatic_derivation_agree(system: symlnn.System) -> None:
    check = symlnn.cross_check(system)
    assert check.states == 10_000
    assert check.max_relative_error <= 1e-10
    assert check.passed


def test_conserved_quantities_are_conserved(system: symlnn.System) -> None:
    """Along the analytic motion, to the tolerance of the integrator."""
    states = symlnn.sample_states(system, 5, key=jax.random.key(3), initial=True)
    dynamics = symlnn.SymbolicDynamics(system)
    duration = min(system.duration, 5.0)
    rollout = symlnn.simulate(
        dynamics, states.q, states.v, duration=duration, rate=10.0, m=states.m, rtol=1e-10, atol=1e-10
    )
    assert bool(rollout.successful.all())
    arguments = [*system.q, *system.v, *system.parameters]
    for expression in system.conserved_quantities().values():
        function = sp.lambdify(arguments, expression, "numpy")
        for k in range(5):
            parameters = np.asarray(dynamics.parameters.values(states.m[k], states.q))
            value = function(*np.asarray(rollout.q[k]).T, *np.asarray(rollout.v[k]).T, *parameters)
            np.testing.assert_allclose(value, value[0], rtol=1e-7, atol=1e-7)


def test_mass_matrix_is_symmetric(system: symlnn.System) -> None:
    assert (system.mass_matrix - system.mass_matrix.T).is_zero_matrix


def test_survives_json(system: symlnn.System) -> None:
    assert system_from_json(json.loads(json.dumps(system_to_json(system)))) == system


def test_is_hashable_and_equal_to_its_copy(system: symlnn.System) -> None:
    again = symlnn.load_system(system.name)
    assert hash(again) == hash(system)
    assert again == system


def accelerations(name: str, q: list[float], v: list[float], m: list[float] | None = None) -> np.ndarray:
    dynamics = symlnn.SymbolicDynamics(symlnn.load_system(name))
    varying = None if m is None else jax.numpy.asarray(m)
    return np.asarray(dynamics.acceleration(jax.numpy.asarray(q), jax.numpy.asarray(v), varying))


HAND_DERIVED = [
    ("falling_ball", [1.0, 2.0], [3.0, 4.0], None, [-9.8, 0.0]),
    ("harmonic_oscillator", [0.3], [1.0], None, [-4 * 0.3]),
    ("pendulum", [0.5], [2.0], None, [-9.8 * np.sin(0.5)]),
    (
        "elastic_pendulum",
        [1.3, 0.4],
        [0.2, 0.7],
        None,
        [1.3 * 0.7**2 + 9.8 * np.cos(0.4) - 40 * 0.3, -(9.8 * np.sin(0.4) + 2 * 0.2 * 0.7) / 1.3],
    ),
    (
        "spherical_pendulum",
        [1.0, 0.3],
        [0.2, 2.0],
        None,
        [np.sin(1.0) * np.cos(1.0) * 4 - 9.8 * np.sin(1.0), -2 * 0.2 * 2.0 / np.tan(1.0)],
    ),
    ("kepler", [1.5, 0.3], [0.2, 0.8], None, [1.5 * 0.8**2 - 1 / 1.5**2, -2 * 0.2 * 0.8 / 1.5]),
    ("charged_particle", [1.0, 2.0], [0.5, -0.3], None, [-0.3 - 0.25, -0.5 - 0.5]),
    ("relativistic_particle", [1.0], [0.6], [3.0], [3 * 0.8**3]),
    ("relativistic_particle_paper", [1.0], [0.6], [3.0], [3 * 0.8**5 / 1.72]),
]


@pytest.mark.parametrize(
    ("name", "q", "v", "m", "expected"), HAND_DERIVED, ids=lambda x: x if isinstance(x, str) else ""
)
def test_hand_derived_accelerations(
    name: str, q: list[float], v: list[float], m: list[float] | None, expected: list[float]
) -> None:
    np.testing.assert_allclose(accelerations(name, q, v, m), expected, rtol=1e-12)


def test_double_pendulum_against_the_textbook() -> None:
    """The closed form for m = l = 1, written with the mass ratio; e.g. Levien & Tan 1993."""
    a, b, u, w, g = 0.7, -1.1, 1.3, -0.4, 9.8
    delta, denominator = a - b, 2 * 1 + 1 - np.cos(2 * (a - b))
    first = (
        -g * 3 * np.sin(a) - g * np.sin(a - 2 * b) - 2 * np.sin(delta) * (w**2 + u**2 * np.cos(delta))
    ) / denominator
    second = 2 * np.sin(delta) * (u**2 * 2 + g * 2 * np.cos(a) + w**2 * np.cos(delta)) / denominator
    np.testing.assert_allclose(accelerations("double_pendulum", [a, b], [u, w]), [first, second], rtol=1e-12)


def test_n_pendulum_of_two_is_the_double_pendulum() -> None:
    chain = symlnn.SymbolicDynamics(symlnn.load_system("n_pendulum", n=2))
    state = jax.numpy.array([0.7, -1.1]), jax.numpy.array([1.3, -0.4])
    np.testing.assert_allclose(
        chain.acceleration(*state), accelerations("double_pendulum", [0.7, -1.1], [1.3, -0.4]), rtol=1e-12
    )


@pytest.mark.parametrize(("v", "ratio"), [(0.5, 0.50), (0.9, 0.073)])
def test_the_papers_relativistic_lagrangian_is_not_special_relativity(v: float, ratio: float) -> None:
    ours = accelerations("relativistic_particle_paper", [0.0], [v], [1.0])
    relativity = accelerations("relativistic_particle", [0.0], [v], [1.0])
    np.testing.assert_allclose(ours / relativity, ratio, rtol=1e-2)
