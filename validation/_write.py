"""A study to files: index.html, report.json, tables.md, models, data and figures."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from symlnn import save_dataset
from symlnn.plots import STYLE, colours, shades
from symlnn.report import (
    equation,
    number,
    replaced_folder,
    results_table,
    templates,
    to_text,
    write_data,
    write_figures,
    write_models,
)

from ._study import Animation, Cell, Equation, Picture, Results, Section, Study, Table


def write_study(study: Study, out: Path) -> None:
    """Write the whole report to `out`, or nothing. An existing report there is replaced."""
    with replaced_folder(out) as folder:
        pictures = write_figures(_draw(study), folder / "figures")
        for validation in study.validations:
            place = folder if len(study.validations) == 1 else folder / validation.system.name
            place.mkdir(exist_ok=True)
            write_models(validation, place / "models")
            write_data(validation, place / "data")
        for name, dataset in study.data.items():
            (folder / "data").mkdir(exist_ok=True)
            save_dataset(folder / "data" / f"{name}.nc", dataset)
        (folder / "report.json").write_text(to_text(study.to_json()))
        (folder / "tables.md").write_text(markdown(study))
        (folder / "index.html").write_text(_page(study, pictures))


def _draw(study: Study) -> Iterator[tuple[str, Figure]]:
    for section in study.sections:
        for block in section.blocks:
            if not isinstance(block, Picture):
                continue
            with mpl.rc_context(dict(STYLE)):
                figure = block.draw()
                if figure is not None:
                    yield block.name, figure


def cell(value: Cell) -> str:
    """A cell as text."""
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else number(value)


def _page(study: Study, pictures: dict[str, str]) -> str:
    environment = templates(Path(__file__).parent)
    environment.filters["cell"] = cell
    environment.filters["verdict"] = verdict
    environment.filters["kind"] = lambda block: type(block).__name__
    environment.filters["colours"] = lambda validation: colours([model.name for model in validation.models])
    environment.filters["frames"] = _frames
    environment.filters["results"] = results_table
    environment.filters["mathematics"] = lambda e: equation(e.system, e.right, left=e.left)
    return environment.get_template("study.html.jinja").render(study=study, pictures=pictures)


def _frames(animation: Animation) -> str:
    """The curves as JSON for the canvas, to three digits of the largest value."""
    shade = shades(list(animation.curves))
    largest = float(np.abs(next(iter(animation.curves.values()))).max())
    curves = [
        {"name": name, "colour": shade[name], "rows": np.clip(np.nan_to_num(rows / largest), -2, 2).round(3).tolist()}
        for name, rows in animation.curves.items()
    ]
    return json.dumps({"curves": curves, "times": animation.times.round(4).tolist()}).replace("<", "\\u003c")


def verdict(holds: bool | None) -> str:
    """Whether a claim holds, as a word."""
    return "–" if holds is None else "yes" if holds else "no"


def markdown(study: Study) -> str:
    """The claims and tables as Markdown, to be kept in docs/."""
    lines = [f"# {study.title}", "", *(f"{sentence}\n" for sentence in study.summary)]
    settings = study.settings
    made = ", ".join(f"{name} {version}" for name, version in settings.versions.items())
    lines += [f"Made by `{settings.command}` ({settings.precision}, {settings.device}; {made}).", ""]
    columns = ("claim", "paper", "here", "unit", "holds")
    claims = [(c.claim, c.paper, c.here, c.unit, verdict(c.holds)) for c in study.claims]
    lines += ["## Paper and here", "", *_rows(columns, claims), ""]
    lines += ["Differences in set-up:", "", *(f"- {difference}" for difference in study.differences), ""]
    for section in study.sections:
        body = list(_section(section))
        if body:
            lines += [f"## {section.title}", "", *body]
    return "\n".join(lines).rstrip() + "\n"


def _section(section: Section) -> Iterator[str]:
    for block in section.blocks:
        match block:
            case str():
                yield from (block, "")
            case Table(columns, rows, caption):
                yield from (*_rows(columns, rows), "")
                if caption:
                    yield from (caption, "")
            case Equation(_, left, right):
                yield from (f"    {left} = {right}", "")
            case Results(validation):
                names = [model.name for model in validation.models]
                rows = [(row.name, *(text for text, _ in row.cells), row.oracle) for row in results_table(validation)]
                yield from (*_rows((f"{validation.system.name}", *names, "analytic"), rows), "")


def _rows(columns: tuple[str, ...], rows: Any) -> Iterator[str]:
    yield f"| {' | '.join(column.replace('|', '∣') for column in columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(cell(value).replace('|', '∣') for value in row)} |"
