"""Functions that are left open, as splines or Fourier series whose coefficients are parameters like any other."""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from jaxtyping import Float
from sympy.core.function import AppliedUndef

from .._lambdify import lambdified
from .._system import Parameter, System, Unknown, listed
from ._smooth import Stretch
from ._unknowns import Unknowns

_MARGIN = 0.02
"""How far beyond the visited range a spline goes, as a share of it."""
_CUBIC = (1, -4, 6, -4, 1)
_START = 1e-3
"""What coefficients start from, as a share of their size; those that are positive from a hundred times that."""


@dataclass(frozen=True)
class AbstractSeries(abc.ABC):
    """f(x) = Σₖ cₖ φₖ(x), a function of one argument that is linear in its coefficients."""

    name: str
    argument: str
    known: Unknown
    low: float
    high: float
    visited: tuple[float, float]
    coefficients: tuple[sp.Symbol, ...]
    size: float
    """Of the coefficients, as far as it is known beforehand."""

    @abc.abstractmethod
    def __call__(self, x: sp.Expr) -> sp.Expr:
        """f(x) in symbols."""

    @abc.abstractmethod
    def roughness(self) -> Float[np.ndarray, "row coefficient"]:
        """Rows that take the coefficients to what is small where f is smooth."""

    def basis(self, x: Float[np.ndarray, " point"], derivative: bool = False) -> Float[np.ndarray, "point coefficient"]:
        """What each coefficient adds to f, or to f′."""
        at = sp.Symbol("x", real=True)
        expression = self(at)
        expression = sp.diff(expression, at) if derivative else expression
        columns = [sp.diff(expression, c) for c in self.coefficients]
        function = lambdified((at,), columns, modules=["numpy"])
        return np.stack([np.broadcast_to(column, x.shape) for column in function(x)], axis=1)


@dataclass(frozen=True)
class Fourier(AbstractSeries):
    """f(θ) = Σₖ aₖ cos kθ + bₖ sin kθ of an angle, k ≥ 1; cosines alone where f is even, sines where it is odd."""

    def __call__(self, x: sp.Expr) -> sp.Expr:
        """f(θ)."""
        total = sum((c * wave(k * x) for c, (wave, k) in zip(self.coefficients, self._waves(), strict=True)), sp.S.Zero)
        if self.known.zero_at_zero:
            total -= sum(
                (c for c, (w, _) in zip(self.coefficients, self._waves(), strict=True) if w is sp.cos), sp.S.Zero
            )
        return total

    def _waves(self) -> list[tuple[Any, int]]:
        kinds = [sp.cos] if self.known.even else [sp.sin] if self.known.odd else [sp.cos, sp.sin]
        return [(kinds[k % len(kinds)], 1 + k // len(kinds)) for k in range(len(self.coefficients))]

    def roughness(self) -> Float[np.ndarray, "row coefficient"]:
        """k² cₖ, the second derivative."""
        return np.diag([float(k**2) for _, k in self._waves()])


@dataclass(frozen=True)
class Spline(AbstractSeries):
    """f(x) = Σₖ cₖ Bₖ(x), with cubic B-splines on equal intervals; beyond its range it goes on as its last polynomial.

    An odd or even one has equal coefficients on both sides of zero; one that is dissipative is −x Σ cₖ Bₖ(x) with
    cₖ > 0, a nonnegative one has cₖ > 0, and one that is zero at zero is taken less its value there.
    """

    def __call__(self, x: sp.Expr) -> sp.Expr:
        """f(x) in symbols: by truncated powers, Σⱼ dⱼ (u − j)₊³ / 6, with d from differences of c."""
        value = self._sum(x)
        if self.known.zero_at_zero and not (self.known.odd or self.known.dissipative):
            value -= self._sum(sp.Float(0.0))
        return -x * value if self.known.dissipative else value

    def _sum(self, x: sp.Expr) -> sp.Expr:
        u = (x - sp.Float(self.low)) * sp.Float(self.known.knots / (self.high - self.low))
        whole = self._whole()
        total = sp.S.Zero
        for place in range(-3, self.known.knots):
            d = sum(
                (c * whole[place + 3 - k] for k, c in enumerate(_CUBIC) if 0 <= place + 3 - k < len(whole)), sp.S.Zero
            )
            total += d * (u - place if place <= 0 else sp.Max(u - place, 0)) ** 3 / 6
        return total

    def _whole(self) -> list[sp.Expr]:
        """All knots + 3 coefficients, of which some are those of others."""
        count = self.known.knots + 3
        if not (self.known.odd or self.known.even):
            return list(self.coefficients)
        half = list(self.coefficients)
        if self.known.even:
            return [*half[::-1], *half[count % 2 :]]
        return [*(-c for c in half[::-1]), *([sp.S.Zero] if count % 2 else []), *half]

    def roughness(self) -> Float[np.ndarray, "row coefficient"]:
        """Second differences (Eilers & Marx, Stat. Sci. 11, 1996)."""
        return np.diff(np.eye(len(self.coefficients)), 2, axis=0)


@dataclass(frozen=True, eq=False)
class Curve:
    """A function as it was identified, over the range that the data visit."""

    argument: str
    grid: Float[np.ndarray, " point"]
    values: Float[np.ndarray, " point"]
    derivative: Float[np.ndarray, " point"]
    band: Float[np.ndarray, " point"] | None
    """The standard error of the values; None where there is none."""
    free_up_to: str | None
    """What the data do not determine, and a convention fixes: a constant, so that the value is 0 where the argument is
    nearest to zero."""


def completed(system: System, parts: Sequence[Stretch], force: float) -> tuple[System, tuple[AbstractSeries, ...]]:
    """The system with a series for each function that it leaves open, whose coefficients are free parameters; `force`
    is the size of its generalised forces.

    Raises `ValueError` for a function of several arguments, and for one whose argument does not vary.
    """
    splines = []
    parameters = dict(system.parameters)
    for function, known in system.unknown.items():
        argument, low, high = _range(system, function, parts)
        visited = (low, high)
        margin = _MARGIN * (high - low)
        low, high = low - margin, high + margin
        if known.odd or known.even or known.dissipative:
            high = max(abs(low), abs(high))
            low = -high
        periodic = argument in system.q and system.is_angle[system.q.index(argument)]
        if periodic and (known.nonnegative or known.dissipative):
            raise ValueError(
                f"{function} of the angle {argument} is a Fourier series, which has no sign: leave out nonnegative and "
                "dissipative."
            )
        count = known.knots // 2 * 2 if periodic else known.knots + 3
        kept = (count + 1) // 2 if known.even else count // 2 if known.odd else count
        positive = known.nonnegative or known.dissipative
        names = {symbol.name for symbol in parameters}
        symbols = [
            sp.Symbol(f"{function}_{k}", **({"positive": True} if positive else {"real": True})) for k in range(kept)
        ]
        taken = [symbol.name for symbol in symbols if symbol.name in names]
        if taken:
            raise ValueError(f"The parameter {taken[0]} has the name of a coefficient of {function}: rename it.")
        in_lagrangian = any(f.func == function for f in system.lagrangian.atoms(AppliedUndef))
        size = force * (high - low) if in_lagrangian else force / (high if known.dissipative else 1.0)
        start = size * (100 * _START if positive else _START)
        parameters |= {symbol: Parameter(start, free=True) for symbol in symbols}
        kind = Fourier if periodic else Spline
        splines.append(kind(str(function), str(argument), known, low, high, visited, tuple(symbols), size))
    whole = system.with_functions({spline.name: spline for spline in splines}, parameters)
    return whole, tuple(splines)


def _range(system: System, function: object, parts: Sequence[Stretch]) -> tuple[sp.Expr, float, float]:
    declared = (system.lagrangian, system.dissipation, *system.forces.values())
    places = {f for e in declared for f in e.atoms(AppliedUndef) if f.func == function}
    arguments = {system.plain(argument) for f in places for argument in f.args}
    if any(len(f.args) > 1 for f in places):
        raise ValueError(
            f"{function} is a function of several arguments, which identify does not learn: write it as sums and "
            "products of functions of one argument."
        )
    values = {s: p.value for s, p in system.parameters.items() if not p.varies}
    found = []
    for argument in arguments:
        known = [*system.q, *system.v, system.t]
        expression = argument.xreplace({s: sp.Float(x) for s, x in values.items()})
        others = expression.free_symbols - set(known)
        if others:
            raise ValueError(
                f"The argument of {function} contains {listed(others)}: write it in coordinates and velocities."
            )
        at = lambdified(known, [expression], modules=["numpy"])
        for part in parts:
            found.append(np.broadcast_to(at(*part.q.T, *part.v.T, part.t)[0], len(part.t)))
    whole = np.concatenate(found)
    low, high = float(whole.min()), float(whole.max())
    if not high - low > 1e-9 * max(abs(low), abs(high)):
        raise ValueError(
            f"The argument {listed(arguments)} of the unknown function {function} never varies in the data: record "
            "motions in which it does, or complete the system with system.with_functions."
        )
    return next(iter(arguments)), low, high


def roughness(series: Sequence[AbstractSeries], unknowns: Unknowns) -> list[Float[np.ndarray, "_ free"]]:
    """For each function rows P, so that P x, of coefficients as shares of their size, is small where it is smooth."""
    found = []
    place = {name: k for k, name in enumerate(unknowns.names)}
    for one in series:
        at = [place[c.name] for c in one.coefficients]
        shares = [1.0 if unknowns.exponential[k] else unknowns.sizes[k] / one.size for k in at]
        rows = np.zeros((len(one.roughness()), len(unknowns)))
        rows[:, at] = one.roughness() * np.array(shares)
        found.append(rows)
    return found


def curve(
    spline: AbstractSeries,
    values: Mapping[str, float],
    covariance: Mapping[tuple[str, str], float] | None,
    constant: bool,
) -> Curve:
    """The function of these coefficients, with a band from their covariance by linearisation; where a `constant` is not
    determined, less its value nearest to zero."""
    grid = np.linspace(*spline.visited, 101)
    coefficients = np.array([values[c.name] for c in spline.coefficients])
    basis = spline.basis(grid)
    if constant:
        basis = basis - basis[np.argmin(np.abs(grid))]
    band = None
    if covariance is not None:
        names = [c.name for c in spline.coefficients]
        matrix = np.array([[covariance.get((a, b), 0.0) for b in names] for a in names])
        band = np.sqrt(np.maximum(np.einsum("pi,ij,pj->p", basis, matrix, basis), 0.0))
    derivative = spline.basis(grid, derivative=True) @ coefficients
    return Curve(spline.argument, grid, basis @ coefficients, derivative, band, "a constant" if constant else None)
