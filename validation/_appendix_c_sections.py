"""The objective of appendix C and our fit to it, as sections of a report."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from symlnn.plots import colours

from ._appendix_c import RULES, sigmas
from ._study import Picture, Section, Table


def grid(values: Mapping[tuple[str, int, int], Any], rules: tuple[str, ...]) -> tuple[tuple[Any, ...], ...]:
    """A row for every width and number of hidden layers, a column for every rule."""
    sizes = sorted({(h, w) for _, w, h in values})
    return tuple((f"{w}, {h}", *(values[rule, w, h] for rule in rules)) for h, w in sizes)


def divergence_section(scores: Mapping[tuple[str, int, int], float]) -> Section:
    """The divergence of every rule, by (rule, width, hidden layers)."""
    return Section(
        "The divergence that the paper minimises",
        "For weights drawn by each rule: how far accelerations, and the gradients of each layer, are from unit "
        "Gaussians. In log₁₀: a difference of one is a factor of ten.",
        Table(
            ("width, hidden layers", *RULES),
            grid({k: f"{v:.2f}" for k, v in scores.items()}, RULES),
            "log₁₀ of the objective of appendix C, median over draws.",
        ),
        Picture("divergence", partial(_divergence_figure, scores), "The same, against the width."),
    )


def _divergence_figure(scores: Mapping[tuple[str, int, int], float]) -> Figure:
    widths, layers = sorted({w for _, w, _ in scores}), sorted({h for _, _, h in scores})
    figure = Figure(figsize=(8.0, 2.8))
    panels, shade = figure.subplots(1, len(layers), sharey=True, squeeze=False)[0], colours(RULES)
    for axes, hidden in zip(panels, layers, strict=True):
        for rule in RULES:
            values = [scores[rule, w, hidden] for w in widths]
            axes.plot(widths, values, "o-", ms=3, color=shade[rule], label=rule)
        axes.set_title(f"{hidden} hidden")
        axes.set_xlabel("width")
    panels[0].set_ylabel(r"$\log_{10}$ divergence")
    panels[0].legend()
    return figure


def fit_section(
    fitted: Mapping[tuple[int, int], tuple[tuple[float, ...], float]], constants: Mapping[str, float]
) -> Section:
    """Our σ by (width, hidden layers), and the constants of eq. 16 in them."""

    def row(width: int, hidden: int) -> tuple[Any, ...]:
        found, score = fitted[width, hidden]
        both = (", ".join(f"{s:.3g}" for s in sigma) for sigma in (found, sigmas("cranmer", width, hidden)))
        return (f"{width}, {hidden}", *both, f"{score:.2f}")

    def constant(layer: str, name: str, theirs: float, exponent: str) -> tuple[Any, ...]:
        return (layer, constants[name], theirs, f"{constants[f'{name}_exponent']:.2f}", exponent)

    return Section(
        "Our own fit of σ(n, layer)",
        Table(
            ("width, hidden layers", "our σ, first to output", "eq. 16", "our log₁₀ divergence"),
            tuple(row(w, h) for w, h in sorted(fitted, key=lambda size: (size[1], size[0]))),
        ),
        Table(
            ("layer", "constant, ours", "eq. 16", "exponent of n, ours", "eq. 16"),
            (
                constant("first: σ = c n^e", "first", 2.2, "−0.50"),
                constant("hidden i: σ = c i n^e", "hidden", 0.58, "−0.50"),
                constant("output: σ = c n^e", "output", 1.0, "0.50"),
            ),
            "Constants with the exponents of eq. 16; exponents from a line through log σ against log n. Accelerations "
            "do not change with the scale of L, so the output layer's σ is placed by the gradients and the "
            "regularisation alone.",
        ),
        Picture("sigma", partial(_sigma_figure, fitted), "Our σ as dots, eq. 16 as lines."),
    )


def _sigma_figure(fitted: Mapping[tuple[int, int], tuple[tuple[float, ...], float]]) -> Figure:
    figure = Figure(figsize=(8.0, 2.8))
    grid = figure.subplots(1, 3)
    widths = np.array(sorted({width for width, _ in fitted}))
    panels = (
        ("first layer", lambda n: 2.2 / np.sqrt(n), lambda sigma: [sigma[0]]),
        ("hidden layer i, σ/i", lambda n: 0.58 / np.sqrt(n), lambda s: [x / i for i, x in enumerate(s[:-1]) if i > 0]),
        ("output layer", np.sqrt, lambda sigma: [sigma[-1]]),
    )
    for axes, (title, rule, pick) in zip(grid, panels, strict=True):
        for (width, _), (sigma, _) in fitted.items():
            for value in pick(sigma):
                axes.plot(width, value, "o", color="#0072B2", ms=4)
        axes.plot(widths, rule(widths), color="0.3")
        axes.set(xscale="log", yscale="log", title=title, xlabel="width n")
    grid[0].set_ylabel("σ")
    return figure
