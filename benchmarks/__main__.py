"""`python -m benchmarks NAME [--json FILE]`: run one benchmark and print its rows."""

import json
from pathlib import Path
from typing import Annotated

import jax
import typer
from rich.console import Console
from rich.table import Table

from . import derivation, euler_lagrange, lattice_scaling, long_motions, rollouts, time_to_accuracy, wild_states

BENCHMARKS = {
    "derivation": derivation,
    "euler_lagrange": euler_lagrange,
    "lattice_scaling": lattice_scaling,
    "long_motions": long_motions,
    "rollouts": rollouts,
    "time_to_accuracy": time_to_accuracy,
    "wild_states": wild_states,
}


def main(
    name: Annotated[str, typer.Argument(help=", ".join(BENCHMARKS))],
    json_: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the rows here too.")] = None,
) -> None:
    """Run one benchmark."""
    if name not in BENCHMARKS:
        raise typer.BadParameter(f"unknown benchmark {name!r}; there are: {', '.join(BENCHMARKS)}", param_hint="NAME")
    benchmark = BENCHMARKS[name]
    result = benchmark.run()
    rows = result["rows"]
    title = (benchmark.__doc__ or "").split("\n", 1)[0]
    table = Table(*(name.replace("_", "\n") for name in rows[0]), box=None, title=title, title_justify="left")
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    Console().print(table)
    for name, value in result.items():
        if name != "rows":
            Console().print(f"{name}: {_cell(value)}")
    if json_ is not None:
        json_.write_text(json.dumps({"device": jax.default_backend(), **result}, indent=1) + "\n")


def _cell(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else "–" if value is None else str(value)


if __name__ == "__main__":
    typer.run(main)
