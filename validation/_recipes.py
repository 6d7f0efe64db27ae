"""Recipes beside the default one: that of the paper, and a short one that shows that everything works."""

import dataclasses
from collections.abc import Mapping

from symlnn import Architecture, FirstOrder, Recipe
from symlnn._report import Candidate

from ._study import Mode

QUICK_RECIPE = Recipe.single(FirstOrder())
"""Muon alone: half of the compilation."""

IN_WORDS = {
    Mode.quick: "by Muon alone",
    Mode.default: "by Muon and then by Gauss–Newton steps",
    Mode.full: "by Muon and then by Gauss–Newton steps",
}
"""How models are trained unless they bring a recipe of their own."""

PAPER_ARCHITECTURE = Architecture(width=500, depth=3, activation="softplus", initialization="cranmer")
"""Four layers, that is three hidden ones, of 500 units, with the initialisation of appendix C."""

PAPER_RECIPE = Recipe.single(FirstOrder(optimizer="adam", learning_rate=1e-3, schedule="cosine", loss="l1", batch=32))
"""Adam from 1e-3, batches of 32."""

PAPER_LNN = Candidate("lnn_plain", PAPER_ARCHITECTURE, PAPER_RECIPE, "plain_acceleration")


def quickly(models: Mapping[str, Candidate]) -> dict[str, Candidate]:
    """The same models, trained by the quick recipe."""
    return {name: dataclasses.replace(model, recipe=QUICK_RECIPE) for name, model in models.items()}
