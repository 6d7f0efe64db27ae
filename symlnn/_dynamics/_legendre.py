"""The momentum map v ↦ p = ∂L/∂v of a system and its inverse."""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optimistix as optx

from .._system import System
from .._types import Coordinates, RealScalar, Scalar, Varying
from ._base import AbstractMomentum
from ._solve import solve
from ._symbolic import SymbolicDynamics, SymbolicLagrangian


class _DampedNewton(optx.AbstractGaussNewton):
    """Newton's method with a line search, which also steps back from where the momenta are not real numbers.

    Of p = v/√(1 − v²) = 7, say, a full step from v = 0 leaves the light cone.
    """

    rtol: float
    atol: float
    norm: Callable = optx.max_norm
    descent: optx.NewtonDescent = optx.NewtonDescent()
    search: optx.BacktrackingArmijo = optx.BacktrackingArmijo()
    verbose: Callable = lambda **_: None


def velocities_of(
    momentum: Callable[[Coordinates], Coordinates], p: Coordinates, guess: Coordinates, size: Coordinates, rtol: float
) -> Coordinates:
    """v with p(v) = p, by Newton's method with a line search from a guess, in units of a size; NaN where that does not
    converge."""
    tolerance = max(rtol, 10 * float(jnp.finfo(p.dtype).eps))
    # that of velocities of their size, so that the equation is one of numbers of order one
    scale = jnp.maximum(jnp.abs(jax.jacfwd(momentum)(guess)) @ size, jnp.abs(p))
    solution = optx.root_find(
        lambda x, _: (momentum(x * size) - p) / scale,
        _DampedNewton(tolerance, tolerance),
        guess / size,
        max_steps=128,
        throw=False,
    )
    v = solution.value * size
    # near a singularity of p(v), the speed of light say, p − p(v) stays above its tolerance by rounding alone
    left = solve(jax.jacfwd(momentum)(v), momentum(v) - p)
    found = jnp.max(jnp.abs(left / size)) <= 10 * tolerance * (1 + jnp.max(jnp.abs(v / size)))
    return jnp.where(found, v, jnp.nan)


class SymbolicMomentum(AbstractMomentum):
    """The Legendre transform of a system in numbers: p(q, v), its inverse v(q, p) and H(q, p) = p·v − L.

    The inverse is found by Newton's method with a line search (optimistix) from `guess`, exact in one step where L is
    quadratic in v.
    """

    dynamics: SymbolicDynamics
    lagrangian: SymbolicLagrangian
    rtol: float = eqx.field(static=True)
    """Relative tolerance of the inverse."""

    def __init__(self, system: System, parameters: Mapping[str, Any] | None = None, *, rtol: float = 1e-10):
        self.dynamics = SymbolicDynamics(system, parameters)
        self.lagrangian = SymbolicLagrangian(system, parameters)
        self.rtol = rtol

    def __call__(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Coordinates:
        """The canonical momenta p = ∂L/∂v."""
        return self.dynamics.momenta(q, v, m, t)

    def velocities(
        self,
        q: Coordinates,
        p: Coordinates,
        m: Varying | None = None,
        t: RealScalar = 0.0,
        *,
        guess: Coordinates | None = None,
    ) -> Coordinates:
        """The velocities v with ∂L/∂v(q, v) = p; NaN where Newton's method does not converge.

        `guess` (default zero) chooses the branch and must lie where L is real.
        """
        start = jnp.zeros_like(q) if guess is None else guess
        size = jnp.ones_like(q) if self.dynamics.sizes is None else self.dynamics.sizes.v.astype(q.dtype)
        return velocities_of(lambda v: self(q, v, m, t), p, start, size, self.rtol)

    def hamiltonian(self, q: Coordinates, p: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """H(q, p, t) = p·v − L(q, v, t) at v = v(q, p)."""
        v = self.velocities(q, p, m, t)
        return p @ v - self.lagrangian(q, v, m, t)
