"""One look for every figure: truth black, each model its own colour everywhere, safe for the colour-blind."""

from collections.abc import Mapping, Sequence
from typing import Any

TRUTH = "#000000"
_COLOURS: Mapping[str, str] = {
    "lnn": "#0072B2",
    "nn": "#D55E00",
    "lgn": "#0072B2",
    "gnn": "#D55E00",
    "lgn_free": "#009E73",
    "delan": "#009E73",
    "hnn": "#CC79A7",
    "node": "#E69F00",
    "lnn_plain": "#56B4E9",
    "hnn_canonical": "#CC79A7",
    "hnn_observed": "#882255",
    "node2": "#999933",
    "magnetic": "#117733",
    "hybrid": "#7F7F7F",
}
_OTHERS = ("#332288", "#44AA99", "#CC6677", "#88CCEE", "#DDCC77", "#AA4499", "#661100")


def colours(names: Sequence[str]) -> dict[str, str]:
    """A colour per model: built-in ones keep theirs in every report (the palettes of Okabe & Ito and of Tol)."""
    others = [name for name in names if name not in _COLOURS]
    return {name: _COLOURS.get(name) or _OTHERS[others.index(name) % len(_OTHERS)] for name in names}


def shades(names: Sequence[str]) -> dict[str, str]:
    """The colours of models, and black for “analytic”, the truth."""
    return {name: TRUTH for name in names if name == "analytic"} | colours([n for n in names if n != "analytic"])


STYLE: Mapping[Any, Any] = {
    "figure.dpi": 100,
    "savefig.dpi": 170,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    # STIX comes with matplotlib, so every machine draws the same
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "pdf.fonttype": 42,
    "figure.constrained_layout.use": True,
}
