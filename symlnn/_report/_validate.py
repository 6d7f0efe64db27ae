"""`validate`: the main job, from a declaration to a report."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .._data import load_dataset
from .._models import Architecture, ModelSpec, load_model, load_spec
from .._system import System
from ._examine import Candidate, Effort, Progress, examine
from ._folder import check_folder
from ._results import Validation, settings_of
from ._write import write_report

DEFAULT = Effort(seconds=60.0)
QUICK = Effort(seconds=9.0, test_states=20_000)


def validate(
    system: System,
    models: Sequence[str] = ("lnn", "nn"),
    *,
    out: str | Path,
    quick: bool = False,
    seconds: float | None = None,
    steps: int | Sequence[int] | None = None,
    seed: int = 0,
    seeds: int = 1,
    data: str | Path | None = None,
    architecture: Architecture | None = None,
    command: str = "",
    progress: Progress = lambda doing, report: None,
) -> Validation:
    """Derive, cross-check, generate, train, roll out, compare, and write a report to the folder `out`.

    `models` are names of built-in models, paths of `.py` files that define `MODEL`, or paths of `.eqx` files of trained
    models. Each gets the same budget: `seconds` of training (60, or 9 with `quick`), or `steps`. With `seeds` above 1
    each is trained so many times, and the spread of its headline figures is reported. `data` is a data set to train
    on in place of fresh states. Run it in float64 (`jax_enable_x64`) unless float32 is the point.

    Raises `ValueError` for what is wrong with the arguments, before anything is computed.
    """
    out = Path(out)
    check_folder(out)
    if not models:
        raise ValueError("validate needs at least one model: models=('lnn', 'nn').")
    if seeds < 1:
        raise ValueError(f"seeds must be at least 1, but is {seeds}.")
    if seconds is not None and steps is not None:
        raise ValueError("Give either seconds or steps as the training budget, not both.")
    dataset = None if data is None else load_dataset(data, system)
    effort = QUICK if quick else DEFAULT
    validation = examine(
        system,
        {name: Candidate(source, architecture) for name, source in _candidates(system, models).items()},
        effort=effort if seconds is None else replace(effort, seconds=seconds),
        settings=settings_of(seed=seed, quick=quick, command=command, data=data),
        steps=steps,
        seeds=seeds,
        data=dataset,
        progress=progress,
    )
    progress("Writing the report", None)
    write_report(validation, out)
    return validation


def _candidates(system: System, models: Sequence[str]) -> dict[str, str]:
    """Each model's name in the report, and where it comes from; wrong ones are found before anything is computed."""
    named: dict[str, str] = {}
    for source in models:
        if source.endswith(".eqx"):
            spec = load_spec(source)
            if (spec.system.q, spec.system.m) != (system.q, system.m):
                raise ValueError(
                    f"{source} is a model of {spec.system.name}, with other coordinates or varying parameters than "
                    f"{system.name}: name a model that was trained on this system."
                )
            load_model(source)
        else:
            ModelSpec.check(source)
        name = Path(source).stem if source.endswith((".eqx", ".py")) else source
        if name in named:
            raise ValueError(f"Two models are called {name!r}: rename one of the files.")
        named[name] = source
    return named
