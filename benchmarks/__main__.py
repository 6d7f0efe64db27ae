"""`python -m benchmarks NAME [--json FILE]`: run one benchmark and print its rows."""

import json
from pathlib import Path
from typing import Annotated

import jax
import typer
from rich.console import Console
from rich.table import Table

from . import euler_lagrange

BENCHMARKS = {"euler_lagrange": euler_lagrange}


def main(
    name: Annotated[str, typer.Argument(help=", ".join(BENCHMARKS))],
    json_: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the rows here too.")] = None,
) -> None:
    """Run one benchmark."""
    if name not in BENCHMARKS:
        raise typer.BadParameter(f"unknown benchmark {name!r}; there are: {', '.join(BENCHMARKS)}", param_hint="NAME")
    benchmark = BENCHMARKS[name]
    rows = benchmark.run()
    title = (benchmark.__doc__ or "").split("\n", 1)[0]
    table = Table(
        *(name.replace("_", "\n") for name in rows[0]),
        box=None,
        title=title,
        title_justify="left",
    )
    for row in rows:
        table.add_row(*(f"{value:.3g}" if isinstance(value, float) else str(value) for value in row.values()))
    Console().print(table)
    if json_ is not None:
        json_.write_text(json.dumps({"device": jax.default_backend(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
