"""`python -m validation NAME [--quick | --full] [--seed N] --out DIR`: run one study and write its report."""

import contextlib
import dataclasses
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Annotated

import jax
import typer
from rich.console import Console
from rich.table import Table

from symlnn import Progress
from symlnn.report import check_folder, locked, settings_of

from . import (
    activations,
    constrained_pendulums,
    coordinates,
    double_pendulum,
    initialisation,
    lattices,
    measured_double_pendulum,
    noise,
    recovery,
    relativistic_particle,
    robot_arm,
    torque_driven,
    unknown_functions,
    wave_equation,
)
from ._study import Mode
from ._write import Report, cell

STUDIES: Mapping[str, ModuleType] = {
    "double_pendulum": double_pendulum,
    "relativistic_particle": relativistic_particle,
    "coordinates": coordinates,
    "activations": activations,
    "initialisation": initialisation,
    "wave_equation": wave_equation,
    "lattices": lattices,
    "measured_double_pendulum": measured_double_pendulum,
    "unknown_functions": unknown_functions,
    "noise": noise,
    "recovery": recovery,
    "constrained_pendulums": constrained_pendulums,
    "torque_driven": torque_driven,
    "robot_arm": robot_arm,
}
"""The studies by name: each is a file with a frozen `CONFIG` for every mode, `CLAIMS`, and a function `run`."""
MEASURED = ("measured_double_pendulum",)
"""Those of measured data, which are not part of this repository."""


def _list(asked: bool) -> None:
    if asked:
        table = Table(box=None, show_header=False)
        for name, study in STUDIES.items():
            table.add_row(name, (study.__doc__ or "").split("\n", 1)[0])
        Console().print(table)
        raise typer.Exit


def _commit() -> dict[str, str]:
    """The commit of this checkout, marked where files have been changed since; nothing outside of one."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        return {"commit": subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()}
    return {}


def main(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help=", ".join(STUDIES))],
    out: Annotated[Path, typer.Option("--out", help="The folder of the report.")],
    quick: Annotated[bool, typer.Option("--quick", help="At most two minutes, to see that everything works.")] = False,
    full: Annotated[
        bool, typer.Option("--full", help="For a GPU or an evening; with the paper's own network.")
    ] = False,
    seed: Annotated[int, typer.Option(help="The seed of everything random.", min=0)] = 0,
    data: Annotated[Path | None, typer.Option(help=f"The folder of the recordings, for {', '.join(MEASURED)}.")] = None,
    list_: Annotated[bool, typer.Option("--list", callback=_list, is_eager=True, help="The studies.")] = False,
) -> None:
    """Run a study: a published result, measured anew, as a report."""
    if name not in STUDIES:
        raise typer.BadParameter(f"there is no study {name!r}; there are: {', '.join(STUDIES)}", param_hint="NAME")
    if quick and full:
        raise typer.BadParameter("give either --quick or --full, not both", param_hint="--quick")
    if (name in MEASURED) != (data is not None):
        needs = "needs the folder of the recordings" if data is None else "takes no data"
        raise typer.BadParameter(f"the study {name} {needs}", param_hint="--data")
    if data is not None and not any(data.glob("*.csv")):
        raise typer.BadParameter(f"{data} holds no .csv file: name the folder of the recordings", param_hint="--data")
    try:
        check_folder(out)
        context.with_resource(locked(out))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--out") from error
    jax.config.update("jax_enable_x64", True)
    mode = Mode.quick if quick else Mode.full if full else Mode.default
    module, console, begin = STUDIES[name], Console(), time.monotonic()
    with Console(stderr=True).status("Starting") as status:

        def listener(doing: str, progress: Progress | None) -> None:
            state = "" if progress is None else f": {progress.share:.0%}, error {progress.error:.2e}"
            status.update(doing + state)

        command = shlex.join(["python", "-m", "validation", *sys.argv[1:]])
        settings = settings_of(seed=seed, quick=quick, command=command)
        settings = dataclasses.replace(settings, versions={**settings.versions, **_commit()})
        config = module.CONFIG[mode] if data is None else dataclasses.replace(module.CONFIG[mode], data=data)
        study = module.run(config, settings, listener)
        listener("Writing the report", None)
        figures = Report(module, study, settings, mode).write(out)
    table = Table("claim", "paper", "here", "unit", "holds", box=None)
    for entry in figures["paper"]:
        table.add_row(*map(cell, entry.values()))
    console.print(table)
    console.print(f"Wrote {out / 'index.html'} after {time.monotonic() - begin:.0f} s.", soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)
