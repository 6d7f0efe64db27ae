"""What the studies of waves and lattices are measured by: exact solutions, dispersion, smooth random fields."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symlnn
from symlnn.metrics import dispersion
from validation._waves import follow, unlike_states
from validation._waves import lattice_law as law
from validation.lattices import TODA, crossing

SINE_GORDON, PHI4, CHAIN = (
    symlnn.load_file(symlnn.system_path(name), "exact solutions") for name in ("sine_gordon", "phi4", "fput_chain")
)
STEP = 1e-4
FINITE_DIFFERENCES = 1e-6  # STEP² times derivatives of order ten, and 1e-15/STEP² of rounding


@pytest.mark.parametrize("kappa", [0.5, 1.5])
def test_a_soliton_obeys_todas_law(kappa: float) -> None:
    before, now, after = (TODA.toda_soliton(40, kappa, t, 20.0)[0] for t in (1 - STEP, 1.0, 1 + STEP))
    v = TODA.toda_soliton(40, kappa, 1.0, 20.0)[1]
    np.testing.assert_allclose((after - before) / (2 * STEP), v, atol=FINITE_DIFFERENCES)
    a = law("toda_lattice", n=40, boundary="free").acceleration(jnp.asarray(now), jnp.asarray(v))
    np.testing.assert_allclose((after - 2 * now + before) / STEP**2, a, atol=FINITE_DIFFERENCES)
    assert now[0] - now[-1] == pytest.approx(2 * kappa, rel=1e-3)  # a chain of 40 is long, not infinite


def test_a_soliton_on_a_ring_obeys_todas_law() -> None:
    """Where its tails, e^(−2κ · 30) of it, meet."""
    before, now, after = (TODA.soliton_on_a_ring(60, 1.0, t, 30.0)[0] for t in (1 - STEP, 1.0, 1 + STEP))
    v = TODA.soliton_on_a_ring(60, 1.0, 1.0, 30.0)[1]
    np.testing.assert_allclose((after - before) / (2 * STEP), v, atol=FINITE_DIFFERENCES)
    a = law("toda_lattice", n=60).acceleration(jnp.asarray(now), jnp.asarray(v))
    np.testing.assert_allclose((after - 2 * now + before) / STEP**2, a, atol=FINITE_DIFFERENCES)


@pytest.mark.parametrize("kink", [SINE_GORDON.kink, PHI4.kink])
def test_kinks_move_at_their_speed(kink: Any) -> None:
    x = np.linspace(-10, 10, 201)
    before, after = (kink(x, t, 0.6, 0.0)[0] for t in (1 - STEP, 1 + STEP))
    np.testing.assert_allclose((after - before) / (2 * STEP), kink(x, 1.0, 0.6, 0.0)[1], atol=FINITE_DIFFERENCES)
    np.testing.assert_allclose(kink(x, 1.0, 0.6, 0.0)[0], kink(x - 0.6, 0.0, 0.6, 0.0)[0], rtol=1e-9, atol=1e-9)
    middle = float(kink(np.zeros(1), 0.0, 0.6, 0.0)[0][0])
    assert crossing(x, kink(x, 1.0, 0.6, 0.0)[0], middle) == pytest.approx(0.6, abs=1e-3)


def test_crossing_of_a_falling_profile() -> None:
    assert crossing(np.arange(4.0), np.array([3.0, 2.0, 0.0, -1.0]), 1.0) == pytest.approx(1.5)


def test_flaschka_eigenvalues_add_up_to_the_momentum_and_the_energy() -> None:
    """tr L = −½ Σ v and tr L² = ½ (½ Σ v² + Σ exp(−r))."""
    q, v = np.random.default_rng(0).normal(size=(2, 7))
    values = TODA.flaschka_eigenvalues(q, v)
    np.testing.assert_allclose(values.sum(), -v.sum() / 2, rtol=1e-12)
    energy = (v**2).sum() / 2 + np.exp(-(np.roll(q, -1) - q)).sum()
    np.testing.assert_allclose((values**2).sum(), energy / 2, rtol=1e-12)


def test_mode_energies_add_up_to_the_energy() -> None:
    q, v = jax.random.normal(jax.random.key(0), (2, 9))
    linear = law("fput_chain", {"alpha": 0.0, "beta": 0.0}, n=9)
    modes = CHAIN.mode_energies(np.asarray(q), np.asarray(v))
    np.testing.assert_allclose(modes.sum(), linear.energy(q, v), rtol=1e-12)


def test_dispersion_of_the_analytic_laws() -> None:
    """ω² = (2c/h)² sin²(kh/2) + μ², without growth."""
    found = dispersion(law("klein_gordon", {"mu": 3.0}, n=16), 16, 1 / 16)
    k = found.wave_number
    np.testing.assert_allclose(found.frequency, np.sqrt((32 * np.sin(k / 32)) ** 2 + 9), rtol=1e-9)
    np.testing.assert_allclose(found.growth, 0.0, atol=1e-6)


def test_growth_of_waves_that_die_out() -> None:
    """Of q̈ᵢ = qᵢ₊₁ − 2qᵢ + qᵢ₋₁ − 0.2 q̇ᵢ: γ = −0.1 and ω² = 4 sin²(k/2) − 0.01, in units of the spacing."""

    class Damped(symlnn.AbstractSecondOrderDynamics):
        def acceleration(self, q: jax.Array, v: jax.Array, m: Any = None, u: Any = None, t: Any = 0.0) -> jax.Array:
            return jnp.roll(q, 1) - 2 * q + jnp.roll(q, -1) - 0.2 * v

    found = dispersion(Damped(), 12, 1.0)
    k = found.wave_number[1:]
    np.testing.assert_allclose(found.growth[1:], -0.1, rtol=1e-9)
    np.testing.assert_allclose(found.frequency[1:], np.sqrt(4 * np.sin(k / 2) ** 2 - 0.01), rtol=1e-9)


@pytest.mark.slow
def test_the_truth_follows_itself() -> None:
    truth = law("wave_equation", n=20)
    start = symlnn.SmoothFields((20,), (0.05,), 0.1, 0.1, ((0.05, 0.5),), drift=False)(jax.random.key(0), 2)
    ring = symlnn.Bench.of_law(truth, start, start, jnp.linspace(0.0, 1.0, 11), tolerance=1e-9)
    slow = law("wave_equation", {"c": 0.99}, n=20)
    (same, exact), (off, figures) = (follow(ring, model, 1.0, 0.05) for model in (truth, slow))
    assert exact["acceleration"]["relative_rms"] == 0.0
    assert figures["acceleration"]["relative_rms"] == pytest.approx(1 - 0.99**2)
    assert figures["field"]["motions"] == 2
    assert not same.failed.any()
    assert same.error.max() == 0
    assert same.phase.max() < 1e-12
    assert same.energy.max() < 1e-6
    assert off.error[:, -1].min() > 0.01
    assert 0.01 < off.phase.min() < 1.0


@pytest.mark.slow
def test_the_phase_of_a_wave_that_is_too_slow() -> None:
    """One plane wave on a ring of length two: with 0.99 of the speed it is behind by 0.01 ω t."""
    spacing, sites, t = 0.1, 20, 1.5
    truth, slow = (law("wave_equation", {"c": c, "dx": spacing}, n=sites) for c in (1.0, 0.99))
    angle = 2 * jnp.pi * jnp.arange(sites) / sites
    omega = 2 / spacing * np.sin(np.pi / sites)
    start = symlnn.States.of(0.1 * jnp.cos(angle)[None], 0.1 * omega * jnp.sin(angle)[None])
    ring = symlnn.Bench.of_law(truth, start, start, jnp.linspace(0.0, t, 4), tolerance=1e-9)
    waves, _ = follow(ring, slow, 1.0, spacing)
    # the slow law also sends a hundredth of the wave the other way, which is of second order
    assert float(waves.phase[0]) == pytest.approx(0.01 * omega * t, rel=0.02)


def test_unlike_states_travel_or_rest() -> None:
    truth = law("wave_equation", n=100)
    states = unlike_states(100, 1.0, 0.1, 1.0)
    pulse = states["pulse"]
    moved = symlnn.simulate(truth, pulse[0], duration=0.25, rate=4.0)
    shift = int(jnp.argmax(moved.q[-1])) - int(jnp.argmax(pulse.q[0]))
    assert shift == pytest.approx(25, abs=1)
    assert not states["pluck"].v.any()
    assert float(states["pluck"].q.max()) == pytest.approx(0.1)


def test_smooth_fields_have_their_variance_and_correlation() -> None:
    """Over 4,000 fields of 32 × 16 sites a variance of one is met to its standard error of 1 %; neighbours' too."""
    plane = symlnn.load_lattice("wave_equation_2d", nx=32, ny=16)
    truth = symlnn.SparseEulerLagrange(symlnn.graph_lagrangian(plane))
    fields = symlnn.SmoothFields((32, 16), (1 / 32, 1 / 16), 0.1, 0.1, ((2.0, 3.0),), drift=False)
    states = eqx.filter_jit(fields)(jax.random.key(0), 4000)
    q = states.q.reshape(-1, 32, 16)
    assert float(jnp.std(states.q)) == pytest.approx(2.0, rel=0.02)
    assert float(jnp.std(states.v)) == pytest.approx(3.0, rel=0.02)
    correlation = float(jnp.mean(q * jnp.roll(q, 4, axis=1)) / jnp.mean(q**2))
    assert correlation == pytest.approx(np.exp(-((4 / 32) ** 2) / (2 * 0.1**2)), abs=0.03)
    np.testing.assert_allclose(states.v.mean(axis=1), 0.0, atol=1e-9)
    samples = eqx.filter_jit(symlnn.Stream(truth, fields))(jax.random.key(1), 3)
    first = samples.states[0]
    np.testing.assert_allclose(samples.a[0], eqx.filter_jit(truth.acceleration)(first.q, first.v), rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"shape": (4, 4)}, "as many spacings"), ({"shortest": 0.2}, "Correlation lengths")],
)
def test_wrong_streams(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        usual = {"shape": (4,), "spacings": (0.25,), "shortest": 0.1, "longest": 0.1, "sizes": ((1.0, 1.0),)}
        symlnn.SmoothFields(**usual | arguments)
