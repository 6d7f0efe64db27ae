"""From a System to a trained model in one call: `learn`."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import xarray as xr

from .._data import Instants, Resample, Source, Stream, draw, hold_out, matching
from .._dynamics import AbstractDynamics
from .._models import Builder, Model, ModelSpec, TrainedModel, find_model, natural_scales, parameter_count
from .._system import System
from .._types import Key, Samples, key_of
from ._error import AccelerationError
from ._fingerprint import fingerprint
from ._fit import HELD_OUT, HELD_OUT_SHARE, Fit, fit
from ._monitor import UNSEEN, Monitor
from ._recipe import Budget, Recipe
from ._residual import find_residual


@dataclass(frozen=True)
class Learned:
    """A trained model, and how its training went."""

    model: TrainedModel
    fit: Fit

    @property
    def dynamics(self) -> AbstractDynamics:
        """The trained law of motion: what `simulate` takes."""
        return self.model.dynamics


def learn(
    system: System,
    model: str | Model | Builder | AbstractDynamics = "lnn",
    *,
    data: xr.Dataset | Samples | None = None,
    budget: Budget | None = None,
    seed: int = 0,
    monitor: Monitor = UNSEEN,
) -> Learned:
    """Train a model of a system, on fresh states that the system declares or on a data set.

    `model` is a builder, a `Model`, which says besides on what residual and by which recipe it is trained, a name of
    `MODELS`, the path of a file that defines `MODEL`, or a dynamics, to go on from as it stands. The budget is 60
    seconds unless it is given. The `monitor` has the error that parameters are kept by, by default the relative one of
    the accelerations at states that are not trained on, a checkpoint and a listener. See `fit` for what is
    reproducible, and for the result code of a training that goes wrong.

    Raises `ValueError` for an unknown model or residual, and for data without what it needs.
    """
    found, data = find_model(model), None if data is None else matching(data, system)
    build, train, held = jax.random.split(key_of(seed), 3)
    training, held_out = (None, None) if data is None else hold_out(data, HELD_OUT_SHARE, held)  # pyright: ignore[reportArgumentType]
    scaled = draw(Stream.of(system), held, HELD_OUT) if training is None else Instants().of(training)
    spec = ModelSpec(found, system, natural_scales(system, scaled, measured=training is not None))
    declaration = spec.to_json()  # what cannot be kept in a file says so before hours are spent
    dynamics = spec.build(build)
    some = _some(scaled, jax.random.key(0))
    residual = find_residual(found.residual, dynamics, spec.scales, some)
    if training is None:
        source: Source = Stream.of(system, residual.observations)
        error = AccelerationError(scaled)
    else:
        _require_unwrapped(system, training)
        source = Resample(residual.observations.of(training))
        unseen = Instants().of(held_out)
        error = AccelerationError(_some(unseen, held))
    rows = jax.eval_shape(lambda: residual(dynamics, source(train, 1))).shape[-1]
    recipe = (found.recipe or Recipe()).sized(rows, system.dof, parameter_count(dynamics))
    checkpoint = monitor.checkpoint
    if checkpoint is not None:
        run: dict[str, Any] = {
            "seed": seed,
            "spec": declaration,
            "data": None if data is None else fingerprint((scaled, error)),
        }
        checkpoint = dataclasses.replace(checkpoint, run={**run, **checkpoint.run})
    fitted = fit(
        dynamics,
        residual,
        source,
        key=train,
        recipe=recipe,
        budget=budget,
        monitor=dataclasses.replace(monitor, error=monitor.error or error, checkpoint=checkpoint),
    )
    return Learned(TrainedModel(fitted.model, spec), fitted)


def _some(samples: Samples, key: Key) -> Samples:
    """No more of them than an error is taken over."""
    if samples.size <= HELD_OUT:
        return samples
    return samples[jax.random.permutation(key, samples.size)[:HELD_OUT]]


def _require_unwrapped(system: System, data: Any) -> None:
    if not isinstance(data, xr.Dataset) or "time" not in data.dims or data.sizes["time"] < 2:
        return
    turned = np.abs(np.diff(data["q"].transpose("trajectory", "time", "coordinate").values, axis=1)).max(axis=(0, 1))
    for symbol, angle, turn in zip(system.q, system.is_angle, turned, strict=True):
        if angle and turn > np.pi:
            raise ValueError(
                f"{symbol.name} jumps by more than half a turn between two instants: unwrap it (numpy.unwrap), or give "
                "data of a higher rate."
            )
