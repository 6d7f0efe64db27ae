"""How long systems of many terms take: to declare, to compile their accelerations, and to derive for reading.

Three gravitating bodies in space, four in a plane, and arms of six links, in the plane and in space. The reference is
SymPy's `LagrangesMethod`, whose equations of motion `lambdify` makes a function of.
"""

import itertools
import time
from collections.abc import Callable
from typing import Any

import jax
import sympy as sp
from sympy.physics.mechanics import LagrangesMethod, dynamicsymbols

import symlnn

t = dynamicsymbols._t


def bodies(count: int, dimension: int) -> symlnn.System:
    """Bodies that attract each other, L = Σ ½ mᵢ vᵢ² + Σ G mᵢ mⱼ / rᵢⱼ."""
    x = [dynamicsymbols(f"{axis}{i}") for i in range(count) for axis in "xyz"[:dimension]]
    places = [sp.Matrix(x[i * dimension : (i + 1) * dimension]) for i in range(count)]
    masses, gravity = sp.symbols(f"m1:{count + 1}", positive=True), sp.Symbol("G", positive=True)
    lagrangian = sp.Add(*(m * p.diff(t).dot(p.diff(t)) / 2 for m, p in zip(masses, places, strict=True)))
    for i, j in itertools.combinations(range(count), 2):
        apart = places[i] - places[j]
        lagrangian += gravity * masses[i] * masses[j] / sp.sqrt(apart.dot(apart))
    states: dict[Any, Any] = {}
    for number, xi in enumerate(x):
        centre = 3.0 * (number // dimension) if number % dimension == 0 else 0.0
        states |= {xi: symlnn.uniform(centre - 0.5, centre + 0.5), xi.diff(t): symlnn.normal(0, 0.3)}
    values = dict.fromkeys((*masses, gravity), 1.0)
    return symlnn.System(name="bodies", coordinates=x, lagrangian=lagrangian, parameters=values, states=states)


def arm(*, spatial: bool) -> symlnn.System:
    """Six links of lengths lᵢ and masses mᵢ, their centres half-way, in the angles between them; axes z, x, z, … in
    space."""
    angles, count = dynamicsymbols("theta1:7"), 6
    masses, lengths = sp.symbols("m1:7", positive=True), sp.symbols("l1:7", positive=True)
    g = sp.Symbol("g", positive=True)
    turned, end, lagrangian = sp.eye(3), sp.zeros(3, 1), sp.S.Zero
    total = sp.S.Zero
    for i in range(count):
        total += angles[i]
        if spatial:
            c, s = sp.cos(angles[i]), sp.sin(angles[i])
            about_z, about_x = (
                sp.Matrix([[c, -s, 0], [s, c, 0], [0, 0, 1]]),
                sp.Matrix([[1, 0, 0], [0, c, -s], [0, s, c]]),
            )
            turned = turned * (about_x if i % 2 else about_z)
            along = turned * sp.Matrix([0.1, 0.0, 1.0] if i % 2 == 0 else [0.1, 1.0, 0.0])
            rate = turned.diff(t) * turned.T
            spin = rate[2, 1] ** 2 + rate[0, 2] ** 2 + rate[1, 0] ** 2
        else:
            along, spin = sp.Matrix([sp.cos(total), 0, sp.sin(total)]), total.diff(t) ** 2
        centre = end + lengths[i] * along / 2
        velocity = centre.diff(t)
        lagrangian += masses[i] * (velocity.dot(velocity) / 2 + lengths[i] ** 2 * spin / 24 - g * centre[2])
        end += lengths[i] * along
    states: dict[Any, Any] = {q: symlnn.uniform(-3, 3) for q in angles}
    states |= {q.diff(t): symlnn.normal(0, 1) for q in angles}
    values = dict.fromkeys((*masses, *lengths), 1.0) | {g: 9.81}
    return symlnn.System(name="arm", coordinates=angles, lagrangian=lagrangian, parameters=values, states=states)


SYSTEMS: dict[str, Callable[[], symlnn.System]] = {
    "three bodies in space": lambda: bodies(3, 3),
    "four bodies in a plane": lambda: bodies(4, 2),
    "chain of eight pendula": lambda: symlnn.load_system("n_pendulum", n=8),
    "chain of twenty pendula": lambda: symlnn.load_system("n_pendulum", n=20),
    "planar arm of six links": lambda: arm(spatial=False),
    "spatial arm of six joints": lambda: arm(spatial=True),
}


def run() -> dict[str, Any]:
    """A row for each system."""
    jax.config.update("jax_enable_x64", True)
    rows = []
    for name, build in SYSTEMS.items():
        begin = time.perf_counter()
        system = build()
        declared = time.perf_counter()
        law, states = symlnn.SymbolicDynamics(system), symlnn.sample_states(system, 10, key=jax.random.key(0))
        acceleration = jax.jit(jax.vmap(law.acceleration))
        jax.block_until_ready(acceleration(states.q, states.v, states.m, states.u, states.t))
        compiled = time.perf_counter()
        _ = system.equations_of_motion, system.energy, system.momenta, system.conserved_quantities
        read = time.perf_counter()
        method = LagrangesMethod(system.lagrangian, system.coordinates)
        method.form_lagranges_equations()
        velocities = [x.diff(t) for x in system.coordinates]
        arguments = [*system.coordinates, *velocities, *system.parameters]
        sp.lambdify(arguments, [method.mass_matrix, method.forcing])
        reference = time.perf_counter() - read
        rows.append(
            {
                "system": name,
                "declared_seconds": declared - begin,
                "compiled_seconds": compiled - declared,
                "read_seconds": read - compiled,
                "LagrangesMethod_seconds": reference,
            }
        )
    return {"rows": rows}
