"""What a learned wave equation is measured by: fields, energy, phase."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

import symlnn
from symlnn import AbstractDynamics, Bench, DirectAcceleration, SparseEulerLagrange, States
from symlnn.metrics import energy_along


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

    def figures(self) -> dict[str, float | int]:
        """The figures of report.json: the largest over all motions, and medians beside them."""
        each = {
            "relative_error_half": self.error[:, self.error.shape[1] // 2],
            "relative_error_end": self.error[:, -1],
            "energy_error_max": self.energy.max(axis=1),
            "phase_error_end": self.phase,
        }
        largest = {name: float(values.max()) for name, values in each.items()}
        medians = {f"{name}_median": float(np.median(values)) for name, values in each.items()}
        return largest | medians | {"motions": len(self.error), "failed": int(self.failed.sum())}


def follow(bench: Bench, law: AbstractDynamics, speed: float, spacing: float) -> tuple[Waves, dict[str, Any]]:
    """The motions of a law held against those of a bench of waves, and the figures of report.json."""
    judged, exact = bench.judge(law), bench.rollout
    found = judged.motion.rollout
    failed = ~np.asarray(found.successful)
    fluctuation = np.asarray(exact.q - exact.q.mean(axis=-1, keepdims=True))
    size = np.sqrt(np.mean(np.sum(fluctuation**2, axis=-1), axis=-1, keepdims=True))
    errors = np.linalg.norm(np.asarray(found.q - exact.q), axis=-1) / size
    a, b = (_amplitudes(r.q[:, -1], r.v[:, -1], speed / spacing) for r in (exact, found))
    waves = Waves(
        q=np.asarray(found.q),
        error=np.where(failed[:, None], np.inf, errors),
        energy=judged.motion.balance * bench.scale / energy_along(bench.truth, exact, bench.start.m)[:, :1],
        phase=np.where(failed, np.inf, np.abs(np.angle(np.sum(np.conj(a) * b, axis=-1)))),
        failed=failed,
    )
    acceleration = {"relative_rms": judged.acceleration.relative_rms}
    return waves, {"acceleration": acceleration, "field": waves.figures()}


def _amplitudes(q: Array, v: Array, rate: float) -> np.ndarray:
    """z of every wave but the mean, with ω = 2 (c/h) |sin(kh/2)| and `rate` c/h."""
    omega = 2 * rate * np.abs(np.sin(np.pi * np.fft.fftfreq(q.shape[-1])))
    return (omega * np.fft.fft(np.asarray(q)) + 1j * np.fft.fft(np.asarray(v)))[..., 1:]


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


def lattice_law(name: str, parameters: Mapping[str, float] | None = None, **arguments: Any) -> SparseEulerLagrange:
    """The analytic law of a lattice of the catalogue."""
    return SparseEulerLagrange(symlnn.graph_lagrangian(symlnn.load_lattice(name, **arguments), parameters))


def carried_to(model: Any, name: str, **arguments: Any) -> AbstractDynamics:
    """A network of a graph, on the graph of a lattice of the catalogue."""
    graph = symlnn.load_lattice(name, **arguments).graph
    return model.on(graph) if isinstance(model, SparseEulerLagrange) else DirectAcceleration(model.network.on(graph))
