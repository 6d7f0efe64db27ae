"""What is in a set of recordings, before anything is fitted."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from .._data import Motions, Run
from .._system import System
from ._smooth import noise, stretches, time_scale

_WHITE = -0.75, 0.15
"""The correlation of one third difference of white noise with the next, −15/20, and how far it may be off."""
_TELLS = 0.9
"""What a delay must leave of what is not told without one, at most."""


@dataclass(frozen=True)
class ColumnReport:
    """One variable of one run, in the unit of the declaration."""

    lowest: float
    highest: float
    missing: int
    noise: float
    """The standard deviation of what is white."""
    white: bool | None
    """Whether that is all there is beside the signal; None where the samples are too few."""
    quantum: float | None
    """The smallest step between values, where they are multiples of one."""


@dataclass(frozen=True)
class RunReport:
    """One run."""

    name: str
    samples: int
    seconds: float
    rate: float
    """Samples per second: one over the median step."""
    jitter: float
    """The standard deviation of the steps, gaps left out, as a share of the median one."""
    gaps: int
    longest_gap: float
    columns: dict[str, ColumnReport]
    velocity_slopes: dict[str, float]
    """For each measured velocity the slope k of v ≈ k q̇: one, unless it is scaled or filtered."""


@dataclass(frozen=True)
class Inspection:
    """What `symlnn.inspect` found."""

    runs: tuple[RunReport, ...]
    time_scale: float
    """The shortest time in which a coordinate changes by its size, in seconds."""
    delays: dict[str, float]
    """For each input that seems written later than what it causes, by how many seconds."""

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON takes it."""
        return {"kind": "inspection", **asdict(self)}

    def to_text(self) -> str:
        """A page of plain text."""
        lines = []
        for run in self.runs:
            gaps = "no gaps" if not run.gaps else f"{run.gaps} gaps, the longest {run.longest_gap:.3g} s"
            lines.append(
                f"{run.name}: {run.samples} samples in {run.seconds:.4g} s, {run.rate:.4g} per second, "
                f"jitter {100 * run.jitter:.2g} %, {gaps}"
            )
            for name, column in run.columns.items():
                parts = [f"{column.lowest:.4g} … {column.highest:.4g}", f"noise {column.noise:.2g}"]
                if column.white is False:
                    parts.append("not white")
                if column.quantum is not None:
                    parts.append(f"steps of {column.quantum:.3g}")
                if column.missing:
                    parts.append(f"{column.missing} missing")
                lines.append(f"  {name:16} {', '.join(parts)}")
            lines += [f"  {name:16} {slope:.3f} of the derivative" for name, slope in run.velocity_slopes.items()]
        lines.append(f"time scale: {self.time_scale:.3g} s")
        lines += [f"{name}: {1e3 * delay:+.3g} ms late against the acceleration" for name, delay in self.delays.items()]
        return "\n".join(lines) + "\n"


def inspect(motions: Motions, system: System | None = None) -> Inspection:
    """Runs, rates, gaps, noise, quantisation, velocities against derivatives, and delays of inputs; no fit.

    Of a system the angles are known, which turn round and round without changing by more than their size.
    """
    turning = () if system is None else [x.name for x, angle in zip(system.q, system.is_angle, strict=True) if angle]
    scale = time_scale(motions, turning)
    runs = tuple(_run(run, motions, scale) for run in motions)
    return Inspection(runs, scale, _delays(motions, scale))


def _run(run: Run, motions: Motions, scale: float) -> RunReport:
    steps = np.diff(run.t)
    usual = np.delete(steps, run.gaps)
    columns = {name: _column(x) for name, x in zip(motions.coordinates, run.q.T, strict=True)}
    if run.v is not None:
        columns |= {f"{name}_dot": _column(x) for name, x in zip(motions.coordinates, run.v.T, strict=True)}
    if run.u is not None:
        columns |= {name: _column(x) for name, x in zip(motions.inputs, run.u.T, strict=True)}
    return RunReport(
        run.name,
        len(run.t),
        run.seconds,
        1 / run.interval,
        float(usual.std() / run.interval),
        len(run.gaps),
        float(steps.max()) if len(run.gaps) else 0.0,
        columns,
        _velocity_slopes(run, motions, scale),
    )


def _column(values: Float[np.ndarray, " time"]) -> ColumnReport:
    seen = values[np.isfinite(values)]
    if not seen.size:
        return ColumnReport(np.nan, np.nan, len(values), np.nan, None, None)
    level = float(noise(Run("", np.arange(len(values), dtype=float), values[:, None]))[0]) if len(values) > 3 else 0.0
    difference = np.diff(seen, 3)
    white = None
    if len(difference) > 30 and level > 0:
        expected, off = _WHITE
        white = abs(float(np.corrcoef(difference[1:], difference[:-1])[0, 1]) - expected) < off
    return ColumnReport(
        float(seen.min()), float(seen.max()), int(len(values) - len(seen)), level, white, _quantum(seen)
    )


def _quantum(seen: np.ndarray) -> float | None:
    """The step that nearly all differences between neighbouring values are multiples of."""
    steps = np.diff(np.unique(seen))
    steps = steps[steps > 1e-9 * (seen.max() - seen.min())]
    if len(steps) < 3:
        return None
    least = float(np.min(steps))
    near = steps[steps < 1.5 * least]
    quantum = float(np.median(near))
    multiples = steps / quantum
    whole = np.abs(multiples - np.round(multiples)) < 0.1
    return quantum if whole.mean() > 0.95 and np.median(multiples) < 50 else None


def _velocity_slopes(run: Run, motions: Motions, scale: float) -> dict[str, float]:
    if run.v is None:
        return {}
    slopes = {}
    for place, name in enumerate(motions.coordinates):
        pairs = []
        known = np.isfinite(run.v[:, place])
        for part in stretches(run, 0, scale / 2):
            pairs.append((part.v[:, place], np.interp(part.t, run.t[known], run.v[known, place])))
        if pairs:
            slope, written = (np.concatenate(x) for x in zip(*pairs, strict=True))
            slopes[f"{name}_dot"] = float(slope @ written / max(slope @ slope, np.finfo(float).tiny))
    return slopes


def _delays(motions: Motions, scale: float) -> dict[str, float]:
    """For each input u the shift s at which u(t + s) is told best by 1, q, sin q, v and q̈ of all coordinates, by
    least squares; those of which no shift leaves less than `_TELLS` of what none does are left out."""
    step = float(np.median([run.interval for run in motions]))
    shifts = np.arange(-round(scale / 2 / step), round(scale / 2 / step) + 1)
    told = np.zeros((len(shifts), len(motions.inputs)))
    whole = np.zeros((len(shifts), len(motions.inputs)))
    for place, run in enumerate(motions):
        for part in stretches(run, place, scale / 4):
            if len(part.t) < 4 * len(shifts) or not len(motions.inputs):
                continue
            bend = np.asarray(np.gradient(part.v, part.step, axis=0))
            known = np.column_stack([np.ones(len(part.t)), part.q, np.sin(part.q), part.v, bend])
            inner = slice(len(shifts), -len(shifts))
            basis = np.linalg.qr(known[inner])[0]
            for k, shift in enumerate(shifts):
                shifted = np.roll(part.u, -shift, axis=0)[inner]
                told[k] += ((basis.T @ shifted) ** 2).sum(axis=0)
                whole[k] += (shifted**2).sum(axis=0)
    found = {}
    for column, name in enumerate(motions.inputs):
        left = 1 - told[:, column] / np.maximum(whole[:, column], np.finfo(float).tiny)
        best = int(np.argmin(left))
        if 0 < best < len(shifts) - 1 and left[best] < _TELLS * left[len(shifts) // 2]:
            found[name] = float(shifts[best] * step)
    return found
