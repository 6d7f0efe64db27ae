"""Whether accelerations are determined: the velocity Hessian must be regular where states are drawn."""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._lambdify import lambdified
from ._domain import Domain
from ._expression import listed
from ._law import Law
from ._probes import Drawing, Obeying, arguments_of, real_values

_SINGULAR_BELOW = 1e-12
_PERIODIC_TO = 1e-9
_EQUILIBRATIONS = 10


def check_equation(name: str, law: Law, domain: Domain, angles: Sequence[Any]) -> None:
    """Raise a `ValueError` where the mass matrix is singular at five states of the domain, in directions that the
    constraints leave, or where it, L or a force is complex or infinite at all of them; where L, a force or a constraint
    is not periodic in an angle; where forces act on a kinetic energy that is negative; and where constraints contradict
    each other or leave nothing free. Warn where the mass matrix is singular at rest only, and where constraints follow
    from others."""
    others = [law.plain_lagrangian, *law.generalized_forces]
    if law.is_constrained:
        others += [*law.constraint_equations.positions, *law.constraint_equations.rates]
    entries_of = [*law.unsimplified.mass_matrix, *others]
    function = lambdified(arguments_of(law), entries_of, modules=["scipy", "numpy"])
    _, velocities = zip(*domain.of_states("The mass matrix"), strict=True)

    def at(values: Sequence[float]) -> np.ndarray | None:
        """The entries of M, then L and the forces; None where they are not real numbers."""
        return real_values(function, values)

    drawing = Drawing(law, domain)
    drawn, states = drawing.states(), drawing.states()
    free = [np.eye(law.dof)] * len(states)
    if law.is_constrained:
        obeying = _obeying(name, law, drawing)
        states, sizes = obeying.states, drawing.sizes[0]
        free = [sizes[:, None] * _null_space(a, obeying.rank) for a in obeying.matrices]

    def matrix(found: np.ndarray, directions: np.ndarray) -> np.ndarray:
        return _equilibrated(directions.T @ found[: law.dof**2].reshape(law.dof, law.dof) @ directions)

    entries = [(v, found, left) for v, left in zip(states, free, strict=True) if (found := at(v)) is not None]
    if not entries:
        raise ValueError(
            f"The Lagrangian of {name}, its mass matrix ∂²L/∂v∂v or a force is complex or infinite at states drawn "
            "from the declaration: narrow the distributions to where they are real."
        )
    matrices = [matrix(found, left) for _, found, left in entries]
    if max(map(_regularity, matrices)) < _SINGULAR_BELOW:
        rows = law.unsimplified.mass_matrix.tolist()
        missing = [x for x, row in zip(law.coordinates, rows, strict=True) if not any(row)]
        where = ", in directions that its constraints leave," if law.is_constrained else ""
        hint = f"it does not depend on the velocity of {listed(missing)}" if missing else "its rows are dependent"
        raise ValueError(
            f"The mass matrix ∂²L/∂v∂v of {name} is singular{where} ({hint}), so the accelerations are not determined: "
            "add the missing kinetic energy, or remove the redundant coordinate. The Lagrange multiplier of a "
            "constraint is none: write the constraint as one of constraints."
        )
    if law.has_forces and all(np.linalg.eigvalsh(m).max() < 0 for m in matrices):
        raise ValueError(
            f"The kinetic energy of {name} is negative, and forces act on it, so the sign of the Lagrangian matters: "
            "write L = T − V."
        )
    anywhere = [(values, found) for values in drawn if (found := at(values)) is not None]
    for x in angles if anywhere else ():
        _check_period(name, law, x, at, anywhere)
    at_rest = [(at([*v[: law.dof], *np.zeros(law.dof), *v[2 * law.dof :]]), left) for v, _, left in entries]
    still = [_regularity(matrix(found, left)) for found, left in at_rest if found is not None]
    if still and max(still) < _SINGULAR_BELOW and all(d.bounds[0] <= 0 <= d.bounds[1] for d in velocities):
        warnings.warn(
            f"The mass matrix ∂²L/∂v∂v of {name} is singular at rest, so that accelerations are not determined there, "
            "and large near it: draw velocities that stay away from zero.",
            stacklevel=2,
        )


def constraint_rank(name: str, law: Law, domain: Domain) -> int:
    """The number of constraints that are independent. Raises `ValueError` where no state obeys them."""
    return _obeying_or_raise(name, law, Drawing(law, domain)).rank


def _obeying(name: str, law: Law, drawing: Drawing) -> Obeying:
    """The states to be tested; a warning where constraints are redundant."""
    found = _obeying_or_raise(name, law, drawing)
    if found.rank == law.dof:
        raise ValueError(
            f"The constraints of {name} leave none of its {law.dof} coordinates free, so that nothing moves: leave one "
            "of them out."
        )
    written = [*law.constraints, *law.velocity_constraints]
    if found.rank < len(written):
        warnings.warn(
            f"The {len(written)} constraints of {name} have rank {found.rank}: "
            f"{listed(written[k] for k in found.dependent)} follows from those before. Motions are determined all the "
            "same, and of the multipliers the smallest that do it are taken; leave it out to have them determined too.",
            stacklevel=2,
        )
    return found


def _obeying_or_raise(name: str, law: Law, drawing: Drawing) -> Obeying:
    found = Obeying.of(drawing)
    if found.states:
        return found
    if found.contradiction:
        raise ValueError(
            f"The constraints of {name} contradict each other: there are positions that obey them, but no velocities. "
            "Leave one of them out."
        )
    raise ValueError(
        f"No state near those that {name} declares obeys its constraints: they contradict each other, or the "
        "distributions in states are far from where they hold."
    )


def _null_space(matrix: np.ndarray, rank: int) -> np.ndarray:
    """Directions that a matrix maps to zero, (columns, columns − rank)."""
    return np.linalg.svd(matrix)[2][rank:].T


def _check_period(
    name: str,
    law: Law,
    angle: Any,
    at: Callable[[Sequence[float]], np.ndarray | None],
    entries: Sequence[tuple[list[float], np.ndarray]],
) -> None:
    index = law.coordinates.index(angle)
    largest = np.max([np.abs(found) for _, found in entries], axis=0)
    for values, found in entries:
        turned = at([value + 2 * math.pi * (i == index) for i, value in enumerate(values)])
        if turned is None or np.any(np.abs(turned - found) > _PERIODIC_TO * np.maximum(largest, np.abs(turned))):
            raise ValueError(
                f"angles names {angle}, but the Lagrangian of {name} or a force changes when {angle} grows by 2π: take "
                "it out of angles, or write a constant torque as one of forces."
            )


def _equilibrated(matrix: np.ndarray) -> np.ndarray:
    """sᵢ Mᵢⱼ sⱼ with the largest entry of every row near one: the same in all units, and for all masses.

    The singular values of M itself mix units: their ratio is 2e-14 for a satellite in metres and radians, and 1e-22 for
    a planet with a satellite.

    Source: Ruiz 2001 (RAL-TR-2001-034), in the maximum norm.
    """
    for _ in range(_EQUILIBRATIONS):
        largest = np.abs(matrix).max(axis=1)
        scale = 1 / np.sqrt(np.where(largest > 0, largest, 1.0))
        matrix = scale[:, None] * matrix * scale
    return matrix


def _regularity(matrix: np.ndarray) -> float:
    """The smallest over the largest singular value."""
    singular_values = np.linalg.svd(matrix, compute_uv=False)
    return float(singular_values[-1] / singular_values[0]) if singular_values[0] > 0 else 0.0
