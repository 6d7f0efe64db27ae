"""`python -m benchmarks NAME [--json FILE]`, or `--all`: run benchmarks and print their rows; `--page FILE`: tell of
them in docs/performance.md."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from . import (
    derivation,
    euler_lagrange,
    lattice_scaling,
    long_motions,
    optimizers,
    rollouts,
    steps,
    time_to_accuracy,
    wild_states,
)
from ._page import cell, machine, page, read

BENCHMARKS = {
    "time_to_accuracy": time_to_accuracy,
    "optimizers": optimizers,
    "steps": steps,
    "euler_lagrange": euler_lagrange,
    "derivation": derivation,
    "rollouts": rollouts,
    "long_motions": long_motions,
    "lattice_scaling": lattice_scaling,
    "wild_states": wild_states,
}
_PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


def main(
    name: Annotated[str | None, typer.Argument(help=", ".join(BENCHMARKS))] = None,
    all_: Annotated[bool, typer.Option("--all", help="Run all of them, each in a process of its own.")] = False,
    json_: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Keep the rows here too, beside those of others.")
    ] = None,
    page_: Annotated[
        Path | None, typer.Option("--page", metavar="FILE", help="Write docs/performance.md from such a file.")
    ] = None,
) -> None:
    """Run one benchmark, or all."""
    if page_ is not None:
        _PAGE.write_text(page(read(page_), BENCHMARKS))
        return
    if all_:
        for each in BENCHMARKS:
            keeping = [] if json_ is None else ["--json", str(json_)]
            subprocess.run([sys.executable, "-m", "benchmarks", each, *keeping], check=True)
        return
    if name not in BENCHMARKS:
        raise typer.BadParameter(f"unknown benchmark {name!r}; there are: {', '.join(BENCHMARKS)}", param_hint="NAME")
    result = BENCHMARKS[name].run()
    _show(name, result)
    if json_ is not None:
        kept = read(json_) if json_.is_file() else {}
        json_.write_text(json.dumps(kept | {name: {"machine": machine(), **result}}, indent=1) + "\n")


def _show(name: str, result: dict[str, Any]) -> None:
    title = (BENCHMARKS[name].__doc__ or "").split("\n", 1)[0]
    table = Table(*(key.replace("_", "\n") for key in result["rows"][0]), box=None, title=title, title_justify="left")
    for row in result["rows"]:
        table.add_row(*map(cell, row.values()))
    Console().print(table)
    for key, value in result.items():
        if key != "rows":
            Console().print(f"{key}: {cell(value)}")


if __name__ == "__main__":
    typer.run(main)
