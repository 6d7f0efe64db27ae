"""Laws for other programs: functions for SciPy, C and Julia of declared ones, StableHLO of learned ones."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import equinox as eqx
import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import sympy as sp
from jaxtyping import Array, Float

from ._dynamics import AbstractDynamics
from ._files import write_file
from ._lambdify import lambdified
from ._system import System

Rates = Callable[[float, Float[np.ndarray, " state"]], Float[np.ndarray, " state"]]
"""(t, y) ↦ ẏ with y = (q, v)."""


@dataclass(frozen=True)
class _Bordered:
    """The equation of a system as one of size n = coordinates + constraints, in plain symbols:

    [[M, −Aᵀ], [A, 0]] (a, λ) = (Q − b, −c).
    """

    system: System

    @property
    def size(self) -> int:
        return self.system.dof + len(self.system.law.multipliers)

    @property
    def matrix(self) -> sp.ImmutableMatrix:
        law = self.system.law
        known = law.constraint_equations
        corner = sp.zeros(len(known.rates), len(known.rates))
        upper = sp.Matrix(law.unsimplified.mass_matrix).row_join(-known.matrix.T)
        return sp.ImmutableMatrix(upper.col_join(known.matrix.row_join(corner)))

    @property
    def sides(self) -> tuple[sp.Expr, ...]:
        law = self.system.law
        return (*(law.generalized_forces - law.unsimplified.bias), *(-law.constraint_equations.bias))


def to_scipy(
    system: System,
    parameters: Mapping[str, float] | None = None,
    u: Sequence[float] | Callable[[float, np.ndarray, np.ndarray], Sequence[float]] = (),
) -> Rates:
    """The rates ẏ of y = (q, v) as a function (t, y) for `scipy.integrate.solve_ivp`, in NumPy alone.

    `parameters` override declared values, and give those that vary; `u` holds the control inputs, or is a function
    u(t, q, v). Constraints are kept by their forces, and drift as the integrator's errors add up. Raises `ValueError`
    for a parameter without a value, or unknown, and for too few inputs.
    """
    law, bordered = system.law, _Bordered(system)
    values = _values(system, parameters)
    arguments = [*law.q, *law.v, *law.u, *law.parameters, law.t]
    function = lambdified(arguments, [*bordered.matrix, *bordered.sides], modules=["scipy", "numpy"])
    if not callable(u) and len(u) != len(law.u):
        names = ", ".join(symbol.name for symbol in law.u) or "none"
        raise ValueError(f"{system.name} has the control inputs {names}: give u as many numbers, or a function.")
    size, dof, redundant = bordered.size, system.dof, system.constraint_rank < len(law.multipliers)

    def rates(t: float, y: np.ndarray) -> np.ndarray:
        q, v = np.split(np.asarray(y, float), 2)
        inputs = u(t, q, v) if callable(u) else u
        found = np.array(function(*q, *v, *inputs, *values, t), float)
        matrix, sides = found[: size**2].reshape(size, size), found[size**2 :]
        solved = np.linalg.lstsq(matrix, sides, rcond=None)[0] if redundant else np.linalg.solve(matrix, sides)
        return np.concatenate([v, solved[:dof]])

    return rates


def to_c(system: System) -> str:
    """A file in C99 with `int NAME_rates(double t, const double *y, const double *u, const double *p, double *dy)`,

    which sets dy = ẏ of y = (q, v), with inputs u and parameters p in the order that its head says, and returns 0, or 1
    where the equation is singular. It needs nothing but `math.h`.
    """
    bordered, name = _Bordered(system), _identifier(system.name)
    dof, size = system.dof, bordered.size
    lines = _assignments(bordered, _placed(system, 0), sp.ccode, "  const double {} = {};", "  m[{}] = {};", _flat)
    return _C.format(name=name, head=_head(system), body="\n".join(lines), dof=dof, size=size, columns=size + 1)


def to_julia(system: System) -> str:
    """A file in Julia with `NAME_rates!(dy, y, p, t; u=…)`, in the signature of `ODEProblem`, which sets dy = ẏ of
    y = (q, v), with parameters p and inputs u in the order that its head says."""
    bordered, name = _Bordered(system), _identifier(system.name)
    lines = _assignments(
        bordered,
        _placed(system, 1),
        sp.julia_code,
        "    {} = {}",
        "    m[{}] = {}",
        lambda i, j, _: f"{i + 1}, {j + 1}",
    )
    zeros = ", ".join(["0.0"] * len(system.u))
    return _JULIA.format(
        name=name,
        head=_head(system),
        body="\n".join(lines),
        dof=system.dof,
        last=2 * system.dof,
        size=bordered.size,
        columns=bordered.size + 1,
        zeros=f"({zeros},)" if zeros else "()",
    )


def to_stablehlo(dynamics: AbstractDynamics, path: str | Path, *, dof: int, m: int = 0, u: int = 0) -> None:
    """Write the accelerations of a law, learned or not, as StableHLO: `jax.export.deserialize` reads it, as other
    compilers of StableHLO do, without symlnn.

    It holds one function (q, v, m, u, t) ↦ a of a batch of any size, in the floating-point type of JAX's default:
    (batch, dof), (batch, dof), (batch, m), (batch, u), (batch,) ↦ (batch, dof); for CPUs, and NVIDIA and AMD GPUs.

    Raises `ValueError` where the package `flatbuffers`, of the extra `stablehlo`, is not installed.
    """
    arrays, static = eqx.partition(dynamics, eqx.is_array)

    def of_batch(q: Array, v: Array, m: Array, u: Array, t: Array) -> Array:
        law = eqx.combine(arrays, static)
        return jax.vmap(law.acceleration)(q, v, m, u, t)

    (batch,) = jax.export.symbolic_shape("batch")
    dtype = jnp.result_type(float)
    shapes = [(batch, dof), (batch, dof), (batch, m), (batch, u), (batch,)]
    exported = jax.export.export(jax.jit(of_batch), platforms=("cpu", "cuda", "rocm"))(
        *(jax.ShapeDtypeStruct(shape, dtype) for shape in shapes)
    )
    try:
        content = bytes(exported.serialize())
    except ImportError as error:
        raise ValueError(
            "To write StableHLO needs the package flatbuffers: pip install 'symlnn[stablehlo]'."
        ) from error
    write_file(Path(path), content)


def _values(system: System, parameters: Mapping[str, float] | None) -> list[float]:
    known = (system.with_parameters(parameters) if parameters else system).parameters
    if missing := [symbol.name for symbol, parameter in known.items() if parameter.varies]:
        raise ValueError(f"The parameter {missing[0]} varies: give its value, parameters={{'{missing[0]}': …}}.")
    return [float(parameter.value) for parameter in known.values()]


def _placed(system: System, first: int) -> dict[sp.Symbol, sp.Symbol]:
    """Elements of the arrays y, u and p for the symbols of a system; the first has this number."""
    groups = {"y": (*system.q, *system.v), "u": system.u, "p": tuple(system.parameters)}
    placed = {
        symbol: sp.Symbol(f"{array}[{k}]", real=True)
        for array, symbols in groups.items()
        for k, symbol in enumerate(symbols, first)
    }
    return placed | {system.t: sp.Symbol("t", real=True)}


def _assignments(
    bordered: _Bordered,
    placed: Mapping[sp.Symbol, sp.Symbol],
    printed: Callable[[sp.Expr], str],
    part: str,
    entry: str,
    place: Callable[[int, int, int], str],
) -> list[str]:
    """A line for each common subexpression, and for each entry of the bordered matrix and its sides but zeros."""
    size, rule = bordered.size, dict(placed)
    whole = sp.Matrix(bordered.matrix).row_join(sp.Matrix(bordered.sides)).applyfunc(lambda x: x.xreplace(rule))
    symbols = (sp.Symbol(f"x{k}") for k in range(10**9))
    parts, (found,) = sp.cse([whole], symbols=symbols)
    lines = [part.format(symbol, printed(expression)) for symbol, expression in parts]
    entries = ((i, j) for i in range(size) for j in range(size + 1))
    return [
        *lines,
        *(entry.format(place(i, j, size + 1), printed(found[i, j])) for i, j in entries if found[i, j] != 0),
    ]


def _flat(i: int, j: int, columns: int) -> str:
    return str(i * columns + j)


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _head(system: System) -> str:
    def listed(symbols: Sequence[sp.Symbol]) -> str:
        return ", ".join(re.sub(r"[^\w ]", "_", symbol.name) for symbol in symbols) or "none"

    return "\n".join(
        [
            f"{system.name}, by symlnn.",
            f"y = {listed((*system.q, *system.v))}",
            f"u = {listed(system.u)}",
            f"p = {listed(tuple(system.parameters))}",
        ]
    )


_C = """\
/* {head} */
#include <math.h>
#include <string.h>

/* Gaussian elimination of a matrix with its sides as the last column, with partial pivoting. */
static int {name}_solve(double *m) {{
  for (int k = 0; k < {size}; k++) {{
    int best = k;
    for (int i = k + 1; i < {size}; i++)
      if (fabs(m[i * {columns} + k]) > fabs(m[best * {columns} + k])) best = i;
    if (!(fabs(m[best * {columns} + k]) > 0.0)) return 1;
    for (int j = 0; j < {columns}; j++) {{
      const double kept = m[k * {columns} + j];
      m[k * {columns} + j] = m[best * {columns} + j];
      m[best * {columns} + j] = kept;
    }}
    for (int i = 0; i < {size}; i++) {{
      if (i == k) continue;
      const double share = m[i * {columns} + k] / m[k * {columns} + k];
      for (int j = k; j < {columns}; j++) m[i * {columns} + j] -= share * m[k * {columns} + j];
    }}
  }}
  return 0;
}}

int {name}_rates(double t, const double *y, const double *u, const double *p, double *dy) {{
  double m[{size} * {columns}];
  memset(m, 0, sizeof m);
  (void)t; (void)u; (void)p;
{body}
  if ({name}_solve(m)) return 1;
  for (int i = 0; i < {dof}; i++) {{
    dy[i] = y[{dof} + i];
    dy[{dof} + i] = m[i * {columns} + {size}] / m[i * {columns} + i];
  }}
  return 0;
}}
"""

_JULIA = """\
#= {head} =#
using LinearAlgebra

function {name}_rates!(dy, y, p, t; u = {zeros})
    m = zeros(eltype(y), {size}, {columns})
{body}
    solved = m[:, 1:{size}] \\ m[:, {columns}]
    dy[1:{dof}] .= @view y[{dof}+1:{last}]
    dy[{dof}+1:{last}] .= @view solved[1:{dof}]
    return dy
end
"""
