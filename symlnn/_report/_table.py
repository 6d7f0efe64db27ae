"""The table of results: every figure of every model, with its meaning and the best in bold."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .._system import System
from ._mathml import readable
from ._results import ModelResult, Validation


def number(value: float | None) -> str:
    """Two significant digits, as HTML text: 0.0042 → 4.2×10⁻³."""
    if value is None:
        return "–"
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞"
    if value == 0 or 0.01 <= abs(value) < 1000:
        return f"{value:.2g}" if abs(value) < 100 else f"{value:.0f}"
    mantissa, exponent = f"{value:.1e}".split("e")
    superscript = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa}×10{superscript}"


@dataclass(frozen=True)
class Row:
    """One figure: what it is called and means, a cell per model, and the integrator's own figure beside them."""

    name: str
    meaning: str
    cells: tuple[tuple[str, bool], ...]
    """The text of each cell, and whether it is the best."""
    oracle: str


def results_table(validation: Validation) -> tuple[Row, ...]:
    """The rows of the table of results."""
    conserved, oracle = validation.system.conserves_energy, validation.oracle.spread
    balance = "Energy error" if conserved else "Power-balance error"
    energy = (
        "|E(T) − E(0)| / E scale, with the analytic energy E along the learned roll-out, at the end"
        if conserved
        else "|E(T) − E(0) − ∫(v·Q − ∂L/∂t)dt| / E scale along the learned roll-out, at the end"
    )
    row = _Rows(validation)
    rows = [
        row(
            "Acceleration error, relative",
            "√(meanᵢ mean|aᵢ − âᵢ|²/mean|aᵢ|²) over test states: each coordinate in units of its size",
            lambda m: m.acceleration.relative_rms,
        ),
        *_by_coordinate(row, validation.system),
        row(
            "Acceleration error, absolute",
            "mean over test states of Σᵢ|aᵢ − âᵢ| (the paper's loss), in the units of the declaration",
            lambda m: m.acceleration.l1_sum,
        ),
        row(f"{balance}, mean", energy, lambda m: m.motion.spread.final_mean, oracle.final_mean),
        row(
            f"{balance}, median",
            "the same, median over roll-outs",
            lambda m: m.motion.spread.final_median,
            oracle.final_median,
        ),
        row(f"{balance}, maximum", "the same, largest", lambda m: m.motion.spread.final_max, oracle.final_max),
        row(
            "Roll-outs failed",
            f"of {oracle.trajectories}; a failed one counts as infinite above",
            lambda m: float(m.motion.spread.failed),
            float(oracle.failed),
        ),
        row(
            "Valid time (s)",
            "median time until the state is off by 0.4 of the spread of the true motions; the whole duration at most",
            lambda m: m.valid_time,
            validation.system.duration,
            best=max,
        ),
    ]
    if (lyapunov := validation.lyapunov_time) is not None:
        rows.append(
            row(
                "Valid time (Lyapunov times)",
                f"the same in units of the Lyapunov time, {lyapunov:.2g} s",
                lambda m: m.valid_time / lyapunov,
                best=max,
            )
        )
    outside = "share of roll-out time spent outside the sampled states"
    rows.append(row("Outside the training domain", outside, lambda m: m.judgement.outside))
    if validation.system.law.is_constrained:
        drift = "largest distance of a roll-out from a constraint, in the sizes of coordinates and velocities"
        bench = validation.bench
        own = bench.drift(bench.rollout) if bench.moves else math.nan
        rows.append(row("Constraint drift", drift, lambda m: m.judgement.drift, own))
    return tuple(rows)


_SHOWN_COORDINATES = 8


def _by_coordinate(row: "_Rows", system: System) -> Iterator[Row]:
    """The errors of each coordinate, of systems of a few."""
    if 1 < system.dof <= _SHOWN_COORDINATES:
        for i, symbol in enumerate(system.q):
            yield row(
                f"… of {readable(symbol.name)}",
                "that of this coordinate",
                lambda m, i=i: m.acceleration.coordinates[i],
            )


@dataclass(frozen=True)
class _Rows:
    validation: Validation

    def __call__(
        self,
        name: str,
        meaning: str,
        cell: Callable[[ModelResult], float],
        oracle: float | None = None,
        best: Callable[[list[float]], float] = min,
    ) -> Row:
        values = [cell(model) for model in self.validation.models]
        chosen = best(values)
        cells = tuple((number(value), value == chosen and len(set(values)) > 1) for value in values)
        return Row(name, meaning, cells, number(oracle))
