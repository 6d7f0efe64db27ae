"""A validation to files: index.html, report.json, models, data and figures."""

import base64
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .._data import observe, save_dataset, to_dataset
from .._dynamics import SymbolicDynamics
from .._models import save_model
from ._figures import draw
from ._folder import replaced_folder
from ._page import page
from ._results import Validation, to_text


def write_report(validation: Validation, out: Path) -> None:
    """Write the whole report to `out`, or nothing. An existing report there is replaced."""
    with replaced_folder(out) as folder:
        pictures = write_figures(draw(validation), folder / "figures")
        write_models(validation, folder / "models")
        write_data(validation, folder / "data")
        (folder / "report.json").write_text(to_text(validation.to_json()))
        (folder / "index.html").write_text(page(validation, pictures))


def write_figures(figures: Iterable[tuple[str, Figure]], folder: Path) -> dict[str, str]:
    """PNG and PDF of every figure; returns the PNGs as data addresses for the page."""
    folder.mkdir()
    pictures = {}
    for name, figure in figures:
        FigureCanvasAgg(figure)
        figure.savefig(folder / f"{name}.png")
        figure.savefig(folder / f"{name}.pdf")
        encoded = base64.b64encode((folder / f"{name}.png").read_bytes()).decode()
        pictures[name] = f"data:image/png;base64,{encoded}"
    return pictures


def write_models(validation: Validation, folder: Path) -> None:
    """Every trained model, as a file."""
    folder.mkdir()
    for model in validation.models:
        save_model(folder / f"{model.name}.eqx", model.dynamics, model.spec)


def write_data(validation: Validation, folder: Path) -> None:
    """Test states with every model's accelerations, and the roll-outs of the analytic and every learned dynamics."""
    folder.mkdir()
    system, seed = validation.system, validation.settings.seed
    test = to_dataset(system, validation.test, seed=seed)
    predictions = {
        f"a_{model.name}": (("sample", "coordinate"), np.asarray(model.test_accelerations))
        for model in validation.models
    }
    save_dataset(folder / "test_states.nc", test.assign(predictions))
    motions = {"analytic": (SymbolicDynamics(system), validation.oracle.rollout)}
    motions |= {model.name: (model.dynamics, model.motion.rollout) for model in validation.models}
    for name, (dynamics, rollout) in motions.items():
        save_dataset(folder / f"rollouts_{name}.nc", observe(system, rollout, validation.start, dynamics, seed=seed))
