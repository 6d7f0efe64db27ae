"""`validate`: the main job, from a declaration to a report."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr

from .._data import load_dataset
from .._files import check_folder, locked
from .._system import System
from .._types import Samples
from ._examine import Candidate, Effort, ReportListener, examine, named
from ._results import Validation, settings_of
from ._write import write_report


def validate(
    system: System,
    models: Mapping[str, Candidate] | Sequence[Candidate] = ("lnn", "nn"),
    *,
    out: str | Path,
    effort: Effort | None = None,
    data: xr.Dataset | Samples | str | Path | None = None,
    seed: int = 0,
    command: str = "",
    listener: ReportListener = lambda doing, progress: None,
) -> Validation:
    """Derive, cross-check, generate, train, roll out, compare, and write a report to the folder `out`.

    `models` are models to be trained or trained ones, see `Candidate`, or a dict that gives each the name that the
    report calls it by. Each gets the same budget of training: that of the `effort`, 60 seconds unless it is given.
    `data` is a data set, or the file of one, to train on in place of fresh states. Run it in float64
    (`jax_enable_x64`) unless float32 is the point.

    Raises `ValueError` for what is wrong with the arguments, before anything is computed.
    """
    out, effort = Path(out), effort or Effort()
    if not models:
        raise ValueError("validate needs at least one model: models=('lnn', 'nn').")
    check_folder(out)
    with locked(out):
        file = data if isinstance(data, str | Path) else None
        dataset = load_dataset(data, system) if isinstance(data, str | Path) else data
        validation = examine(
            system,
            named(system, models),
            effort=effort,
            settings=settings_of(seed=seed, quick=effort.quick, command=command, data=file),
            data=dataset,
            listener=listener,
        )
        listener("Writing the report", None)
        write_report(validation, out)
    return validation
