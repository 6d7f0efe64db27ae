"""Declared fields: against SymPy's Euler equations, known solutions, and on grids of every kind."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from sympy.calculus.euler import euler_equations

import symlnn
from symlnn import Field, load_file, normal, system_path
from symlnn._field import _slope_weights
from symlnn._neighbourhoods import BOUNDARIES

FIELDS = ("wave_equation", "klein_gordon", "sine_gordon", "phi4", "wave_equation_2d")
t, x = sp.symbols("t x", real=True)
phi, chi = sp.Function("phi")(t, x), sp.Function("chi")(t, x)
c = sp.Symbol("c", positive=True)
STATES = {phi: normal(0, 1), phi.diff(t): normal(0, 1)}


def declared(name: str) -> Field:
    return load_file(system_path(name), "FIELD").FIELD


def field(density: Any, **others: Any) -> Field:
    return Field(
        **{"name": "f", "fields": (phi,), "space": (x,), "density": density, "size": {x: 1}, "states": STATES} | others
    )


COUPLED = field(
    (phi.diff(t) ** 2 + chi.diff(t) ** 2 - phi.diff(x) ** 2 - (1 + phi**2) * chi.diff(x) ** 2) / 2 + phi * chi.diff(t),
    fields=(phi, chi),
    states=STATES | {chi: normal(0, 1), chi.diff(t): normal(0, 1)},
)


@pytest.mark.parametrize("f", [*map(declared, FIELDS), COUPLED], ids=[*FIELDS, "two_fields"])
def test_field_equations_are_those_of_sympy(f: Field) -> None:
    theirs = euler_equations(f.density, f.fields, [f.time, *f.space])
    for ours, equation in zip(f.field_equations, theirs, strict=True):
        assert sp.simplify(ours + equation.lhs - equation.rhs) == 0


@pytest.mark.parametrize("f", [*map(declared, FIELDS), COUPLED], ids=[*FIELDS, "two_fields"])
def test_currents_are_conserved(f: Field) -> None:
    """∂ₜρ + ∇·j is a combination of the field equations: zero once φ_tt is eliminated by them."""
    accelerations = sp.solve(f.field_equations, [u.diff(f.time, 2) for u in f.fields], dict=True)[0]
    assert {"energy", *(f"momentum_{axis}" for axis in f.space)} <= set(f.conserved_currents)
    for current in f.conserved_currents.values():
        divergence = f.jet.total(current.density, f.time)
        divergence += sum(f.jet.total(flux, axis) for flux, axis in zip(current.flux, f.space, strict=True))
        assert sp.simplify(divergence.subs(accelerations).doit()) == 0


def test_charges_belong_to_fields_without_a_potential() -> None:
    assert "charge_phi" in declared("wave_equation").conserved_currents
    assert "charge_phi" not in declared("klein_gordon").conserved_currents


@pytest.mark.parametrize(
    ("name", "solution"),
    [
        ("wave_equation", lambda s: sp.sin(x - s["c"] * t) + sp.exp(x + s["c"] * t)),
        ("klein_gordon", lambda s: sp.cos(3 * x - sp.sqrt(9 * s["c"] ** 2 + s["mu"] ** 2) * t)),
        (
            "sine_gordon",
            lambda s: 4 * sp.atan(sp.exp(sp.Rational(5, 4) * s["mu"] * (x / s["c"] - sp.Rational(3, 5) * t))),
        ),
        ("phi4", lambda s: s["eta"] * sp.tanh(s["eta"] * sp.sqrt(s["lamda"] / 2) * x / s["c"])),
    ],
)
def test_known_solutions(name: str, solution: Any) -> None:
    f = declared(name)
    known = solution({symbol.name: symbol for symbol in f.parameters})
    residual = f.field_equations[0].subs(f.fields[0], known).doit()
    for place in range(3):
        numbers = {x: sp.Rational(3 * place - 2, 10), t: sp.Rational(1 + 2 * place, 10)}
        numbers |= dict.fromkeys(f.parameters, sp.Rational(13, 10))
        assert abs(sp.N(residual.subs(numbers), 30)) < 1e-20


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("name", FIELDS)
def test_large_and_small_lattices_are_one(name: str, boundary: str) -> None:
    """The compiled density, for any n, against the system with a symbol for every site: L, energy, accelerations."""
    f = dataclasses.replace(declared(name), boundary=boundary)
    shape = (5,) if len(f.space) == 1 else (3, 4)
    lattice = f.lattice(shape)
    system = lattice.system()
    law = symlnn.SparseEulerLagrange(symlnn.graph_lagrangian(lattice))
    truth = symlnn.SymbolicDynamics(system)
    q, v = jax.random.normal(jax.random.key(0), (2, system.dof))
    pairs = [
        (law.acceleration, truth.acceleration),
        (law.energy, truth.energy),
        (law.lagrangian, symlnn.SymbolicLagrangian(system)),
    ]
    (a, expected), *scalars = jax.jit(lambda q, v: [(f(q, v), g(q, v)) for f, g in pairs])(q, v)
    np.testing.assert_allclose(a, expected, rtol=1e-9, atol=1e-9)
    for ours, theirs in scalars:
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    assert isinstance(law.solver, symlnn.BlockDiagonal)


@pytest.mark.parametrize(
    ("order", "stencil"),
    [
        pytest.param(2, "compact", marks=pytest.mark.slow),
        (4, "compact"),
        (6, "compact"),
        (2, "central"),
        (4, "central"),
    ],
)
def test_a_stencil_has_its_order(order: int, stencil: str) -> None:
    """Halving the spacing divides the error of φ_xx by 2^order."""
    errors = []
    for n in (32, 64):
        f = field((phi.diff(t) ** 2 - phi.diff(x) ** 2) / 2, size={x: 2 * np.pi})
        law = symlnn.SparseEulerLagrange(symlnn.graph_lagrangian(f.lattice(n, order=order, stencil=stencil)))
        places = f.positions((n,))[:, 0]
        a = law.acceleration(jnp.sin(3 * places), jnp.zeros(n))
        errors.append(np.abs(a + 9 * np.sin(3 * places)).max())
    assert abs(np.log2(errors[0] / errors[1]) - order) < 0.15


def test_slope_weights() -> None:
    assert _slope_weights(1, 1) == {0: -1, 1: 1}
    assert _slope_weights(1, -1) == {-1: -1, 0: 1}
    assert _slope_weights(1, 0) == {-1: sp.Rational(-1, 2), 1: sp.Rational(1, 2)}
    assert _slope_weights(2, 1) == {
        -1: sp.Rational(1, 24),
        0: sp.Rational(-9, 8),
        1: sp.Rational(9, 8),
        2: sp.Rational(-1, 24),
    }


def test_the_central_stencil_leaves_odd_and_even_sites_uncoupled() -> None:
    """The saw tooth (−1)ⁱ, the shortest wave, feels no force at all; the compact one gives it the largest."""
    saw = (-1.0) ** jnp.arange(8)
    for stencil, expected in (("central", 0.0), ("compact", -4 * 64.0)):
        law = symlnn.SparseEulerLagrange(symlnn.graph_lagrangian(declared("wave_equation").lattice(8, stencil=stencil)))
        np.testing.assert_allclose(law.acceleration(saw, jnp.zeros(8)), expected * saw, atol=1e-10)


@pytest.mark.parametrize(("boundary", "wave"), [("fixed", np.sin), ("free", np.cos)])
def test_standing_waves_of_a_string(boundary: str, wave: Any) -> None:
    """The third mode of a string with fixed ends vanishes there, that with free ends has no slope there."""
    f = dataclasses.replace(declared("wave_equation"), boundary=boundary)
    n = 40
    places = f.positions((n,))[:, 0]
    mode = jnp.asarray(wave(3 * np.pi * places))
    a = symlnn.SparseEulerLagrange(symlnn.graph_lagrangian(f.lattice(n))).acceleration(mode, jnp.zeros(n))
    h = f.spacing_values((n,))[0]
    expected = -((2 / h * np.sin(3 * np.pi * h / 2)) ** 2)
    np.testing.assert_allclose(a, expected * mode, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("boundary", ["periodic", pytest.param("fixed", marks=pytest.mark.slow), "free"])
def test_explicit_space(boundary: str) -> None:
    """A string of varying tension: −∂ℒ/∂φ of the whole sum, by automatic differentiation of the small system."""
    f = field(phi.diff(t) ** 2 / 2 - (1 + x) * phi.diff(x) ** 2 / 2, boundary=boundary)
    lattice = f.lattice(6)
    q, v = jax.random.normal(jax.random.key(0), (2, 6))
    law = symlnn.SparseEulerLagrange(symlnn.graph_lagrangian(lattice))
    np.testing.assert_allclose(
        law.acceleration(q, v), symlnn.SymbolicDynamics(lattice.system()).acceleration(q, v), rtol=1e-9
    )
    assert "momentum_x" not in f.conserved_currents
    assert not jnp.allclose(law.acceleration(q, v)[::-1], law.acceleration(q[::-1], v[::-1]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"density": phi.diff(t) ** 2 - c * phi**2}, "unknown symbol c"),
        ({"density": phi.diff(t) ** 2 - phi.diff(x, 2) ** 2}, "only the fields and their first derivatives"),
        ({"density": phi.diff(t) ** 2 - chi**2}, "add it to fields"),
        ({"density": t * phi.diff(t) ** 2}, "explicit time"),
        ({"states": {phi: normal(0, 1)}}, "has no distribution"),
        ({"size": {}}, "length of the box along x"),
        ({"boundary": "open"}, "Unknown boundary 'open'"),
        ({"fields": (x,)}, "must be a function of time and space"),
        ({"fields": (sp.Function("phi")(t),)}, "must depend on time and on x"),
        ({"initial_states": {chi: normal(0, 1)}}, "initial_states names chi"),
        ({"units": {c: "m/s"}}, "units names c; it can name phi"),
        ({"size": {x: 1.0, c: 2.0}}, "size names c; it can name x"),
        ({"space": ()}, "one or two coordinates of space"),
    ],
)
def test_bad_declarations(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        field(**{"density": phi.diff(t) ** 2 - phi.diff(x) ** 2} | arguments)


def test_units_may_be_said_of_some_fields_only() -> None:
    both = field(
        fields=(phi, chi),
        density=phi.diff(t) ** 2 + chi.diff(t) ** 2 - phi.diff(x) ** 2 - chi.diff(x) ** 2,
        states={y: normal(0, 1) for f in (phi, chi) for y in (f, f.diff(t))},
        units={chi: "m"},
    )
    assert {str(x.func) for x in both.discretise(3).units} == {"chi0", "chi1", "chi2"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 2}, "at least 3 sites"),
        ({"n": (8, 8)}, "1 axes of space"),
        ({"n": 8, "order": 3}, "must be 2, 4, 6"),
        ({"n": 8, "stencil": "upwind"}, "Unknown stencil"),
    ],
)
def test_bad_lattices(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        declared("wave_equation").lattice(**arguments)


def test_high_orders_are_refused_where_they_are_not_had() -> None:
    with pytest.raises(ValueError, match="of order 2"):
        COUPLED.lattice(8, order=4)
    with pytest.raises(ValueError, match="periodic boundary"):
        declared("phi4").lattice(8, order=4)
