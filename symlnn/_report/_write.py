"""A validation to files: index.html, report.json, models, data and figures."""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .._data import motions_dataset, samples_dataset, save_dataset
from .._dynamics import AbstractDynamics
from .._files import replaced_folder
from .._models import TrainedModel, save_model
from .._rollout import Rollout
from ..plots import STYLE
from ._figures import figures_of
from ._page import page
from ._results import Validation, to_text


def write_report(validation: Validation, out: Path) -> None:
    """Write the whole report to `out`, or nothing. An existing report there is replaced."""
    with replaced_folder(out) as folder:
        pictures = write_figures(figures_of(validation), folder / "figures")
        write_models(validation, folder / "models")
        write_data(validation, folder / "data")
        (folder / "report.json").write_text(to_text(validation.to_json()))
        (folder / "index.html").write_text(page(validation, pictures))


def write_figures(figures: Mapping[str, Callable[[], Figure | None]], folder: Path) -> dict[str, str]:
    """PNG and PDF of every figure that there is to draw; returns the PNGs as data addresses for the page."""
    folder.mkdir()
    pictures = {}
    for name, draw in figures.items():
        with mpl.rc_context(dict(STYLE)):
            figure = draw()
            if figure is None:
                continue
            FigureCanvasAgg(figure)
            figure.savefig(folder / f"{name}.png")
            figure.set_layout_engine("none")  # where all stands is known now
            figure.savefig(folder / f"{name}.pdf")
        encoded = base64.b64encode((folder / f"{name}.png").read_bytes()).decode()
        pictures[name] = f"data:image/png;base64,{encoded}"
    return pictures


def write_models(validation: Validation, folder: Path) -> None:
    """Every model that can be rebuilt, as a file."""
    folder.mkdir()
    for model in validation.models:
        if model.spec is not None:
            save_model(folder / f"{model.name}.eqx", TrainedModel(model.dynamics, model.spec))


def write_data(validation: Validation, folder: Path) -> None:
    """Test states with every model's accelerations, and the roll-outs of the analytic and every learned dynamics."""
    folder.mkdir()
    system, seed = validation.system, validation.settings.seed
    test = samples_dataset(system, validation.bench.test, seed=seed)
    predictions = {
        f"a_{model.name}": (("sample", "coordinate"), np.asarray(model.judgement.test_accelerations))
        for model in validation.models
    }
    save_dataset(folder / "test_states.nc", test.assign(predictions))
    bench = validation.bench
    motions: dict[str, tuple[AbstractDynamics, Rollout]] = {"analytic": (bench.truth, bench.rollout)}
    motions |= {model.name: (model.dynamics, model.motion.rollout) for model in validation.models}
    for name, (dynamics, rollout) in motions.items():
        dataset = motions_dataset(system, rollout, bench.start, dynamics, seed=seed)
        save_dataset(folder / f"rollouts_{name}.nc", dataset)
