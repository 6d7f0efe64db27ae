"""Systems in the languages of `sympy.physics.mechanics`, against the same ones declared by hand."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from sympy.physics.mechanics import (
    KanesMethod,
    LagrangesMethod,
    Particle,
    PinJoint,
    Point,
    ReferenceFrame,
    RigidBody,
    dynamicsymbols,
    inertia,
)

import symlnn
from symlnn import System, uniform

t = dynamicsymbols._t
theta, x, y = dynamicsymbols("theta x y")
m, length, g, c = sp.symbols("m l g c", positive=True)
N = ReferenceFrame("N")
VALUES = {m: 1.3, length: 0.7, g: 9.8, c: 0.2}


def pendulum() -> tuple[Point, Particle, ReferenceFrame]:
    """A bob on a rod that turns about N.z."""
    turned = N.orientnew("A", "Axis", [theta, N.z])
    pivot, bob = Point("O"), Point("P")
    pivot.set_vel(N, 0)
    bob.set_pos(pivot, -length * turned.y)
    bob.v2pt_theory(pivot, N, turned)
    particle = Particle("bob", bob, m)
    particle.potential_energy = m * g * bob.pos_from(pivot).dot(N.y)
    return bob, particle, turned


def by_hand(**fields: Any) -> System:
    return System(
        name="pendulum",
        coordinates=(theta,),
        lagrangian=m * length**2 * theta.diff(t) ** 2 / 2 + m * g * length * sp.cos(theta),
        forces={theta: -c * theta.diff(t) * length**2},
        **fields,
    )


FIELDS: dict[str, Any] = {
    "parameters": VALUES,
    "states": {theta: uniform(-1, 1), theta.diff(t): uniform(-1, 1)},
}


def same(one: System, other: System) -> None:
    """At drawn states, of `one`."""
    states = symlnn.sample_states(one, 10, key=jax.random.key(0))
    ours, theirs = (symlnn.accelerations(symlnn.SymbolicDynamics(s), states) for s in (one, other))
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def drag(bob: Point) -> list[Any]:
    return [(bob, -c * bob.vel(N))]


def test_from_bodies_with_a_load() -> None:
    bob, particle, _ = pendulum()
    system = System.from_bodies(N, [particle], drag(bob), name="pendulum", **FIELDS)
    assert system.coordinates == (theta,)
    same(system, by_hand(**FIELDS))


def test_from_lagranges_method_with_constraints() -> None:
    bob = Point("P")
    bob.set_vel(N, x.diff(t) * N.x + y.diff(t) * N.y)
    kinetic = m * (x.diff(t) ** 2 + y.diff(t) ** 2) / 2
    method = LagrangesMethod(
        kinetic - m * g * y, [x, y], forcelist=drag(bob), frame=N, hol_coneqs=[x**2 + y**2 - length**2]
    )
    states = {z: uniform(-1, 1) for z in (x, y, x.diff(t), y.diff(t))}
    system = System.from_lagranges_method(method, name="rod", parameters=VALUES, states=states)
    assert (system.degrees_of_freedom, system.constraints) == (1, (x**2 + y**2 - length**2,))
    q, v = 0.7 * jnp.array([jnp.sin(0.4), -jnp.cos(0.4)]), 0.7 * 1.1 * jnp.array([jnp.cos(0.4), jnp.sin(0.4)])
    a = symlnn.SymbolicDynamics(system).acceleration(q, v)
    along = symlnn.SymbolicDynamics(by_hand(**FIELDS)).acceleration(jnp.array([0.4]), jnp.array([1.1]))[0]
    expected = 0.7 * (along * np.array([np.cos(0.4), np.sin(0.4)]) + 1.1**2 * np.array([-np.sin(0.4), np.cos(0.4)]))
    np.testing.assert_allclose(a, expected, rtol=1e-12)


def test_from_kanes_method_with_speeds_of_its_own() -> None:
    """u = l θ̇, the speed of the bob."""
    speed = dynamicsymbols("u")
    turned = N.orientnew("A", "Axis", [theta, N.z])
    turned.set_ang_vel(N, speed / length * N.z)
    pivot, bob = Point("O"), Point("P")
    pivot.set_vel(N, 0)
    bob.set_pos(pivot, -length * turned.y)
    bob.v2pt_theory(pivot, N, turned)
    particle = Particle("bob", bob, m)
    loads = [(bob, -m * g * N.y), *drag(bob)]
    method = KanesMethod(N, [theta], [speed], [theta.diff(t) - speed / length], bodies=[particle], forcelist=loads)
    same(System.from_kanes_method(method, name="kane", **FIELDS), by_hand(**FIELDS))


def test_the_rolling_disc_of_kanes_method() -> None:
    """That of SymPy's documentation moves as the one of the catalogue; but it rolls by its kinematics, and so has no
    Lagrangian."""
    q1, q2, q3, u1, u2, u3 = dynamicsymbols("q1:4 u1:4")
    radius = sp.Symbol("r", positive=True)
    yawed = N.orientnew("Y", "Axis", [q1, N.z])
    leaned = yawed.orientnew("L", "Axis", [q2, yawed.x])
    rolled = leaned.orientnew("R", "Axis", [q3, leaned.y])
    spin = u1 * leaned.x + u2 * leaned.y + u3 * leaned.z
    rolled.set_ang_vel(N, spin)
    contact = Point("C")
    contact.set_vel(N, x.diff(t) * N.x + y.diff(t) * N.y)
    centre = contact.locatenew("Dmc", radius * leaned.z)
    centre.set_vel(N, spin.cross(radius * leaned.z))
    disc = RigidBody(
        "D", centre, rolled, m, (inertia(leaned, m * radius**2 / 4, m * radius**2 / 2, m * radius**2 / 4), centre)
    )
    rates = [q2.diff(t) - u1, q1.diff(t) * sp.sin(q2) + q3.diff(t) - u2, q1.diff(t) * sp.cos(q2) - u3]
    method = KanesMethod(N, [q1, q2, q3], [u1, u2, u3], rates, bodies=[disc], forcelist=[(centre, -m * g * N.z)])
    with pytest.raises(ValueError, match="The velocity of Dmc in N is that of no position"):
        System.from_kanes_method(method, name="disc")
    method.kanes_equations()
    known = {m: 0.5, radius: 0.1, g: 9.81, q1: 0.4, q2: 0.3, q3: 0.5}
    turn, tilt, roll = 1.1, -0.6, 10.0
    known |= {u1: tilt, u2: turn * np.sin(0.3) + roll, u3: turn * np.cos(0.3)}
    kane = np.array((method.mass_matrix.inv() * method.forcing).subs(known), float).ravel()
    v = jnp.array([0.1 * roll * np.cos(0.4), 0.1 * roll * np.sin(0.4), turn, tilt, roll])
    a = symlnn.SymbolicDynamics(symlnn.load_system("rolling_disc")).acceleration(
        jnp.array([0.2, 0.3, 0.4, 0.3, 0.5]), v
    )
    ours = [a[3], a[2] * np.sin(0.3) + turn * tilt * np.cos(0.3) + a[4], a[2] * np.cos(0.3) - turn * tilt * np.sin(0.3)]
    np.testing.assert_allclose(ours, kane, rtol=1e-10)


def test_from_joints() -> None:
    """Two uniform links on pins, by SymPy's Joint API, against the planar arm of the catalogue."""
    q1, q2, v1, v2 = dynamicsymbols("q1 q2 v1 v2")
    half = length / 2
    moment = sp.Symbol("J", positive=True)
    ground, first, second = (RigidBody(name, mass=m) for name in ("ground", "first", "second"))
    for body in (first, second):
        body.central_inertia = inertia(body.frame, 0, 0, moment)
    pins = [
        PinJoint("shoulder", ground, first, q1, v1, child_point=-half * first.x, joint_axis=ground.z),
        PinJoint(
            "elbow",
            first,
            second,
            q2,
            v2,
            parent_point=half * first.x,
            child_point=-half * second.x,
            joint_axis=first.z,
        ),
    ]
    ground.masscenter.set_vel(ground.frame, 0)
    for body in (first, second):
        height = body.masscenter.pos_from(ground.masscenter).dot(ground.y)
        body.potential_energy = m * g * height
    states = {z: uniform(-1, 1) for z in (q1, q2, q1.diff(t), q2.diff(t))}
    values = {m: 1.0, length: 0.5, moment: 0.02, g: 9.81}
    system = System.from_bodies(
        ground.frame, [first, second], name="arm", joints=pins, parameters=values, states=states
    )
    assert system.coordinates == (q1, q2)
    arm = symlnn.load_system("two_link_arm").with_parameters(
        {"m1": 1.0, "l1": 0.5, "c1": 0.25, "c2": 0.25, "I1": 0.02, "I2": 0.02, "b": 1e-300}
    )
    q, v = jnp.array([0.3, -0.8]), jnp.array([1.0, 2.0])
    ours = symlnn.SymbolicDynamics(system).acceleration(q, v)
    np.testing.assert_allclose(ours, symlnn.SymbolicDynamics(arm).acceleration(q, v, u=jnp.zeros(2)), rtol=1e-10)


def refused() -> list[tuple[str, Callable[[], Any], str]]:
    bob, particle, _ = pendulum()
    stray = Point("S")
    other = ReferenceFrame("B")
    return [
        ("no method", lambda: System.from_lagranges_method(particle, name="a"), "needs a LagrangesMethod"),
        ("no Kane", lambda: System.from_kanes_method(particle, name="a"), "needs a KanesMethod"),
        ("no frame", lambda: System.from_bodies(bob, [particle], name="a"), "inertial ReferenceFrame first"),
        ("no body", lambda: System.from_bodies(N, [bob], name="a"), "neither a Particle nor a RigidBody"),
        (
            "stray force",
            lambda: System.from_bodies(N, [particle], [(stray, N.x)], name="a"),
            "the point S, whose velocity",
        ),
        (
            "stray torque",
            lambda: System.from_bodies(N, [particle], [(other, N.z)], name="a"),
            "the frame B, which belongs",
        ),
        ("no load", lambda: System.from_bodies(N, [particle], [N.x], name="a"), "is no load"),
        ("no place", lambda: System.from_bodies(N, [particle], [(1, N.x)], name="a"), "neither a Point nor"),
        ("no parameters", lambda: System.from_bodies(N, [particle], name="a"), "unknown symbol"),
    ]


@pytest.mark.parametrize(("declare", "message"), [case[1:] for case in refused()], ids=[case[0] for case in refused()])
def test_what_is_refused(declare: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        declare()
