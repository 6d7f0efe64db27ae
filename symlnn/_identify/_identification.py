"""What an identification found."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.stats

from .._data import Motions
from .._dynamics import AbstractDynamics
from .._system import System
from ._functions import Curve, calls_of
from ._inspect import Inspection
from ._judge import Judgement
from ._method import Choices
from ._networks import Network, WholeLagrangian


@dataclass(frozen=True)
class Estimate:
    """A parameter as it was identified."""

    value: float
    standard_error: float | None
    """That of multiple shooting; None for one that was held, or is at its bound, or without shooting."""
    degrees_of_freedom: int | None
    """Of the standard error: one less than the clusters that it was found from."""
    declared: float
    unit: str
    identifiable: bool
    at_bound: bool

    def to_json(self) -> dict[str, Any]:
        """As it stands in `report.json`."""
        return {name: value for name, value in dataclasses.asdict(self).items() if name != "degrees_of_freedom"}

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of 95 %: value ± t standard errors, t of Student's distribution with so many degrees of freedom; for what is
        positive as a factor, which keeps it so."""
        if self.standard_error is None or self.degrees_of_freedom is None:
            return None
        off = float(scipy.stats.t.ppf(0.975, self.degrees_of_freedom)) * self.standard_error
        if self.value > 0:
            factor = float(np.exp(off / self.value))
            return self.value / factor, self.value * factor
        return self.value - off, self.value + off


@dataclass(frozen=True, eq=False)
class Identification:
    """What was identified, from what, and how far to trust it."""

    declared: System
    system: System
    """With the values that were found."""
    motions: Motions
    held_out: Motions
    inspection: Inspection
    parameters: Mapping[str, Estimate]
    functions: Mapping[str, Curve]
    """Those of one argument that were left open."""
    networks: Mapping[str, Network | WholeLagrangian]
    """Those of several, as they stand in `dynamics["identified"]`; `save_functions` writes them."""
    confounded: tuple[tuple[str, ...], ...]
    models: Mapping[str, Judgement]
    """On the motions that were held out: `declared`, `identified`, and the black boxes that were asked for."""
    dynamics: Mapping[str, AbstractDynamics]
    noise: Mapping[str, float]
    choices: Choices
    kept: str
    """`shooting`, or `weak` where that predicts held-out motions better by more than chance, or stands alone."""
    reach: Mapping[str, tuple[float, float]]
    """For each coordinate the largest |q − mean| of training, and of what is held out."""
    seconds: Mapping[str, float]
    seed: int = 0
    diagnosis: tuple[str, ...] = field(default=())

    def arguments(self, function: str) -> tuple[str, ...]:
        """Those with which a function stands in the declaration."""
        found = next(f for f in self.declared.unknown if str(f) == function)
        return tuple(map(str, calls_of(self.declared, found)[0]))

    def to_json(self) -> dict[str, Any]:
        """The document `report.json`."""
        trained = {run.name for run in self.motions}
        runs = [
            {
                "name": run.name,
                "samples": run.samples,
                "seconds": run.seconds,
                "rate": run.rate,
                "jitter": run.jitter,
                "gaps": run.gaps,
                "held_out": run.name not in trained,
            }
            for run in self.inspection.runs
        ]
        free = len(self.parameters)
        return {
            "kind": "identification",
            "system": self.declared.name,
            "seed": self.seed,
            "runs": runs,
            "parameters": {name: p.to_json() for name, p in self.parameters.items()},
            "rank": sum(p.identifiable for p in self.parameters.values()),
            "free": free,
            "confounded": [list(group) for group in self.confounded],
            "functions": {name: self._written(curve) for name, curve in self.functions.items()}
            | {name: {"arguments": list(self.arguments(name)), "network": True} for name in self.networks},
            "noise": dict(self.noise),
            "method": dataclasses.asdict(self.choices),
            "kept": self.kept,
            "models": {name: self._judged(judgement) for name, judgement in self.models.items()},
            "seconds": dict(self.seconds),
            "diagnosis": list(self.diagnosis),
        }

    @staticmethod
    def _written(curve: Curve) -> dict[str, Any]:
        return {
            "arguments": [curve.argument],
            "grid": [[float(x)] for x in curve.grid],
            "values": curve.values.tolist(),
            "derivative": curve.derivative.tolist(),
            "band": None if curve.band is None else curve.band.tolist(),
            "free_up_to": curve.free_up_to,
            "expression": None,
        }

    def _judged(self, judgement: Judgement) -> dict[str, Any]:
        names = self.motions.coordinates

        def by_name(values: np.ndarray | None) -> dict[str, float] | None:
            return None if values is None else {n: float(x) for n, x in zip(names, values, strict=True)}

        return {
            "force_rmse": by_name(judgement.force),
            "force_filter_hz": self.choices.filter_hz,
            "prediction": {
                f"{horizon:g}": {"median": by_name(judgement.median[horizon]), "rms": by_name(judgement.rms[horizon])}
                for horizon in judgement.median
            },
            "failed": judgement.failed,
            "predictions": judgement.predictions,
        }
