"""The built-in models by name. A new one is one file beside this, and one line here."""

from collections.abc import Mapping
from dataclasses import replace

from ._baseline import nn
from ._delan import delan
from ._hnn import hnn, hnn_observed
from ._hybrid import hybrid, magnetic
from ._lgn import gnn, lgn
from ._lnn import lnn, lnn_plain
from ._model import Model
from ._node import node, node2

_MODELS: Mapping[str, Model] = {
    "lnn": Model(lnn),
    "lnn_plain": Model(lnn_plain),
    "delan": Model(delan),
    "magnetic": Model(magnetic),
    "hybrid": Model(hybrid),
    "hnn": Model(hnn, "vector_field"),
    "hnn_observed": Model(hnn_observed, "vector_field"),
    "lgn": Model(lgn),
    "nn": Model(nn),
    "gnn": Model(gnn),
    "node": Model(node, "trajectory"),
    "node2": Model(node2, "trajectory"),
}

MODELS: Mapping[str, Model] = {name: replace(model, source=name) for name, model in _MODELS.items()}
"""The built-in models by name: `--model lnn`."""
