"""What makes a declaration sound: each check names the symbol at fault and the remedy."""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

from ._distribution import Normal, Uniform
from ._frozen import FrozenDict

if TYPE_CHECKING:
    from ._system import System

_SINGULAR_BELOW = 1e-12
_PROBES = 5


def freeze(system: "System") -> None:
    """Turn what the user wrote (lists, dicts, plain numbers) into hashable SymPy objects, in place."""
    from ._system import Parameter

    def store(name: str, value: Any) -> None:
        object.__setattr__(system, name, value)

    for name in ("coordinates", "angles"):
        store(name, tuple(getattr(system, name)))
    for name in ("states", "initial_states", "units", "inputs", "parameters", "forces"):
        value = getattr(system, name)
        if not isinstance(value, Mapping):
            raise ValueError(f"{name} must be a dict, but is a {type(value).__name__}.")
        store(name, FrozenDict(value))
    parameters = {}
    for symbol, value in system.parameters.items():
        try:
            parameters[symbol] = value if isinstance(value, Parameter) else Parameter(value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"Parameter {symbol} must be a number or a distribution, but is {value!r}.") from error
    store("parameters", FrozenDict(parameters))
    for name in ("lagrangian", "dissipation"):
        store(name, _scalar(getattr(system, name), name))
    store("forces", FrozenDict({x: _scalar(f, f"forces[{x}]") for x, f in system.forces.items()}))
    store("positions", tuple((sp.sympify(x), sp.sympify(y)) for x, y in system.positions))


def _scalar(value: Any, what: str) -> sp.Expr:
    try:
        expression = sp.sympify(value)
    except (sp.SympifyError, TypeError) as error:
        raise ValueError(f"{what} must be a scalar SymPy expression, but is {value!r}.") from error
    if not isinstance(expression, sp.Expr) or isinstance(expression, sp.MatrixBase | sp.MatrixExpr):
        raise ValueError(
            f"{what} must be a scalar SymPy expression, but is a {type(value).__name__}. "
            "Take a dot product or an element of a vector or matrix."
        )
    if expression.has(sp.I):
        raise ValueError(f"{what} is complex (it contains the imaginary unit): write it with real functions.")
    if expression.has(sp.nan, sp.zoo, sp.oo, -sp.oo):
        raise ValueError(f"{what} contains an infinite or undefined number: {expression}.")
    return expression


def check(system: "System") -> None:
    """Raise a `ValueError` at the first thing that is wrong with the declaration."""
    _check_name(system)
    _check_coordinates(system)
    _check_parameters(system)
    _check_distributions(system)
    expressions = {"lagrangian": system.lagrangian, "dissipation": system.dissipation}
    expressions |= {f"forces[{x}]": f for x, f in system.forces.items()}
    expressions |= {f"positions[{i}]": c for i, pair in enumerate(system.positions) for c in pair}
    for what, expression in expressions.items():
        _check_symbols(system, what, expression)
    _check_mass_matrix(system)


def _check_name(system: "System") -> None:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", system.name):
        raise ValueError(
            f"The name {system.name!r} names files: use letters, digits, '_' and '-', and begin with a letter."
        )
    duration = float(system.duration)
    if not 0 < duration < float("inf"):
        raise ValueError(f"duration must be a positive number of seconds, but is {system.duration!r}.")
    object.__setattr__(system, "duration", duration)


def _check_coordinates(system: "System") -> None:
    if not system.coordinates:
        raise ValueError("A system needs at least one coordinate: coordinates=(dynamicsymbols('theta'),).")
    for x in system.coordinates:
        if not (isinstance(x, AppliedUndef) and len(x.args) == 1 and x.args[0].is_Symbol):
            raise ValueError(f"Coordinate {x} must be a function of time: declare it as dynamicsymbols('{x}').")
        if x.args[0] != system.t:
            raise ValueError(
                f"Coordinate {x} depends on another time symbol than {system.coordinates[0]}: use one t for all."
            )
    repeated = {x for x in system.coordinates if system.coordinates.count(x) > 1}
    if repeated:
        raise ValueError(f"Coordinate {_join(repeated)} is declared twice.")
    for name in ("angles", "units", "forces"):
        unknown = [x for x in getattr(system, name) if x not in system.coordinates]
        if unknown:
            raise ValueError(f"{name} names {_join(unknown)}, which is no coordinate of {system.name}.")


def _check_parameters(system: "System") -> None:
    for symbol in system.parameters:
        if not isinstance(symbol, sp.Symbol):
            raise ValueError(f"Parameter {symbol} must be a symbol: sp.symbols('{symbol}', positive=True).")
    names = [symbol.name for symbol in (*system.parameters, *system.q, *system.v, *system.a, *system.u, system.t)]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise ValueError(
            f"The name {_join(repeated)} stands for two different symbols "
            "(coordinates, velocities NAME_dot, accelerations NAME_ddot, inputs, parameters and time share one "
            "name space): rename one, or declare the symbol once with one set of assumptions."
        )


def _check_distributions(system: "System") -> None:
    expected = {y: f"states={{{y}: uniform(…, …)}}" for x in system.coordinates for y in (x, x.diff(system.t))}
    for y, remedy in expected.items():
        if y not in system.states:
            kind = "velocity" if isinstance(y, sp.Derivative) else "coordinate"
            raise ValueError(f"The {kind} {y} has no distribution: add {remedy}.")
    for name in ("states", "initial_states"):
        for y, distribution in getattr(system, name).items():
            if y not in expected:
                raise ValueError(f"{name} names {y}, which is no coordinate or velocity of {system.name}.")
            _check_distribution(f"{name}[{y}]", distribution)
    for u, distribution in system.inputs.items():
        _check_distribution(f"inputs[{u}]", distribution)
    if system.time is not None:
        _check_distribution("time", system.time)


def _check_distribution(what: str, distribution: Any) -> None:
    if not isinstance(distribution, Uniform | Normal):
        raise ValueError(f"{what} must be uniform(low, high) or normal(mean, std), but is {distribution!r}.")
    if isinstance(distribution, Uniform) and not distribution.low < distribution.high:
        raise ValueError(f"{what} has reversed bounds: {distribution}. Give the lower one first.")


def _check_symbols(system: "System", what: str, expression: sp.Expr) -> None:
    plain = system.plain(expression)
    accelerations = plain.free_symbols & set(system.a)
    left = plain.atoms(sp.Derivative)
    if accelerations or left:
        culprit = _join(accelerations or left)
        raise ValueError(
            f"{what} contains the derivative {culprit}: only coordinates and their first time derivatives with "
            f"respect to {system.t} may appear. Write velocities as q.diff({system.t}), with the same time symbol."
        )
    functions = plain.atoms(AppliedUndef)
    if functions:
        raise ValueError(
            f"{what} contains {_join(functions)}, which is no coordinate of {system.name}: add it to coordinates "
            "or inputs, or make it a parameter."
        )
    known = {*system.parameters, *system.q, *system.v, *(system.u if what.startswith("forces") else ())}
    for symbol in sorted(plain.free_symbols - known, key=str):
        _explain_unknown_symbol(system, what, symbol)


def _explain_unknown_symbol(system: "System", what: str, symbol: sp.Basic) -> None:
    if symbol == system.t:
        if system.time is None:
            raise ValueError(f"{what} depends on time: add time=uniform(0, …), what t is drawn from.")
        return
    if symbol in system.u:
        raise ValueError(f"{what} contains the input {symbol}: control inputs may only appear in forces.")
    if str(symbol) in {s.name for s in system.parameters}:
        raise ValueError(
            f"{what} contains a symbol {symbol} with other assumptions than the parameter of that name: "
            f"declare {symbol} once and use that object everywhere."
        )
    raise ValueError(
        f"{what} contains the unknown symbol {symbol}: add parameters={{{symbol}: Parameter(…, 'unit')}}, "
        "or make it a coordinate with dynamicsymbols."
    )


def _check_mass_matrix(system: "System") -> None:
    """The velocity Hessian must be regular where states are drawn; five random states tell."""
    arguments = [*system.q, *system.v, *system.parameters, system.t]
    function = sp.lambdify(arguments, system.mass_matrix, modules=["scipy", "numpy"], cse=True)
    generator = np.random.default_rng(0)
    drawn = [d for pair in zip(*system.state_distributions(), strict=True) for d in pair]
    drawn += [parameter.value for parameter in system.parameters.values()]
    drawn += [system.time or 0.0]
    regularity = []
    for _ in range(_PROBES):
        values = [_probe(d, generator) for d in drawn]
        with np.errstate(all="ignore"):
            matrix = np.asarray(function(*values))
        if np.isrealobj(matrix) and np.all(np.isfinite(matrix)):
            singular_values = np.linalg.svd(matrix.astype(float), compute_uv=False)
            regularity.append(singular_values[-1] / max(singular_values[0], 1e-300))
    if not regularity:
        raise ValueError(
            f"The mass matrix ∂²L/∂v∂v of {system.name} is complex or infinite at states drawn from the declaration: "
            "narrow the distributions to where L is real."
        )
    if max(regularity) < _SINGULAR_BELOW:
        missing = [x for x, vi in zip(system.coordinates, system.v, strict=True) if not _appears(system, vi)]
        hint = f"it does not depend on the velocity of {_join(missing)}" if missing else "its rows are dependent"
        raise ValueError(
            f"The mass matrix ∂²L/∂v∂v of {system.name} is singular ({hint}), so the accelerations are not "
            "determined: add the missing kinetic energy, or remove the redundant coordinate."
        )


def _appears(system: "System", velocity: sp.Symbol) -> bool:
    return any(entry != 0 for entry in system.mass_matrix.row(system.v.index(velocity)))


def _probe(value: Any, generator: np.random.Generator) -> float:
    if isinstance(value, Uniform):
        return generator.uniform(value.low, value.high)
    if isinstance(value, Normal):
        return generator.normal(value.mean, value.std)
    return float(value)


def _join(items: Iterable[Any]) -> str:
    return ", ".join(sorted(str(item) for item in items))
