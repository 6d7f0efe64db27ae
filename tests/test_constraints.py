"""Constraints: against coordinates that need none, in all units, kept along motions, refused where they are faulty."""

import warnings
from collections.abc import Callable
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

import symlnn
from symlnn import Parameter, System, normal, uniform

t = dynamicsymbols._t
x, y = dynamicsymbols("x y")
m, rod, g = sp.symbols("m l g", positive=True)
KINETIC = m * (x.diff(t) ** 2 + y.diff(t) ** 2) / 2
ROD = x**2 + y**2 - rod**2


def planar(**changes: Any) -> System:
    """A particle in the plane, on a rod unless other constraints are given."""
    given: dict[str, Any] = {
        "name": "rod",
        "coordinates": (x, y),
        "lagrangian": KINETIC - m * g * y,
        "constraints": (ROD,),
        "parameters": {m: Parameter(2.0, "kg"), rod: Parameter(1.5, "m"), g: Parameter(9.81, "m/s²")},
        "states": {x: normal(0, 1), y: normal(0, 1), x.diff(t): normal(0, 2), y.diff(t): normal(0, 2)},
    }
    return System(**given | changes)


def on_the_rod(angle: float, rate: float, length: float = 1.5) -> tuple[jax.Array, jax.Array]:
    """(q, v) of a pendulum at an angle from the vertical."""
    q = length * jnp.array([jnp.sin(angle), -jnp.cos(angle)])
    return q, length * rate * jnp.array([jnp.cos(angle), jnp.sin(angle)])


def test_a_pendulum_in_cartesian_coordinates() -> None:
    """Accelerations are those of the angle, θ̈ = −(g/l) sin θ, and the multiplier gives the tension of the rod,

    2 l λ = −(m l θ̇² + m g cos θ).
    """
    law, angle, rate = symlnn.SymbolicDynamics(planar()), 0.7, 1.3
    q, v = on_the_rod(angle, rate)
    turning = -9.81 / 1.5 * jnp.sin(angle)
    expected = 1.5 * (
        turning * jnp.array([jnp.cos(angle), jnp.sin(angle)]) + rate**2 * jnp.array([-jnp.sin(angle), jnp.cos(angle)])
    )
    np.testing.assert_allclose(law.acceleration(q, v), expected, rtol=1e-13)
    tension = 2.0 * (1.5 * rate**2 + 9.81 * jnp.cos(angle))
    np.testing.assert_allclose(law.multipliers(q, v), [-tension / 3.0], rtol=1e-13)
    np.testing.assert_allclose(law.constraint_forces(q, v), -tension * q / 1.5, rtol=1e-13)
    np.testing.assert_allclose(law.power(q, v), 0.0, atol=1e-12)
    assert law.solve(q, v).result == symlnn.RESULTS.successful


@pytest.mark.parametrize(("mass", "length"), [(1e-27, 1e-10), (1e24, 1e11), (1.0, 1e-6)])
def test_units_do_not_matter(mass: float, length: float) -> None:
    """Of an atom on a rod of an ångström, or of a planet: the same equation in other numbers."""
    sizes = {x: length, y: length, x.diff(t): length, y.diff(t): length}
    system = planar(
        parameters={m: mass, rod: length, g: length}, states={symbol: normal(0, size) for symbol, size in sizes.items()}
    )
    law = symlnn.SymbolicDynamics(system)
    q, v = on_the_rod(0.7, 1.3, length)
    solution = law.solve(q, v)
    assert solution.result == symlnn.RESULTS.successful
    turning = -jnp.sin(0.7) * jnp.array([jnp.cos(0.7), jnp.sin(0.7)])
    expected = length * (turning + 1.3**2 * jnp.array([-jnp.sin(0.7), jnp.cos(0.7)]))
    np.testing.assert_allclose(solution.value, expected, rtol=1e-12)
    start = symlnn.sample_states(system, 5, key=jax.random.key(0))
    motion = symlnn.simulate(law, start, duration=2.0, rate=20.0)
    assert motion.successful.all()
    assert symlnn.metrics.constraint_drift(system, motion, start).max() < 1e-12


def test_the_chain_in_cartesian_coordinates_moves_as_in_angles() -> None:
    cartesian = symlnn.load_system("pendulum_cartesian", n=3)
    angles = symlnn.load_system("n_pendulum", n=3).with_parameters({"g": 9.81})
    assert (cartesian.dof, cartesian.degrees_of_freedom) == (6, 3)
    theta, omega = jnp.array([0.3, -0.2, 0.5]), jnp.array([0.1, 0.4, -0.3])

    def points(theta: jax.Array) -> jax.Array:
        return jnp.stack([jnp.cumsum(jnp.sin(theta)), -jnp.cumsum(jnp.cos(theta))], axis=1).reshape(-1)

    q, v = jax.jvp(points, (theta,), (omega,))
    one = symlnn.simulate(symlnn.SymbolicDynamics(cartesian), (q, v), duration=2.0, rate=50.0)
    other = symlnn.simulate(symlnn.SymbolicDynamics(angles), (theta, omega), duration=2.0, rate=50.0)
    # two integrations at a tolerance of 1e-9, of a motion that is not yet chaotic
    np.testing.assert_allclose(one.q, jax.vmap(points)(other.q), atol=1e-6)


def test_a_knife_edge_on_an_incline() -> None:
    """The Chaplygin–Carathéodory sleigh's simplest kin: a skate that cannot slip, ẋ sin φ = ẏ cos φ, on an incline.

    From rest at the origin, turning at the rate ω, it does not slide down but makes a cycloid and comes back:

        x = g sin α/(2 ω²) sin²(ω t).

    Source: Bloch, Nonholonomic Mechanics and Control, section 1.6.
    """
    phi = dynamicsymbols("phi")
    inertia = sp.Symbol("J", positive=True)
    system = System(
        name="skate",
        coordinates=(x, y, phi),
        angles=(phi,),
        lagrangian=KINETIC + inertia * phi.diff(t) ** 2 / 2 + m * g * x,
        velocity_constraints=(x.diff(t) * sp.sin(phi) - y.diff(t) * sp.cos(phi),),
        parameters={m: 1.0, inertia: 0.1, g: 4.0},
        states={symbol: normal(0, 1) for z in (x, y, phi) for symbol in (z, z.diff(t))},
    )
    assert system.degrees_of_freedom == 2
    assert set(system.conserved_quantities) == {"energy", "momentum_phi"}
    rate = 2.0
    start = (jnp.zeros(3), jnp.array([0.0, 0.0, rate]))
    motion = symlnn.simulate(symlnn.SymbolicDynamics(system), start, duration=3.0, rate=40.0)
    expected = 4.0 / (2 * rate**2) * jnp.sin(rate * motion.t) ** 2
    np.testing.assert_allclose(motion.q[:, 0], expected, atol=1e-8)


def test_a_moving_rod_does_work() -> None:
    """A bead on a straight wire that turns at the rate Ω: r̈ = Ω² r, and the wire's force does work on it."""
    turning = sp.Symbol("Omega", positive=True)
    system = planar(
        name="wire",
        lagrangian=KINETIC,
        constraints=(x * sp.sin(turning * t) - y * sp.cos(turning * t),),
        parameters={m: 2.0, turning: 1.5},
        time=uniform(0, 1),
    )
    assert not system.conserves_energy
    law = symlnn.SymbolicDynamics(system)
    start = (jnp.array([0.5, 0.0]), jnp.array([0.0, 0.75]))
    motion = symlnn.simulate(
        law, start, duration=1.0, rate=50.0, integrand=lambda q, v, m, u, t: law.power(q, v, m, u, t)
    )
    assert bool(motion.successful)
    np.testing.assert_allclose(jnp.linalg.norm(motion.q, axis=1), 0.5 * jnp.cosh(1.5 * motion.t), rtol=1e-8)
    energy = jax.vmap(law.energy)(motion.q, motion.v)
    assert motion.integral is not None
    np.testing.assert_allclose(energy - energy[0], motion.integral, atol=1e-8)
    assert "lambda1" in str(system.power)


def test_redundant_constraints_leave_the_motion() -> None:
    """Said once, twice, or once more as a constraint on velocities: the accelerations are the same, and the multipliers
    share the tension equally where the rows are the same."""
    with pytest.warns(UserWarning, match="have rank 1") as said:
        twice = planar(constraints=(ROD, ROD), velocity_constraints=(x * x.diff(t) + y * y.diff(t),))
    assert "follows from those before" in str(said[0].message)
    assert twice.degrees_of_freedom == 1
    law, twin = symlnn.SymbolicDynamics(planar()), symlnn.SymbolicDynamics(twice)
    q, v = on_the_rod(0.7, 1.3)
    assert twin.solve(q, v).result == symlnn.RESULTS.successful
    np.testing.assert_allclose(twin.acceleration(q, v), law.acceleration(q, v), rtol=1e-12)
    np.testing.assert_allclose(twin.constraint_forces(q, v), law.constraint_forces(q, v), rtol=1e-12)
    shares = twin.multipliers(q, v)
    np.testing.assert_allclose(shares[0], shares[1], rtol=1e-12)
    motions = [symlnn.simulate(dynamics, (q, v), duration=2.0, rate=20.0) for dynamics in (law, twin)]
    np.testing.assert_allclose(motions[0].q, motions[1].q, atol=1e-7)


FAULTS: list[tuple[Callable[[], Any], str]] = [
    (lambda: planar(constraints=(x.diff(t) - y,)), "contains the velocity x_dot.*velocity_constraints"),
    (lambda: planar(velocity_constraints=(x - y,)), "contains no velocity: write it as one of constraints"),
    (lambda: planar(constraints=(rod - 1,)), "contains no coordinate"),
    (lambda: planar(velocity_constraints=(rod - 1,)), "contains no velocity: it constrains nothing"),
    (lambda: planar(velocity_constraints=(x.diff(t) ** 2 - 1,)), "not linear in the velocities"),
    (lambda: planar(constraints=(x - 1, x - 2)), "contradict each other"),
    (lambda: planar(constraints=(x**2 + y**2 + rod**2,)), "contradict each other"),
    (
        lambda: planar(velocity_constraints=(y * x.diff(t) - x * y.diff(t) - 1, y * x.diff(t) - x * y.diff(t))),
        "but no vel",
    ),
    (lambda: planar(constraints=(ROD, x - y / 2)), "leave none of its 2 coordinates free"),
    (lambda: planar(constraints=(sp.Symbol("k") * x,)), r"constraints\[0\] contains the unknown symbol k"),
    (lambda: planar(constraints=(x - t,)), r"constraints\[0\] depends on time"),
    (
        lambda: planar(lagrangian=m * x.diff(t) ** 2 / 2, constraints=(x**2 - rod**2,)),
        "in directions that its constraints",
    ),
]


@pytest.mark.parametrize(("declare", "message"), FAULTS)
def test_faults_are_named(declare: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        declare()


def test_a_start_that_does_not_obey_is_said_to_be_inconsistent() -> None:
    system = planar()
    law = symlnn.SymbolicDynamics(system)
    far = symlnn.States.of([[1.0, 1.0], [0.0, -1.5]], [[0.0, 0.0], [0.3, 0.0]])
    motion = symlnn.simulate(law, far, duration=1.0, rate=10.0)
    np.testing.assert_array_equal(motion.successful, [False, True])
    assert "symlnn.project" in motion.reasons[0]
    near = symlnn.project(system, far)
    np.testing.assert_allclose(near.q[0], 1.5 / np.sqrt(2), rtol=1e-12)
    np.testing.assert_array_equal(near.q[1], far.q[1])
    assert symlnn.simulate(law, near, duration=1.0, rate=10.0).successful.all()
    held = symlnn.project(system, far[0], hold=["x"])
    np.testing.assert_allclose(held.q, [1.0, np.sqrt(1.25)], rtol=1e-12)
    with pytest.raises(ValueError, match="Nothing near the state obeys the constraints of rod with x held"):
        symlnn.project(system, symlnn.States.of([2.0, 0.1], [0.0, 0.0]), hold=["x"])
    with pytest.raises(ValueError, match="hold names 'z'"):
        symlnn.project(system, far, hold=["z"])


def test_a_singular_configuration_has_its_code() -> None:
    """On x² = y² both branches meet at the origin, where the constraint has no direction."""
    law = symlnn.SymbolicDynamics(planar(constraints=(x**2 - y**2,)))
    result = law.solve(jnp.zeros(2), jnp.array([1.0, 1.0])).result
    assert result == symlnn.RESULTS.singular


@pytest.mark.parametrize(
    "integrator",
    [
        symlnn.Integrator(diffrax.Tsit5()),
        pytest.param(symlnn.Integrator(diffrax.Kvaerno5(), rtol=1e-6), marks=pytest.mark.slow),
        pytest.param(symlnn.Integrator(diffrax.Heun(), step=0.01), marks=pytest.mark.slow),
        pytest.param(symlnn.Integrator(symlnn.ImplicitMidpoint(), step=0.02), marks=pytest.mark.slow),
        symlnn.Integrator(dense=True),
    ],
    ids=["Tsit5", "Kvaerno5", "Heun", "ImplicitMidpoint", "dense"],
)
def test_every_solver_keeps_constraints(integrator: symlnn.Integrator) -> None:
    system = planar()
    start = symlnn.sample_states(system, 3, key=jax.random.key(1))
    motion = symlnn.simulate(symlnn.SymbolicDynamics(system), start, duration=3.0, rate=20.0, integrator=integrator)
    assert motion.successful.all()
    assert symlnn.metrics.constraint_drift(system, motion, start).max() < 1e-10


@pytest.mark.parametrize(
    ("solver", "message"),
    [
        (symlnn.Taylor(), "Taylor takes no constraints"),
        (diffrax.SemiImplicitEuler(), "splits the state"),
    ],
)
def test_solvers_that_cannot_keep_them_say_so(solver: diffrax.AbstractSolver, message: str) -> None:
    step = None if isinstance(solver, symlnn.Taylor) else 0.01
    with pytest.raises(ValueError, match=message):
        symlnn.simulate(
            symlnn.SymbolicDynamics(planar()),
            on_the_rod(0.3, 0.0),
            duration=0.1,
            rate=10.0,
            integrator=symlnn.Integrator(solver, step=step),
        )


def test_baumgarte_leads_back() -> None:
    """A state a little off comes back at the rate κ: φ(t) = φ(0) (1 + κ t) exp(−κ t) from rest, for small φ."""
    system, rate = planar(), 5.0
    law = symlnn.SymbolicDynamics(system, constraints=symlnn.Baumgarte(symlnn.SymbolicConstraints(system), rate))
    off = 1e-9
    start = (jnp.array([0.0, -1.5 - off]), jnp.zeros(2))
    motion = symlnn.simulate(law, start, duration=2.0, rate=20.0, integrator=symlnn.Integrator(rtol=1e-13, atol=1e-15))
    left = jnp.linalg.norm(motion.q, axis=1) - 1.5
    np.testing.assert_allclose(left, off * (1 + rate * motion.t) * jnp.exp(-rate * motion.t), atol=1e-3 * off)


def test_functions_in_jax_are_constraints_too() -> None:
    """Of positions and of velocities, with their parameters, under jit and differentiated."""
    system = planar()
    rod = symlnn.Constraints(position=lambda q, m, t: (q @ q - 1.5**2)[None])
    law = symlnn.EulerLagrange(symlnn.SymbolicLagrangian(system), constraints=rod)
    q, v = on_the_rod(0.7, 1.3)
    truth = symlnn.SymbolicDynamics(system)
    np.testing.assert_allclose(law.acceleration(q, v), truth.acceleration(q, v), rtol=1e-12)
    as_rate = symlnn.Constraints(rate=lambda q, v, m, t: (q @ v)[None])
    other = symlnn.EulerLagrange(symlnn.SymbolicLagrangian(system), constraints=as_rate)
    np.testing.assert_allclose(other.acceleration(q, v), truth.acceleration(q, v), rtol=1e-12)
    with pytest.raises(ValueError, match="position"):
        symlnn.Constraints()

    def speed(length: jax.Array) -> jax.Array:
        """θ̈ l at a length, whose derivative is zero: −g sin θ."""
        law = symlnn.SymbolicDynamics(system, {"l": length})
        q, v = on_the_rod(0.7, 0.0, length)  # pyright: ignore[reportArgumentType]
        return law.acceleration(q, v) @ jnp.array([jnp.cos(0.7), jnp.sin(0.7)])

    value, slope = jax.jit(jax.value_and_grad(speed))(jnp.asarray(1.5))
    np.testing.assert_allclose(jnp.stack([value, slope]), [-9.81 * np.sin(0.7), 0.0], atol=1e-12)


def test_states_are_drawn_where_the_constraints_hold() -> None:
    system = symlnn.load_system("pendulum_cartesian", n=3)
    states = symlnn.sample_states(system, 500, key=jax.random.key(0))
    found = symlnn.SymbolicConstraints(system)
    rows = jax.vmap(lambda q, v: jnp.concatenate(found(q, v, None, 0.0)[:2]))(states.q, states.v)
    assert float(jnp.abs(rows).max()) < 1e-9


def test_declarations_with_constraints_are_kept() -> None:
    """In equations to read."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        system = planar(velocity_constraints=())
    found = symlnn.derivation(system)
    assert found["constraints"] == ["-l**2 + x**2 + y**2"]
    assert found["constraint_matrix"] == [["2*x", "2*y"]]
    assert (found["multipliers"], found["degrees_of_freedom"]) == (["lambda1"], 1)
    assert len(found["equations_of_motion"]) == 3
    assert system.accelerations is None and system.hamiltonian is None
    text = symlnn.derivation_text(system)
    assert "1 degree of freedom: 2 coordinates less 1 independent constraints" in text
    assert "momentum_x" not in planar(lagrangian=KINETIC).conserved_quantities


@pytest.mark.slow
def test_parameters_are_identified_with_constraints() -> None:
    """Of a damped pendulum in Cartesian coordinates, from noisy positions, whose tension no one measured."""
    friction = sp.Symbol("c", positive=True)
    truth = planar(
        dissipation=friction * (x.diff(t) ** 2 + y.diff(t) ** 2) / 2,
        parameters={
            m: Parameter(2.0, "kg"),
            rod: Parameter(1.5, "m"),
            g: Parameter(9.81, "m/s²", free=True),
            friction: Parameter(0.4, "kg/s", free=True),
        },
    )
    rng = np.random.default_rng(0)
    times = np.arange(601) / 100
    runs = []
    for k in range(4):
        q, v = on_the_rod(1.0 + 0.2 * k, 0.1 * k)
        motion = symlnn.simulate(symlnn.SymbolicDynamics(truth), (q, v), times=jnp.asarray(times))
        runs.append(symlnn.Run(f"run{k}", times, np.asarray(motion.q) + 1e-3 * rng.normal(size=(601, 2))))
    declared = truth.with_parameters({"g": 8.0, "c": 1.0})
    found = symlnn.identify(declared, symlnn.Motions.of(declared, runs))
    for name, value in {"g": 9.81, "c": 0.4}.items():
        estimate = found.parameters[name]
        assert estimate.standard_error is not None and estimate.standard_error < 0.02 * value
        assert abs(estimate.value - value) < 4 * estimate.standard_error


@pytest.mark.parametrize("model", ["hnn", "hnn_observed"])
def test_models_that_take_no_constraints_say_so(model: str) -> None:
    with pytest.raises(ValueError, match=f"The model {model} takes no constraints, which rod has"):
        symlnn.learn(planar(), model, budget=symlnn.Budget(steps=1))


@pytest.mark.slow
def test_a_lagrangian_is_learned_with_known_constraints() -> None:
    """In Cartesian coordinates; its motions keep to the rod, those of a plain network do not."""
    system = planar()
    start = symlnn.sample_states(system, 5, key=jax.random.key(3), initial=True)
    drift = {}
    for name in ("lnn", "nn"):
        learned = symlnn.learn(system, name, budget=symlnn.Budget(steps=(600, 40)))
        assert learned.fit.lowest < 0.05
        motion = symlnn.simulate(learned.dynamics, start, duration=2.0, rate=20.0)
        drift[name] = symlnn.metrics.constraint_drift(system, motion, start).max()
    assert drift["lnn"] < 1e-9 < 1e-4 < drift["nn"]
