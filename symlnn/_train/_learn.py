"""From a System to a trained model in one call: `learn`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import xarray as xr

from .._data import Resample, Source, Stream, samples_of
from .._models import Architecture, ModelSpec, natural_scales
from .._system import System
from .._types import Samples
from ._fit import Fit, Recipe, Report, fit
from ._residual import ScaledAcceleration

_VALIDATION_SAMPLES = 2048
_VALIDATION_SHARE = 0.1


@dataclass(frozen=True)
class Learned:
    """A trained model: what rebuilds it and how its training went."""

    spec: ModelSpec
    fit: Fit


def _sources(system: System, data: xr.Dataset | None, key: jax.Array) -> tuple[Source, Samples, Samples]:
    """Where training draws from, what its scales are taken from, and the validation samples."""
    if data is None:
        stream = Stream(system)
        drawn = eqx.filter_jit(stream)(key, _VALIDATION_SAMPLES)
        return stream, drawn, drawn
    samples = samples_of(data)
    held_out = min(_VALIDATION_SAMPLES, int(_VALIDATION_SHARE * samples.size))
    if held_out < 1:
        raise ValueError(f"The data set has {samples.size} samples, too few to hold some out: at least 10 are needed.")
    order = jax.random.permutation(key, samples.size)
    return Resample(samples[order[held_out:]]), samples, samples[order[:held_out]]


def learn(
    system: System,
    model: str = "lnn",
    *,
    data: xr.Dataset | None = None,
    architecture: Architecture | None = None,
    recipe: Recipe | None = None,
    seconds: float | None = None,
    steps: int | Sequence[int] | None = None,
    seed: int = 0,
    checkpoint: Path | None = None,
    resume: bool = False,
    progress: Callable[[Report], None] = lambda report: None,
) -> Learned:
    """Train `model` on the accelerations of a system, from its stream of fresh states or from a data set.

    `model` is a name of the table `MODELS` or the path of a file that defines `MODEL`. The budget is 60 seconds unless
    `seconds` or `steps` is given. See `fit` for both, the checkpoint, the errors and what is reproducible.
    """
    if seconds is None and steps is None:
        seconds = 60.0
    build, train, validate = jax.random.split(jax.random.key(seed), 3)
    source, scaled, validation = _sources(system, data, validate)
    scales = natural_scales(system, scaled)
    spec = ModelSpec(model, system, scales, architecture or Architecture())
    run: dict[str, Any] = {
        "seed": seed,
        "spec": spec.to_json(),
        "samples": 0 if data is None else scaled.size,
    }
    fitted = fit(
        spec.build(build),
        source,
        ScaledAcceleration(scales.a),
        key=train,
        validation=validation,
        recipe=recipe,
        seconds=seconds,
        steps=steps,
        checkpoint=checkpoint,
        resume=resume,
        run=run,
        progress=progress,
    )
    return Learned(spec, fitted)
