"""Fields on a line over time."""

import math
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure


def space_time(
    exact: Float[np.ndarray, "time site"],
    models: Mapping[str, Float[np.ndarray, "time site"]],
    *,
    extent: tuple[float, float],
    symbol: str = "φ",
) -> Figure:
    """φ(x, t) of the truth, and what each model is off by, enlarged to be seen on the same scale.

    `extent` is (length in metres, duration in seconds).
    """
    figure = Figure(figsize=(8.0, 2.9))
    grid = figure.subplots(1, len(models) + 1, sharey=True)
    largest = float(np.abs(exact).max())
    panels = {"analytic": exact}
    for name, values in models.items():
        off = np.nan_to_num(values - exact, posinf=np.inf)
        power = max(0, math.floor(math.log10(largest / max(np.abs(off).max(), 1e-12 * largest))))
        panels[f"{name} off, × {10**power:,}"] = 10.0**power * off
    for axes, (title, values) in zip(grid, panels.items(), strict=True):
        image = axes.imshow(
            np.clip(values, -largest, largest),
            origin="lower",
            aspect="auto",
            extent=(0, extent[0], 0, extent[1]),
            cmap="RdBu_r",
            vmin=-largest,
            vmax=largest,
            interpolation="nearest",
        )
        axes.set(title=title, xlabel="x (m)")
    grid[0].set_ylabel("t (s)")
    figure.colorbar(image, ax=grid, label=symbol)
    return figure
