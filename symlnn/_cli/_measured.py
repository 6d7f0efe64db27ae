"""The commands that begin with log files."""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import lazy_loader
import typer
from rich.table import Table

import symlnn

from .._catalogue_files import catalogue_names
from .._files import check_folder, locked
from ._app import AllowCode, Param, Seed, Set, SystemName, app, err_console, out_console, system_of
from ._names import BLACK_BOXES

jax: Any = lazy_loader.load("jax")

Data = Annotated[list[Path], typer.Option("--data", help="A recording: .csv, .txt, .parquet, .nc, .mat or .npz.")]
Columns = Annotated[Path | None, typer.Option(help="A TOML file: which column is what, in what unit.")]
ColumnNames = Annotated[
    list[str], typer.Option("--column", metavar="NAME=COLUMN", help="The column of one variable: theta=pos1, t=time.")
]

_NOISE_OF_MODELS = 0.03
"""The share of its accelerations that a trained model may well be wrong by, in a regular way."""


def _motions(
    system: "symlnn.System | None", files: list[Path], columns: Path | None, names: list[str]
) -> "symlnn.Motions":
    if columns is not None and names:
        raise ValueError("Give either --columns or --column, not both.")
    given = {}
    for text in names:
        name, separator, column = text.partition("=")
        if not (separator and name.strip() and column.strip()):
            raise ValueError(f"--column needs NAME=COLUMN, but was given {text!r}.")
        given[name.strip()] = column.strip()
    return symlnn.read_motions(list(files), system, columns or given)


@app.command()
def inspect(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE... [SYSTEM]", help="The recordings, and the system that they are of.")
    ],
    columns: Columns = None,
    column: ColumnNames = [],  # noqa: B006  typer reads the default
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """What is in log files: runs, rates, gaps, noise, velocities against derivatives, delays. Nothing is fitted."""
    systems = [name for name in files if name.endswith(".py") or name in catalogue_names()]
    if len(systems) > 1:
        raise ValueError(f"Give one system, not {', '.join(systems)}.")
    recordings = [Path(name) for name in files if name not in systems]
    if not recordings:
        raise ValueError("Give at least one recording.")
    found = symlnn.inspect(_motions(system_of(systems[0]) if systems else None, recordings, columns, column))
    typer.echo(json.dumps(found.to_json(), indent=1) if as_json else found.to_text(), nl=as_json)


@app.command()
def identify(
    context: typer.Context,
    system: SystemName,
    data: Data,
    columns: Columns = None,
    column: ColumnNames = [],  # noqa: B006
    free: Annotated[
        str | None, typer.Option(help="Parameters to identify, comma-separated; by default those declared free.")
    ] = None,
    hold_out: Annotated[
        str | None, typer.Option(help="Runs to test on, comma-separated; by default the last fifth.")
    ] = None,
    models: Annotated[
        str | None, typer.Option(help=f"Black boxes to compare with, comma-separated: {', '.join(BLACK_BOXES)}.")
    ] = None,
    seed: Seed = 0,
    quick: Annotated[bool, typer.Option("--quick", help="The weak form alone, without standard errors.")] = False,
    filter_hz: Annotated[float | None, typer.Option(help="The filter of the force errors, in Hz.")] = None,
    half_width: Annotated[float | None, typer.Option(help="Of the weak form's bumps, in seconds.")] = None,
    out: Annotated[Path, typer.Option("--out", help="The folder of the report.")] = Path("identification"),
    set_: Set = [],  # noqa: B006
    param: Param = [],  # noqa: B006
) -> None:
    """Measured motions to parameters with standard errors, and a report; identified.py in it is the law found."""
    check_folder(out)
    loaded = system_of(system, set_, param)
    context.with_resource(locked(out))
    motions = _motions(loaded, data, columns, column)
    with err_console.status("Reading") as status:
        result = symlnn.identify(
            loaded,
            motions,
            free=_names(free),
            hold_out=_names(hold_out),
            models=_names(models) or (),
            seed=seed,
            method=symlnn.Method(shooting=not quick, filter_hz=filter_hz, half_width=half_width),
            listener=status.update,
        )
        law = None
        if not quick:
            status.update("Formulas")
            law = symlnn.recover_functions(result)
        status.update("Writing the report")
        symlnn.write_identification(result, out, command=shlex.join(["symlnn", *sys.argv[1:]]), law=law)
    table = Table("parameter", "identified", "standard error", "declared", "unit", box=None)
    for name, p in result.parameters.items():
        error = "held" if not p.identifiable else "at bound" if p.at_bound else ""
        error = error or ("–" if p.standard_error is None else f"{p.standard_error:.2g}")
        table.add_row(name, f"{p.value:.5g}", error, f"{p.declared:.5g}", p.unit)
    out_console.print(table)
    for name, formula in (law.functions if law is not None else {}).items():
        out_console.print(f"{name} = {formula}", soft_wrap=True)
    for sentence in result.diagnosis:
        out_console.print(sentence, soft_wrap=True)
    out_console.print(f"Report: {out}/index.html; the law: {out}/identified.py", soft_wrap=True)


@app.command()
def recover(
    system: SystemName,
    data: Annotated[
        list[Path], typer.Option("--data", help="A recording: .csv, .txt, .parquet, .nc, .mat or .npz.")
    ] = [],  # noqa: B006
    model: Annotated[
        Path | None, typer.Option("--model", help="A trained model, whose accelerations are the data.")
    ] = None,
    columns: Columns = None,
    column: ColumnNames = [],  # noqa: B006
    samples: Annotated[int, typer.Option(help="With --model: the states, drawn from the declaration.", min=10)] = 600,
    most: Annotated[int, typer.Option(help="The candidate terms, at most.", min=1, max=1000)] = 120,
    half_width: Annotated[float | None, typer.Option(help="Of the windows, in seconds.")] = None,
    seed: Seed = 0,
    allow_code: AllowCode = False,
    out: Annotated[Path, typer.Option("--out", help="The declaration to write; its figures go beside it.")] = Path(
        "law.py"
    ),
    set_: Set = [],  # noqa: B006
    param: Param = [],  # noqa: B006
) -> None:
    """The law of measured motions, or of a trained model, in SymPy; law.py is a complete declaration."""
    if bool(data) == (model is not None):
        raise ValueError("Give either --data, recordings, or --model, a trained model.")
    if out.suffix != ".py":
        raise ValueError(f"--out must end in .py, a declaration, but is {out}.")
    loaded = system_of(system, set_, param)
    with jax.enable_x64(True), err_console.status("Recovering"):
        if model is None:
            observed: Any = _motions(loaded, data, columns, column)
        else:
            observed = _of_model(loaded, model, samples, seed, allow_code)
        terms = symlnn.dictionary(loaded, most=most)
        noise = {} if model is None else {"noise": _NOISE_OF_MODELS}
        found = symlnn.recover(loaded, observed, terms=terms, half_width=half_width, seed=seed, **noise)
        symlnn.write_law(found, out)
    table = Table("term", "coefficient", "standard error", "exact", box=None)
    for x in found.terms:
        of = x.term.of or ("force" if x.term.forces else "")
        error = "fixes the scale" if not x.standard_error else f"{x.standard_error:.2g}"
        name = f"{of}: {x.term.expression}" if of else str(x.term.expression)
        table.add_row(name, f"{x.coefficient:.6g}", error, "" if x.exact is None else str(x.exact))
    out_console.print(table)
    worth = "The law explains the data" if found.explained else "The law does not explain the data"
    out_console.print(
        f"{worth}: it leaves {found.residual:.2g} of the accelerations, where noise is {found.noise_floor:.2g}."
    )
    for sentence in found.diagnosis:
        out_console.print(sentence, soft_wrap=True)
    out_console.print(f"The law: {out}; its figures: {out.with_suffix('.json')}", soft_wrap=True)


def _of_model(system: "symlnn.System", path: Path, count: int, seed: int, allow_code: bool) -> "symlnn.Samples":
    """States of the declaration, with the accelerations of a trained model of it."""
    trained = symlnn.load_model(path, allow_code=allow_code)
    if trained.spec.system.q != system.q:
        raise ValueError(f"{path} is a model of {trained.spec.system.name}, whose coordinates are others.")
    states = symlnn.sample_states(system, count, key=jax.random.key(seed))
    return symlnn.Samples(states, symlnn.accelerations(trained.dynamics, states))


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]
