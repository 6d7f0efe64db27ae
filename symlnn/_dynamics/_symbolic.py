"""The dynamics and the Lagrangian of a `System`, compiled from SymPy: the truth that models are held against."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._compile import compile_quantity
from .._lattice import Lattice
from .._system import System
from .._types import Coordinates, Matrix, RealScalar, Scalar, Varying
from ._base import AbstractLagrangian, AbstractSecondOrderDynamics
from ._solve import solve


class Parameters(eqx.Module):
    """The values of a system's parameters, as an array that derivatives can be taken in.

    Raises `ValueError` for a parameter that the system does not declare.
    """

    fixed: Float[Array, " parameters"]
    """A value for every declared parameter, in order; what stands at a varying one is not used."""
    varying: tuple[int, ...] = eqx.field(static=True)
    """The places of the parameters that make up m."""
    names: tuple[str, ...] = eqx.field(static=True)

    def __init__(self, system: System | Lattice, overrides: Mapping[str, Any] | None = None):
        given = {str(name): value for name, value in (overrides or {}).items()}
        self.names = tuple(symbol.name for symbol in system.parameters)
        unknown = [name for name in given if name not in self.names]
        if unknown:
            raise ValueError(
                f"{system.name} has no parameter {unknown[0]!r}. Its parameters are: {', '.join(self.names) or 'none'}."
            )
        declared = {s.name: 0.0 if p.varies else p.value for s, p in system.parameters.items()}
        values = [jnp.asarray(value, jnp.result_type(float)) for value in (declared | given).values()]
        self.fixed = jnp.stack(values) if values else jnp.zeros(0)
        self.varying = tuple(
            place for place, (s, p) in enumerate(system.parameters.items()) if p.varies and s.name not in given
        )

    def values(self, m: Varying | None, like: Array) -> Float[Array, " parameters"]:
        """All values, with m at the varying places, in the dtype of `like`."""
        fixed = self.fixed.astype(like.dtype)
        if not self.varying:
            return fixed
        names = ", ".join(self.names[place] for place in self.varying)
        if m is None or m.shape != (len(self.varying),):
            shape = "None" if m is None else f"shape {m.shape}"
            raise ValueError(
                f"m must hold {names} (shape ({len(self.varying)},)), but is {shape}: "
                f'pass m, or fix them with parameters={{"{self.names[self.varying[0]]}": …}}.'
            )
        return fixed.at[jnp.asarray(self.varying)].set(m)


def _check_inputs(system: System, u: Array | None) -> Array | None:
    count = len(system.u)
    if count and (u is None or u.shape != (count,)):
        names = ", ".join(symbol.name for symbol in system.u)
        raise ValueError(f"{system.name} has the control inputs {names}: pass u of shape ({count},).")
    return u if count else None


class SymbolicLagrangian(AbstractLagrangian):
    """L of a system, compiled from SymPy; `parameters={"l1": 2.0}` overrides declared values."""

    system: System = eqx.field(static=True)
    parameters: Parameters

    def __init__(self, system: System, parameters: Mapping[str, Any] | None = None):
        self.system = system
        self.parameters = Parameters(system, parameters)

    def __call__(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """L(q, v, m, t)."""
        compiled = compile_quantity(self.system, "lagrangian")
        # L is free of the inputs: the constructor of System has seen to it
        u = jnp.zeros(len(self.system.u), q.dtype)
        return compiled(q, v, u, t, self.parameters.values(m, q))


class SymbolicForces(eqx.Module):
    """The generalised forces Q − ∂F/∂v of a system, compiled from SymPy: declared forces and Rayleigh dissipation."""

    system: System = eqx.field(static=True)
    parameters: Parameters

    def __init__(self, system: System, parameters: Mapping[str, Any] | None = None):
        self.system = system
        self.parameters = Parameters(system, parameters)

    def __call__(
        self, q: Coordinates, v: Coordinates, m: Varying | None, u: Array | None, t: RealScalar
    ) -> Coordinates:
        """Q(q, v, m, u, t), (dof,)."""
        compiled = compile_quantity(self.system, "forces")
        return compiled(q, v, _check_inputs(self.system, u), t, self.parameters.values(m, q))


def declared_forces(system: System) -> SymbolicForces | None:
    """What a learned model of the system is given: the declared forces, None where there are none."""
    return SymbolicForces(system) if system.has_forces else None


class SymbolicDynamics(AbstractSecondOrderDynamics):
    """The oracle: M(q, v, t) a = Q − b from SymPy's equations of motion, solved numerically at each state.

    `parameters={"l1": 2.0}` overrides declared values; one declared as a distribution then leaves m. Values may be
    traced, so motions can be differentiated in them.
    """

    system: System = eqx.field(static=True)
    parameters: Parameters

    def __init__(self, system: System, parameters: Mapping[str, Any] | None = None):
        self.system = system
        self.parameters = Parameters(system, parameters)

    def acceleration(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Coordinates:
        """a = M⁻¹ (Q − b)."""
        arguments = (q, v, _check_inputs(self.system, u), t, self.parameters.values(m, q))
        matrix = compile_quantity(self.system, "mass_matrix")(*arguments)
        return solve(matrix, compile_quantity(self.system, "right_hand_side")(*arguments))

    def mass_matrix(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Matrix:
        """M = ∂²L/∂v∂v, (dof, dof)."""
        return self._quantity("mass_matrix", q, v, m, t)

    def energy(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """The Jacobi energy v·∂L/∂v − L."""
        return self._quantity("energy", q, v, m, t)

    def momenta(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Coordinates:
        """The canonical momenta p = ∂L/∂v, (dof,)."""
        return self._quantity("momenta", q, v, m, t)

    def positions(self, q: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Float[Array, "bodies 2"]:
        """The Cartesian positions (x, y) of the bodies that the declaration names."""
        return self._quantity("positions", q, jnp.zeros_like(q), m, t)

    def power(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Scalar:
        """dh/dt = v·Q − ∂L/∂t, the rate of change of the Jacobi energy along the motion."""
        compiled = compile_quantity(self.system, "power")
        return compiled(q, v, _check_inputs(self.system, u), t, self.parameters.values(m, q))

    def _quantity(self, name: str, q: Coordinates, v: Coordinates, m: Varying | None, t: RealScalar) -> Array:
        u = jnp.zeros(len(self.system.u), q.dtype)  # none of these depends on the inputs
        return compile_quantity(self.system, name)(q, v, u, t, self.parameters.values(m, q))
