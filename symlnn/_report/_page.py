"""A validation to one self-contained HTML page."""

import base64
import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import jax
import jinja2
import numpy as np
import sympy as sp
from markupsafe import Markup

from .._distribution import Uniform
from .._dynamics import SymbolicPositions
from .._system import System
from ..plots import TRUTH, colours
from ._figures import typical_motion
from ._mathml import equation, inline
from ._results import Validation
from ._table import number, results_table

_READABLE = 400
_FRAMES = 900
_PER_SECOND = 25.0


def templates(*folders: Path, autoescape: bool = True) -> jinja2.Environment:
    """The templates of reports, and those of other folders that build on them."""
    own = jinja2.PackageLoader("symlnn._report", ".")
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([own, *map(jinja2.FileSystemLoader, folders)]),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def source(name: str) -> Markup:
        return Markup(environment.get_template(name).render())

    environment.filters |= {"figure": number, "in_script": _in_script}
    environment.globals |= {"script": source, "policy": lambda *scripts: _policy(map(source, scripts))}
    return environment


def _policy(scripts: Iterable[str]) -> str:
    """What a browser may do with a page: draw it, and run these scripts as they are, but load and send nothing."""
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src {allowed}"
    )


def _in_script(data: str) -> Markup:
    """JSON that stands in a script element, which nothing in it can end."""
    return Markup(data.replace("<", "\\u003c"))


def page(validation: Validation, pictures: Mapping[str, str]) -> str:
    """The report as HTML that asks nothing of the network."""
    return (
        templates()
        .get_template("page.html.jinja")
        .render(
            validation=validation,
            system=validation.system,
            settings=validation.settings,
            pictures=pictures,
            verdict=_verdict(validation),
            equations=_equations(validation),
            conserved=_conserved(validation),
            declared=_declared(validation),
            table=results_table(validation),
            colours={"analytic": TRUTH, **colours([model.name for model in validation.models])},
            animation=_animation(validation),
            motion=typical_motion(validation) if validation.bench.moves else None,
            learned_law=_learned_law(validation),
        )
    )


def _verdict(validation: Validation) -> list[str]:
    """Two sentences: how well the best model moves, and whether the truth it is held against is right."""
    if not validation.bench.moves:
        return [*validation.notes, _twice_derived(validation)]
    best = max(validation.models, key=lambda m: (m.valid_time, -m.acceleration.relative_rms))
    spread, duration = best.motion.spread, validation.system.duration
    valid = best.valid_time
    lyapunov = f" ({valid / validation.lyapunov_time:.2g} Lyapunov times)" if validation.lyapunov_time else ""
    follows = f"for {number(valid)} s{lyapunov}" if valid < duration else f"for all of {duration:g} s"
    drift = "energy" if validation.system.conserves_energy else "power balance"
    failed = "none fails" if spread.failed == 0 else f"{spread.failed} fail"
    first = (
        f"From {spread.trajectories} initial states, {best.name} ({best.title}) stays with the analytic motion "
        f"{follows} in the median; after {duration:g} s its {drift} is off by {number(spread.final_median)} of the "
        f"scale (mean {number(spread.final_mean)}), and {failed}."
    )
    return [first, *validation.notes, _twice_derived(validation)]


def _twice_derived(validation: Validation) -> str:
    check = validation.check
    outcome = "agree" if check.passed else "DO NOT AGREE"
    return (
        f"The truth that it is held against was derived twice, by SymPy and by automatic differentiation; "
        f"the two {outcome}, to {number(check.max_relative_error)}, at {check.states:,} random states."
    )


def _learned_law(validation: Validation) -> str | None:
    if validation.law is None:
        return None
    return equation(validation.system, validation.law.found.lagrangian, left=sp.Symbol("L"))


def _equation(validation: Validation, expression: sp.Basic, left: sp.Basic) -> str | None:
    if sp.count_ops(expression) > _READABLE:
        return None
    return equation(validation.system, expression, left=left)


def _equations(validation: Validation) -> dict[str, Any]:
    system = validation.system
    accelerations = system.accelerations
    return {
        "lagrangian": _equation(validation, system.plain_lagrangian, sp.Symbol("L")),
        "constraints": [_equation(validation, x, sp.Integer(0)) for x in _constraints(system)],
        "mass_matrix": _equation(validation, system.mass_matrix, sp.Symbol("M")),
        "bias": _equation(validation, system.bias, sp.Symbol("b")),
        "forces": _equation(validation, system.generalized_forces, sp.Symbol("Q")) if system.has_forces else None,
        "accelerations": [_equation(validation, a, s) for a, s in zip(accelerations, system.a, strict=True)]
        if accelerations
        else [],
    }


def _constraints(system: System) -> tuple[sp.Expr, ...]:
    return tuple(map(system.plain, (*system.constraints, *system.velocity_constraints)))


def _conserved(validation: Validation) -> list[tuple[str, str | None]]:
    """Name and equation of each conserved quantity; a momentum is called after its coordinate."""
    system = validation.system
    symbols = {f"momentum_{qi.name}": pi for qi, pi in zip(system.q, system.p, strict=True)}
    found = system.conserved_quantities.items()
    return [
        (name.replace("_", " "), _equation(validation, expression, symbols.get(name, sp.Symbol("E"))))
        for name, expression in found
    ]


def _declared(validation: Validation) -> dict[str, list[tuple[str, str]]]:
    system = validation.system

    def rows(mapping: Mapping[Any, Any]) -> list[tuple[str, str]]:
        return [(inline(system, system.plain(x)), _in_words(value)) for x, value in mapping.items()]

    tables = {
        "States are drawn from": rows(system.states),
        "Roll-outs start from": rows(system.initial_states),
        "Control inputs are drawn from": rows(system.inputs),
        "Time is drawn from": [] if system.time is None else rows({system.t: system.time}),
        "Parameters": rows(system.parameters),
    }
    return {title: entries for title, entries in tables.items() if entries}


def _in_words(value: Any) -> str:
    """A distribution or parameter, with bounds that are multiples of π/12 written so."""
    if not isinstance(value, Uniform):
        return str(value)
    low, high = (_multiple_of_pi(bound) for bound in value.bounds)
    return f"uniform on [{low}, {high})"


def _multiple_of_pi(bound: float) -> str:
    ratio = Fraction(bound / math.pi).limit_denominator(12)
    if bound == 0 or not math.isclose(float(ratio) * math.pi, bound, rel_tol=1e-12):
        return f"{bound:g}".replace("-", "−")
    factor = "" if abs(ratio.numerator) == 1 else str(abs(ratio.numerator))
    divisor = "" if ratio.denominator == 1 else f"/{ratio.denominator}"
    return f"{'−' if ratio < 0 else ''}{factor}π{divisor}"


def _animation(validation: Validation) -> str | None:
    """The motions of a planar chain as JSON for the canvas, or None where no positions are declared."""
    system = validation.system
    if not (system.positions and validation.bench.moves):
        return None
    motion = typical_motion(validation)
    t = np.asarray(validation.oracle.rollout.t)
    shown = min(len(t) - 1, int(np.searchsorted(t, _FRAMES / _PER_SECOND)))
    frames = np.linspace(0, shown, min(_FRAMES, shown + 1)).astype(int)
    locate = jax.vmap(SymbolicPositions(system), in_axes=(0, None, 0))
    m = validation.bench.start.m[motion]
    shade = colours([model.name for model in validation.models])

    def chain(name: str, colour: str, q: jax.Array) -> dict[str, Any]:
        points = np.asarray(locate(q[motion, frames], m, t[frames]))
        rounded = np.where(np.isfinite(points), points, np.nan).round(3)
        return {
            "name": name,
            "colour": colour,
            "points": [None if np.isnan(p).any() else p.tolist() for p in rounded],
        }

    chains = [chain("analytic", TRUTH, validation.oracle.rollout.q)]
    chains += [chain(m.name, shade[m.name], m.motion.rollout.q) for m in validation.models]
    return json.dumps({"times": t[frames].round(3).tolist(), "chains": chains}, allow_nan=False)
