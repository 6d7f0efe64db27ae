"""What a study found: claims beside measurements, and sections of text, tables, equations and pictures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
import xarray as xr
from matplotlib.figure import Figure

from symlnn import System, Validation
from symlnn.report import Settings, strict

Cell: TypeAlias = str | float | int | None


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
    """What the paper says, what was measured here, and whether the measurement supports it."""

    claim: str
    paper: Cell
    here: Cell
    unit: str
    holds: bool | None = None
    """None where the measurement does not decide it."""

    @staticmethod
    def at_most(claim: str, paper: Cell, here: float, unit: str, limit: float) -> "Claim":
        """A claim that holds where the measurement does not exceed a limit."""
        return Claim(claim, paper, here, f"{unit}; at most {limit:g}", bool(here <= limit))

    @staticmethod
    def more_than(claim: str, paper: Cell, here: float, unit: str, limit: float) -> "Claim":
        """A claim that holds where the measurement exceeds a limit."""
        return Claim(claim, paper, here, f"{unit}; more than {limit:g}", bool(here > limit))


@dataclass(frozen=True)
class Table:
    """Rows under named columns; numbers are shown with two significant digits, infinite ones as ∞."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""


@dataclass(frozen=True)
class Picture:
    """A figure, drawn when the report is written."""

    name: str
    """Of its files, unique in the report."""
    draw: Callable[[], Figure | None]
    caption: str


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
    caption: str


@dataclass(frozen=True)
class Results:
    """The tables of a validation as `symlnn validate` shows them."""

    validation: Validation


Block: TypeAlias = str | Table | Picture | Equation | Animation | Results
"""What stands in a section; text is a paragraph."""


@dataclass(frozen=True, init=False)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]

    def __init__(self, title: str, *blocks: Block):
        object.__setattr__(self, "title", title)
        object.__setattr__(self, "blocks", blocks)


@dataclass(frozen=True)
class Study:
    """The result of a study."""

    name: str
    title: str
    summary: tuple[str, ...]
    """The answer, in a few sentences."""
    claims: tuple[Claim, ...]
    differences: tuple[str, ...]
    """Where the set-up is not that of the paper."""
    sections: tuple[Section, ...]
    validations: tuple[Validation, ...]
    """One, or one for each system; none where the study measures something else."""
    settings: Settings
    mode: Mode
    data: Mapping[str, xr.Dataset] = field(default_factory=dict)
    """Further data sets, by the name of their file."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further entries of report.json."""
    model_extra: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    """Further entries of report.json for a system and a model."""

    def to_json(self) -> dict[str, Any]:
        """The content of report.json: that of `validate`, nested under `systems` where there are several."""
        documents = {v.system.name: self._document(v) for v in self.validations}
        if len(documents) == 1:
            (document,) = documents.values()
        else:
            settings = self.settings
            shared = {name: getattr(settings, name) for name in ("seed", "precision", "device", "quick", "command")}
            document = {"symlnn": settings.versions["symlnn"], **shared, "versions": dict(settings.versions)}
            document |= {"systems": documents} if documents else {}
        claims = [vars(claim) for claim in self.claims]
        return strict(document | {"study": self.name, "mode": str(self.mode), "paper": claims} | dict(self.extra))

    def _document(self, validation: Validation) -> dict[str, Any]:
        document = validation.to_json()
        for name, entries in document["models"].items():
            entries.update(self.model_extra.get((validation.system.name, name), {}))
        return document
