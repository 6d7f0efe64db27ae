"""Whether the constraints of a law are written as they have to be: what can be said of them without numbers."""

from typing import Any

import sympy as sp

from .. import _symbolic
from ._expression import listed


def check_constraints(law: Any) -> None:
    """Raise a `ValueError` that names a constraint of a `Law` which is none, and the remedy."""
    for name in ("constraints", "velocity_constraints"):
        for i, expression in enumerate(getattr(law, name)):
            what = f"{name}[{i}]"
            law.check_symbols(what, expression)
            plain = law.plain(expression)
            if law.unknown and any(f.func in law.unknown for f in plain.atoms(sp.core.function.AppliedUndef)):
                raise ValueError(f"{what} contains a function that is left open: a constraint has to be known.")
            _check_one(law, what, plain, holonomic=name == "constraints")


def _check_one(law: Any, what: str, plain: sp.Expr, *, holonomic: bool) -> None:
    positions, velocities = plain.free_symbols & set(law.q), plain.free_symbols & set(law.v)
    if holonomic and velocities:
        raise ValueError(
            f"{what} contains the velocity {listed(velocities)}, but those of constraints hold for positions: write it "
            "as one of velocity_constraints."
        )
    if not holonomic and not velocities:
        raise ValueError(
            f"{what} contains no velocity: write it as one of constraints, which hold for positions."
            if positions
            else f"{what}, {plain}, contains no velocity: it constrains nothing. Leave it out."
        )
    if holonomic and not positions:
        raise ValueError(f"{what}, {plain}, contains no coordinate: it constrains nothing. Leave it out.")
    if not holonomic and not all(
        _symbolic.is_zero(sp.diff(plain, x, y)) for i, x in enumerate(law.v) for y in law.v[: i + 1]
    ):
        raise ValueError(
            f"{what} is not linear in the velocities, so that no force of constraint is determined by it: write one "
            "that is, or model what keeps it as a force."
        )
