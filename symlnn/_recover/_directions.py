"""Where constraints leave a system free: the directions in which its equation of motion holds without their forces."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from jaxtyping import Float

from .._lambdify import lambdified
from .._system import System
from ._terms import Columns, Points

_ITERATIONS = 50
_OBEYED = 1e-12
"""What may be left of a constraint, in units of the sizes of coordinates."""
_DEPENDENT = 1e-9


class _At(NamedTuple):
    """The constraints at some points: φ, b and A of A v + b = 0, c of A a + c = 0, and Ȧ."""

    position: np.ndarray
    drift: np.ndarray
    matrix: np.ndarray
    bias: np.ndarray
    change: np.ndarray


@dataclass(frozen=True, eq=False)
class Directions:
    """At each of some rows, with A a + c = 0 and the sizes S of velocities: N and a₀ with

        A N = 0,    S⁻¹N orthonormal,    a = a₀ + N α for every acceleration that obeys,

    a₀ the smallest in S. Since NᵀAᵀ = 0, Nᵀ(M a − r) = 0 along the motion, whatever the forces of constraints are.
    """

    free: Float[np.ndarray, "row dof free"]
    """N."""
    rest: Float[np.ndarray, "row dof"]
    """a₀."""
    sizes: Float[np.ndarray, " dof"]
    """S."""

    @staticmethod
    def of(system: System, points: Points, sizes: Float[np.ndarray, " dof"]) -> "Directions":
        """At these states."""
        at, inverse, free = _divided(system, points, sizes)
        return Directions(free * sizes[:, None], -sizes * np.einsum("rij,rj->ri", inverse, at.bias), sizes)

    def obeying(self, a: Float[np.ndarray, "row dof"]) -> Float[np.ndarray, "row dof"]:
        """The accelerations that obey the constraints, the nearest ones."""
        along = np.einsum("rif,ri->rf", self.basis, a / self.sizes)
        return self.rest + np.einsum("rif,rf->ri", self.free, along)

    def reduced(self, columns: Columns) -> Columns:
        """NᵀE and NᵀH N: of α."""
        return reduced(columns, self.free)

    @property
    def basis(self) -> Float[np.ndarray, "row dof free"]:
        """S⁻¹N."""
        return self.free / self.sizes[:, None]


@dataclass(frozen=True, eq=False)
class Guides:
    """Along a motion, in units of S, the projection P = 1 − A⁺A onto the directions that are free, and Ṗ."""

    p: Float[np.ndarray, "time dof dof"]
    change: Float[np.ndarray, "time dof dof"]
    sizes: Float[np.ndarray, " dof"]

    @staticmethod
    def of(system: System, points: Points, sizes: Float[np.ndarray, " dof"]) -> "Guides":
        """At the states of the motion. Ṗ = −X − Xᵀ with X = A⁺Ȧ P."""
        at, inverse, free = _divided(system, points, sizes)
        p = free @ np.swapaxes(free, 1, 2)
        x = inverse @ (at.change * sizes) @ p
        return Guides(p, -x - np.swapaxes(x, 1, 2), sizes)


def reduced(columns: Columns, free: Float[np.ndarray, "row dof free"]) -> Columns:
    """NᵀE and NᵀH N."""
    e = np.einsum("rif,rik->rfk", free, columns.e)
    return Columns(e, np.einsum("rif,rijk,rjg->rfgk", free, columns.h, free, optimize=True))


def in_coordinates(
    basis: Float[np.ndarray, "row coordinate free"] | None, r: Float[np.ndarray, "row free"]
) -> Float[np.ndarray, "row coordinate"]:
    """Errors of accelerations along the directions that are free as errors of those of the coordinates, which are
    functions of the state, as bases are not; of the same root mean square."""
    if basis is None:
        return r
    return np.einsum("rif,rf->ri", basis, r) * np.sqrt(basis.shape[1] / basis.shape[2])


def obeying(system: System, points: Points) -> Points:
    """The points moved to where the constraints hold, those of them for which such a place is nearby."""
    if not system.law.is_constrained:
        return points
    at, rows = _constraints(system), slice(None)
    size, speed = (np.where(spread > 0, spread, 1.0) for spread in (np.nanstd(x, axis=0) for x in (points.q, points.v)))
    q = points.q.copy()
    for _ in range(_ITERATIONS):
        found = at(Points(q, points.v, points.m, points.u, points.t))
        step = _nearest(found.matrix[:, : found.position.shape[1]] * size, found.position)
        step /= np.maximum(1.0, np.linalg.norm(step, axis=1, keepdims=True))
        q = q - size * np.where(np.isfinite(step), step, 0.0)
        left = np.abs(step).max(axis=1, initial=0.0)
        rows = np.isfinite(left) & (left <= _OBEYED * max(1.0, float(np.abs(q / size).max())))
        if rows.all():
            break
    found = at(Points(q, points.v, points.m, points.u, points.t))
    rates = found.drift + np.einsum("rij,rj->ri", found.matrix, points.v)
    v = points.v - speed * _nearest(found.matrix * speed, rates)
    return Points(q, v, points.m, points.u, points.t).at(rows)


def _nearest(matrix: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The shortest x of A x = b, at each row."""
    lengths = np.linalg.norm(matrix, axis=2, keepdims=True)
    lengths = np.where(lengths > 0, lengths, 1.0)
    inverse = np.linalg.pinv(np.nan_to_num(matrix / lengths), rcond=_DEPENDENT)
    return np.einsum("rij,rj->ri", inverse, values / lengths[..., 0])


def _divided(system: System, points: Points, sizes: Float[np.ndarray, " dof"]) -> tuple[_At, np.ndarray, np.ndarray]:
    """The constraints at some points, and in units of the sizes A⁺ and a basis of the directions that are free."""
    at = _constraints(system)(points)
    return at, *_split(at.matrix * sizes, system.constraint_rank)


def _split(matrix: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """A⁺ of A, which has this rank, and an orthonormal basis of the directions x with A x = 0; at each row."""
    lengths = np.linalg.norm(matrix, axis=2, keepdims=True)
    lengths = np.where(lengths > 0, lengths, 1.0)
    scaled = matrix / lengths
    finite = np.isfinite(scaled).all(axis=(1, 2), keepdims=True)
    left, values, right = np.linalg.svd(np.where(finite, scaled, 0.0))
    right = np.where(finite, right, np.nan)
    inverse = np.swapaxes(right[:, :rank], 1, 2) / values[:, None, :rank] @ np.swapaxes(left[..., :rank], 1, 2)
    return inverse / np.swapaxes(lengths, 1, 2), np.swapaxes(right[:, rank:], 1, 2)


def _constraints(system: System) -> Callable[[Points], _At]:
    numbers = {symbol: sp.Float(p.value) for symbol, p in system.parameters.items() if not p.varies}
    return _compiled(system.law, tuple(system.m), tuple(numbers.items()))


@functools.lru_cache(maxsize=16)
def _compiled(law: Any, varying: tuple[sp.Symbol, ...], numbers: tuple[tuple[sp.Symbol, sp.Float], ...]) -> Any:
    known, dof = law.constraint_equations, law.dof
    change = [
        sp.diff(entry, law.t) + sp.Add(*(v * sp.diff(entry, q) for q, v in zip(law.q, law.v, strict=True)))
        for entry in known.matrix
    ]
    parts: list[Sequence[sp.Expr]] = [known.positions, known.drift, list(known.matrix), list(known.bias), change]
    values = dict(numbers)
    wanted = [sp.sympify(expression).xreplace(values) for part in parts for expression in part]
    function = lambdified([*law.q, *law.v, *varying, law.t], wanted, modules=["scipy", "numpy"])
    ends = np.cumsum([len(part) for part in parts])[:-1]

    def at(points: Points) -> _At:
        whole = np.empty((len(points.q), len(wanted)))
        with np.errstate(all="ignore"):
            columns = function(*points.q.T, *points.v.T, *points.m.T, points.t)
            for place, column in enumerate(columns):
                whole[:, place] = column
        position, drift, matrix, bias, rates = np.split(whole, ends, axis=1)
        shape = (len(whole), len(known.rates), dof)
        return _At(position, drift, matrix.reshape(shape), bias, rates.reshape(shape))

    return at
