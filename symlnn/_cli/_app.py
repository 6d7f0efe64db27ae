"""The commands: each reads its arguments, calls one public function, and prints what came of it."""

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import lazy_loader
import typer
from rich.console import Console
from rich.table import Column, Table

import symlnn

from .._catalogue_files import catalogue_names, entry, system_path
from .._files import check_file, locked, write_file
from .._version import __version__
from ._distributed import Joining, joined
from ._names import ARCHITECTURE, LOSS, MODELS, RESIDUALS, SOLVERS
from ._options import (
    chosen,
    initial_states,
    parse_arguments,
    parse_assignments,
    parse_budget,
    parse_solver,
    resized,
)
from ._progress import TrainingBar
from ._template import TEMPLATE

jax: Any = lazy_loader.load("jax")

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
out_console = Console(markup=False)
err_console = Console(stderr=True, markup=False)

SystemName = Annotated[str, typer.Argument(metavar="SYSTEM", help="A catalogue name, or the path of a .py file.")]
Set = Annotated[
    list[str], typer.Option("--set", metavar="NAME=VALUE", help="An argument of the system's function: n=5.")
]
Param = Annotated[list[str], typer.Option("--param", metavar="NAME=VALUE", help="The value of a parameter: m1=2.0.")]
Seed = Annotated[int, typer.Option(help="The seed of everything random.", min=0, max=2**32 - 1)]


class FloatType(StrEnum):
    """The floating-point types of --precision."""

    float64 = "float64"
    float32 = "float32"


Precision = Annotated[FloatType, typer.Option(help="Floating-point type of data and models.")]
Out = Annotated[Path, typer.Option("--out", help="Where to write.")]
_OWN = "by default the model's own"
Width = Annotated[int | None, typer.Option(help=f"Units of each hidden layer; {_OWN}, {ARCHITECTURE['width']}.")]
Depth = Annotated[int | None, typer.Option(help=f"Hidden layers; {_OWN}, {ARCHITECTURE['depth']}.")]
Activation = Annotated[
    str | None,
    typer.Option(help=f"softplus, silu, gelu, tanh, sigmoid, relu2, relu3; {_OWN}, {ARCHITECTURE['activation']}."),
]
Initialization = Annotated[
    str | None, typer.Option(help=f"lecun, glorot, he or cranmer; {_OWN}, {ARCHITECTURE['initialization']}.")
]
Seconds = Annotated[float | None, typer.Option(help="Training budget of each model in seconds.")]
Steps = Annotated[str | None, typer.Option(metavar="N|N+M", help="Training budget in steps, in all or by stage.")]
AllowCode = Annotated[
    bool, typer.Option("--allow-code", help="Execute the .py file that a model file names, if it was trained from one.")
]
DataFile = Annotated[Path | None, typer.Option(help="A data set to train on, instead of fresh states.")]


def system_of(
    name: str,
    arguments: list[str] | None = None,
    parameters: list[str] | None = None,
    precision: FloatType = FloatType.float64,
) -> "symlnn.System":
    given, values = parse_arguments("--set", arguments or []), parse_assignments("--param", parameters or [])
    system_path(name)  # what there is not is said before anything heavy is imported
    jax.config.update("jax_enable_x64", precision is FloatType.float64)
    system = symlnn.load_system(name, **given)
    return system.with_parameters(values) if values else system


def _claim(context: typer.Context, out: Path) -> None:
    """Refuse a file that cannot be written, and keep other runs from it until this command ends."""
    check_file(out)
    context.with_resource(locked(out))


def _print_version(asked: bool) -> None:
    if asked:
        out_console.print(f"symlnn {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
    # taken by `main`, wherever it stands; declared here for --help
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error, with any command.")] = False,
) -> None:
    """Symbolic and learned mechanics, joined: from a SymPy Lagrangian to a validation report."""


@app.command("list")
def list_systems() -> None:
    """The catalogue by groups: name, degrees of freedom, a line each."""
    table = Table(Column("name", no_wrap=True), "dof", "what it is", box=None)
    found = {name: entry(system_path(name)) for name in catalogue_names()}
    for group in sorted({said.group for said in found.values()}):
        table.add_row(group, style="bold")
        for name, said in found.items():
            if said.group == group:
                dof = "–" if said.dof is None else str(said.dof)
                dof = f"by {said.arguments[0]}" if said.arguments else dof
                table.add_row(f"  {name}", dof, said.summary)
    out_console.print(table)


@app.command()
def new(
    path: Annotated[Path, typer.Argument(help="The file to write, ending in .py.")],
    robot: Annotated[
        Path | None, typer.Option("--from", metavar="ROBOT", help="A robot in MJCF or URDF, to be declared.")
    ] = None,
) -> None:
    """Write a declaration that already runs: a commented one to start from, or that of a robot."""
    if path.suffix != ".py":
        raise ValueError(f"{path} must end in .py.")
    if path.exists() or path.is_symlink():
        raise ValueError(f"{path} exists: name another file, so that nothing is lost.")
    name = "".join(c if c.isalnum() and c.isascii() else "_" for c in path.stem)
    name = name if name[:1].isalpha() else f"system_{name}"
    if robot is None:
        declaration = TEMPLATE.replace("NAME", name)
    else:
        system = symlnn.System.from_mjcf(robot, name=name)
        declaration = symlnn.system_to_text(system, {}, f"{name}, from {robot.name}.")
    write_file(path, declaration.encode())
    out_console.print(f"Wrote {path}. Now: symlnn validate {path} --quick --out report", soft_wrap=True)


@app.command()
def derive(
    system: SystemName,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    as_latex: Annotated[bool, typer.Option("--latex", help="As LaTeX.")] = False,
    set_: Set = [],  # noqa: B006  typer reads the default
    param: Param = [],  # noqa: B006
) -> None:
    """The Lagrangian, mass matrix, equations of motion, energy, momenta and conserved quantities.

    Of a field also its density, field equations and conserved currents.
    """
    if as_json and as_latex:
        raise ValueError("Give either --json or --latex, not both.")
    loaded, field = system_of(system, set_, param), symlnn.load_field(system)
    if as_json:
        typer.echo(json.dumps(symlnn.derivation(loaded, field), indent=1))
    else:
        typer.echo(symlnn.derivation_latex(loaded) if as_latex else symlnn.derivation_text(loaded, field))


@app.command()
def generate(
    context: typer.Context,
    system: SystemName,
    out: Out,
    samples: Annotated[int | None, typer.Option(help="States with their accelerations.")] = None,
    trajectories: Annotated[int | None, typer.Option(help="Motions, instead of --samples.")] = None,
    duration: Annotated[float | None, typer.Option(help="Seconds of each motion.")] = None,
    rate: Annotated[float | None, typer.Option(help="Instants per second of a motion, in all 500 by default.")] = None,
    noise: Annotated[
        float, typer.Option(help="Gaussian noise of a motion, as a share of each variable's spread.")
    ] = 0.0,
    seed: Seed = 0,
    set_: Set = [],  # noqa: B006
    param: Param = [],  # noqa: B006
    precision: Precision = FloatType.float64,
) -> None:
    """A data set: random states with their accelerations, or trajectories."""
    _claim(context, out)
    if (samples is None) == (trajectories is None):
        raise ValueError("Give either --samples N or --trajectories K.")
    loaded = system_of(system, set_, param, precision)
    if samples is not None:
        if noise or duration is not None:
            raise ValueError("--noise and --duration go with --trajectories.")
        dataset = symlnn.generate(loaded, samples, seed=seed)
    else:
        assert trajectories is not None
        dataset = symlnn.generate_trajectories(
            loaded, trajectories, duration=duration, rate=rate, noise=noise, seed=seed
        )
    symlnn.save_dataset(out, dataset)
    sizes = ", ".join(
        f"{size} {name}" for name, size in dataset.sizes.items() if name in ("sample", "trajectory", "time")
    )
    out_console.print(f"Wrote {out}: {sizes}.", soft_wrap=True)


@app.command()
def train(
    context: typer.Context,
    system: SystemName,
    out: Out,
    model: Annotated[str, typer.Option(help=f"{', '.join(MODELS)}, or a .py file with MODEL.")] = "lnn",
    data: DataFile = None,
    seconds: Seconds = None,
    steps: Steps = None,
    width: Width = None,
    depth: Depth = None,
    activation: Activation = None,
    initialization: Initialization = None,
    optimizer: Annotated[
        str | None, typer.Option(help=f"First-order optimiser: muon, adam, adamw, lion or sgd; {_OWN}, muon.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Its peak learning rate.")] = None,
    loss: Annotated[str | None, typer.Option(help=f"Its loss, l1 or l2; {_OWN}, {LOSS}.")] = None,
    residual: Annotated[
        str | None, typer.Option(help=f"What is made small: {', '.join(RESIDUALS)}; by default the model's own.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint beside --out.")] = False,
    distributed: Annotated[
        bool, typer.Option("--distributed", help="One of several processes, as SLURM or Open MPI started them.")
    ] = False,
    coordinator: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where the first of several processes listens.")
    ] = None,
    processes: Annotated[int | None, typer.Option(min=1, help="How many there are.")] = None,
    process: Annotated[int | None, typer.Option(min=0, help="Which one this is, from 0.")] = None,
    seed: Seed = 0,
    set_: Set = [],  # noqa: B006
    param: Param = [],  # noqa: B006
    precision: Precision = FloatType.float64,
) -> None:
    """Train a model and save it; a checkpoint beside it allows --resume after an interruption.

    Several processes train one model, each with a share of every batch. All are given the same command, and the first
    one writes: the others have to see its folder only to --resume.
    """
    with joined(Joining(distributed, coordinator, processes, process)) as first:
        if first:
            _claim(context, out)
        loaded = system_of(system, set_, param, precision)
        sizes = chosen(width=width, depth=depth, activation=activation, initialization=initialization)
        dataset = None if data is None else symlnn.load_dataset(data, loaded)
        checkpoint = out.with_name(out.name + ".checkpoint")
        if resume and not checkpoint.is_file():
            raise ValueError(f"There is no checkpoint {checkpoint} to resume from: start without --resume.")
        trained = resized(symlnn.find_model(model, **chosen(residual=residual)), sizes)
        if first_order := chosen(optimizer=optimizer, learning_rate=learning_rate, loss=loss):
            stages = (symlnn.FirstOrder(**first_order), symlnn.GaussNewton())
            trained = replace(trained, recipe=symlnn.Recipe(stages=stages))
        with TrainingBar(err_console) as bar:
            learned = symlnn.learn(
                loaded,
                trained,
                data=dataset,
                budget=parse_budget(seconds, steps),
                seed=seed,
                monitor=symlnn.Monitor(
                    checkpoint=symlnn.Checkpoint(checkpoint, resume),
                    listener=lambda progress: bar.update(f"Training {model}", progress) if first else None,
                ),
            )
        if first:
            _keep(learned, out, checkpoint)


def _keep(learned: "symlnn.Learned", out: Path, checkpoint: Path) -> None:
    """Write a trained model, and say how its training ended."""
    fit = learned.fit
    if not fit.history.error:
        raise KeyboardInterrupt  # before the first step
    symlnn.save_model(out, learned.model)
    best = f"{fit.lowest:.3g}"
    if fit.interrupted:
        out_console.print(
            f"Interrupted. Wrote {out} as it stands (relative error {best}); --resume goes on.",
            soft_wrap=True,
        )
        raise KeyboardInterrupt
    if not fit.successful:
        raise RuntimeError(f"{fit.message or symlnn.RESULTS[fit.result]} Wrote {out} with the best parameters before.")
    checkpoint.unlink(missing_ok=True)
    out_console.print(
        f"Wrote {out}: relative error of the accelerations {best} after {sum(fit.steps)} steps, {fit.seconds:.1f} s.",
        soft_wrap=True,
    )


@app.command()
def simulate(
    context: typer.Context,
    system: SystemName,
    out: Out,
    model: Annotated[Path | None, typer.Option(help="A trained model; the analytic system if not given.")] = None,
    allow_code: AllowCode = False,
    duration: Annotated[float | None, typer.Option(help="Seconds; the system's own if not given.")] = None,
    rate: Annotated[float | None, typer.Option(help="Instants per second, in all 500 by default.")] = None,
    initial: Annotated[
        list[str], typer.Option(metavar="NAME=VALUE", help="theta1=1.2, theta1_dot=0; others are drawn.")
    ] = [],  # noqa: B006
    trajectories: Annotated[int, typer.Option(help="How many motions.")] = 1,
    solver: Annotated[str, typer.Option(help=f"{', '.join(SOLVERS)}; the last two need --step.")] = SOLVERS[0],
    step: Annotated[float | None, typer.Option(help="A constant step of the solver, in seconds.")] = None,
    rtol: Annotated[float | None, typer.Option(help="Tolerance of the solver.")] = None,
    seed: Seed = 0,
    set_: Set = [],  # noqa: B006
    param: Param = [],  # noqa: B006
    precision: Precision = FloatType.float64,
) -> None:
    """A roll-out of the analytic system or of a trained model."""
    _claim(context, out)
    loaded = system_of(system, set_, param, precision)
    trained = None if model is None else symlnn.load_model(model, allow_code=allow_code)
    if trained is not None:
        loaded.require_same(trained.spec.system, f"{model} is a model", "Name the system that it was trained on.")
    dataset = symlnn.generate_trajectories(
        loaded,
        initial_states(loaded, trajectories, parse_assignments("--initial", initial), seed),
        duration=duration,
        rate=rate,
        seed=seed,
        dynamics=None if trained is None else trained.dynamics,
        integrator=symlnn.Integrator(parse_solver(solver), rtol=rtol, step=step),
    )
    failed = int((dataset["successful"] == 0).sum())
    if failed == trajectories:
        raise RuntimeError(f"none of the {trajectories} roll-outs reached its end: {dataset['result'].values[0]}")
    symlnn.save_dataset(out, dataset)
    out_console.print(f"Wrote {out}: {trajectories} roll-outs, {failed} failed.", soft_wrap=True)


@app.command()
def validate(
    system: SystemName,
    out: Out = Path("report"),
    models: Annotated[str, typer.Option(help="Comma-separated: names, .py files with MODEL, .eqx files.")] = "lnn,nn",
    allow_code: AllowCode = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="A complete report in about a minute, with little training.")
    ] = False,
    seconds: Seconds = None,
    steps: Steps = None,
    seeds: Annotated[int, typer.Option(help="Train each model with so many seeds.")] = 1,
    data: DataFile = None,
    width: Width = None,
    depth: Depth = None,
    activation: Activation = None,
    initialization: Initialization = None,
    seed: Seed = 0,
    set_: Set = [],  # noqa: B006
    param: Param = [],  # noqa: B006
    precision: Precision = FloatType.float64,
) -> None:
    """The main job: derive, cross-check, generate, train, roll out, compare, report."""
    loaded = system_of(system, set_, param, precision)
    sizes = chosen(width=width, depth=depth, activation=activation, initialization=initialization)
    effort = replace(symlnn.QUICK if quick else symlnn.Effort(recover=True), seeds=seeds)
    budget = parse_budget(seconds, steps)
    with TrainingBar(err_console) as bar:
        result = symlnn.validate(
            loaded,
            _candidates(models, sizes, allow_code),
            out=out,
            effort=effort if budget is None else replace(effort, budget=budget),
            seed=seed,
            data=data,
            command=shlex.join(["symlnn", *sys.argv[1:]]),
            listener=bar.update,
        )
    check = result.check
    table = Table("model", "l1_sum", "relative", "energy mean", "median", "failed", box=None)
    for row in result.models:
        spread = row.motion.spread
        table.add_row(
            row.name,
            f"{row.acceleration.l1_sum:.3g}",
            f"{row.acceleration.relative_rms:.3g}",
            f"{spread.final_mean:.3g}",
            f"{spread.final_median:.3g}",
            f"{spread.failed}/{spread.trajectories}",
        )
    out_console.print(table)
    out_console.print(
        f"Symbolic against automatic differentiation: {check.max_relative_error:.1e}. Report: {out}/index.html",
        soft_wrap=True,
    )


def _candidates(models: str, sizes: Mapping[str, Any], allow_code: bool) -> dict[str, Any]:
    """Each model by its name in the report; those to be trained with these sizes, where they were given."""
    candidates: dict[str, Any] = {}
    for source in (name.strip() for name in models.split(",")):
        if not source:
            continue
        name = Path(source).stem if source.endswith((".eqx", ".py")) else source
        if name in candidates:
            raise ValueError(f"Two models are called {name!r}: rename one of the files.")
        if source.endswith(".eqx"):
            candidates[name] = symlnn.load_model(source, allow_code=allow_code)
        else:
            candidates[name] = resized(symlnn.find_model(source), sizes)
    return candidates
