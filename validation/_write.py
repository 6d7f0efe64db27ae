"""A study to files: index.html, report.json, tables.md, models, data and figures.

Each study has a template in Markdown, fed from the figures of report.json. Rendered with tables alone it is tables.md;
with pictures, equations and the tables of each validation as HTML it is the page.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import jinja2
import numpy as np
from markdown_it import MarkdownIt

from symlnn import report, save_dataset
from symlnn.plots import colours, shades
from symlnn.report import Settings, replaced_folder, strict, to_text, write_data, write_figures, write_models

from ._recipes import IN_WORDS
from ._study import Animation, Cell, Figures, Mode, Study

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Report:
    """A study that was run, ready to be written."""

    module: ModuleType
    study: Study
    settings: Settings
    mode: Mode

    @property
    def name(self) -> str:
        """That of the study."""
        return self.module.__name__.rsplit(".", 1)[-1]

    def figures(self) -> dict[str, Any]:
        """The content of report.json: that of `validate`, nested under `systems` where there are several."""
        study, settings = self.study, self.settings
        documents = {validation.system.name: validation.figures() for validation in study.validations}
        for (system, model), entries in study.of_models.items():
            documents[system]["models"][model].update(entries)
        if len(documents) == 1:
            (document,) = documents.values()
        else:
            document = {"symlnn": settings.versions["symlnn"], **asdict(settings)}
            document |= {"systems": documents} if documents else {}
        document |= {"study": self.name, "mode": str(self.mode)} | dict(study.figures)
        return document | {"paper": [claim.judged(document) for claim in self.module.CLAIMS]}

    def write(self, out: Path) -> dict[str, Any]:
        """Write the whole report to `out`, or nothing, and return its figures. An existing report there is replaced."""
        study, figures = self.study, self.figures()
        with replaced_folder(out) as folder:
            pictures = write_figures(study.pictures, folder / "figures")
            for validation in study.validations:
                place = folder if len(study.validations) == 1 else folder / validation.system.name
                place.mkdir(exist_ok=True)
                write_models(validation, place / "models")
                write_data(validation, place / "data")
            for name, dataset in study.data.items():
                (folder / "data").mkdir(exist_ok=True)
                save_dataset(folder / "data" / f"{name}.nc", dataset)
            (folder / "report.json").write_text(to_text(strict(figures)))
            (folder / "tables.md").write_text(self.text(figures, "md", {}))
            (folder / "index.html").write_text(self.page(figures, pictures))
        return figures

    def text(self, figures: Figures, kind: str, pictures: Mapping[str, str]) -> str:
        """The template of the study as Markdown, with the blocks of one kind: Markdown too, or HTML."""
        blocks = _environment(autoescape=kind == "html").get_template(f"blocks.{kind}.jinja")
        macros = blocks.make_module({"study": self.study, "pictures": pictures})
        shown = {name: getattr(macros, name) for name in ("picture", "equation", "results", "animation")}
        run = {"settings": self.settings, "config": self.module.CONFIG[self.mode], "how": IN_WORDS[self.mode]}
        template = _environment(autoescape=False).get_template(f"{self.name}.md.jinja")
        return _without_gaps(template.render(**figures, **shown, **run))

    def page(self, figures: Figures, pictures: Mapping[str, str]) -> str:
        """The template of the study as HTML that asks nothing of the network."""
        text = self.text(figures, "html", pictures)
        body = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
        title = text.split("\n", 1)[0].removeprefix("# ")
        page = _environment(autoescape=True).get_template("study.html.jinja")
        return page.render(title=title, body=body, quick=self.mode is Mode.quick)


def _environment(*, autoescape: bool) -> jinja2.Environment:
    environment = report.templates(TEMPLATES, autoescape=autoescape)
    environment.filters |= {
        "number": cell,
        "words": lambda name: name.replace("_", " "),
        "results": report.results_table,
        "colours": lambda validation: colours([model.name for model in validation.models]),
        "mathematics": lambda found: report.equation(found.system, found.right, left=found.left),
        "frames": _frames,
    }
    return environment


def _without_gaps(text: str) -> str:
    """With no more than one empty line in a row."""
    lines = [line.rstrip() for line in text.splitlines()]
    return "\n".join(line for line, before in zip(lines, ["", *lines], strict=False) if line or before).strip() + "\n"


def cell(value: Cell) -> str:
    """A figure as text; a claim that holds is a “yes”."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value.replace("|", "∣")
    return f"{value:,}" if isinstance(value, int) else report.number(value)


def _frames(animation: Animation) -> str:
    """The curves as JSON for the canvas, to three digits of the largest value."""
    shade = shades(list(animation.curves))
    largest = float(np.abs(next(iter(animation.curves.values()))).max())
    curves = [
        {"name": name, "colour": shade[name], "rows": np.clip(np.nan_to_num(rows / largest), -2, 2).round(3).tolist()}
        for name, rows in animation.curves.items()
    ]
    return json.dumps({"curves": curves, "times": animation.times.round(4).tolist()})
