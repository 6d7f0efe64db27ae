"""Whether accelerations are determined: the velocity Hessian must be regular where states are drawn."""

import numpy as np

from .._distribution import AbstractMarginal
from .._lambdify import lambdified
from ._domain import Domain
from ._expression import listed
from ._law import Law

_SINGULAR_BELOW = 1e-12
_PROBES = 5


def check_mass_matrix(name: str, law: Law, domain: Domain) -> None:
    """Raise a `ValueError` where the mass matrix is singular at five states of the domain, or where it, L or a force
    is complex or infinite at all of them."""
    arguments = [*law.q, *law.v, *law.u, *law.parameters, law.t]
    others = [law.plain_lagrangian, *law.generalized_forces]
    function = lambdified(arguments, [*law.unsimplified.mass_matrix, *others], modules=["scipy", "numpy"])
    generator = np.random.default_rng(0)
    positions, velocities = zip(*domain.of_states("The mass matrix"), strict=True)
    inputs = [u.marginals[0] for u in domain.inputs.values()]
    drawn = [*positions, *velocities, *inputs, *(p.value for p in domain.parameters.values())]
    drawn += [0.0 if domain.time is None else domain.time.marginals[0]]
    sizes = np.array([marginal.size for marginal in velocities])
    regularity = []
    for _ in range(_PROBES):
        values = [_probe(d, generator) for d in drawn]
        with np.errstate(all="ignore"):
            found = np.asarray(function(*values))
        if np.isrealobj(found) and np.all(np.isfinite(found)):
            matrix = found[: law.dof**2].reshape(law.dof, law.dof)
            regularity.append(_regularity(matrix.astype(float), sizes))
    if not regularity:
        raise ValueError(
            f"The Lagrangian of {name}, its mass matrix ∂²L/∂v∂v or a force is complex or infinite at states drawn "
            "from the declaration: narrow the distributions to where they are real."
        )
    if max(regularity) < _SINGULAR_BELOW:
        rows = law.unsimplified.mass_matrix.tolist()
        missing = [x for x, row in zip(law.coordinates, rows, strict=True) if not any(row)]
        hint = f"it does not depend on the velocity of {listed(missing)}" if missing else "its rows are dependent"
        raise ValueError(
            f"The mass matrix ∂²L/∂v∂v of {name} is singular ({hint}), so the accelerations are not "
            "determined: add the missing kinetic energy, or remove the redundant coordinate."
        )


def _regularity(matrix: np.ndarray, sizes: np.ndarray) -> float:
    """The smallest over the largest singular value of sᵢ Mᵢⱼ sⱼ: M for velocities in units of their sizes s.

    Its entries are energies whatever the coordinates are measured in, so the ratio does not depend on units; that of M
    itself is 2e-14 for a satellite in metres and radians.
    """
    singular_values = np.linalg.svd(sizes[:, None] * matrix * sizes, compute_uv=False)
    return float(singular_values[-1] / singular_values[0]) if singular_values[0] > 0 else 0.0


def _probe(value: AbstractMarginal | float, generator: np.random.Generator) -> float:
    if isinstance(value, float | int):
        return float(value)
    low, high = value.bounds
    return float(np.clip(value.mean + value.std * generator.uniform(-1.7, 1.7), low, high))
