"""What a learned wave equation is measured by: fields, energy, phase, dispersion."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

import symlnn
from symlnn import AbstractDynamics, SparseEulerLagrange, States
from symlnn.metrics import acceleration_errors

from ._graphs import relative

_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Waves:
    """Motions of one law from the same initial states as the truth, and how far they are from it."""

    q: np.ndarray
    """(motion, time, site)."""
    error: np.ndarray
    """‖φ̂ − φ‖ in units of the root mean square over time of ‖φ − mean φ‖; infinite where the integration failed."""
    energy: np.ndarray
    """|E(t) − E(0)|/E(0), with the analytic energy along the learned motion."""
    phase: np.ndarray
    """At the end: |arg Σₖ zₖ* ẑₖ| in radians, of the amplitudes z = ω φₖ + i φ̇ₖ of all waves."""
    failed: np.ndarray
    """Whether each motion failed."""

    def __getitem__(self, motions: slice) -> "Waves":
        """Some of the motions."""
        return Waves(*(getattr(self, field.name)[motions] for field in dataclasses.fields(self)))

    def to_json(self) -> dict[str, float | int]:
        """The figures of report.json: the largest over all motions, and medians beside them."""
        half = self.error.shape[1] // 2
        return {
            "relative_error_half": float(self.error[:, half].max()),
            "relative_error_half_median": float(np.median(self.error[:, half])),
            "relative_error_end": float(self.error[:, -1].max()),
            "relative_error_end_median": float(np.median(self.error[:, -1])),
            "energy_error_max": float(self.energy.max()),
            "energy_error_max_median": float(np.median(self.energy.max(axis=1))),
            "phase_error_end": float(self.phase.max()),
            "motions": len(self.error),
            "failed": int(self.failed.sum()),
        }


@dataclass(frozen=True, eq=False)
class Ring:
    """A ring of sites: its analytic law, states to test accelerations at, and exact motions to be followed."""

    truth: SparseEulerLagrange
    test: States
    exact: symlnn.Rollout
    speed: float

    @staticmethod
    def of(truth: SparseEulerLagrange, test: States, start: States, times: Array, speed: float) -> "Ring":
        """With the motions of the truth from `start`."""
        return Ring(truth, test, roll_out(truth, start, times), speed)

    def acceleration(self, law: AbstractDynamics) -> float:
        """The relative root-mean-square error of accelerations at the test states."""
        truth, found = (_accelerations(x, self.test) for x in (self.truth, law))
        return acceleration_errors(truth, found).relative_rms

    def follow(self, law: AbstractDynamics) -> Waves:
        """The motions of `law` from where the exact ones start, held against them."""
        exact = self.exact
        found = roll_out(law, States.of(exact.q[:, 0], exact.v[:, 0]), exact.t)
        failed = ~np.asarray(found.successful)
        fluctuation = exact.q - exact.q.mean(axis=-1, keepdims=True)
        size = np.sqrt(np.mean(np.sum(np.asarray(fluctuation) ** 2, axis=-1), axis=-1, keepdims=True))
        errors = np.linalg.norm(np.asarray(found.q - exact.q), axis=-1) / size
        a, b = (_amplitudes(r.q[:, -1], r.v[:, -1], self.speed) for r in (exact, found))
        return Waves(
            q=np.asarray(found.q),
            error=np.where(failed[:, None], np.inf, errors),
            energy=np.where(failed[:, None], np.inf, relative(np.asarray(_energies(self.truth, found.q, found.v)))),
            phase=np.where(failed, np.inf, np.abs(np.angle(np.sum(np.conj(a) * b, axis=-1)))),
            failed=failed,
        )


@dataclass(frozen=True, eq=False)
class LearnedWave:
    """A trained model on its ring, and all that was measured of it."""

    name: str
    title: str
    law: AbstractDynamics
    fit: symlnn.Fit
    acceleration: float
    """Relative root-mean-square error at fresh states."""
    waves: Waves
    large: Waves
    """On the large ring."""
    acceleration_large: float
    unlike: Mapping[str, Waves]


def roll_out(law: AbstractDynamics, start: States, times: Array) -> symlnn.Rollout:
    """Motions with a bound on the steps that only a failing model meets."""
    integrator = symlnn.Integrator(rtol=_TOLERANCE, atol=_TOLERANCE, max_steps=20_000)
    return symlnn.simulate(law, start, times=times, integrator=integrator)


@eqx.filter_jit
def _accelerations(law: AbstractDynamics, states: States) -> Array:
    return symlnn.accelerations(law, states, at_once=2000)


@eqx.filter_jit
def _energies(truth: SparseEulerLagrange, q: Array, v: Array) -> Array:
    return jax.vmap(jax.vmap(truth.energy))(q, v)


def _amplitudes(q: Array, v: Array, speed: float) -> np.ndarray:
    sites = q.shape[-1]
    wave_numbers = np.fft.fftfreq(sites, 1 / sites)
    omega = 2 * speed * sites * np.abs(np.sin(np.pi * wave_numbers / sites))
    return (omega * np.fft.fft(np.asarray(q)) + 1j * np.fft.fft(np.asarray(v)))[..., 1:]


def dispersion(law: AbstractDynamics, sites: int, spacing: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of small waves about φ = 0: wave numbers k, frequencies ω(k) and growth rates γ(k).

    Plane waves exp(ikx + λt) have λ² = A(k) + λ B(k), with A and B the Fourier transforms of what a displacement and a
    velocity of one site do to the accelerations of all: λ = γ ± iω.
    """
    zero, bump = jnp.zeros(sites), jnp.zeros(sites).at[0].set(1.0)
    force = eqx.filter_jit(lambda law: jax.jvp(lambda q: law.acceleration(q, zero), (zero,), (bump,))[1])(law)
    drag = eqx.filter_jit(lambda law: jax.jvp(lambda v: law.acceleration(zero, v), (zero,), (bump,))[1])(law)
    a, b = np.fft.rfft(np.asarray(force)), np.fft.rfft(np.asarray(drag))
    rate = b / 2 + np.sqrt((b / 2) ** 2 + a + 0j)
    return 2 * np.pi * np.fft.rfftfreq(sites, spacing), np.abs(rate.imag), rate.real


def unlike_states(sites: int, size: float, amplitude: float, speed: float) -> dict[str, States]:
    """Initial states of kinds that training does not draw: a pulse, a plucked string, a plane wave."""
    x = jnp.arange(sites) * size / sites
    pulse = amplitude * jnp.exp(-(((x - 0.5 * size) / (0.06 * size)) ** 2))
    wave = 2 * jnp.pi * 4 / size
    shapes = {
        "pulse": (pulse, speed * 2 * (x - 0.5 * size) / (0.06 * size) ** 2 * pulse),
        "pluck": (amplitude * (1 - 4 * jnp.abs(x / size - 0.5)), jnp.zeros(sites)),
        "plane wave": (amplitude * jnp.cos(wave * x), amplitude * speed * wave * jnp.sin(wave * x)),
    }
    return {name: States.of(q[None], v[None]) for name, (q, v) in shapes.items()}
