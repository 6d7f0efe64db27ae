"""A recovered law to files, law.py, a declaration, and law.json beside it; and the law of a model that was judged."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import jax

from .._data import sample_states
from .._dynamics import accelerations
from .._files import write_file
from .._recover import Recovery, equivalent, recover
from .._system import System
from .._system_text import system_to_text
from .._types import Samples, key_of
from .._version import __version__
from ._results import LearnedLaw, ModelResult, strict, to_text

_STATES = 600
_MOST_COORDINATES = 3
_ROUGHLY = 0.1
"""The relative error of accelerations above which a model has no law to speak of."""
_TIMES = 3.0
"""How many times its error the regular errors of a model may be."""


def law_of_best(system: System, models: Sequence[ModelResult], *, seed: int) -> LearnedLaw | None:
    """The law of the model with the smallest error of accelerations, as a formula, from these at declared states.

    None for more than three coordinates and for graphs, where no model is right to a tenth, and where no candidates of
    `dictionary` make a law.
    """
    best = min(models, key=lambda m: m.acceleration.relative_rms, default=None)
    if best is None or not best.acceleration.relative_rms < _ROUGHLY:
        return None
    if system.dof > _MOST_COORDINATES or system.graph is not None:
        return None
    error = _TIMES * best.acceleration.relative_rms
    with jax.enable_x64(True), contextlib.suppress(ValueError):
        states = sample_states(system, _STATES, key=key_of(seed))
        data = Samples(states, accelerations(best.dynamics, states))
        found = recover(system, data, noise=max(error, 1e-6), seed=seed)
        return LearnedLaw(best.name, found, equivalent(found.system(), system, tolerance=error))
    return None


def law_to_text(found: Recovery) -> str:
    """The law as the text of a declaration, with its coefficients and their errors in the docstring."""
    lines = []
    for x in found.terms:
        error = "fixes the scale" if not x.standard_error else f"± {x.standard_error:.2g}"
        name = f"{x.term.of}: " if x.term.of else "force: " if x.term.forces else ""
        number = str(x.number) if x.exact is not None else f"{float(x.number):.15g}"
        lines.append(f"    {name}{number} · {x.term.expression}    ({error})")
    worth = "explains the data" if found.explained else "does not explain the data"
    title = "\n".join(
        [
            f"{found.declared.name}, as symlnn recovered it.",
            "",
            f"The law {worth}: it leaves {found.residual:.2g} of the accelerations, where noise is "
            f"{found.noise_floor:.2g}. Coefficients:",
            "",
            *lines,
            "",
        ]
    )
    return system_to_text(found.system(), {}, title)


def write_law(found: Recovery, path: str | Path) -> None:
    """Write a law as a declaration, law.py, and its figures as JSON beside it, law.json; each is whole or not there.

    Raises `ValueError` unless the path ends in .py, and where the declaration cannot be written.
    """
    path = Path(path)
    if path.suffix != ".py":
        raise ValueError(f"A law is written as a declaration, a .py file, but the path is {path}.")
    text, document = law_to_text(found), {"symlnn": __version__, **strict(found.to_json())}
    write_file(path.with_suffix(".json"), to_text(document).encode())
    write_file(path, text.encode())
