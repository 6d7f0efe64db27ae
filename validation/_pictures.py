"""Pictures that several studies show."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from symlnn import Validation
from symlnn.plots import shades
from symlnn.report import FIGURES

from ._study import Picture

_TOP = 100.0
"""Errors beyond it, infinite ones included, are drawn at it."""


def standard(validation: Validation, name: str, caption: str, prefix: str = "") -> Picture:
    """A figure as `symlnn validate` draws it."""
    return Picture(prefix + name, partial(FIGURES[name], validation), caption)


def in_order(
    errors: Mapping[str, np.ndarray], things: str, unit: str, marks: Mapping[str, float] | None = None
) -> Figure:
    """The errors of every model, each from its least to its largest; dashed lines where `marks` says."""
    figure = Figure(figsize=(8.0, 2.8))
    axes, shade = figure.subplots(), shades(list(errors))
    for name, values in errors.items():
        shown = np.minimum(np.sort(values), _TOP)
        axes.plot(np.arange(1, shown.size + 1), shown, "o-", ms=2.5, lw=0.6, color=shade[name], label=name)
    for name, value in (marks or {}).items():
        axes.axhline(value, color=shade[name], lw=0.8, ls="--")
    axes.set(yscale="log", xlabel=f"{things}, by error", ylabel=unit)
    axes.legend(ncols=3)
    return figure
