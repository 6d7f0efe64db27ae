"""Functions that are left open, as splines or Fourier series whose coefficients are parameters like any other."""

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp
from jaxtyping import Float
from sympy.core.function import AppliedUndef

from .._dynamics import SymbolicConstraints, SymbolicForces, SymbolicLagrangian
from .._lambdify import lambdified
from .._models import scales_of_motions
from .._system import Parameter, System, Unknown, listed
from .._types import States
from ._family import Family
from ._networks import network
from ._smooth import Stretch, joined
from ._weak import WeakForm

_MARGIN = 0.02
"""How far beyond the visited range a spline goes, as a share of it."""
_RARE = 0.005
"""The share of the data at each end of the range, in which a function is not shown: a point or two tell nothing."""
_BEYOND = 0.1
"""How far beyond the range in which it is told a curve is drawn, as a share of that."""
_SHARP = 100.0
"""How many times the width about zero, in which a function of a velocity may change, the fastest is."""
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
    of_velocity: bool
    """Whether the argument is a velocity."""
    traded: str | None = None
    """The potential that a constant of this force would be a linear term of; by convention it is none of this force."""

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
        function = lambdified((at, *self.coefficients), expression, modules=["numpy"])
        return np.broadcast_to(function(x[:, None], *np.eye(len(self.coefficients))), (len(x), len(self.coefficients)))


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
    """f(x) = Σₖ cₖ Bₖ(g(x)), with cubic B-splines on equal intervals of g(x) = x, or, for a velocity, of
    g(x) = arsinh(x/w), w a hundredth of the fastest: dry friction changes about zero. Beyond its range it goes on as
    its last polynomial.

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
        low, high = self._stretched(self.low), self._stretched(self.high)
        u = (self._stretched(x) - low) * (self.known.knots / (high - low))
        whole = self._whole()
        total = sp.S.Zero
        for place in range(-3, self.known.knots):
            d = sum(
                (c * whole[place + 3 - k] for k, c in enumerate(_CUBIC) if 0 <= place + 3 - k < len(whole)), sp.S.Zero
            )
            total += d * (u - place if place <= 0 else sp.Max(u - place, 0)) ** 3 / 6
        return total

    def _stretched(self, x: Any) -> sp.Expr:
        """g(x)."""
        x = sp.sympify(x)
        return sp.asinh(x * sp.Float(_SHARP / max(abs(self.low), abs(self.high)))) if self.of_velocity else x

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
    """A function as it was identified, over the range in which 99 % of the data lie."""

    argument: str
    grid: Float[np.ndarray, " point"]
    values: Float[np.ndarray, " point"]
    derivative: Float[np.ndarray, " point"]
    band: Float[np.ndarray, " point"] | None
    """The standard error of the values; None where there is none."""
    free_up_to: str | None
    """What the data do not determine, and a convention fixes: a constant, so that the value is 0 where the argument is
    nearest to zero; or a linear term of a potential, so that the force is 0 where its argument is."""
    beyond: tuple[tuple[Float[np.ndarray, " farther"], Float[np.ndarray, " farther"]], ...]
    """Arguments and values on both sides of the grid, where the data say nothing: how the series goes on."""


@dataclass(frozen=True, eq=False)
class Completed:
    """A system with what stands for the functions that it leaves open."""

    system: System
    """With the series put in; networks stand for what is left open still."""
    series: tuple[AbstractSeries, ...]
    """Of functions of one argument."""
    networks: Mapping[str, Any]
    """Of several arguments, by name."""


def completed(
    system: System, parts: Sequence[Stretch], *, half_width: float, time_scale: float, seed: int
) -> Completed:
    """The system with a series for each function of one argument that it leaves open, whose coefficients are free
    parameters, and a network for each of several, which begins at random. The size of each follows from that of the
    generalised forces, averaged over bumps of this half width.

    Raises `ValueError` for a function whose argument does not vary, and for a property that it cannot have.
    """
    if not system.unknown:
        return Completed(system, (), {})
    series, networks = [], {}
    form = WeakForm.of(parts, half_width)
    known_terms = _terms(system, form, {})
    force = _size_of_forces(known_terms)
    states = States(*(jnp.asarray(x) for x in joined(parts)))
    scales = scales_of_motions(system, states, time_scale=time_scale, force=force)
    parameters = dict(system.parameters)
    for place, (function, known) in enumerate(system.unknown.items()):
        calls = calls_of(system, function)
        visited = _visited(system, function, calls, parts)
        size = force / (_response(system, function, np.ptp(visited, axis=0), form, known_terms) or 1.0)
        if len(calls[0]) > 1:
            networks[str(function)] = network(
                known,
                system,
                calls[0],
                visited,
                whole=scales if is_whole(system, function) else None,
                size=size,
                key=jax.random.fold_in(jax.random.key(seed), place),
            )
        else:
            one = _one_series(function, known, system, next(iter(calls[0])), visited[:, 0], size)
            potential = _trades_with(system, function) if one.low < 0 < one.high else None
            if potential is not None:
                one = dataclasses.replace(
                    one, known=dataclasses.replace(known, zero_at_zero=True), traded=str(potential)
                )
            taken = {symbol.name for symbol in parameters} & {c.name for c in one.coefficients}
            if taken:
                raise ValueError(f"The parameter {min(taken)} has the name of a coefficient of {function}: rename it.")
            start = one.size * (100 * _START if known.nonnegative or known.dissipative else _START)
            parameters |= {symbol: Parameter(start, free=True) for symbol in one.coefficients}
            series.append(one)
    whole = system.with_functions({one.name: one for one in series}, parameters)
    return Completed(whole, tuple(series), networks)


def _one_series(
    function: Any, known: Unknown, system: System, argument: sp.Expr, visited: np.ndarray, size: float
) -> AbstractSeries:
    low, high = float(visited.min()), float(visited.max())
    margin = _MARGIN * (high - low)
    bounds = (low - margin, high + margin)
    if known.odd or known.even or known.dissipative:
        farthest = max(map(abs, bounds))
        bounds = (-farthest, farthest)
    periodic = argument in system.q and system.is_angle[system.q.index(argument)]
    if periodic and (known.nonnegative or known.dissipative):
        raise ValueError(
            f"{function} of the angle {argument} is a Fourier series, which has no sign: leave out nonnegative and "
            "dissipative."
        )
    count = known.knots // 2 * 2 if periodic else known.knots + 3
    kept = (count + 1) // 2 if known.even else count // 2 if known.odd else count
    signs = {"positive": True} if known.nonnegative or known.dissipative else {"real": True}
    symbols = tuple(sp.Symbol(f"{function}_{k}", **signs) for k in range(kept))
    size = size / bounds[1] if known.dissipative else size
    kind = Fourier if periodic else Spline
    seen = (float(np.quantile(visited, _RARE)), float(np.quantile(visited, 1 - _RARE)))
    return kind(
        str(function), str(argument), known, *bounds, seen, symbols, size, argument.free_symbols <= set(system.v)
    )


def _size_of_forces(terms: Float[np.ndarray, "side bumps dof"]) -> float:
    """The root mean square of the inertial forces of what is known, or of the inputs; one where there is neither."""
    return float(np.max(np.sqrt(np.mean(terms**2, axis=1)))) or 1.0


def _response(
    system: System,
    function: Any,
    ranges: Float[np.ndarray, " argument"],
    form: WeakForm,
    known_terms: Float[np.ndarray, "side bumps dof"],
) -> float:
    """The root mean square of the generalised force that a function of size one makes: constant for a force, changing
    by one over the range of each argument within L and the dissipation, where a constant does nothing."""

    def sloped(*arguments: Any) -> Any:
        return sum(x / size for x, size in zip(arguments, ranges, strict=True))

    inner = _in_lagrangian(system, function) or system.dissipation.has(function)
    value = sloped if inner else lambda x, *others: jnp.ones_like(x)
    inertial, applied = _terms(system, form, {function: value}) - known_terms
    return float(np.max(np.sqrt(np.mean((inertial - applied) ** 2, axis=0))))


def _terms(system: System, form: WeakForm, functions: Mapping[Any, Any]) -> Float[np.ndarray, "side bumps dof"]:
    """Both sides of the weak equation, with zero for all other functions that are left open."""
    whole = {other: lambda x, *others: jnp.zeros_like(x) for other in system.unknown}
    whole |= dict(functions)
    law = SymbolicLagrangian(system, functions=whole), SymbolicForces(system, functions=whole)
    return np.asarray(form.terms(*law, SymbolicConstraints.of(system)))


def _in_lagrangian(system: System, function: object) -> bool:
    return any(f.func == function for f in system.lagrangian.atoms(AppliedUndef))


def calls_of(system: System, function: object) -> list[tuple[sp.Expr, ...]]:
    """The arguments with which a function stands in the declaration, in plain symbols."""
    found = sorted({tuple(map(system.plain, f.args)) for f in system.law.calls if f.func == function}, key=str)
    if len({len(arguments) for arguments in found}) > 1:
        raise ValueError(f"{function} stands in the declaration with different numbers of arguments: name them apart.")
    return found


def _trades_with(system: System, function: Any) -> Any:
    """The potential V(q) a linear term of which is the same as a constant of a force R(v), both left open:
    −V′(q) + R(v) = −(V + c q)′ + (R + c). None where there is none."""
    known = system.unknown[function]
    if known.odd or known.dissipative or known.nonnegative or known.zero_at_zero or _in_lagrangian(system, function):
        return None
    acting = [(x, force) for x, force in zip(system.q, system.generalized_forces, strict=True) if force.has(function)]
    if len(acting) != 1 or len(calls := calls_of(system, function)) != 1:
        return None
    (x, force), (arguments,) = acting[0], calls
    if not sp.expand(force).coeff(function(*arguments)).is_number:
        return None
    return next((other for other in system.unknown if _has_linear_term(system, other, x)), None)


def _has_linear_term(system: System, potential: Any, x: sp.Symbol) -> bool:
    """Whether a function in L of this coordinate alone may have a linear term, with a factor that is a number."""
    known = system.unknown[potential]
    if known.even or known.nonnegative or system.is_angle[system.q.index(x)]:
        return False
    if not _in_lagrangian(system, potential) or calls_of(system, potential) != [(x,)]:
        return False
    return sp.expand(system.plain_lagrangian).coeff(potential(x)).is_number is True


def is_whole(system: System, function: object) -> bool:
    """Whether a function is all of the Lagrangian."""
    return system.plain_lagrangian.func == function


def _visited(
    system: System, function: object, calls: Sequence[tuple[sp.Expr, ...]], parts: Sequence[Stretch]
) -> Float[np.ndarray, "point argument"]:
    """The values of the arguments along the motions, with the declared values of parameters."""
    values = {s: sp.Float(p.value) for s, p in system.parameters.items() if not p.varies}
    q, v, _, u, t = joined(parts)
    known = [*system.q, *system.v, *system.u, system.t]
    rows = []
    for arguments in calls:
        expressions = [argument.xreplace(values) for argument in arguments]
        others = set().union(*(e.free_symbols for e in expressions)) - set(known)
        if others:
            raise ValueError(
                f"The argument of {function} contains {listed(others)}: write it in coordinates and velocities."
            )
        columns = lambdified(known, expressions, modules=["numpy"])(*q.T, *v.T, *u.T, t)
        rows.append(np.stack([np.broadcast_to(column, len(t)) for column in columns], axis=1))
    whole = np.concatenate(rows)
    low, high = whole.min(axis=0), whole.max(axis=0)
    still = ~(high - low > 1e-9 * np.maximum(np.abs(low), np.abs(high)))
    if still.any():
        argument = calls[0][int(np.flatnonzero(still)[0])]
        raise ValueError(
            f"The argument {argument} of the unknown function {function} never varies in the data: record motions in "
            "which it does, or complete the system with system.with_functions."
        )
    return whole


def roughness(series: Sequence[AbstractSeries], family: Family) -> list[Float[np.ndarray, "_ free"]]:
    """For each function rows P, so that P x, of coefficients as shares of their size, is small where it is smooth."""
    found = []
    unknowns = family.unknowns
    place = {name: k for k, name in enumerate(unknowns.names)}
    for one in series:
        at = [place[c.name] for c in one.coefficients]
        shares = [1.0 if unknowns.exponential[k] else unknowns.sizes[k] / one.size for k in at]
        rows = np.zeros((len(one.roughness()), len(family)))
        rows[:, at] = one.roughness() * np.array(shares)
        found.append(rows)
    return found


def curve(
    spline: AbstractSeries,
    values: Mapping[str, float],
    covariance: Mapping[tuple[str, str], float] | None,
    constant: bool,
) -> Curve:
    """The function of these coefficients, with a band from their covariance by linearisation; where a `constant` of
    them is not determined, less its value nearest to zero, unless it is zero at zero anyhow."""
    constant = constant and not spline.known.zero_at_zero
    grid = np.linspace(*spline.visited, 101)
    coefficients = np.array([values[c.name] for c in spline.coefficients])
    basis = spline.basis(grid)
    level = basis[np.argmin(np.abs(grid))] if constant else 0.0
    basis = basis - level
    band = None
    if covariance is not None:
        names = [c.name for c in spline.coefficients]
        matrix = np.array([[covariance.get((a, b), 0.0) for b in names] for a in names])
        band = np.sqrt(np.maximum(np.einsum("pi,ij,pj->p", basis, matrix, basis), 0.0))
    derivative = spline.basis(grid, derivative=True) @ coefficients
    free = "a constant" if constant else f"a linear term of {spline.traded}" if spline.traded else None
    length = _BEYOND * float(np.ptp(grid))
    beyond = tuple(
        (x, (spline.basis(x) - level) @ coefficients)
        for x in (np.linspace(grid[0] - length, grid[0], 21), np.linspace(grid[-1], grid[-1] + length, 21))
    )
    return Curve(spline.argument, grid, basis @ coefficients, derivative, band, free, beyond)
