"""A step of training: that of an LNN against a plain network's, and eight seeds in one program against one.

Layers of the same width and depth, the same optimiser and batch, float64. A plain network has no derivatives of its own
in its accelerations; an LNN has the second ones of L. Steps are timed without their compilation.
"""

from typing import Any

import jax

import symlnn

_STEPS = {"Muon": 400, "Gauss–Newton": 40}
_STAGES = {"Muon": symlnn.FirstOrder(), "Gauss–Newton": symlnn.GaussNewton(batch=128)}
_SEEDS = 8


def run() -> dict[str, Any]:
    """A row for each optimiser."""
    jax.config.update("jax_enable_x64", True)
    rows = []
    for name, stage in _STAGES.items():
        lnn, network = (_seconds(model, stage, _STEPS[name], 1) for model in ("lnn", "nn"))
        together = _seconds("lnn", stage, _STEPS[name], _SEEDS)
        rows.append(
            {
                "optimiser": name,
                "lnn_milliseconds": 1e3 * lnn,
                "nn_milliseconds": 1e3 * network,
                "lnn_by_nn": lnn / network,
                "eight_seeds_by_one": together / lnn,
            }
        )
    return {"rows": rows}


def _seconds(name: str, stage: symlnn.AbstractStage, steps: int, seeds: int) -> float:
    """Of one step, of all seeds together."""
    system = symlnn.load_system("double_pendulum")
    sample = symlnn.Stream.of(system)(jax.random.key(0), 1000)
    spec = symlnn.ModelSpec(symlnn.find_model(name), system, symlnn.natural_scales(system, sample))
    keys = jax.random.split(jax.random.key(1), seeds)
    models = [spec.build(key) for key in keys]
    fitted = symlnn.fit(
        models[0] if seeds == 1 else symlnn.stack(models),
        symlnn.RESIDUALS["acceleration"](models[0], spec.scales, sample),
        symlnn.Stream.of(system),
        key=keys[0] if seeds == 1 else keys,
        recipe=symlnn.Recipe.single(stage),
        budget=symlnn.Budget(steps=steps),
    )
    return fitted.seconds / steps
