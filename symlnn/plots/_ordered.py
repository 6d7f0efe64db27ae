"""Errors in order: every motion a dot, so that one bad one is seen as one."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from ._style import shades

_TOP = 100.0


def in_order(
    errors: Mapping[str, Float[np.ndarray, " motion"]],
    *,
    xlabel: str,
    ylabel: str,
    marks: Mapping[str, float] | None = None,
) -> Figure:
    """The errors of every model from the least to the largest, on a logarithmic axis; dashed lines where `marks` says.

    Errors beyond 100, infinite ones included, are drawn at it.
    """
    figure = Figure(figsize=(8.0, 2.8))
    axes, shade = figure.subplots(), shades(list(errors))
    for name, values in errors.items():
        shown = np.minimum(np.sort(values), _TOP)
        axes.plot(np.arange(1, shown.size + 1), shown, "o-", ms=2.5, lw=0.6, color=shade[name], label=name)
    for name, value in (marks or {}).items():
        axes.axhline(value, color=shade[name], lw=0.8, ls="--")
    axes.set(yscale="log", xlabel=f"{xlabel}, by error", ylabel=ylabel)
    axes.legend(ncols=3)
    return figure
