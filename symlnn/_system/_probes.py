"""A few states of a domain that obey the constraints of its law, by numbers: what a declaration is tested at."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp

from .._distribution import AbstractMarginal
from .._lambdify import lambdified
from ._domain import Domain
from ._law import Law

_PROBES = 5
_TRIALS = 40
"""Starts from which states that obey the constraints are looked for."""
_ITERATIONS = 100
_OBEYED = 1e-10
"""What may be left of a constraint: as a distance, in standard deviations of the coordinates."""
_DEPENDENT = 1e-9
"""A singular value, relative to the largest, of rows of unit length, that counts as none."""

Values = list[float]
"""In the order of `arguments_of`."""


def arguments_of(law: Law) -> list[sp.Symbol]:
    """All that an expression of a law may depend on, in order: q, v, u, the parameters and t."""
    return [*law.q, *law.v, *law.u, *law.parameters, law.t]


@dataclass(frozen=True)
class Drawing:
    """What the arguments of a law are drawn from; (0, 1) for coordinates and velocities of which nothing is said."""

    law: Law
    domain: Domain

    def states(self, count: int = _PROBES) -> list[Values]:
        """As many, without regard to constraints; the same at every call."""
        domain = self.domain
        pairs = domain.of_states("The mass matrix") if domain.states else [(None, None)] * self.law.dof
        positions, velocities = zip(*pairs, strict=True)
        inputs = [u.marginals[0] for u in domain.inputs.values()]
        drawn = [*positions, *velocities, *inputs, *(p.value for p in domain.parameters.values())]
        drawn += [0.0 if domain.time is None else domain.time.marginals[0]]
        generator = np.random.default_rng(0)
        return [[_probe(d, generator) for d in drawn] for _ in range(count)]

    @property
    def sizes(self) -> tuple[np.ndarray, np.ndarray]:
        """The standard deviations of the coordinates, and the sizes of the velocities."""
        if not self.domain.states:
            return np.ones(self.law.dof), np.ones(self.law.dof)
        q, v = zip(*self.domain.of_states("The constraints"), strict=True)
        return np.array([d.std for d in q]), np.array([d.size for d in v])


@dataclass(frozen=True)
class Obeying:
    """States that obey the constraints, with the matrix A of each."""

    states: list[Values]
    matrices: list[np.ndarray]
    """(constraints, coordinates), the columns in units of the sizes of the coordinates."""
    contradiction: bool
    """Whether positions were found, but no velocities that obey all constraints at them."""

    @staticmethod
    @functools.lru_cache(maxsize=8)
    def of(drawing: Drawing) -> "Obeying":
        """As many states as are tested, or fewer where that many are not found; looked for once."""
        law, known = drawing.law, drawing.law.constraint_equations
        arguments, dof, holonomic = arguments_of(law), law.dof, len(known.positions)
        expressions = [*known.positions, *known.drift, *known.matrix]
        function = lambdified(arguments, expressions, modules=["scipy", "numpy"])
        q_size, v_size = drawing.sizes
        rows = len(known.rates)

        def at(values: Sequence[float]) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
            """φ, b and A S."""
            found = real_values(function, values)
            if found is None:
                return None
            matrix = found[holonomic + rows :].reshape(rows, dof) * q_size
            return found[:holonomic], found[holonomic : holonomic + rows], matrix

        def placed(values: Values) -> Values | None:
            """With coordinates that obey the holonomic constraints; None where they are not found nearby."""
            for _ in range(_ITERATIONS):
                found = at(values)
                if found is None:
                    return None
                lengths = _lengths(found[2][:holonomic])
                error, slopes = found[0] / lengths, found[2][:holonomic] / lengths[:, None]
                if np.abs(error).max(initial=0.0) <= _OBEYED:
                    return values
                step = -np.linalg.lstsq(slopes, error, rcond=_DEPENDENT)[0]
                step /= max(1.0, float(np.linalg.norm(step)))
                values = [*(np.array(values[:dof]) + q_size * step), *values[dof:]]
            return None

        states, matrices, contradiction = [], [], False
        for start in drawing.states(_TRIALS):
            values = placed(start)
            found = None if values is None else at(values)
            if values is None or found is None:
                continue
            _, drift, matrix = found
            lengths = _lengths(matrix)
            slopes, velocity = matrix / lengths[:, None], np.array(values[dof : 2 * dof]) / q_size
            error = drift / lengths + slopes @ velocity
            step = -np.linalg.lstsq(slopes * (v_size / q_size), error, rcond=_DEPENDENT)[0]
            velocity = velocity + step * v_size / q_size
            left = np.abs(drift / lengths + slopes @ velocity).max(initial=0.0)
            if left > 1e-8 * max(np.abs(drift / lengths).max(initial=0.0), np.abs(velocity).max(initial=0.0)):
                contradiction = True
                continue
            states.append([*values[:dof], *(velocity * q_size), *values[2 * dof :]])
            matrices.append(slopes)
            if len(states) == _PROBES:
                break
        return Obeying(states, matrices, contradiction)

    @property
    def rank(self) -> int:
        """That of A, where it is largest."""
        return max(map(rank, self.matrices))

    @property
    def dependent(self) -> list[int]:
        """The places of constraints that follow from those before them."""
        matrix = max(self.matrices, key=rank)
        return [k for k in range(len(matrix)) if rank(matrix[: k + 1]) == rank(matrix[:k])]


def real_values(function: Callable, at: Sequence[float] | np.ndarray) -> np.ndarray | None:
    """The values of a function of numbers; None where they are not real and finite."""
    with np.errstate(all="ignore"):
        found = np.asarray(function(*at))
    return found.astype(float) if np.isrealobj(found) and np.all(np.isfinite(found)) else None


def rank(matrix: np.ndarray) -> int:
    """The number of its rows, of unit length, that are independent."""
    if not matrix.size:
        return 0
    found = np.linalg.svd(matrix, compute_uv=False)
    return int(np.sum(found > _DEPENDENT * max(1.0, found[0])))


def _lengths(matrix: np.ndarray) -> np.ndarray:
    found = np.linalg.norm(matrix, axis=1)
    return np.where(found > 0, found, 1.0)


def _probe(value: AbstractMarginal | float | None, generator: np.random.Generator) -> float:
    if value is None:
        return float(generator.normal())
    if isinstance(value, float | int):
        return float(value)
    low, high = value.bounds
    return float(np.clip(value.mean + value.std * generator.uniform(-1.7, 1.7), low, high))
