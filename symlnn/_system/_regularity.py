"""Whether accelerations are determined: the velocity Hessian must be regular where states are drawn."""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._distribution import AbstractMarginal
from .._lambdify import lambdified
from ._domain import Domain
from ._expression import listed
from ._law import Law

_SINGULAR_BELOW = 1e-12
_PERIODIC_TO = 1e-9
_PROBES = 5
_EQUILIBRATIONS = 10


def check_equation(name: str, law: Law, domain: Domain, angles: Sequence[Any]) -> None:
    """Raise a `ValueError` where the mass matrix is singular at five states of the domain, or where it, L or a force
    is complex or infinite at all of them; where L or a force is not periodic in an angle; and where forces act on a
    kinetic energy that is negative. Warn where the mass matrix is singular at rest only."""
    arguments = [*law.q, *law.v, *law.u, *law.parameters, law.t]
    others = [law.plain_lagrangian, *law.generalized_forces]
    function = lambdified(arguments, [*law.unsimplified.mass_matrix, *others], modules=["scipy", "numpy"])
    generator = np.random.default_rng(0)
    positions, velocities = zip(*domain.of_states("The mass matrix"), strict=True)
    inputs = [u.marginals[0] for u in domain.inputs.values()]
    drawn = [*positions, *velocities, *inputs, *(p.value for p in domain.parameters.values())]
    drawn += [0.0 if domain.time is None else domain.time.marginals[0]]

    def at(values: Sequence[float]) -> np.ndarray | None:
        """The entries of M, then L and the forces; None where they are not real numbers."""
        with np.errstate(all="ignore"):
            found = np.asarray(function(*values))
        return found.astype(float) if np.isrealobj(found) and np.all(np.isfinite(found)) else None

    def matrix(found: np.ndarray) -> np.ndarray:
        return _equilibrated(found[: law.dof**2].reshape(law.dof, law.dof))

    states = [[_probe(d, generator) for d in drawn] for _ in range(_PROBES)]
    entries = [(values, found) for values in states if (found := at(values)) is not None]
    if not entries:
        raise ValueError(
            f"The Lagrangian of {name}, its mass matrix ∂²L/∂v∂v or a force is complex or infinite at states drawn "
            "from the declaration: narrow the distributions to where they are real."
        )
    matrices = [matrix(found) for _, found in entries]
    if max(map(_regularity, matrices)) < _SINGULAR_BELOW:
        rows = law.unsimplified.mass_matrix.tolist()
        missing = [x for x, row in zip(law.coordinates, rows, strict=True) if not any(row)]
        hint = f"it does not depend on the velocity of {listed(missing)}" if missing else "its rows are dependent"
        raise ValueError(
            f"The mass matrix ∂²L/∂v∂v of {name} is singular ({hint}), so the accelerations are not determined: add "
            "the missing kinetic energy, or remove the redundant coordinate. The Lagrange multiplier of a constraint "
            "is none: choose coordinates that obey it."
        )
    if law.has_forces and all(np.linalg.eigvalsh(m).max() < 0 for m in matrices):
        raise ValueError(
            f"The kinetic energy of {name} is negative, and forces act on it, so the sign of the Lagrangian matters: "
            "write L = T − V."
        )
    for x in angles:
        _check_period(name, law, x, at, entries)
    at_rest = [at([*v[: law.dof], *np.zeros(law.dof), *v[2 * law.dof :]]) for v, _ in entries]
    still = [_regularity(matrix(found)) for found in at_rest if found is not None]
    if still and max(still) < _SINGULAR_BELOW and all(d.bounds[0] <= 0 <= d.bounds[1] for d in velocities):
        warnings.warn(
            f"The mass matrix ∂²L/∂v∂v of {name} is singular at rest, so that accelerations are not determined there, "
            "and large near it: draw velocities that stay away from zero.",
            stacklevel=2,
        )


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


def _probe(value: AbstractMarginal | float, generator: np.random.Generator) -> float:
    if isinstance(value, float | int):
        return float(value)
    low, high = value.bounds
    return float(np.clip(value.mean + value.std * generator.uniform(-1.7, 1.7), low, high))
