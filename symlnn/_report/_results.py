"""What a validation measured, and its strict JSON."""

import dataclasses
import json
import math
import platform
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._dynamics import AbstractDynamics
from .._models import ModelSpec, parameter_count
from .._recover import Recovery
from .._results import RESULTS
from .._system import System
from .._train import Fit, History
from .._version import __version__
from ..metrics import AccelerationErrors, CrossCheck
from ._bench import Bench, Judgement, Motion


@dataclass(frozen=True)
class ModelResult:
    """All that was measured of one model."""

    name: str
    spec: ModelSpec | None
    """What rebuilds it; None of a dynamics that was given as such."""
    dynamics: AbstractDynamics
    fit: Fit | None
    """How it was trained, None where that is not known."""
    judgement: Judgement
    seeds: tuple[Mapping[str, int | float], ...] = ()
    """With several seeds, the headline figures of each."""

    @property
    def title(self) -> str:
        """What a report calls it."""
        return type(self.dynamics).__name__ if self.spec is None else self.spec.model.title

    @property
    def residual(self) -> str:
        """What it was trained on."""
        return "" if self.spec is None else self.spec.model.trained_on

    @property
    def acceleration(self) -> AccelerationErrors:
        """Errors of its accelerations over the test states."""
        return self.judgement.acceleration

    @property
    def motion(self) -> Motion:
        """Its roll-outs."""
        return self.judgement.motion

    @property
    def state_errors(self) -> np.ndarray:
        """Distances from the true motions, (batch, time)."""
        return self.judgement.state_errors

    @property
    def valid_seconds(self) -> np.ndarray:
        """How long it stays with each of the true motions."""
        return self.judgement.valid_seconds

    @property
    def valid_time(self) -> float:
        """The median of them; NaN where there is no true motion."""
        return float(np.median(self.valid_seconds)) if self.valid_seconds.size else math.nan

    @property
    def history(self) -> History | None:
        """Its training curve."""
        return None if self.fit is None else self.fit.history

    @property
    def warning(self) -> str:
        """What went wrong in its training; empty where nothing did."""
        if self.fit is None or self.fit.successful:
            return ""
        return self.fit.message or str(RESULTS[self.fit.result])

    def to_json(self) -> dict[str, Any]:
        """The figures of report.json that do not depend on the system."""
        fit = self.fit
        return {
            "title": self.title,
            "residual": self.residual,
            "trainable_parameters": parameter_count(self.dynamics),
            "states_seen": 0 if fit is None else fit.seen,
            "train_seconds": 0.0 if fit is None else fit.seconds,
            "compile_seconds": 0.0 if fit is None else fit.compile_seconds,
            "steps": [] if fit is None else list(fit.steps),
            "warning": self.warning,
            "acceleration": dataclasses.asdict(self.acceleration),
            "outside_training_domain": self.judgement.outside,
            "constraint_drift": self.judgement.drift,
            "seeds": [dict(row) for row in self.seeds],
        }


@dataclass(frozen=True, eq=False)
class LearnedLaw:
    """The law of a model in SymPy."""

    model: str
    found: Recovery
    equivalent: bool
    """Whether it is the declared one, up to a factor, the gauge, and three times the error of the model."""

    def to_json(self) -> dict[str, Any]:
        """As it stands in report.json."""
        return {"model": self.model, "equivalent": self.equivalent, **self.found.to_json()}


@dataclass(frozen=True)
class Settings:
    """What reproduces a validation."""

    seed: int
    precision: str
    device: str
    quick: bool
    command: str
    versions: Mapping[str, str]
    data: str | None = None


def settings_of(*, seed: int, quick: bool = False, command: str = "", data: str | Path | None = None) -> Settings:
    """The settings of a run on this machine, with JAX as it is set."""
    packages = ("jax", "equinox", "optax", "diffrax", "sympy", "numpy")
    versions = {"symlnn": __version__, "python": platform.python_version()}
    return Settings(
        seed=seed,
        precision=str(jnp.zeros(0).dtype),
        device=jax.default_backend(),
        quick=quick,
        command=command,
        versions=versions | {name: version(name) for name in packages},
        data=None if data is None else str(data),
    )


@dataclass(frozen=True)
class Validation:
    """The result of `validate`."""

    system: System
    settings: Settings
    bench: Bench
    check: CrossCheck
    oracle: Motion
    lyapunov_time: float | None
    chaotic: bool | None
    """Whether the motion is; None where that could not be found out."""
    models: tuple[ModelResult, ...]
    seconds: Mapping[str, float]
    law: LearnedLaw | None = None
    """That of the best model as a formula, where that was asked for and could be found."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be measured of the analytic system, and why."""
        lost = Counter(self.bench.unfinished)
        notes = [f"Analytic motions that did not reach their end: {count}. {why}" for why, count in lost.items()]
        if not self.bench.moves:
            notes.append("So no motion of a model was measured.")
        elif self.chaotic is None:
            notes.append("Whether the motion is chaotic is not known: its tangents could not be followed to the end.")
        return tuple(notes)

    @property
    def balance_key(self) -> str:
        """`energy` where it is conserved, else `power_balance`."""
        return "energy" if self.system.conserves_energy else "power_balance"

    def to_json(self) -> dict[str, Any]:
        """The content of report.json; infinite figures become null."""
        return strict(self.figures())

    def figures(self) -> dict[str, Any]:
        """The content of report.json, with infinite figures as they are."""
        settings = {k: v for k, v in dataclasses.asdict(self.settings).items() if k not in ("versions", "command")}
        parameters = {s.name: str(p.value) if p.varies else p.value for s, p in self.system.parameters.items()}
        return {
            "symlnn": self.settings.versions["symlnn"],
            "system": self.system.name,
            **settings,
            "parameters": parameters,
            "degrees_of_freedom": self.system.degrees_of_freedom,
            "energy_scale": self.bench.scale,
            "lyapunov_time": self.lyapunov_time,
            "notes": list(self.notes),
            "cross_checks": {
                "symbolic_vs_autodiff": {
                    "max_relative_error": self.check.max_relative_error,
                    "states": self.check.states,
                    "passed": self.check.passed,
                },
                f"oracle_{self.balance_key}": dataclasses.asdict(self.oracle.spread),
            },
            "models": {model.name: self._model(model) for model in self.models},
            **({} if self.law is None else {"law": self.law.to_json()}),
            "seconds": dict(self.seconds),
            "command": self.settings.command,
            "versions": dict(self.settings.versions),
        }

    def _model(self, model: ModelResult) -> dict[str, Any]:
        median = model.valid_time
        balance = dataclasses.asdict(model.motion.spread)
        names = [symbol.name for symbol in self.system.q]
        by_name = dict(zip(names, model.acceleration.coordinates, strict=True))
        figures = model.to_json()
        return figures | {
            "acceleration": figures["acceleration"] | {"coordinates": by_name},
            "energy": balance if self.system.conserves_energy else None,
            "power_balance": None if self.system.conserves_energy else balance,
            "valid_time": {
                "median_seconds": median,
                "median_lyapunov_times": None if self.lyapunov_time is None else median / self.lyapunov_time,
            },
        }


def strict(value: Any) -> Any:
    """The value with null in place of infinite and undefined numbers, as strict JSON wants it."""
    if isinstance(value, Mapping):
        return {key: strict(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [strict(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def to_text(document: Mapping[str, Any]) -> str:
    """Strict, indented JSON."""
    return json.dumps(document, indent=1, allow_nan=False) + "\n"
