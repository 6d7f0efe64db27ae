"""The pictures of the study of waves."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from symlnn.plots import TRUTH, bands, shades

from ._waves import LearnedWave

_MOTION = 0
"""The motion that is shown."""


def space_time(exact: np.ndarray, models: Sequence[LearnedWave], duration: float, size: float) -> Figure:
    """φ(x, t) of the truth, and what each model is off by, enlarged to be seen on the same scale."""
    figure = Figure(figsize=(8.0, 2.9))
    grid = figure.subplots(1, len(models) + 1, sharey=True)
    largest = np.abs(exact[_MOTION]).max()
    panels = {"analytic": exact[_MOTION]}
    for model in models:
        off = np.nan_to_num((model.waves.q - exact)[_MOTION], posinf=np.inf)
        power = max(0, math.floor(math.log10(largest / max(np.abs(off).max(), 1e-12 * largest))))
        panels[f"{model.name} off, × {10**power:,}"] = 10.0**power * off
    for axes, (title, values) in zip(grid, panels.items(), strict=True):
        image = axes.imshow(
            np.clip(values, -largest, largest),
            origin="lower",
            aspect="auto",
            extent=(0, size, 0, duration),
            cmap="RdBu_r",
            vmin=-largest,
            vmax=largest,
            interpolation="nearest",
        )
        axes.set(title=title, xlabel="x (m)")
    grid[0].set_ylabel("t (s)")
    figure.colorbar(image, ax=grid, label="φ")
    return figure


def snapshots(exact: np.ndarray, models: Sequence[LearnedWave], times: np.ndarray, size: float) -> Figure:
    """φ(x) at the beginning, half-way, and at the end."""
    figure = Figure(figsize=(8.0, 2.6))
    grid, shade = figure.subplots(1, 3, sharey=True), shades([m.name for m in models])
    x = np.arange(exact.shape[-1]) * size / exact.shape[-1]
    for axes, frame in zip(grid, (0, len(times) // 2, len(times) - 1), strict=True):
        axes.plot(x, exact[_MOTION, frame], color=TRUTH, lw=2.5, label="analytic")
        for model in models:
            axes.plot(x, model.waves.q[_MOTION, frame], color=shade[model.name], lw=1, label=model.name)
        axes.set(title=f"t = {times[frame]:.2f} s", xlabel="x (m)")
    largest = 2.2 * np.abs(exact[_MOTION]).max()  # room for the legend
    grid[0].set(ylabel="φ", ylim=(-largest, largest))
    grid[0].legend(loc="upper right", fontsize=8)
    return figure


def over_time(models: Sequence[LearnedWave], truth: np.ndarray, times: np.ndarray) -> Figure:
    """Field and energy errors: medians, and 10–90 % ranges."""
    figure = Figure(figsize=(8.0, 2.8))
    left, right = figure.subplots(1, 2)
    bands(left, times, {model.name: model.waves.error for model in models})
    bands(right, times, {model.name: model.waves.energy for model in models} | {"analytic": truth})
    left.set_ylabel("relative field error")
    right.set_ylabel("|E(t) − E(0)| / E(0)")
    right.legend(loc="best", ncols=2)
    return figure


def dispersions(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]], speed: float, spacing: float
) -> Figure:
    """ω(k) of small waves: exact, on the grid by both stencils, and learned."""
    figure = Figure(figsize=(8.0, 3.0))
    (left, right), shade = figure.subplots(1, 2), shades(list(curves))
    k = next(iter(curves.values()))[0]
    compact = 2 * speed / spacing * np.sin(k * spacing / 2)
    left.plot(k, speed * k, color="#999999", lw=1, ls="--", label="ω = c k")
    left.plot(k, compact, color=TRUTH, lw=2.5, label="compact stencil")
    left.plot(k, speed / spacing * np.abs(np.sin(k * spacing)), color=TRUTH, lw=1, ls=":", label="central stencil")
    for name, (_, omega, growth) in curves.items():
        left.plot(k, omega, color=shade[name], lw=1, label=name)
        off, growing = f"{name}: $|\\omega/\\omega_0 - 1|$", f"{name}: $|\\gamma|/\\omega_\\mathrm{{max}}$"
        right.plot(k[1:], np.abs(omega[1:] / compact[1:] - 1), color=shade[name], label=off)
        right.plot(k[1:], np.abs(growth[1:] / compact[-1]), color=shade[name], ls=":", label=growing)
    left.set(xlabel="k (1/m)", ylabel="ω (1/s)")
    right.set(xlabel="k (1/m)", yscale="log", ylim=(1e-7, 10))
    left.legend(loc="upper left", fontsize=8)
    right.legend(loc="upper left", fontsize=8, ncols=2)
    return figure
