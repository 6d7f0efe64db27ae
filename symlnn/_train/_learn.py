"""From a System to a trained model in one call: `learn`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np
import xarray as xr

from .._data import (
    Resample,
    SegmentSource,
    SegmentStream,
    Source,
    Stream,
    samples_of,
    segments_of,
    successful_trajectories,
)
from .._dynamics import AbstractDynamics
from .._models import Architecture, ModelSpec, Scales, natural_scales
from .._system import System
from .._types import Samples
from ._first_order import FirstOrder
from ._fit import Fit, Recipe, Report, fit
from ._gauss_newton import GaussNewton
from ._residual import RESIDUALS, AbstractResidual

_VALIDATION_SAMPLES = 2048
_VALIDATION_SHARE = 0.1


@dataclass(frozen=True)
class Learned:
    """A trained model: what rebuilds it and how its training went."""

    spec: ModelSpec
    fit: Fit


HORIZON = 2
"""The intervals of each motion that training on motions predicts."""
_ROWS_PER_COORDINATE = 512


def _states(system: System, data: xr.Dataset | None, scaled: Samples, key: jax.Array) -> tuple[Source, Samples]:
    """Where training on states draws from, and the validation samples, which it does not draw."""
    if data is None:
        return Stream(system), scaled
    held_out = min(_VALIDATION_SAMPLES, int(_VALIDATION_SHARE * scaled.size))
    if held_out < 1:
        raise ValueError(f"The data set has {scaled.size} samples, too few to hold some out: at least 10 are needed.")
    order = jax.random.permutation(key, scaled.size)
    return Resample(scaled[order[held_out:]]), scaled[order[:held_out]]


def _motions(
    system: System, data: xr.Dataset | None, scaled: Samples, key: jax.Array, interval: float, horizon: int
) -> tuple[SegmentSource, Samples]:
    """Where training on motions draws from, and the validation samples, of whole motions that it does not draw."""
    if data is None:
        return SegmentStream(system, interval=interval, count=horizon), scaled
    whole = successful_trajectories(data)
    count = whole.sizes["trajectory"]
    if count < 2:
        raise ValueError("Training on motions needs at least 2 successful trajectories, one of them to be held out.")
    turned = np.abs(np.diff(whole["q"].values, axis=1)).max(axis=(0, 1)) > np.pi
    for symbol, angle, jumps in zip(system.q, system.is_angle, turned, strict=True):
        if angle and jumps:
            raise ValueError(
                f"{symbol.name} jumps by more than half a turn between two instants: unwrap it (numpy.unwrap), or give "
                "data of a higher rate."
            )
    shuffled = np.asarray(jax.random.permutation(key, count))
    held_out = max(1, int(_VALIDATION_SHARE * count))
    held = samples_of(whole.isel(trajectory=shuffled[:held_out]))
    segments = segments_of(whole.isel(trajectory=shuffled[held_out:]), horizon)
    order = jax.random.permutation(key, held.size)[:_VALIDATION_SAMPLES]
    return Resample(segments), held[order]


def default_recipe(rows: int, dof: int, first_order: FirstOrder) -> Recipe:
    """Gradient steps, then Gauss–Newton on as many states as make 512 residuals a degree of freedom."""
    batch = max(16, _ROWS_PER_COORDINATE * dof // rows)
    return Recipe(stages=(first_order, GaussNewton(batch=batch)))


def learn(
    system: System,
    model: str = "lnn",
    *,
    residual: str | AbstractResidual | None = None,
    horizon: int = HORIZON,
    data: xr.Dataset | None = None,
    architecture: Architecture | None = None,
    recipe: Recipe | None = None,
    first_order: FirstOrder | None = None,
    seconds: float | None = None,
    steps: int | Sequence[int] | None = None,
    seed: int = 0,
    checkpoint: Path | None = None,
    resume: bool = False,
    progress: Callable[[Report], None] = lambda report: None,
) -> Learned:
    """Train `model` on a system, from its stream of fresh states or from a data set.

    `model` is a name of the table `MODELS` or the path of a file that defines `MODEL`. What it is trained on is
    `residual`, a name of the table `RESIDUALS` or an object; by default the model's own, that of accelerations for
    most. Training on motions (`trajectory`) predicts `horizon` intervals of each. `recipe` is the default one unless
    given, with `first_order` as its first stage. The budget is 60 seconds unless `seconds` or `steps` is given. See
    `fit` for both, the checkpoint, the errors and what is reproducible.

    Raises `ValueError` for an unknown residual, and for data without what it needs.
    """
    if seconds is None and steps is None:
        seconds = 60.0
    if horizon < 1:
        raise ValueError(f"horizon must be at least 1, but is {horizon}.")
    build, train, validate = jax.random.split(jax.random.key(seed), 3)
    scaled = eqx.filter_jit(Stream(system))(validate, _VALIDATION_SAMPLES) if data is None else samples_of(data)
    scales = natural_scales(system, scaled)
    spec = ModelSpec(model, system, scales, architecture or Architecture())
    dynamics = spec.build(build)
    made = _residual(residual or spec.residual, dynamics, scales, scaled)
    if first_order is not None and recipe is not None:
        raise ValueError("Give either a recipe or its first stage, not both.")
    if made.on_motions:
        source, validation = _motions(system, data, scaled, validate, scales.interval, horizon)
    else:
        source, validation = _states(system, data, scaled, validate)
    if recipe is None:
        rows = jax.eval_shape(lambda: made(dynamics, source(train, 1))).shape[-1]
        recipe = default_recipe(rows, system.dof, first_order or FirstOrder())
    run: dict[str, Any] = {
        "seed": seed,
        "spec": spec.to_json(),
        "residual": repr(made),
        "horizon": horizon,
        "samples": 0 if data is None else scaled.size,
    }
    fitted = fit(
        dynamics,
        source,
        made,
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


def _residual(
    residual: str | AbstractResidual, dynamics: AbstractDynamics, scales: Scales, samples: Samples
) -> AbstractResidual:
    if isinstance(residual, AbstractResidual):
        return residual
    if residual not in RESIDUALS:
        raise ValueError(f"Unknown residual {residual!r}; choose one of {', '.join(RESIDUALS)}.")
    some = samples[jax.random.permutation(jax.random.key(0), samples.size)[:_VALIDATION_SAMPLES]]
    return RESIDUALS[residual](dynamics, scales, some)
