"""Curves over time: angles that jump, and bands of errors over many motions."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ._style import shades

_FAILED = 1e12
"""Where a failed motion is drawn: beyond the edge."""


def wrapped(values: Float[np.ndarray, " time"], angle: bool) -> Float[np.ndarray, " time"]:
    """Angles in [−π, π), with a gap where they jump; anything else as it is, with a gap where it is not finite."""
    values = np.where(np.isfinite(values), values, np.nan)
    if not angle:
        return values
    turned = (values + np.pi) % (2 * np.pi) - np.pi
    jumps = np.abs(np.diff(turned)) > np.pi
    return np.where(np.append(jumps, False), np.nan, turned)


def finite(errors: Float[np.ndarray, "*shape"], floor: float = 1e-16) -> Float[np.ndarray, "*shape"]:
    """Errors for a logarithmic axis: not below the floor, and beyond the edge where a motion has failed."""
    return np.where(np.isfinite(errors), np.maximum(errors, floor), _FAILED)


def bands(
    axes: Axes,
    t: Float[np.ndarray, " time"],
    errors: Mapping[str, Float[np.ndarray, "motion time"]],
    *,
    floor: float = 1e-16,
) -> float:
    """The median over motions of each error and its 10–90 % range, on a logarithmic axis; returns the largest value.

    The first instant, at which errors are zero, is left out.
    """
    shade, largest = shades(list(errors)), 0.0
    for name, values in errors.items():
        low, middle, high = np.quantile(finite(values, floor)[:, 1:], [0.1, 0.5, 0.9], axis=0)
        axes.fill_between(t[1:], low, high, color=shade[name], alpha=0.18, lw=0)
        axes.plot(t[1:], middle, color=shade[name], label=name)
        largest = max(largest, float(high.max()))
    axes.set_yscale("log")
    axes.set_xlabel("t (s)")
    return largest


def over_time(
    t: Float[np.ndarray, " time"],
    errors: Mapping[str, Float[np.ndarray, "motion time"]],
    *,
    ylabel: str,
    floor: float = 1e-16,
    ylim: tuple[float, float] | None = None,
) -> Figure:
    """The bands of the errors as a figure of their own, with a legend."""
    figure = Figure(figsize=(8.0, 2.8))
    axes = figure.subplots()
    bands(axes, t, errors, floor=floor)
    axes.set(ylabel=ylabel, ylim=ylim)
    axes.legend(loc="best", ncols=3)
    return figure
