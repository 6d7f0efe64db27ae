"""The instants at which what a system declares switches: a force that sets in, a prescribed motion that begins."""

import itertools
from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import scipy.optimize
import sympy as sp
from jaxtyping import Float

from ._integrator import Integrator
from ._system import System
from ._types import RealScalar, States

_SAMPLES = 10_000
_ROUNDING = 1e-12


def jump_times(
    system: System, end: RealScalar, *, start: RealScalar = 0.0, m: Float[np.ndarray, "*batch params"] | None = None
) -> Float[np.ndarray, " jumps"]:
    """The times t, start < t < end, at which the declaration of a system switches, in increasing order.

    A `Piecewise`, `Heaviside`, `sign`, `Abs`, `Max` or `Min` switches where a function g(t) of time and of parameters
    changes its sign, `floor`, `frac` and `Mod` where their argument is whole. Those of a state are none of them. They
    are what `Integrator(jumps=…)` ends its steps at, for all motions of a batch with the parameters m.

    All zeros of a polynomial g are found. Of another, those between which it differs in sign at 10,000 equal instants:
    a pulse that is shorter than the ten-thousandth part of the interval can be missed.

    Raises `ValueError` for parameters of another number than the system's m.
    """
    rows = np.zeros((1, len(system.m))) if m is None else np.atleast_2d(np.asarray(m, np.float64))
    if rows.shape[-1] != len(system.m) or (m is None and system.m):
        raise ValueError(f"{system.name} has the parameters m = {system.m}: give m, one value for each of them.")
    fixed = {s: sp.Float(p.value) for s, p in system.parameters.items() if not p.varies}
    found: set[float] = set()
    for g in {g.xreplace(fixed) for g in _switching_functions(system)}:
        varying = sorted(g.free_symbols & set(system.m), key=str)
        columns = [system.m.index(symbol) for symbol in varying]
        for values in np.unique(rows[:, columns], axis=0):
            at = g.xreplace(dict(zip(varying, map(sp.Float, values), strict=True)))
            found.update(_zeros(at, system.t, float(start), float(end)))
    return np.array(sorted(t for t in found if start < t < end))


def ending_at_jumps(integrator: Integrator, system: System, start: States, duration: RealScalar) -> Integrator:
    """The integrator, with steps that end where the declaration switches along motions that start together: as it is
    where it knows of jumps of its own, or takes constant steps."""
    if integrator.jumps is not None or not integrator.is_adaptive:
        return integrator
    first = float(np.min(np.asarray(start.t)))
    jumps = jump_times(system, first + float(duration), start=first, m=np.asarray(start.m))
    if not jumps.size:
        return integrator
    return eqx.tree_at(lambda x: x.jumps, integrator, jnp.asarray(jumps), is_leaf=lambda x: x is None)


def _switching_functions(system: System) -> Iterator[sp.Expr]:
    """g(t), with parameters: whatever in the declaration switches does so where one of them is zero."""
    law = system.law
    known = {law.t, *law.parameters}
    declared = (law.lagrangian, law.dissipation, *law.forces.values(), *law.constraints, *law.velocity_constraints)
    for expression in map(law.plain, declared):
        for node in sp.preorder_traversal(expression):
            for g in _switches(node):
                if law.t in g.free_symbols and g.free_symbols <= known:
                    yield g


def _switches(node: sp.Basic) -> Iterator[sp.Expr]:
    """g = 0 where this node switches."""
    if isinstance(node, sp.Abs | sp.sign | sp.Heaviside):
        yield node.args[0]
    elif isinstance(node, sp.Max | sp.Min):
        yield from (a - b for a, b in itertools.combinations(node.args, 2))
    elif isinstance(node, sp.core.relational.Relational):
        yield node.lhs - node.rhs
    elif isinstance(node, sp.floor | sp.ceiling | sp.frac):
        yield sp.sin(sp.pi * node.args[0])
    elif isinstance(node, sp.Mod):
        yield sp.sin(sp.pi * node.args[0] / node.args[1])


def _zeros(g: sp.Expr, t: sp.Symbol, start: float, end: float) -> Iterator[float]:
    polynomial = g.as_poly(t)
    if polynomial is not None:
        roots = np.roots([float(c) for c in polynomial.all_coeffs()])
        yield from map(float, roots.real[np.abs(roots.imag) <= _ROUNDING * np.abs(roots)])
        return
    value = sp.lambdify(t, g, "numpy")
    times = np.linspace(start, end, _SAMPLES + 1)
    signs = np.sign(np.broadcast_to(value(times), times.shape))
    # where g vanishes for a while, another switch within it begins and ends that
    alone = (signs[1:-1] == 0) & (signs[:-2] != 0) & (signs[2:] != 0)
    yield from map(float, times[1:-1][alone])
    for k in np.flatnonzero(signs[:-1] * signs[1:] < 0):
        found: Any = scipy.optimize.brentq(value, times[k], times[k + 1], xtol=_ROUNDING * (end - start))
        yield float(found)
