"""Motions in natural units: small ones are followed as closely as large ones, and rounding is not followed at all."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symlnn
from symlnn import Integrator
from symlnn._dynamics import in_natural_units


@pytest.mark.parametrize("amplitude", [1.0, 1e-6, 1e-9])
def test_an_oscillator_of_any_amplitude(amplitude: float) -> None:
    """q(t) = A cos 2t, of a system that declares states of order one; 1e-9 of that is near the floor for rounding."""
    law = symlnn.SymbolicDynamics(symlnn.load_system("harmonic_oscillator"))
    out = symlnn.simulate(law, symlnn.States.of([amplitude], [0.0]), duration=10.0)
    assert bool(out.successful)
    np.testing.assert_allclose(out.q[:, 0] / amplitude, np.cos(2 * out.t), atol=1e-4 if amplitude < 1e-8 else 1e-6)


class Uneven(symlnn.AbstractSecondOrderDynamics):
    """One oscillator, and a second coordinate whose acceleration is zero but for rounding."""

    def acceleration(
        self, q: jax.Array, v: jax.Array, m: object = None, u: object = None, t: object = 0.0
    ) -> jax.Array:
        noise = (q[0] + 1e3) - 1e3 - q[0]  # some 1e-13
        return jnp.stack([-q[0], noise])


def test_what_is_zero_but_for_rounding_is_not_followed() -> None:
    start = (jnp.array([1.0, 0.0]), jnp.zeros(2))
    out = symlnn.simulate(Uneven(), start, duration=20.0, integrator=Integrator(max_steps=400))
    assert bool(out.successful)
    np.testing.assert_allclose(out.q[:, 0], np.cos(out.t), atol=1e-7)


def test_a_law_of_natural_units_is_the_law() -> None:
    system = symlnn.load_system("kepler_si")
    law, state = symlnn.SymbolicDynamics(system), symlnn.sample_states(system, 1, key=jax.random.key(0))[0]
    natural = in_natural_units(law, state.q, state.m, state.t)
    y = natural.initial_state(state.q, state.v, state.m, state.t)
    assert all(0.01 < float(jnp.max(jnp.abs(part))) < 100 for part in y)
    for ours, theirs in zip(natural.observe(0.0, y), (state.q, state.v), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-14)
    args = (state.m, state.u)
    rates = natural.state(natural.vector_field(state.t, y, args))
    for ours, theirs in zip(rates, law.vector_field(state.t, (state.q, state.v), args), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
