"""The contract of every system in the catalogue."""

import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from sympy.physics.mechanics import LagrangesMethod, Point, ReferenceFrame

import symlnn
from symlnn._serialise import system_from_json, system_to_json

LARGE = "seven_joint_arm"
"""Its Lagrangian is as long as a page, and MuJoCo its oracle: see test_mjcf.py."""
NAMES = [name for name in symlnn.catalogue_names() if name != LARGE]


@pytest.fixture(scope="module", params=NAMES)
def system(request: pytest.FixtureRequest) -> symlnn.System:
    return symlnn.load_system(request.param)


def test_declares_units_domain_and_source(system: symlnn.System) -> None:
    assert system.reference
    assert set(system.units) == set(system.coordinates)
    assert all(parameter.unit for parameter in system.parameters.values())


def generalized_forces(system: symlnn.System) -> tuple[ReferenceFrame, list[tuple[Point, Any]]]:
    """Qᵢ − ∂F/∂q̇ᵢ as SymPy's mechanics takes it: a force on a point that moves as qᵢ does, for each coordinate."""
    frame = ReferenceFrame("N")
    loads = []
    for x in system.coordinates:
        velocity = x.diff(system.t)
        point = Point(f"P_{x.func}")
        point.set_vel(frame, velocity * frame.x)
        loads.append((point, (system.forces.get(x, sp.S.Zero) - sp.diff(system.dissipation, velocity)) * frame.x))
    return frame, loads


def test_agrees_with_lagranges_method(system: symlnn.System) -> None:
    """Against SymPy's own derivation with its own generalised forces and constraints, at random states, times, inputs,
    parameters."""
    frame, loads = generalized_forces(system)
    method = LagrangesMethod(
        system.lagrangian,
        list(system.coordinates),
        forcelist=loads,
        frame=frame,
        hol_coneqs=list(system.constraints),
        nonhol_coneqs=list(system.velocity_constraints),
    )
    method.form_lagranges_equations()
    whole = (method.mass_matrix_full, method.forcing_full)
    matrix, forcing = (sp.ImmutableMatrix(part).applyfunc(system.plain)[system.dof :, :] for part in whole)
    arguments = [*system.q, *system.v, *system.u, system.t, *system.parameters]
    theirs = sp.lambdify(arguments, [matrix[:, system.dof :], forcing], "numpy")
    known = system.law.constraint_equations
    corner = sp.zeros(len(known.rates), len(known.rates))
    bordered = sp.BlockMatrix([[system.mass_matrix, -known.matrix.T], [known.matrix, corner]]).as_explicit()
    sides = sp.Matrix([*(system.generalized_forces - system.bias), *(-known.bias)])
    ours = sp.lambdify(arguments, [bordered, sides], "numpy")
    states = symlnn.sample_states(system, 20, key=jax.random.key(1))
    generator = np.random.default_rng(2)
    for q, v, u, t in zip(states.q, states.v, states.u, states.t, strict=True):
        drawn = map(float, (*q, *v, *u, t))
        values = [*drawn, *generator.uniform(0.5, 2.0, len(system.parameters))]
        (m1, f1), (m2, f2) = theirs(*values), ours(*values)
        expected, actual = (np.linalg.solve(m, f)[: system.dof] for m, f in ((m1, f1), (m2, f2)))
        np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())


def test_symbolic_and_automatic_derivation_agree(system: symlnn.System) -> None:
    check = symlnn.cross_check(system)
    assert check.states == 10_000
    assert check.max_relative_error <= 1e-10
    assert check.passed


def test_the_energy_changes_by_the_power_and_what_is_conserved_does_not(system: symlnn.System) -> None:
    """df/dt = ∂f/∂q·v + ∂f/∂v·a + ∂f/∂t at random states, to the rounding of the terms that cancel: v·Q − ∂L/∂t of the
    energy, zero of every conserved quantity.

    The power is zero everywhere exactly where the energy is said to be conserved.
    """
    dynamics = symlnn.SymbolicDynamics(system)
    arguments = [*system.q, *system.v, system.t, *system.parameters]
    conserved = sp.lambdify(arguments, list(system.conserved_quantities.values()), "jax")

    @jax.jit
    @jax.vmap
    def balance(state: symlnn.States) -> tuple[jax.Array, jax.Array, jax.Array]:
        q, v, m, u, t = state.q, state.v, state.m, state.u, state.t
        a = dynamics.acceleration(q, v, m, u, t)

        def quantities(q: jax.Array, v: jax.Array, t: jax.Array) -> jax.Array:
            values = conserved(*q, *v, t, *dynamics.parameters.values(m, q))
            return jnp.stack([dynamics.energy(q, v, m, t), *map(jnp.asarray, values)])

        by_q, by_v, by_t = jax.jacrev(quantities, argnums=(0, 1, 2))(q, v, t)
        terms = jnp.concatenate([by_q * v, by_v * a, by_t[:, None]], axis=1)
        return jnp.sum(terms, axis=1), dynamics.power(q, v, m, u, t), jnp.sum(jnp.abs(terms), axis=1)

    rates, power, sizes = map(np.asarray, balance(symlnn.sample_states(system, 200, key=jax.random.key(4))))
    assert np.all(np.abs(rates[:, 0] - power) <= 1e-12 * sizes[:, 0])
    assert np.all(np.abs(rates[:, 1:]) <= 1e-12 * sizes[:, 1:])
    assert bool(np.all(np.abs(power) <= 1e-12 * sizes[:, 0])) is system.conserves_energy


def test_mass_matrix_is_symmetric(system: symlnn.System) -> None:
    assert (system.mass_matrix - system.mass_matrix.T).is_zero_matrix


def test_survives_json(system: symlnn.System) -> None:
    assert system_from_json(json.loads(json.dumps(system_to_json(system)))) == system


def test_json_keeps_every_digit_and_assumption() -> None:
    t = sp.Symbol("t")
    x = sp.Function("x", real=True)(t)
    system = symlnn.System(
        name="digits",
        coordinates=(x,),
        lagrangian=x.diff(t) ** 2 / 2 - (sp.Float(0.1 + 0.2) + sp.Float(1) / 6) * x**2,
        states={x: symlnn.uniform(-1, 1), x.diff(t): symlnn.uniform(-1, 1)},
    )
    assert system_from_json(json.loads(json.dumps(system_to_json(system)))) == system


def test_is_hashable_and_equal_to_its_copy(system: symlnn.System) -> None:
    again = symlnn.load_system(system.name)
    assert hash(again) == hash(system)
    assert again == system


def accelerations(
    name: str,
    q: list[float],
    v: list[float],
    *,
    m: list[float] | None = None,
    u: list[float] | None = None,
    t: float = 0.0,
) -> np.ndarray:
    dynamics = symlnn.SymbolicDynamics(symlnn.load_system(name))
    varying, inputs = (None if x is None else jnp.asarray(x) for x in (m, u))
    return np.asarray(dynamics.acceleration(jnp.asarray(q), jnp.asarray(v), varying, inputs, t))


HAND_DERIVED: list[tuple[str, list[float], list[float], dict[str, Any], list[float]]] = [
    ("falling_ball", [1.0, 2.0], [3.0, 4.0], {}, [-9.8, 0.0]),
    ("harmonic_oscillator", [0.3], [1.0], {}, [-4 * 0.3]),
    ("pendulum", [0.5], [2.0], {}, [-9.8 * np.sin(0.5)]),
    (
        "elastic_pendulum",
        [1.3, 0.4],
        [0.2, 0.7],
        {},
        [1.3 * 0.7**2 + 9.8 * np.cos(0.4) - 40 * 0.3, -(9.8 * np.sin(0.4) + 2 * 0.2 * 0.7) / 1.3],
    ),
    (
        "spherical_pendulum",
        [1.0, 0.3],
        [0.2, 2.0],
        {},
        [np.sin(1.0) * np.cos(1.0) * 4 - 9.8 * np.sin(1.0), -2 * 0.2 * 2.0 / np.tan(1.0)],
    ),
    ("kepler", [1.5, 0.3], [0.2, 0.8], {}, [1.5 * 0.8**2 - 1 / 1.5**2, -2 * 0.2 * 0.8 / 1.5]),
    ("charged_particle", [1.0, 2.0], [0.5, -0.3], {}, [-0.3 - 0.25, -0.5 - 0.5]),
    ("relativistic_particle", [1.0], [0.6], {"m": [3.0]}, [3 * 0.8**3]),
    ("relativistic_particle_paper", [1.0], [0.6], {"m": [3.0]}, [3 * 0.8**5 / 1.72]),
    (
        "kepler_si",
        [7e6, 0.3],
        [120.0, 1.1e-3],
        {},
        [7e6 * 1.1e-3**2 - 3.986004418e14 / 7e6**2, -2 * 120.0 * 1.1e-3 / 7e6],
    ),
    (
        "driven_damped_pendulum",
        [0.5],
        [2.0],
        {"t": 0.7},
        [9.8 * (-np.sin(0.5) + 1.5 * np.cos(2 / 3 * np.sqrt(9.8) * 0.7)) - np.sqrt(9.8) / 2 * 2.0],
    ),
    ("damped_pendulum", [0.5], [2.0], {}, [-9.81 * np.sin(0.5) - 0.2 * 2.0]),
    ("bead_on_hoop", [0.5], [2.0], {}, [(36 * np.cos(0.5) - 9.81 / 0.5) * np.sin(0.5)]),
    (
        "swinging_atwood",
        [1.3, 0.4],
        [0.2, 0.7],
        {},
        [(1.3 * 0.7**2 + 9.81 * (np.cos(0.4) - 3)) / 4, -(2 * 0.2 * 0.7 + 9.81 * np.sin(0.4)) / 1.3],
    ),
    ("coupled_oscillators", [0.3, -0.2], [1.0, 2.0], {}, [-4 * 0.3 - 0.5 * 0.5, 4 * 0.2 + 0.5 * 0.5]),
    ("henon_heiles", [0.1, 0.2], [0.3, 0.4], {}, [-0.1 - 2 * 0.1 * 0.2, -0.2 - 0.1**2 + 0.2**2]),
    (
        "foucault_pendulum",
        [1.0, 2.0],
        [0.3, 0.4],
        {},
        [
            2 * 7.292115e-5 * np.sin(0.8526) * 0.4 - 9.81 / 67,
            -2 * 7.292115e-5 * np.sin(0.8526) * 0.3 - 2 * 9.81 / 67,
        ],
    ),
    ("kapitza_pendulum", [2.5], [0.6], {"t": 0.013}, [-(9.8 - 0.1 * 100**2 * np.cos(1.3)) * np.sin(2.5)]),
]


@pytest.mark.parametrize(
    ("name", "q", "v", "given", "expected"), HAND_DERIVED, ids=lambda x: x if isinstance(x, str) else ""
)
def test_hand_derived_accelerations(
    name: str, q: list[float], v: list[float], given: dict[str, Any], expected: list[float]
) -> None:
    np.testing.assert_allclose(accelerations(name, q, v, **given), expected, rtol=1e-12)


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
    ours = accelerations("relativistic_particle_paper", [0.0], [v], m=[1.0])
    relativity = accelerations("relativistic_particle", [0.0], [v], m=[1.0])
    np.testing.assert_allclose(ours / relativity, ratio, rtol=1e-2)


@pytest.mark.parametrize(("angle", "rate", "push"), [(0.3, -1.2, 7.0), (2.8, 4.0, -10.0), (-1.5, 0.0, 0.0)])
def test_cart_pole_against_the_published_equations(angle: float, rate: float, push: float) -> None:
    """The closed form of Florian 2007, with the viscous friction of the cart, b ẋ, in place of Coulomb's."""
    cart, pole, length, g, b, c, speed = 1.0, 0.1, 0.5, 9.8, 1.0, 2e-6, 0.7
    sine, cosine = np.sin(angle), np.cos(angle)
    pushed = (push + pole * length * rate**2 * sine - b * speed) / (cart + pole)
    inertia = length * (4 / 3 - pole * cosine**2 / (cart + pole))
    second = (g * sine - cosine * pushed - c * rate / (pole * length)) / inertia
    first = pushed - pole * length * second * cosine / (cart + pole)
    actual = accelerations("cart_pole", [0.4, angle], [speed, rate], u=[push])
    np.testing.assert_allclose(actual, [first, second], rtol=1e-12)


def departure_from_upright(amplitude: float, start: float, duration: float) -> tuple[np.ndarray, np.ndarray]:
    """(t, θ − π) of Kapitza's pendulum whose pivot is shaken by that amplitude, let go at θ − π = start."""
    system = symlnn.load_system("kapitza_pendulum").with_parameters({"a": amplitude})
    at_rest = jnp.array([np.pi + start]), jnp.zeros(1)
    rollout = symlnn.simulate(symlnn.SymbolicDynamics(system), at_rest, duration=duration, rate=200.0)
    assert bool(rollout.successful)
    return np.asarray(rollout.t), np.asarray(rollout.q[:, 0]) - np.pi


@pytest.mark.parametrize("amplitude", [0.06, 0.1])
def test_kapitzas_pendulum_stands_where_the_drive_is_strong(amplitude: float) -> None:
    """a²Ω² > 2 g l: it oscillates about the upright with √(a²Ω²/(2 l²) − g/l), to an order of a/l."""
    t, departure = departure_from_upright(amplitude, 0.1, 4.0)
    slow = 0.1 * np.cos(np.sqrt((amplitude * 100) ** 2 / 2 - 9.8) * t[t < 1])
    assert np.abs(departure).max() < 0.1 * (1 + 2 * amplitude)
    np.testing.assert_allclose(departure[t < 1], slow, atol=0.1 * 2 * amplitude)


@pytest.mark.parametrize("amplitude", [0.0, 0.03])
def test_kapitzas_pendulum_falls_where_the_drive_is_weak(amplitude: float) -> None:
    """a²Ω² < 2 g l: the departure grows as exp(√(g/l − a²Ω²/(2 l²)) t), e-fold in 0.32 s without a drive."""
    assert np.abs(departure_from_upright(amplitude, 0.01, 4.0)[1]).max() > 1


def test_acrobot_against_the_published_equations() -> None:
    """Those of Sutton & Barto's example, which solve for the elbow first."""
    q1, q2, v1, v2, tau, g = 0.4, -0.7, 1.2, -2.0, 0.8, 9.8
    d1 = 0.25 + (1 + 0.25 + np.cos(q2)) + 2
    d2 = 0.25 + 0.5 * np.cos(q2) + 1
    phi2 = 0.5 * g * np.cos(q1 + q2 - np.pi / 2)
    phi1 = -0.5 * v2**2 * np.sin(q2) - v2 * v1 * np.sin(q2) + 1.5 * g * np.cos(q1 - np.pi / 2) + phi2
    second = (tau + d2 / d1 * phi1 - 0.5 * v1**2 * np.sin(q2) - phi2) / (1.25 - d2**2 / d1)
    expected = [-(d2 * second + phi1) / d1, second]
    np.testing.assert_allclose(accelerations("acrobot", [q1, q2], [v1, v2], u=[tau]), expected, rtol=1e-12)


def test_torques_and_friction_of_the_driven_double_pendulum() -> None:
    """Without them it is the double pendulum; with them a changes by M⁻¹ Q."""
    q, v, (tau1, tau2) = [0.7, -1.1], [1.3, -0.4], (3.0, -2.0)
    shoulder = tau1 - 0.3 * v[0] - 0.5 * np.tanh(v[0] / 0.1)
    elbow = tau2 - 0.3 * (v[1] - v[0]) - 0.5 * np.tanh((v[1] - v[0]) / 0.1)
    coupling = np.cos(q[0] - q[1])
    pushed = np.linalg.solve([[2.0, coupling], [coupling, 1.0]], [shoulder - elbow, elbow])
    free = symlnn.SymbolicDynamics(symlnn.load_system("double_pendulum").with_parameters({"g": 9.81}))
    expected = np.asarray(free.acceleration(jnp.array(q), jnp.array(v))) + pushed
    actual = accelerations("torque_driven_double_pendulum", q, v, u=[tau1, tau2])
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_furutas_pendulum_against_the_published_equations() -> None:
    (J, m, r, rod, g, b), theta, (turn, swing), tau = (0.02, 0.2, 0.3, 0.4, 9.81, 0.01), 0.6, (1.5, -2.0), 0.3
    sine, cosine = np.sin(theta), np.cos(theta)
    matrix = [[J + m * r**2 + m * rod**2 * sine**2, m * r * rod * cosine], [m * r * rod * cosine, m * rod**2]]
    first = tau - b * turn - 2 * m * rod**2 * sine * cosine * turn * swing + m * r * rod * sine * swing**2
    second = m * rod**2 * sine * cosine * turn**2 + m * g * rod * sine
    actual = accelerations("furuta_pendulum", [0.2, theta], [turn, swing], u=[tau])
    np.testing.assert_allclose(actual, np.linalg.solve(matrix, [first, second]), rtol=1e-12)


def test_the_heavy_top_against_the_textbook() -> None:
    """With the conserved p_ψ = C (ψ̇ + φ̇ cos θ)."""
    A, C, mgl = 0.06, 0.02, 0.2 * 9.81
    theta, nutation, precession, spin = 0.9, 0.3, 1.2, 50.0
    sine, cosine = np.sin(theta), np.cos(theta)
    p = C * (spin + precession * cosine)
    first = sine * (A * precession**2 * cosine - p * precession + mgl) / A
    second = (p * nutation - 2 * A * precession * nutation * cosine) / (A * sine)
    expected = [first, second, -second * cosine + precession * nutation * sine]
    actual = accelerations("heavy_top", [theta, 0.1, 0.2], [nutation, precession, spin])
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_the_two_link_arm_against_the_textbook() -> None:
    """Spong's matrix, Christoffel symbols and gravity."""
    q1, q2, v1, v2, tau = 0.5, -0.8, 1.1, 0.7, np.array([3.0, -1.0])
    m1, m2, l1, c1, c2, I1, I2, g = 2.0, 1.0, 0.5, 0.25, 0.2, 0.04, 0.013, 9.81
    off = m2 * (c2**2 + l1 * c2 * np.cos(q2)) + I2
    first = m1 * c1**2 + I1 + m2 * (l1**2 + c2**2 + 2 * l1 * c2 * np.cos(q2)) + I2
    h = -m2 * l1 * c2 * np.sin(q2)
    bias = np.array([h * v2 * (2 * v1 + v2), -h * v1**2])
    second = m2 * c2 * g * np.cos(q1 + q2)
    gravity = np.array([(m1 * c1 + m2 * l1) * g * np.cos(q1) + second, second])
    friction = 0.5 * np.array([v1, v2])
    expected = np.linalg.solve([[first, off], [off, m2 * c2**2 + I2]], tau - bias - gravity - friction)
    np.testing.assert_allclose(accelerations("two_link_arm", [q1, q2], [v1, v2], u=list(tau)), expected, rtol=1e-12)


def test_arenstorfs_orbit_closes() -> None:
    """After its period, from and to the numbers of Hairer, Nørsett & Wanner, section II.0."""
    law = symlnn.SymbolicDynamics(symlnn.load_system("restricted_three_body"))
    start = jnp.array([0.994, 0.0]), jnp.array([0.0, -2.00158510637908252240537862224])
    sharp = symlnn.Integrator(rtol=1e-12, atol=1e-14)
    orbit = symlnn.simulate(law, start, duration=17.0652165601579625588917206249, rate=10.0, integrator=sharp)
    np.testing.assert_allclose(orbit.q[-1], start[0], atol=1e-5)


def test_three_bodies_on_a_figure_of_eight() -> None:
    """After a third of the period each is where the one before it was."""
    system = symlnn.load_system("three_body")
    initial = [marginal.mean for pair in system.state_marginals(initial=True) for marginal in pair]
    start = jnp.array(initial[::2]), jnp.array(initial[1::2])
    motion = symlnn.simulate(symlnn.SymbolicDynamics(system), start, duration=6.32591398, rate=30.0)
    np.testing.assert_allclose(motion.q[-1], start[0], atol=1e-5)
    third = symlnn.simulate(symlnn.SymbolicDynamics(system), start, duration=6.32591398 / 3, rate=30.0).q[-1]
    places = {tuple(np.round(place, 4) + 0.0) for place in np.asarray(third).reshape(3, 2)}
    assert places == {tuple(np.round(place, 4) + 0.0) for place in np.asarray(start[0]).reshape(3, 2)}
    assert np.abs(third - start[0]).max() > 0.1


def test_the_slider_crank_against_one_coordinate() -> None:
    """With φ = arcsin(r sin θ/l) and x put in there is one coordinate, and no constraint."""
    declared = symlnn.load_system("slider_crank")
    theta, phi, x = declared.coordinates
    *_, r, rod = declared.parameters
    inclined = sp.asin(r * sp.sin(theta) / rod)
    place = r * sp.cos(theta) + rod * sp.cos(inclined)
    alone = symlnn.System(
        name="crank",
        coordinates=(theta,),
        lagrangian=declared.lagrangian.subs({phi: inclined, x: place}).doit(),
        parameters=declared.parameters,
        states={theta: symlnn.uniform(-3, 3), theta.diff(): symlnn.uniform(-10, 10)},
    )
    one, whole = symlnn.SymbolicDynamics(alone), symlnn.SymbolicDynamics(declared)

    def placed(angle: jax.Array) -> jax.Array:
        tilt = jnp.arcsin(0.2 / 0.6 * jnp.sin(angle[0]))
        return jnp.array([angle[0], tilt, 0.2 * jnp.cos(angle[0]) + 0.6 * jnp.cos(tilt)])

    angle, rate = jnp.array([0.9]), jnp.array([4.0])
    q, v = jax.jvp(placed, (angle,), (rate,))
    np.testing.assert_allclose(whole.acceleration(q, v)[0], one.acceleration(angle, rate)[0], rtol=1e-10)
    assert declared.degrees_of_freedom == 1


def test_the_rolling_disc_against_kanes_method() -> None:
    """The equations that SymPy's documentation prints for it: with u = (q̇₂, q̇₁ sin q₂ + q̇₃, q̇₁ cos q₂),

    u̇ = ((4 g sin q₂ + 6 r u₂ u₃ − r u₃² tan q₂)/(5 r), −⅔ u₁ u₃, (u₃ tan q₂ − 2 u₂) u₁).
    """
    r, g, q1, q2 = 0.1, 9.81, 0.4, 0.3
    turn, tilt, spin = 1.1, -0.6, 10.0
    u = np.array([tilt, turn * np.sin(q2) + spin, turn * np.cos(q2)])
    rates = np.array(
        [
            (4 * g * np.sin(q2) + 6 * r * u[1] * u[2] - r * u[2] ** 2 * np.tan(q2)) / (5 * r),
            -2 / 3 * u[0] * u[2],
            (u[2] * np.tan(q2) - 2 * u[1]) * u[0],
        ]
    )
    v = [r * spin * np.cos(q1), r * spin * np.sin(q1), turn, tilt, spin]
    a = accelerations("rolling_disc", [0.2, 0.3, q1, q2, 0.5], v)
    turned = (rates[2] + turn * tilt * np.sin(q2)) / np.cos(q2)
    spun = rates[1] - turned * np.sin(q2) - turn * tilt * np.cos(q2)
    np.testing.assert_allclose(a[2:], [turned, rates[0], spun], rtol=1e-11)
    path = [r * (spun * np.cos(q1) - spin * turn * np.sin(q1)), r * (spun * np.sin(q1) + spin * turn * np.cos(q1))]
    np.testing.assert_allclose(a[:2], path, rtol=1e-11)


def test_a_coin_that_rolls_around_a_circle() -> None:
    """The steady motion of a lean q₂, a turn ω and a spin n, with 4 g sin q₂ + 6 r u₂ u₃ = r u₃² tan q₂, closes its
    circle of radius r n/ω."""
    r, g, lean, turn = 0.1, 9.81, 0.2, 2.0
    u3 = turn * np.cos(lean)
    spin = (r * u3**2 * np.tan(lean) - 4 * g * np.sin(lean)) / (6 * r * u3) - turn * np.sin(lean)
    start = jnp.array([0.0, 0.0, 0.0, lean, 0.0]), jnp.array([r * spin, 0.0, turn, 0.0, spin])
    law = symlnn.SymbolicDynamics(symlnn.load_system("rolling_disc"))
    motion = symlnn.simulate(law, start, duration=2 * np.pi / turn, rate=40.0)
    radius = r * spin / turn
    heading = turn * motion.t
    expected = radius * jnp.stack([jnp.sin(heading), 1 - jnp.cos(heading)], axis=1)
    np.testing.assert_allclose(motion.q[:, :2], expected, atol=1e-6)
    np.testing.assert_allclose(motion.q[:, 3], lean, atol=1e-6)


def test_chaplygins_sleigh_turns_straight() -> None:
    """v = c tanh(a c t/b²) and φ̇ = (c/b) sech(a c t/b²), from rest along the blade with φ̇ = c/b."""
    a, b2 = 0.3, 0.3**2 + 0.5 / 2.0
    c = 1.4
    start = jnp.zeros(3), jnp.array([0.0, 0.0, c / np.sqrt(b2)])
    law = symlnn.SymbolicDynamics(symlnn.load_system("chaplygin_sleigh"))
    motion = symlnn.simulate(law, start, duration=4.0, rate=20.0)
    x = a * c * motion.t / b2
    np.testing.assert_allclose(motion.v[:, 2], c / np.sqrt(b2) / jnp.cosh(x), atol=1e-7)
    along = motion.v[:, 0] * jnp.cos(motion.q[:, 2]) + motion.v[:, 1] * jnp.sin(motion.q[:, 2])
    np.testing.assert_allclose(along, c * jnp.tanh(x), atol=1e-7)


def test_the_plane_of_foucaults_pendulum_turns() -> None:
    """By −Ω sin λ t: after an hour of swings, 0.1976 rad in Paris."""
    law = symlnn.SymbolicDynamics(symlnn.load_system("foucault_pendulum"))
    motion = symlnn.simulate(law, (jnp.array([3.0, 0.0]), jnp.zeros(2)), duration=3600.0, rate=2.0)
    late = motion.q[-40:]  # more than a swing
    far = late[jnp.argmax(jnp.linalg.norm(late, axis=1))]
    turned = (np.arctan2(far[1], far[0]) + np.pi / 2) % np.pi - np.pi / 2
    np.testing.assert_allclose(turned, -7.292115e-5 * np.sin(0.8526) * 3600, atol=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pendulum_cartesian", "four_bar_linkage"])
def test_constraints_and_energy_over_a_hundred_seconds(name: str) -> None:
    """Constraints to 1e-9 in sizes of the coordinates, the energy to 1e-6 of its scale."""
    system = symlnn.load_system(name, **({"n": 3} if name == "pendulum_cartesian" else {}))
    start = symlnn.sample_states(system, 2, key=jax.random.key(5), initial=True)
    law = symlnn.SymbolicDynamics(system)
    sharp = symlnn.Integrator(rtol=1e-10, max_steps=100_000)
    motion = symlnn.simulate(law, start, duration=100.0, rate=10.0, integrator=sharp)
    assert motion.successful.all()
    assert symlnn.metrics.constraint_drift(system, motion, start).max() < 1e-9
    scale = symlnn.metrics.energy_scale(system)
    assert symlnn.metrics.balance_errors(system, motion, start, scale).max() < 1e-6
