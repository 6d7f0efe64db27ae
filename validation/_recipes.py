"""Recipes beside the default one: that of the paper, and a short one that shows that everything works."""

import dataclasses
from collections.abc import Mapping

from symlnn import Architecture, FirstOrder, Model, Recipe, find_model

from ._study import Mode

QUICK_RECIPE = Recipe.single(FirstOrder())
"""Muon alone: half of the compilation."""

_BOTH = "by Muon and then by Gauss–Newton steps"
IN_WORDS = {Mode.quick: "by Muon alone", Mode.default: _BOTH, Mode.full: _BOTH}
"""How models are trained unless they bring a recipe of their own."""

PAPER_LNN = find_model(
    "lnn_plain",
    architecture=Architecture(width=500, depth=3, activation="softplus", initialization="cranmer"),
    recipe=Recipe.single(FirstOrder(optimizer="adam", learning_rate=1e-3, schedule="cosine", loss="l1", batch=32)),
    residual="plain_acceleration",
)
"""Four layers, that is three hidden ones, of 500 units, with the initialisation of appendix C; Adam from 1e-3, batches
of 32."""


def quickly(models: Mapping[str, Model]) -> dict[str, Model]:
    """The same models, trained by the quick recipe."""
    return {name: dataclasses.replace(model, recipe=QUICK_RECIPE) for name, model in models.items()}
