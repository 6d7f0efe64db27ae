"""What a validation measured, and its strict JSON."""

import dataclasses
import json
import math
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import __version__
from .._compare import AccelerationErrors, CrossCheck
from .._dynamics import AbstractDynamics
from .._models import ModelSpec
from .._simulate import Rollout
from .._system import System
from .._train import History
from .._types import Samples, States


@dataclass(frozen=True)
class Spread:
    """The distribution of a final error over trajectories; a failed one counts as infinite."""

    final_mean: float
    final_median: float
    final_max: float
    trajectories: int
    failed: int

    @staticmethod
    def of(errors: np.ndarray, successful: np.ndarray) -> "Spread":
        """The spread of the last column of errors (batch, time)."""
        final = np.where(successful, errors[:, -1], np.inf)
        return Spread(
            float(final.mean()),
            float(np.median(final)),
            float(final.max()),
            final.size,
            int((~successful).sum()),
        )


@dataclass(frozen=True)
class Motion:
    """Roll-outs of one dynamics, with their errors over time."""

    rollout: Rollout
    balance: np.ndarray
    """Energy error, or power-balance error where energy is not conserved: (batch, time)."""
    spread: Spread


@dataclass(frozen=True)
class ModelResult:
    """All that was measured of one model."""

    name: str
    title: str
    spec: ModelSpec
    residual: str
    """What it was trained on: a name of `RESIDUALS`."""
    dynamics: AbstractDynamics
    trainable_parameters: int
    states_seen: int
    train_seconds: float
    steps: tuple[int, ...]
    history: History | None
    acceleration: AccelerationErrors
    test_accelerations: np.ndarray
    motion: Motion
    state_errors: np.ndarray
    valid_seconds: np.ndarray
    outside: float
    seeds: tuple[Mapping[str, int | float], ...] = ()
    """With several seeds, the headline figures of each."""


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
    energy_scale: float
    check: CrossCheck
    oracle: Motion
    lyapunov_time: float | None
    test: Samples
    start: States
    models: tuple[ModelResult, ...]
    seconds: Mapping[str, float]

    @property
    def balance_key(self) -> str:
        """`energy` where it is conserved, else `power_balance`."""
        return "energy" if self.system.conserves_energy else "power_balance"

    def to_json(self) -> dict[str, Any]:
        """The content of report.json; infinite figures become null."""
        settings = {k: v for k, v in dataclasses.asdict(self.settings).items() if k not in ("versions", "command")}
        parameters = {s.name: str(p.value) if p.varies else p.value for s, p in self.system.parameters.items()}
        document = {
            "symlnn": self.settings.versions["symlnn"],
            "system": self.system.name,
            **settings,
            "parameters": parameters,
            "energy_scale": self.energy_scale,
            "lyapunov_time": self.lyapunov_time,
            "cross_checks": {
                "symbolic_vs_autodiff": {
                    "max_relative_error": self.check.max_relative_error,
                    "states": self.check.states,
                    "passed": self.check.passed,
                },
                f"oracle_{self.balance_key}": dataclasses.asdict(self.oracle.spread),
            },
            "models": {model.name: self._model(model) for model in self.models},
            "seconds": dict(self.seconds),
            "command": self.settings.command,
            "versions": dict(self.settings.versions),
        }
        return strict(document)

    def _model(self, model: ModelResult) -> dict[str, Any]:
        median = float(np.median(model.valid_seconds))
        balance = dataclasses.asdict(model.motion.spread)
        return {
            "title": model.title,
            "residual": model.residual,
            "trainable_parameters": model.trainable_parameters,
            "states_seen": model.states_seen,
            "train_seconds": model.train_seconds,
            "steps": list(model.steps),
            "acceleration": dataclasses.asdict(model.acceleration),
            "energy": balance if self.system.conserves_energy else None,
            "power_balance": None if self.system.conserves_energy else balance,
            "valid_time": {
                "median_seconds": median,
                "median_lyapunov_times": None if self.lyapunov_time is None else median / self.lyapunov_time,
            },
            "outside_training_domain": model.outside,
            "seeds": [dict(row) for row in model.seeds],
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
