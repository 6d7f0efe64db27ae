"""The Euler–Lagrange equation in its weak form: no accelerations, no Hessian."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize
from jaxtyping import Array, Float, Int

from .._dynamics import SymbolicForces, SymbolicLagrangian
from .._system import System
from ._smooth import Stretch, joined
from ._unknowns import Unknowns

_PASSES, _SMOOTHING_PASSES = 3, 12
_OVERLAP = math.sqrt(2.0)
"""Bumps at a quarter of their width tell twice what half as many do that are independent."""


class WeakForm(eqx.Module):
    """The equation of motion, against the bumps φ = c (1 − s²)⁴ with ∫φ dt = 1 and s = ±1 at a half width from their
    centres:

        r = ∫ (−φ′ ∂L/∂v − φ (∂L/∂q + Q)) dt = 0,

    a generalised force for each bump and coordinate. It follows from the Euler–Lagrange equation by integrating the
    time derivative by parts (Messenger & Bortz, SIAM Multiscale Model. Simul. 19, 2021, for differential equations).
    """

    q: Float[Array, "points dof"]
    v: Float[Array, "points dof"]
    m: Float[Array, "points params"]
    u: Float[Array, "points u"]
    t: Float[Array, " points"]
    places: Int[Array, "bumps width"]
    bump: Float[Array, "bumps width"]
    slope: Float[Array, "bumps width"]

    @staticmethod
    def of(parts: Sequence[Stretch], half_width: float) -> "WeakForm":
        """With bumps at every quarter of their width, within the stretches."""
        longest = max(part.step for part in parts)
        half = max(4, round(half_width / longest))
        s = np.linspace(-1, 1, 2 * half + 1)
        shape, change = (1 - s**2) ** 4, -8 * s * (1 - s**2) ** 3
        places, bumps, slopes, first = [], [], [], 0
        for part in parts:
            starts = np.arange(0, len(part.t) - 2 * half, max(1, half // 2))
            places.append(first + starts[:, None] + np.arange(2 * half + 1))
            area = shape.sum()
            bumps.append(np.broadcast_to(shape / area, places[-1].shape))
            slopes.append(np.broadcast_to(change / (area * half * part.step), places[-1].shape))
            first += len(part.t)
        if not sum(map(len, places)):
            raise ValueError(
                f"No part of the data is without gaps for {2 * half_width:.3g} s, as long as the weak form needs: "
                "record longer ones, or set a shorter half width."
            )
        made = (*joined(parts), *(np.concatenate(x) for x in (places, bumps, slopes)))
        return WeakForm(*(jnp.asarray(x) for x in made))

    def __call__(self, lagrangian: Callable[..., Array], forces: Callable[..., Array]) -> Float[Array, "bumps dof"]:
        """r of a Lagrangian L(q, v, m, t) and forces Q(q, v, m, u, t)."""
        inertial, applied = self.terms(lagrangian, forces)
        return inertial - applied

    def terms(
        self, lagrangian: Callable[..., Array], forces: Callable[..., Array]
    ) -> tuple[Float[Array, "bumps dof"], Float[Array, "bumps dof"]]:
        """The two integrals that r is the difference of."""

        def at(q: Array, v: Array, m: Array, u: Array, t: Array) -> tuple[Array, Array]:
            slope, momentum = jax.grad(lagrangian, (0, 1))(q, v, m, t)
            return momentum, slope + forces(q, v, m, u, t)

        momentum, force = jax.vmap(at)(self.q, self.v, self.m, self.u, self.t)
        inertial = -jnp.einsum("kw,kwi->ki", self.slope, momentum[self.places])
        return inertial, jnp.einsum("kw,kwi->ki", self.bump, force[self.places])


class WeakProblem:
    """The residuals of a system's free parameters in the weak form, compiled once: r/s, with s the root mean square of
    both terms of r, for each coordinate.

    A law that vanishes in one coordinate, m → 0 say, or altogether, is no solution; and where all forces grow by one
    factor, which says nothing where none of them is measured, r/s stays.
    """

    def __init__(self, system: System, unknowns: Unknowns, form: WeakForm):
        fixed = {symbol.name: p.value for symbol, p in system.parameters.items() if not p.varies}

        def residuals(x: Array, form: WeakForm) -> Array:
            values = fixed | unknowns.values(x)
            inertial, applied = form.terms(SymbolicLagrangian(system, values), SymbolicForces(system, values))
            return (inertial - applied) / jnp.sqrt(jnp.mean(inertial**2 + applied**2, axis=0))

        self.form, self.lowest = form, unknowns.lowest()
        self._residuals = eqx.filter_jit(residuals)
        self._jacobian = eqx.filter_jit(jax.jacfwd(residuals))

    def residuals(self, x: np.ndarray) -> Float[np.ndarray, "bumps dof"]:
        """r/s."""
        return np.asarray(self._residuals(jnp.asarray(x), self.form))

    def jacobian(self, x: np.ndarray) -> Float[np.ndarray, "bumps dof free"]:
        """d(r/s)/dx."""
        return np.asarray(self._jacobian(jnp.asarray(x), self.form))

    def solve(
        self, x: np.ndarray, kept: Sequence[int], priors: Sequence[Float[np.ndarray, "_ free"]]
    ) -> tuple[Float[np.ndarray, " free"], Sequence[Float[np.ndarray, "_ free"]]]:
        """The least squares in the kept parameters, each coordinate weighted by what was left of it before, and of
        every prior P times x; and the priors with the sizes that were found for them.

        P x is taken to be normal with a size τ of its own, which is estimated by expectation maximisation:
        τ² ← (|P x|² + tr P H⁻¹ Pᵀ) / rows, with the Hessian H (Dempster, Laird & Rubin, J. R. Stat. Soc. B 39, 1977).
        """
        kept, x = list(kept), np.array(x)

        def whole(part: np.ndarray) -> np.ndarray:
            moved = x.copy()
            moved[kept] = part
            return moved

        found = x[kept]
        for _ in range(_SMOOTHING_PASSES if priors else _PASSES):
            prior = np.concatenate([*priors, np.zeros((0, len(x)))])
            size = np.sqrt(np.mean(self.residuals(whole(found)) ** 2, axis=0))
            weight = 1 / (_OVERLAP * np.where(size > 0, size, 1.0))

            def off(part: np.ndarray, weight: np.ndarray = weight, prior: np.ndarray = prior) -> np.ndarray:
                x = whole(part)
                return _finite(np.concatenate([(self.residuals(x) * weight).ravel(), prior @ x]))

            def slopes(part: np.ndarray, weight: np.ndarray = weight, prior: np.ndarray = prior) -> np.ndarray:
                of_data = self.jacobian(whole(part))[..., kept] * weight[:, None]
                return np.concatenate([of_data.reshape(-1, len(kept)), prior[:, kept]])

            below = np.minimum(self.lowest[kept], found - 1e-9)
            search: Any = scipy.optimize.least_squares
            answer = search(off, found, jac=slopes, x_scale="jac", bounds=(below, np.inf), max_nfev=200)
            found = np.maximum(answer.x, self.lowest[kept] + 1e-6)
            inverse = np.linalg.pinv(answer.jac.T @ answer.jac, hermitian=True)
            priors = [_of_its_size(rows, whole(found), rows[:, kept], inverse) for rows in priors]
        return whole(found), priors


def _of_its_size(prior: np.ndarray, x: np.ndarray, kept: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    if not len(prior):
        return prior
    size = np.sqrt((np.sum((prior @ x) ** 2) + np.einsum("ri,ij,rj->", kept, inverse, kept)) / len(prior))
    return prior / max(float(size), 1e-6)


def _finite(residuals: np.ndarray) -> np.ndarray:
    """What a trial far away overflows to is worse than anything, but a number."""
    return np.nan_to_num(residuals, nan=1e15, posinf=1e15, neginf=-1e15)
