"""What a study is made of: claims, each held against one figure of report.json, and what is measured and drawn."""

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
import xarray as xr
from matplotlib.figure import Figure

from symlnn import Fit, System, Validation

Cell: TypeAlias = str | float | int | bool | None
Figures: TypeAlias = Mapping[str, Any]
"""What report.json holds, with infinite figures as such."""


class Mode(StrEnum):
    """How much a study does."""

    quick = "quick"
    """Two minutes: shows that everything works."""
    default = "default"
    """A quarter of an hour on two cores."""
    full = "full"
    """An evening, or a GPU: with the network and the recipe of the paper beside ours."""


@dataclass(frozen=True)
class Claim:
    """What the paper says, the figure that is held against it, and what that has to be for the claim to hold."""

    claim: str
    here: str
    """The path of the figure in report.json, `models.lnn.acceleration.l1_sum`, or of two of them, `one / other`."""
    paper: Cell = None
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    equal: Cell = None

    def judged(self, figures: Figures) -> dict[str, Any]:
        """The claim beside its figure: `holds` is None where no limit is given, or nothing was measured."""
        paths = [path.split(".") for path in self.here.split(" / ")]
        found: list[Any] = [reduce(lambda entry, key: entry[key], path, figures) for path in paths]
        value = None if None in found else reduce(_ratio, found)
        limits = {"at least": self.at_least, "at most": self.at_most}
        words = [f"{word} {limit:g}" for word, limit in limits.items() if limit is not None]
        unit = "; ".join([*filter(None, [self.unit]), *words])
        decided = value is not None and (bool(words) or self.equal is not None)
        return {
            "claim": self.claim,
            "paper": self.paper,
            "here": value,
            "unit": unit,
            "holds": self._holds(value) if decided else None,
        }

    def _holds(self, value: Any) -> bool:
        if self.equal is not None:
            return bool(value == self.equal)
        low, high = (limit if limit is not None else value for limit in (self.at_least, self.at_most))
        return bool(math.isfinite(value) and low <= value <= high)


def _ratio(one: float, other: float) -> float:
    return one / other if other else math.inf


def completed(fit: Fit) -> Fit:
    """The fit, unless Ctrl-C ended it: then the study ends too, and writes nothing."""
    if fit.interrupted:
        raise KeyboardInterrupt
    return fit


def read_claims(study: str) -> dict[str, Any]:
    """The file of a study in claims/."""
    return tomllib.loads((Path(__file__).parent / "claims" / f"{study}.toml").read_text())


def claims(study: str) -> tuple[Claim, ...]:
    """The claims of a study, as its file has them."""
    return tuple(Claim(**entry) for entry in read_claims(study)["claim"])


@dataclass(frozen=True)
class Equation:
    """left = right, in the plain symbols of a system."""

    system: System
    left: sp.Basic
    right: sp.Basic


@dataclass(frozen=True, eq=False)
class Animation:
    """Curves that move, drawn on a canvas: each (time, points)."""

    curves: Mapping[str, np.ndarray]
    times: np.ndarray


@dataclass(frozen=True)
class Study:
    """What a run of a study measured, for its template to tell."""

    figures: Figures = field(default_factory=dict)
    """Entries of report.json beside those of the validations."""
    validations: tuple[Validation, ...] = ()
    """One, or one for each system; none where the study measures something else."""
    of_models: Mapping[tuple[str, str], Figures] = field(default_factory=dict)
    """Further entries of report.json for a system and a model."""
    pictures: Mapping[str, Callable[[], Figure | None]] = field(default_factory=dict)
    """What draws each picture, when the report is written."""
    equations: Mapping[str, Equation] = field(default_factory=dict)
    animation: Animation | None = None
    data: Mapping[str, xr.Dataset] = field(default_factory=dict)
    """Further data sets, by the name of their file."""
