"""The Euler–Lagrange equation in its weak form: no accelerations, no Hessian."""

import contextlib
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
import scipy.sparse
from jaxtyping import Array, Float, Int

from .._dynamics import AbstractConstraints, without_constraint_forces
from ._family import Family
from ._least_squares import least_squares
from ._smooth import Stretch, joined

_PASSES, _SMOOTHING_PASSES = 3, 12
_STEPS = 40
"""Of each pass."""
_ROUGHLY, _ENOUGH = 1e-4, 1e-8
"""The relative fall of the sum of squares at which a pass ends: with networks, but for the last one, and without."""
_POINTS = 2048
"""What the Jacobian is taken of at once."""
_MANY = 500
"""Unknowns, of which the smoothness of networks makes the Hessian regular."""
_OVERLAP = math.sqrt(2.0)
"""Bumps at a quarter of their width tell twice what half as many do that are independent."""


class WeakForm(eqx.Module):
    """The equation of motion, against the bumps φ = c (1 − s²)⁴ with ∫φ dt = 1 and s = ±1 at a half width from their
    centres:

        r = ∫ (−φ′ ∂L/∂v − φ (∂L/∂q + Q)) dt = 0,

    a generalised force for each bump and coordinate. Where there are constraints, against φ Pᵀ, with P Aᵀ = 0 (see
    `without_constraint_forces`), so that their forces say nothing: with P ∂L/∂v in place of ∂L/∂v, and
    P (∂L/∂q + Q) + Ṗ ∂L/∂v in place of ∂L/∂q + Q. It follows from the Euler–Lagrange equation by integrating the
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

    def __call__(
        self,
        lagrangian: Callable[..., Array],
        forces: Callable[..., Array],
        constraints: AbstractConstraints | None = None,
    ) -> Float[Array, "bumps dof"]:
        """r of a Lagrangian L(q, v, m, t), forces Q(q, v, m, u, t) and constraints."""
        inertial, applied = self.terms(lagrangian, forces, constraints)
        return inertial - applied

    def terms(
        self,
        lagrangian: Callable[..., Array],
        forces: Callable[..., Array],
        constraints: AbstractConstraints | None = None,
    ) -> tuple[Float[Array, "bumps dof"], Float[Array, "bumps dof"]]:
        """The two integrals that r is the difference of."""

        at = functools.partial(momentum_and_force, lagrangian, forces, constraints)
        momentum, force = jax.vmap(at)(self.q, self.v, self.m, self.u, self.t)
        inertial = -jnp.einsum("kw,kwi->ki", self.slope, momentum[self.places])
        return inertial, jnp.einsum("kw,kwi->ki", self.bump, force[self.places])

    def of_inputs(self, forces: Callable[..., Array]) -> Float[np.ndarray, " dof"]:
        """The root mean square of what the inputs add to ∫ φ Q dt."""

        def added(q: Array, v: Array, m: Array, u: Array, t: Array) -> Array:
            return forces(q, v, m, u, t) - forces(q, v, m, jnp.zeros_like(u), t)

        force = jax.vmap(added)(self.q, self.v, self.m, self.u, self.t)
        return np.sqrt(np.mean(np.asarray(jnp.einsum("kw,kwi->ki", self.bump, force[self.places])) ** 2, axis=0))


def momentum_and_force(
    lagrangian: Callable[..., Array],
    forces: Callable[..., Array],
    constraints: AbstractConstraints | None,
    q: Float[Array, " dof"],
    v: Float[Array, " dof"],
    m: Float[Array, " params"],
    u: Float[Array, " u"],
    t: Float[Array, ""],
) -> tuple[Float[Array, " dof"], Float[Array, " dof"]]:
    """∂L/∂v and ∂L/∂q + Q; where there are constraints, P ∂L/∂v and P (∂L/∂q + Q) + Ṗ ∂L/∂v."""
    slope, momentum = jax.grad(lagrangian, (0, 1))(q, v, m, t)
    force = slope + forces(q, v, m, u, t)
    if constraints is None:
        return momentum, force

    def free(q: Array, t: Array) -> Array:
        return without_constraint_forces(constraints, q, m, t, jnp.ones_like(q))

    matrix, change = jax.jvp(free, (q, t), (v, jnp.ones_like(t)))
    return matrix @ momentum, matrix @ force + change @ momentum


class WeakProblem:
    """The residuals of a family of laws in the weak form, compiled once: r/s for each coordinate, with s the root mean
    square of the inputs on it, which give forces their scale, or, where there are none, of both terms of r.

    Without inputs a law that vanishes in one coordinate, m → 0 say, or altogether, L ≡ 0, is no solution of r/s; and
    where all forces grow by one factor, which says nothing where none of them is measured, it stays.
    """

    def __init__(self, family: Family, form: WeakForm):
        def at(x: Array, q: Array, v: Array, m: Array, u: Array, t: Array) -> tuple[Array, Array]:
            return momentum_and_force(*family.law(x), family.constraints(x), q, v, m, u, t)

        def both(x: Array, points: tuple) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
            def one(*point: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
                return at(x, *point), jax.jacrev(at)(x, *point)

            return jax.vmap(one)(*points)

        self.family, self.bounds = family, family.bounds()
        self._points = tuple(np.asarray(z) for z in (form.q, form.v, form.m, form.u, form.t))
        count, rows = len(self._points[0]), np.repeat(np.arange(len(form.places)), form.places.shape[1])
        places = (rows, np.asarray(form.places).ravel())
        integrals: list[Any] = [
            scipy.sparse.csr_array((np.asarray(z).ravel(), places), (len(form.places), count))
            for z in (form.slope, form.bump)
        ]
        self._slope, self._bump = integrals
        self.inputs = form.of_inputs(family.law(jnp.asarray(family.start()))[1])
        self._at = jax.jit(lambda x, points: jax.vmap(lambda *point: at(x, *point))(*points))
        self._both = jax.jit(both)

    def residuals(self, x: np.ndarray) -> Float[np.ndarray, "bumps dof"]:
        """r/s."""
        momentum, force = (np.asarray(z) for z in self._at(x, self._points))
        inertial, applied = -self._slope @ momentum, self._bump @ force
        with np.errstate(all="ignore"):
            return (inertial - applied) / self._sizes(inertial, applied)

    def _sizes(self, inertial: np.ndarray, applied: np.ndarray) -> np.ndarray:
        return np.where(self.inputs > 0, self.inputs, np.sqrt(np.mean(inertial**2 + applied**2, axis=0)))

    def jacobian(self, x: np.ndarray) -> Float[np.ndarray, "bumps dof free"]:
        """d(r/s)/dx."""
        return self.both(x)[1]

    def both(self, x: np.ndarray) -> tuple[Float[np.ndarray, "bumps dof"], Float[np.ndarray, "bumps dof free"]]:
        """r/s and its Jacobian, by points: each of them belongs to several bumps."""
        count, dof = self._points[0].shape
        bumps = self._bump.shape[0]
        terms = [np.zeros((bumps, dof)) for _ in range(2)]
        slopes = [np.zeros((bumps, dof * len(x))) for _ in range(2)]
        for first in range(0, count, _POINTS):
            chosen = np.arange(first, first + min(_POINTS, count)) % count  # all of one length, compiled once
            fresh = slice(0, min(_POINTS, count - first))
            values, jacobians = self._both(x, tuple(z[chosen] for z in self._points))
            within = slice(first, first + fresh.stop)
            for k, integral in enumerate((-self._slope[:, within], self._bump[:, within])):
                terms[k] += integral @ np.asarray(values[k])[fresh]
                slopes[k] += integral @ np.asarray(jacobians[k])[fresh].reshape(fresh.stop, -1)
        (inertial, applied), (of_inertial, of_applied) = terms, (z.reshape(bumps, dof, -1) for z in slopes)
        with np.errstate(all="ignore"):
            size = self._sizes(inertial, applied)
            r = (inertial - applied) / size
            of_size = np.einsum("ki,kij->ij", inertial, of_inertial) + np.einsum("ki,kij->ij", applied, of_applied)
            of_size *= ((self.inputs == 0) / (bumps * size))[:, None]
            return r, (of_inertial - of_applied - r[..., None] * of_size) / size[:, None]

    def solve(
        self, x: np.ndarray, kept: Sequence[int], priors: Sequence[Float[np.ndarray, "_ free"]]
    ) -> tuple[Float[np.ndarray, " free"], Sequence[Float[np.ndarray, "_ free"]]]:
        """The least squares in the kept parameters, each coordinate weighted by what was left of it before, and of
        every prior P times x, less the weights that networks begin with: about zero weights nothing would draw them to
        one sign or the other. Besides, the priors with the sizes that were found for them.

        P x is taken to be normal with a size τ of its own, which is estimated by expectation maximisation:
        τ² ← (|P x|² + tr P H⁻¹ Pᵀ) / rows, with the Hessian H (Dempster, Laird & Rubin, J. R. Stat. Soc. B 39, 1977).
        """
        centre = self.family.centre()
        passes = _SMOOTHING_PASSES if priors else _PASSES
        for number in range(passes):
            prior = np.concatenate([*priors, np.zeros((0, len(x)))])
            size = np.sqrt(np.mean(self.residuals(x) ** 2, axis=0))
            weight = 1 / (_OVERLAP * np.where(size > 0, size, 1.0))

            def off(x: np.ndarray, weight: np.ndarray = weight, prior: np.ndarray = prior) -> np.ndarray:
                return np.concatenate([(self.residuals(x) * weight).ravel(), prior @ (x - centre)])

            def both(
                x: np.ndarray, weight: np.ndarray = weight, prior: np.ndarray = prior
            ) -> tuple[np.ndarray, np.ndarray]:
                r, jacobian = self.both(x)
                of_data = (jacobian * weight[:, None]).reshape(-1, len(x))
                whole = np.concatenate([(r * weight).ravel(), prior @ (x - centre)])
                return whole, np.concatenate([of_data, prior])[:, kept]

            enough = _ROUGHLY if self.family.networks and number < passes - 1 else _ENOUGH
            x, hessian = least_squares(off, both, x, kept, self.bounds, enough=enough, steps=_STEPS)
            if priors:
                inverse = _inverse(hessian)
                priors = [_of_its_size(rows, x - centre, rows[:, kept], inverse) for rows in priors]
        return x, priors


def _inverse(hessian: np.ndarray) -> np.ndarray:
    """Of a symmetric matrix without negative directions, but for rounding, which has none either."""
    if len(hessian) >= _MANY:
        with contextlib.suppress(np.linalg.LinAlgError):
            factor = scipy.linalg.cho_factor(hessian)
            return scipy.linalg.cho_solve(factor, np.eye(len(hessian)))
    values, vectors = np.linalg.eigh(hessian)
    told = values > len(values) * np.finfo(float).eps * values.max(initial=0.0)
    return (vectors[:, told] / values[told]) @ vectors[:, told].T


def _of_its_size(prior: np.ndarray, x: np.ndarray, kept: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    if not len(prior):
        return prior
    spread = np.clip(np.sum((kept @ inverse) * kept), 0, len(prior))  # as H ≥ PᵀP, but for rounding
    size = np.sqrt((np.sum((prior @ x) ** 2) + spread) / len(prior))
    return prior / max(float(size), 1e-6)
