"""The instants at which what a system declares switches: a force that sets in, a prescribed motion that begins."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import scipy.optimize
import sympy as sp
from jaxtyping import Array, Float

from ._integrator import Integrator
from ._lambdify import lambdified
from ._symbolic import surfaces
from ._system import System
from ._types import RealScalar, States

_SAMPLES = 10_000
_ROUNDING = 1e-12
"""Of zeros, as a share of the interval."""
_APART, _APART_SINGLE = 1e-9, 1e-5
"""What is less apart is one, in double and in single precision: above ten of the smallest steps of an `Integrator`."""


def jump_times(
    system: System,
    end: RealScalar,
    *,
    start: RealScalar = 0.0,
    m: Sequence[float] | Float[np.ndarray, " params"] | Float[Array, " params"] | None = None,
) -> Float[np.ndarray, " jumps"]:
    """The times t, start < t < end, at which the declaration of a system switches, in increasing order.

    A `Piecewise`, `Heaviside`, `sign`, `Abs`, `Max` or `Min` switches where a function g(t) of time and of parameters
    changes its sign, `floor`, `frac` and `Mod` where their argument is whole. Those of a state are none of them. They
    are what `Integrator(jumps=…)` ends its steps at. Where a parameter varies, m has those of one motion; without them
    what depends on one is left out.

    Zeros of a polynomial g are found however near they are. Of another, those between which it differs in sign at
    10,000 equal instants: a pulse that is shorter than the ten-thousandth part of the interval can be missed.

    Raises `ValueError` for parameters of another number than the system's m.
    """
    values = {s: sp.Float(p.value) for s, p in system.parameters.items() if not p.varies}
    if m is not None:
        if np.shape(m) != (len(system.m),):
            raise ValueError(
                f"m has the shape {np.shape(m)}, but {system.name} has the {len(system.m)} parameters "
                f"{system.m}: give those of one motion."
            )
        values |= {s: sp.Float(float(x)) for s, x in zip(system.m, m, strict=True)}
    begin, stop = float(start), float(end)
    law = system.law
    declared = (law.lagrangian, law.dissipation, *law.forces.values(), *law.constraints, *law.velocity_constraints)
    found = set()
    for g in surfaces(sp.Tuple(*map(law.plain, declared))):
        if law.t in g.free_symbols and g.free_symbols <= {law.t, *values}:
            for factor in sp.Mul.make_args(sp.factor(g)):
                found.update(_zeros(factor.as_base_exp()[0].xreplace(values), law.t, begin, stop))
    return _parted(sorted(found), begin, stop, _APART * (stop - begin))


def _parted(times: Iterable[float], begin: float, stop: float, apart: float) -> np.ndarray:
    """Those between the ends, and of what is nearer to each other than that, the first."""
    kept: list[float] = []
    for t in times:
        if min(t - (kept[-1] if kept else begin), stop - t) > apart:
            kept.append(t)
    return np.array(kept)


def ending_at_jumps(integrator: Integrator, system: System, start: States, duration: RealScalar) -> Integrator:
    """The integrator, with steps that end where the declaration switches along motions that start together: as it is
    where it knows of jumps of its own, or takes constant steps. Jumps that differ from motion to motion are left to
    the size of the steps."""
    if integrator.jumps is not None or not integrator.is_adaptive:
        return integrator
    first, rows = float(np.min(np.asarray(start.t))), np.unique(np.atleast_2d(np.asarray(start.m)), axis=0)
    end = first + float(duration)
    jumps = jump_times(system, end, start=first, m=rows[0] if len(rows) == 1 else None)
    if start.q.dtype != np.float64:
        jumps = _parted(jumps, first, end, _APART_SINGLE * (end - first))
    if not jumps.size:
        return integrator
    return eqx.tree_at(lambda x: x.jumps, integrator, jnp.asarray(jumps), is_leaf=lambda x: x is None)


def _zeros(g: sp.Expr, t: sp.Symbol, start: float, end: float) -> Iterator[float]:
    polynomial = g.as_poly(t)
    if polynomial is not None:
        roots = np.roots([float(c) for c in polynomial.all_coeffs()])
        yield from map(float, roots.real[np.abs(roots.imag) <= _ROUNDING * np.abs(roots)])
        return
    function = lambdified([t], [g], modules=["scipy", "numpy"])

    def value(time: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.real_if_close(np.broadcast_to(function(time)[0], np.shape(time)))

    times = np.linspace(start, end, _SAMPLES + 1)
    signs = np.sign(np.where(np.isreal(found := value(times)), np.real(found), np.nan))
    # where g vanishes for a while, another switch within it begins and ends that
    alone = (signs[1:-1] == 0) & (np.abs(signs[:-2]) == 1) & (np.abs(signs[2:]) == 1)
    yield from map(float, times[1:-1][alone])
    for k in np.flatnonzero(signs[:-1] * signs[1:] < 0):
        root: Any = scipy.optimize.brentq(value, times[k], times[k + 1], xtol=_ROUNDING * (end - start))
        yield float(root)
