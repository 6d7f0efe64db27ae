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
from symlnn._distribution import Fixed

pytestmark = pytest.mark.slow

t = dynamicsymbols._t
x, y, z = dynamicsymbols("x y z")
u, v, w = x.diff(t), y.diff(t), z.diff(t)


def divided(distribution: Any, by: float) -> Any:
    """The distribution of the quantity in a unit that is so many times larger."""
    match distribution:
        case Fixed():
            return Fixed(distribution.value / by)
        case Uniform():
            return Uniform(distribution.low / by, distribution.high / by)
        case Normal():
            return Normal(distribution.mean / by, distribution.std / by)
    raise TypeError(f"of no known units: {distribution}")


@dataclasses.dataclass(frozen=True)
class Units:
    """Units in terms of the old: so many times as long, as heavy and as slow."""

    length: float
    mass: float
    time: float

    @property
    def energy(self) -> float:
        return self.mass * (self.length / self.time) ** 2


def drawn_units(number: int) -> Units:
    """Powers of ten between 1e-12 and 1e12, and primes; what they make of energies stays within float64."""
    generator = np.random.default_rng(number)

    def unit() -> float:
        prime = float(generator.choice([2, 3, 7, 13, 97]))
        return prime if generator.random() < 0.3 else 10.0 ** int(generator.integers(-12, 13))

    return Units(unit(), unit(), unit())


def rescaled(system: System, units: Units) -> System:
    """The same motion in other units: q = length q' but for angles, t = time t', L = energy L'.

    With it Q' = Q ∂q/∂q' / energy, and F' = F ∂t/∂t' / energy has the same part in the forces.
    """
    size = {q: 1.0 if q in system.angles else units.length for q in system.coordinates}
    second = units.time  # a float: SymPy expands the cosine of a whole multiple of t, of 10¹² too
    size |= {q.diff(system.t): unit / second for q, unit in size.items()}
    rule = {q: unit * q for q, unit in size.items()} | {system.t: second * system.t}

    def expression(old: Any) -> sp.Expr:
        return sp.sympify(old).doit().xreplace(rule) / units.energy

    return dataclasses.replace(
        system,
        lagrangian=expression(system.lagrangian),
        dissipation=second * expression(system.dissipation),
        forces={q: size[q] * expression(force) for q, force in system.forces.items()},
        constraints=tuple(map(expression, system.constraints)),
        velocity_constraints=tuple(map(expression, system.velocity_constraints)),
        states={q: divided(drawn, size[q]) for q, drawn in system.states.items()},
        initial_states={q: divided(drawn, size[q]) for q, drawn in system.initial_states.items()},
        time=None if system.time is None else divided(system.time, second),
        duration=system.duration / second,
        positions=(),
    )


def sizes(system: System, units: Units) -> tuple[np.ndarray, np.ndarray]:
    """What coordinates and velocities are divided by."""
    q = np.where(system.is_angle, 1.0, units.length)
    return q, q / units.time


UNLIKE = {"cart_pole", "kapitza_pendulum", "kepler_si", "pendulum_cartesian", "rolling_disc", "wave_equation"}
"""Systems as unlike as there are, of which it is tested at every change; of all others before a release."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.production] * (name in UNLIKE))
        for name in symlnn.catalogue_names()
        if name != "seven_joint_arm"
    ],
)
def test_every_verdict_and_every_motion_is_the_same_in_any_units(name: str) -> None:
    system, units = symlnn.load_system(name), drawn_units(sum(map(ord, name)))
    other = rescaled(system, units)  # its constructor checks the mass matrix
    assert set(other.conserved_quantities) == set(system.conserved_quantities)
    assert symlnn.cross_check(other, states=500).passed
    ours, theirs = (
        symlnn.Bench.of_system(s, test_states=500, trajectories=6, key=jax.random.key(1)) for s in (system, other)
    )
    assert theirs.unfinished == ours.unfinished
    assert theirs.scale * units.energy == pytest.approx(ours.scale, rel=1e-9)
    assert len(theirs.rollout.t) == len(ours.rollout.t)
    # rounding parts chaotic motions too, by the tolerance of the integrator first of all: compared at the beginning
    shown = len(ours.rollout.t) // 40
    for new, old, size in zip(
        (theirs.rollout.q, theirs.rollout.v), (ours.rollout.q, ours.rollout.v), sizes(system, units), strict=True
    ):
        new, old = np.asarray(new)[:, :shown] * size, np.asarray(old)[:, :shown]
        largest = np.abs(old).max(axis=(0, 1))
        largest = np.where(largest > 0, largest, 1.0)
        np.testing.assert_allclose(new / largest, old / largest, rtol=0, atol=1e-6)
    # both are errors of the integrator, some 1e-8, themselves
    assert theirs.oracle.spread.final_max == pytest.approx(ours.oracle.spread.final_max, rel=0.5, abs=1e-7)
    assert theirs.outside(theirs.rollout) == pytest.approx(ours.outside(ours.rollout), abs=0.01)
    start = (ours.start[:4], theirs.start[:4])
    verdicts = [
        symlnn.metrics.lyapunov_exponents(b.truth, s, is_angle=system.is_angle)
        for b, s in zip((ours, theirs), start, strict=True)
    ]
    assert verdicts[0][1] == verdicts[1][1]


TRAINED = [
    *[("kepler_si", model) for model in ("lnn", "nn", "hnn", "delan", "node2")],
    pytest.param("cart_pole", "lnn", marks=pytest.mark.production),
    ("driven_damped_pendulum", "lnn"),
    ("wave_equation", "gnn"),
]


@pytest.mark.parametrize(("name", "model"), TRAINED)
def test_models_learn_the_same_in_any_units(name: str, model: str) -> None:
    """After the same steps; their accelerations are the same to rounding at first, and then near."""
    system, small = symlnn.load_system(name), symlnn.Architecture(width=16, depth=2)
    recipe = symlnn.Recipe.single(symlnn.FirstOrder(chunk=20, batch=64))
    found = symlnn.find_model(model, architecture=small, recipe=recipe)
    errors = []
    for s in (system, *(rescaled(system, drawn_units(k)) for k in (3, 4))):
        learned = symlnn.learn(s, found, budget=symlnn.Budget(steps=60), seed=1)
        bench = symlnn.Bench.of_system(s, test_states=500, trajectories=4, key=jax.random.key(2))
        judged = bench.judge(learned.dynamics)
        errors.append([learned.fit.lowest, judged.acceleration.relative_rms, *judged.acceleration.coordinates])
    for other in errors[1:]:
        np.testing.assert_allclose(other, errors[0], rtol=0.1)


@pytest.mark.production
@pytest.mark.parametrize("name", ["kepler_si", "cart_pole", "kapitza_pendulum"])
def test_the_motion_is_the_same_in_other_units(name: str) -> None:
    """a' = a time²/length, so that what is compared above is one system and not two."""
    system, units = symlnn.load_system(name), Units(1e3, 7.0, 1e-2)
    state = symlnn.sample_states(system, 1, key=jax.random.key(0))[0]
    q, v = sizes(system, units)
    expected = symlnn.SymbolicDynamics(system).acceleration(state.q, state.v, state.m, state.u, state.t)
    dynamics = symlnn.SymbolicDynamics(rescaled(system, units))
    actual = dynamics.acceleration(state.q / q, state.v / v, state.m, state.u, state.t / units.time)
    np.testing.assert_allclose(actual, expected * units.time / v, rtol=1e-11)


@pytest.mark.production
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


@pytest.mark.production
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


@pytest.mark.production
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


@pytest.mark.production
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


V, R = sp.Function("V"), sp.Function("R")
m, c, k = sp.symbols("m c k", positive=True)
SLIDING = System(
    name="sliding",
    coordinates=(x,),
    lagrangian=m * u**2 / 2 - V(x),
    forces={x: R(u)},
    unknown={V: symlnn.Unknown(knots=6), R: symlnn.Unknown(odd=True, knots=6)},
    parameters={m: 1.0},
)
SPRING = System(
    name="spring",
    coordinates=(x,),
    lagrangian=m * u**2 / 2 - k * x**2 / 2 - x**4 / 4,
    dissipation=c * u**2 / 2,
    parameters={m: 1.0, k: symlnn.Parameter(3.0, free=True), c: symlnn.Parameter(0.5, free=True)},
)


@pytest.mark.parametrize("number", [pytest.param(3, marks=pytest.mark.production), 4, 5])
@pytest.mark.parametrize("kind", ["parameters", "functions"])
def test_what_is_identified_is_the_same_in_any_units(kind: str, number: int) -> None:
    """Parameters stay what they are where L is rescaled around them; so do functions, of what stands within them."""
    truth = SPRING.with_parameters({"k": 2.0, "c": 0.2})
    system, units = (SPRING if kind == "parameters" else SLIDING), drawn_units(number)
    times, random = np.arange(301) / 50, np.random.default_rng(0)
    law, at = symlnn.SymbolicDynamics(truth), jnp.asarray(times)
    clean = [symlnn.simulate(law, (jnp.array([s]), jnp.zeros(1)), times=at).q for s in (1.0, -0.7, 0.5)]
    noisy = [np.asarray(q) + 1e-3 * random.normal(size=q.shape) for q in clean]

    def found(system: System, units: Units) -> symlnn.Identification:
        runs = (symlnn.Run(f"r{n}", times / units.time, q / units.length) for n, q in enumerate(noisy))
        return symlnn.identify(system, symlnn.Motions.of(system, runs))

    ours, theirs = found(system, Units(1.0, 1.0, 1.0)), found(rescaled(system, units), units)
    assert ours.kept == theirs.kept and ours.confounded == theirs.confounded
    for name, p in ours.parameters.items():
        if name in ("k", "c"):
            other = theirs.parameters[name]
            assert other.value == pytest.approx(p.value, rel=1e-4)
            assert other.standard_error == pytest.approx(p.standard_error, rel=1e-2)
    for name, curve in ours.functions.items():
        size = np.abs(curve.values).max()
        other = theirs.functions[name]
        np.testing.assert_allclose(other.grid, curve.grid, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(other.values / size, curve.values / size, atol=1e-2)
