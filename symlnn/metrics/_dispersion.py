"""How small waves on a ring of sites run: the frequencies and growth rates of a law, analytic or learned."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._dynamics import AbstractSecondOrderDynamics


@dataclass(frozen=True)
class Dispersion:
    """ω(k) and γ(k) of the waves exp(ikx + (γ ± iω)t)."""

    wave_number: Float[np.ndarray, " waves"]
    """k, from 0 to π/spacing, in radians per unit of length."""
    frequency: Float[np.ndarray, " waves"]
    """ω, in radians per second."""
    growth: Float[np.ndarray, " waves"]
    """γ, in 1/s: negative where waves die out. A law that conserves energy has none about a minimum of it."""


def dispersion(law: AbstractSecondOrderDynamics, sites: int, spacing: float) -> Dispersion:
    """Of small waves about rest at q = 0 on a ring of alike sites with one coordinate each.

    Plane waves exp(ikx + λt) have λ² = A(k) + λ B(k), with A and B the Fourier transforms of what a displacement and a
    velocity of one site do to the accelerations of all: λ = γ ± iω.
    """
    zero = jnp.zeros(sites)
    response = _responses(law, zero, zero.at[0].set(1.0))
    a, b = (np.fft.rfft(np.asarray(x)) for x in response)
    rate = b / 2 + np.sqrt((b / 2) ** 2 + a + 0j)
    return Dispersion(2 * np.pi * np.fft.rfftfreq(sites, spacing), np.abs(rate.imag), rate.real)


@eqx.filter_jit
def _responses(law: AbstractSecondOrderDynamics, zero: Array, bump: Array) -> tuple[Array, Array]:
    """∂a/∂q and ∂a/∂v of one site, at rest."""
    return (
        jax.jvp(lambda q: law.acceleration(q, zero), (zero,), (bump,))[1],
        jax.jvp(lambda v: law.acceleration(zero, v), (zero,), (bump,))[1],
    )
