"""A member of an ensemble as a report measures a model."""

import dataclasses

from symlnn import Ensemble, ModelSpec, Recipe
from symlnn._report import Bench, ModelResult, judge


def judge_member(
    name: str,
    spec: ModelSpec,
    bench: Bench,
    ensemble: Ensemble,
    member: int,
    recipe: Recipe,
    residual: str | None = None,
) -> ModelResult:
    """All figures of one member; its training time is that of all members together."""
    result = judge(name, spec, bench, ensemble.members[member], None, residual)
    return dataclasses.replace(
        result,
        states_seen=sum(n * stage.batch for n, stage in zip(ensemble.steps, recipe.stages, strict=True)),
        train_seconds=float(ensemble.seconds[-1]),
        steps=ensemble.steps,
    )
