"""What is said of a system does not depend on the units that it is declared in."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

import symlnn
from symlnn import Normal, System, Uniform, uniform

pytestmark = [pytest.mark.slow, pytest.mark.production]

t = dynamicsymbols._t
x, y, z = dynamicsymbols("x y z")
u, v, w = x.diff(t), y.diff(t), z.diff(t)


def divided(distribution: Any, by: float) -> Any:
    """The distribution of the quantity in a unit that is so many times larger."""
    if isinstance(distribution, Uniform):
        return Uniform(distribution.low / by, distribution.high / by)
    return Normal(distribution.mean / by, distribution.std / by)


def rescaled(system: System, length: int, time: int) -> System:
    """The same motion in units of 10^length and 10^time of the old: q = 10^length q' but for angles, t = 10^time t'.

    A Lagrangian is a scalar, L' = L; with it Q' = Q ∂q/∂q', and F' = F ∂t/∂t' has the same part in the forces.
    """
    size = {q: 1.0 if q in system.angles else 10.0**length for q in system.coordinates}
    second = 10.0**time  # a float: SymPy expands the cosine of a whole multiple of t, of 10¹² too
    size |= {q.diff(system.t): unit / second for q, unit in size.items()}
    rule = {q: unit * q for q, unit in size.items()} | {system.t: second * system.t}

    def expression(old: Any) -> sp.Expr:
        return sp.sympify(old).doit().xreplace(rule)

    return dataclasses.replace(
        system,
        lagrangian=expression(system.lagrangian),
        dissipation=second * expression(system.dissipation),
        forces={q: size[q] * expression(force) for q, force in system.forces.items()},
        states={q: divided(drawn, size[q]) for q, drawn in system.states.items()},
        initial_states={q: divided(drawn, size[q]) for q, drawn in system.initial_states.items()},
        time=None if system.time is None else divided(system.time, second),
        duration=system.duration / second,
        positions=(),
    )


@pytest.mark.parametrize(("length", "time"), [(12, -12), (-12, 12), (12, 12), (-12, -12)])
@pytest.mark.parametrize("name", symlnn.catalogue_names())
def test_every_system_is_accepted_in_any_units(name: str, length: int, time: int) -> None:
    system = symlnn.load_system(name)
    other = rescaled(system, length, time)  # its constructor checks the mass matrix
    assert set(other.conserved_quantities) == set(system.conserved_quantities)


@pytest.mark.parametrize("name", ["kepler_si", "cart_pole", "kapitza_pendulum"])
def test_the_motion_is_the_same_in_other_units(name: str) -> None:
    """a' = a 10^(2 time − length), so that what is compared above is one system and not two."""
    system = symlnn.load_system(name)
    state = symlnn.sample_states(system, 1, key=jax.random.key(0))[0]
    unit = jnp.where(jnp.array(system.is_angle), 1.0, 1e3)
    expected = symlnn.SymbolicDynamics(system).acceleration(state.q, state.v, state.m, state.u, state.t)
    dynamics = symlnn.SymbolicDynamics(rescaled(system, 3, -2))
    actual = dynamics.acceleration(state.q / unit, state.v / unit * 1e-2, state.m, state.u, state.t * 1e2)
    np.testing.assert_allclose(actual, expected / unit * 1e-4, rtol=1e-11)


@pytest.mark.parametrize("power", [-12, -6, 0, 6, 12])
def test_a_redundant_coordinate_is_refused_in_any_units(power: int) -> None:
    """One mass with two coordinates: 10^power y is a displacement like x."""
    unit = 10.0**power
    with pytest.raises(ValueError, match="rows are dependent"):
        System(
            name="redundant",
            coordinates=(x, y),
            lagrangian=(u + unit * v) ** 2 / 2,
            states={x: uniform(-1, 1), u: uniform(-1, 1)} | {q: divided(uniform(-1, 1), unit) for q in (y, v)},
        )


def test_an_electron_in_a_uniform_field_does_not_keep_its_momentum_along_it() -> None:
    """In SI units the force e E on it is 1.6e-16 N, and nothing is compared with 1."""
    mass, charge, field = 9.1093837e-31, 1.602176634e-19, 1e3
    electron = System(
        name="electron",
        coordinates=(x, y, z),
        lagrangian=mass * (u**2 + v**2 + w**2) / 2 + charge * field * z,
        states={q: uniform(-1e-2, 1e-2) for q in (x, y, z)} | {q: uniform(-1e6, 1e6) for q in (u, v, w)},
    )
    assert set(electron.conserved_quantities) == {"energy", "momentum_x", "momentum_y"}


def test_a_weak_drag_is_a_drag() -> None:
    """An ion in a gas: the drag of 1e-18 kg/s takes its energy and momentum."""
    ion = System(
        name="ion",
        coordinates=(x, y),
        lagrangian=1e-26 * (u**2 + v**2) / 2,
        states={q: uniform(-1, 1) for q in (x, y)} | {q: uniform(-1e3, 1e3) for q in (u, v)},
        dissipation=1e-18 * u**2 / 2,
    )
    assert set(ion.conserved_quantities) == {"momentum_y"}


def test_a_weak_drive_is_a_drive() -> None:
    """The same for explicit time in L."""
    driven = System(
        name="driven",
        coordinates=(x,),
        lagrangian=1e-26 * u**2 / 2 + 1e-20 * sp.cos(t) * x,
        states={x: uniform(-1, 1), u: uniform(-1, 1)},
        time=uniform(0, 1),
    )
    assert dict(driven.conserved_quantities) == {}
