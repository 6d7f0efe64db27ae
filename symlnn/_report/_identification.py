"""An identification to files: index.html, report.json, identified.py and figures."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import scipy.signal
import sympy as sp
from matplotlib.figure import Figure

from .._files import replaced_folder
from .._identify import Identification, errors_over_horizon, force_residual, predictions, save_functions
from .._recover import Recovery, recover
from .._system import listed
from .._system_text import system_to_text
from ..plots import TRUTH, colours, plain, wrapped
from ._figures import WIDTH, label
from ._law import law_to_text
from ._mathml import equation
from ._page import templates
from ._results import Settings, settings_of, strict, to_text
from ._write import write_figures

FUNCTIONS = "functions.symlnn"
"""The file of networks beside `identified.py`."""
_CAPTIONS = {
    "functions": "The functions that were left open, over the range that 99 % of the data visit; bands are two "
    "standard errors. Dashed: how they go on, where the data say nothing. A potential, which is told up to a constant, "
    "is zero where its argument is nearest to zero.",
    "motions": "Held-out motions: measured (black), and predicted from smoothed states, one after another.",
    "horizon": "The error of predictions over their horizon: the median of all (solid) and the root mean square "
    "(dashed).",
    "force": "Left: the residual force M a − r along the first held-out run, filtered. Right: its spectrum over all.",
}


def write_identification(
    result: Identification, out: str | Path, *, command: str = "", law: Recovery | None = None
) -> None:
    """Write the report of an identification to a folder, whole or not at all. One that is there is replaced.

    `law` is what `recover_functions` found: its formulas stand beside the curves, and law.py beside `identified.py`.
    """
    settings = settings_of(seed=result.seed, command=command)
    with jax.enable_x64(True), replaced_folder(Path(out)) as folder:
        pictures = write_figures(_figures(result), folder / "figures")
        document = {"symlnn": settings.versions["symlnn"], **strict(result.to_json())}
        if law is not None:
            for name, formula in law.functions.items():
                document["functions"][name]["expression"] = str(formula)
            document["law"] = strict(law.to_json())
            (folder / "law.py").write_text(law_to_text(law))
        (folder / "report.json").write_text(to_text(document))
        (folder / "identified.py").write_text(declaration(result))
        if result.networks:
            save_functions(folder / FUNCTIONS, result.system, result.networks)
        (folder / "index.html").write_text(_page(result, settings, document, pictures, law))


def recover_functions(result: Identification) -> Recovery | None:
    """The functions that were left open as formulas, from the motions of the identification; None where there is none
    of one argument alone, or no formula among the candidates is a law."""
    if not result.functions or result.networks:
        return None
    values = {name: p.value for name, p in result.parameters.items() if p.declared != p.value}
    with jax.enable_x64(True), contextlib.suppress(ValueError):
        return recover(result.declared.with_parameters(values), result.motions, seed=result.seed)
    return None


def declaration(result: Identification) -> str:
    """The identified system as a .py file, with standard errors beside its parameters."""
    comments = {}
    for name, p in result.parameters.items():
        if not p.identifiable:
            comments[name] = "held: the data do not tell"
        elif p.at_bound:
            comments[name] = "at its bound"
        elif p.standard_error is not None:
            comments[name] = f"± {p.standard_error:.2g}"
    runs = len(result.motions)
    title = f"{result.declared.name}, as symlnn identified it from {runs} run{'s' * (runs > 1)}."
    if result.networks:
        title += f" {listed(sorted(result.networks))}, learned as networks, are in {FUNCTIONS}: load_functions."
    return system_to_text(result.system, comments, title)


def _page(
    result: Identification,
    settings: Settings,
    document: dict[str, Any],
    pictures: dict[str, str],
    law: Recovery | None,
) -> str:
    system = result.declared
    formulas = {} if law is None else law.functions
    acting = zip(system.q, system.generalized_forces, strict=True)
    forces = [(x.name, equation(system, force, left=sp.Symbol("Q"))) for x, force in acting if force != 0]
    slopes: dict[str, float] = {}
    for run in result.inspection.runs:
        slopes |= {f"{name} in {run.name}": slope for name, slope in run.velocity_slopes.items()}
    return (
        templates()
        .get_template("identification.html.jinja")
        .render(
            result=result,
            settings=settings,
            document=document,
            pictures=pictures,
            captions=_CAPTIONS,
            equation=equation(system, system.plain_lagrangian, left=sp.Symbol("L")),
            forces=forces,
            slopes=slopes,
            law=law,
            formulas=[equation(system, f, left=sp.Symbol(name)) for name, f in formulas.items()],
            verdict=_verdict(result),
        )
    )


def _verdict(result: Identification) -> list[str]:
    declared, identified = result.models["declared"], result.models["identified"]
    horizon = max(identified.median)
    pairs = zip(result.motions.coordinates, identified.median[horizon], declared.median[horizon], strict=True)
    begun = "at the start" if result.declared.unknown else "declared values"
    errors = ", ".join(f"{name} {found:.2g} ({begun}: {was:.2g})" for name, found, was in pairs)
    sentences = []
    if result.parameters:
        told = sum(p.identifiable and not p.at_bound for p in result.parameters.values())
        rest = "" if told == len(result.parameters) else "; the others are held or at a bound"
        sentences.append(f"The data tell {told} of {len(result.parameters)} free parameters{rest}.")
    if result.functions:
        sentences.append(f"Learned as functions: {', '.join(result.functions)}.")
    if result.networks:
        calls = ", ".join(f"{name}({', '.join(result.arguments(name))})" for name in result.networks)
        sentences.append(f"Learned as networks: {calls}.")
    sentences.append(f"Half of the held-out motions are predicted {horizon:g} s ahead to within {errors}.")
    return sentences


def _figures(result: Identification) -> dict[str, Callable[[], Figure | None]]:
    return {
        "functions": lambda: _functions(result),
        "motions": lambda: _motions(result),
        "horizon": lambda: _horizon(result),
        "force": lambda: _force(result),
    }


def _functions(result: Identification) -> Figure | None:
    if not result.functions:
        return None
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    axes = figure.subplots(1, len(result.functions), squeeze=False)[0]
    for ax, (name, curve) in zip(axes, result.functions.items(), strict=True):
        ax.plot(curve.grid, curve.values, color=TRUTH, lw=1.5)
        if curve.band is not None:
            low, high = curve.values - 2 * curve.band, curve.values + 2 * curve.band
            ax.fill_between(curve.grid, low, high, alpha=0.25, lw=0)
        for at, values in curve.beyond:
            ax.plot(at, values, color=TRUTH, lw=1.0, ls="--", alpha=0.6)
        ax.set_xlabel(curve.argument)
        ax.set_ylabel(plain(f"{name}({curve.argument})"))
    return figure


def _motions(result: Identification) -> Figure:
    run = result.held_out.runs[0]
    dof = len(result.motions.coordinates)
    figure = Figure(figsize=(WIDTH, 1.9 * dof + 0.6), layout="constrained")
    axes = figure.subplots(dof, 1, sharex=True, squeeze=False)[:, 0]
    shade = colours(list(result.models))
    along = {
        name: predictions(law, result.held_out.only([run]), result.choices) for name, law in result.dynamics.items()
    }
    for index, ax in enumerate(axes):
        angle = result.declared.is_angle[index]
        ax.plot(run.t, wrapped(run.q[:, index], angle), color=TRUTH, lw=2.0, label="measured")
        for name, pieces in along.items():
            for k, (t, q) in enumerate(pieces):
                ax.plot(t, wrapped(q[:, index], angle), color=shade[name], lw=1.0, label=None if k else name)
        ax.set_ylabel(label(result.declared, index))
    axes[0].legend(loc="upper right", ncols=3)
    axes[-1].set_xlabel("t (s)")
    return figure


def _horizon(result: Identification) -> Figure:
    dof = len(result.motions.coordinates)
    figure = Figure(figsize=(WIDTH, 1.9 * dof + 0.6), layout="constrained")
    axes = figure.subplots(dof, 1, sharex=True, squeeze=False)[:, 0]
    shade = colours(list(result.models))
    for name, law in result.dynamics.items():
        t, median, rms = errors_over_horizon(law, result.held_out, result.choices)
        for index, ax in enumerate(axes):
            # a gap where half of the predictions have failed
            ax.plot(
                t,
                np.where(np.isfinite(median[:, index]), median[:, index], np.nan),
                color=shade[name],
                lw=1.2,
                label=name,
            )
            ax.plot(t, np.where(np.isfinite(rms[:, index]), rms[:, index], np.nan), color=shade[name], lw=1.0, ls="--")
            ax.set_ylabel(f"error of {label(result.declared, index)}")
    for ax in axes:
        ax.set_yscale("log")
    axes[0].legend(loc="lower right", ncols=2)
    axes[-1].set_xlabel("horizon (s)")
    return figure


def _force(result: Identification) -> Figure | None:
    found: dict[str, Any] = {
        name: force_residual(law, result.held_out, result.choices.filter_hz) for name, law in result.dynamics.items()
    }
    found = {name: residuals for name, residuals in found.items() if residuals is not None}
    if not found:
        return None
    dof = len(result.motions.coordinates)
    figure = Figure(figsize=(WIDTH, 1.9 * dof + 0.6), layout="constrained")
    grid = figure.subplots(dof, 2, squeeze=False)
    shade = colours(list(result.models))
    for name, residuals in found.items():
        t, first = residuals[0]
        longest = max(residuals, key=lambda pair: len(pair[0]))
        rate = (len(longest[0]) - 1) / (longest[0][-1] - longest[0][0])
        frequency, power = scipy.signal.periodogram(longest[1], rate, axis=0)
        inside = (frequency > 0) & (frequency < 4 * result.choices.filter_hz)
        for index in range(dof):
            grid[index, 0].plot(t, first[:, index], color=shade[name], lw=0.9, label=name)
            grid[index, 1].semilogy(
                frequency[inside], np.maximum(power[inside, index], 1e-300), color=shade[name], lw=0.9
            )
            grid[index, 0].set_ylabel(f"force on {result.motions.coordinates[index]}")
    grid[0, 0].legend(loc="upper right", ncols=2)
    grid[-1, 0].set_xlabel("t (s)")
    grid[-1, 1].set_xlabel("frequency (Hz)")
    return figure
