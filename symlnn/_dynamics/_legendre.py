"""The momentum map v ↦ p = ∂L/∂v of a system and its inverse."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import optimistix as optx

from .._system import System
from .._types import Coordinates, RealScalar, Scalar, Varying
from ._symbolic import SymbolicDynamics, SymbolicLagrangian


class SymbolicMomentum(eqx.Module):
    """The Legendre transform of a system in numbers: p(q, v), its inverse v(q, p) and H(q, p) = p·v − L.

    The inverse is found by Newton's method (optimistix) from `guess`, exact in one step where L is quadratic in v.
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
        """The velocities v with ∂L/∂v(q, v) = p; an error where Newton's method does not converge (`eqx.error_if`).

        `guess` (default zero) chooses the branch and must lie where L is real.
        """
        start = jnp.zeros_like(q) if guess is None else guess
        solver = optx.Newton(rtol=self.rtol, atol=self.rtol)
        solution = optx.root_find(lambda v, _: self(q, v, m, t) - p, solver, start, max_steps=64, throw=False)
        failed = solution.result != optx.RESULTS.successful
        return eqx.error_if(
            solution.value,
            failed,
            "The momenta could not be inverted: give a guess nearer to the velocities.",
        )

    def hamiltonian(self, q: Coordinates, p: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """H(q, p, t) = p·v − L(q, v, t) at v = v(q, p)."""
        v = self.velocities(q, p, m, t)
        return p @ v - self.lagrangian(q, v, m, t)
