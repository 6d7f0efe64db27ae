"""The dynamics and the Lagrangian of a `System`, compiled from SymPy: the truth that models are held against."""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import lineax as lx
import sympy as sp
from jaxtyping import Array, Bool, Float

from .._compile import compile_expressions, compile_quantity
from .._system import Law, System, listed
from .._taylor import constants_of, series
from .._types import Coordinates, Matrix, RealScalar, Scalar, Varying
from ._base import AbstractLagrangian, Arguments
from ._constraints import AbstractConstraints, SymbolicConstraints
from ._equation import AbstractEquationOfMotion, Equation, direct_solver
from ._parameters import DeclaredSizes, Parameters
from ._solve import solve


def _check_inputs(law: Law, u: Array | None) -> Array | None:
    count = len(law.u)
    if count and (u is None or u.shape != (count,)):
        names = ", ".join(symbol.name for symbol in law.u)
        raise ValueError(f"This law has the control inputs {names}: pass u of shape ({count},).")
    return u if count else None


def _functions_of(law: Law, functions: Mapping[Any, Callable[..., Array]] | None) -> dict[str, Callable[..., Array]]:
    """What stands for the functions that a law leaves open, by name."""
    given = {str(name): function for name, function in (functions or {}).items()}
    law.require_complete([function for function in law.unknown if str(function) not in given])
    known = [str(function) for function in law.unknown]
    if others := [name for name in given if name not in known]:
        raise ValueError(f"The law leaves no function {others[0]} open. It leaves open: {listed(known) or 'none'}.")
    return given


class SymbolicLagrangian(AbstractLagrangian):
    """L of a system, compiled from SymPy; `parameters={"l1": 2.0}` overrides declared values, and `functions={"V": f}`
    gives what stands for the functions that are left open: f(x, …) → scalar of scalars, a network say, that JAX takes
    derivatives of."""

    law: Law = eqx.field(static=True)
    parameters: Parameters
    functions: dict[str, Callable[..., Array]]
    sizes: DeclaredSizes | None

    def __init__(
        self,
        system: System,
        parameters: Mapping[str, Any] | None = None,
        functions: Mapping[Any, Callable[..., Array]] | None = None,
    ):
        self.law = system.law
        self.parameters = Parameters(system, parameters)
        self.functions = _functions_of(system.law, functions)
        self.sizes = DeclaredSizes.of(system)

    def __call__(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """L(q, v, m, t)."""
        compiled = compile_quantity(self.law, "lagrangian")
        # L is free of the inputs: the constructor of Law has seen to it
        u = jnp.zeros(len(self.law.u), q.dtype)
        return compiled(q, v, u, t, self.parameters.values(m, q), self.functions)


class SymbolicForces(eqx.Module):
    """The generalised forces Q − ∂F/∂v of a system, compiled from SymPy: declared forces and Rayleigh dissipation, with
    `parameters` and `functions` as in `SymbolicLagrangian`."""

    law: Law = eqx.field(static=True)
    parameters: Parameters
    functions: dict[str, Callable[..., Array]]

    def __init__(
        self,
        system: System,
        parameters: Mapping[str, Any] | None = None,
        functions: Mapping[Any, Callable[..., Array]] | None = None,
    ):
        self.law = system.law
        self.parameters = Parameters(system, parameters)
        self.functions = _functions_of(system.law, functions)

    def __call__(
        self, q: Coordinates, v: Coordinates, m: Varying | None, u: Array | None, t: RealScalar
    ) -> Coordinates:
        """Q(q, v, m, u, t), (dof,)."""
        compiled = compile_quantity(self.law, "forces")
        return compiled(q, v, _check_inputs(self.law, u), t, self.parameters.values(m, q), self.functions)


class SymbolicPositions(eqx.Module):
    """The Cartesian positions of the bodies that a declaration names, compiled from SymPy."""

    law: Law = eqx.field(static=True)
    expressions: tuple[sp.Expr, ...] = eqx.field(static=True)
    parameters: Parameters

    def __init__(self, system: System, parameters: Mapping[str, Any] | None = None):
        self.law = system.law
        self.expressions = system.experiment.plain_positions
        self.parameters = Parameters(system, parameters)

    def __call__(self, q: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Float[Array, "bodies 2"]:
        """(x, y) of every body, in order."""
        function = compile_expressions((self.law.q, (self.law.t,), self.law.parameters), self.expressions)
        entries = function(*q, t, *self.parameters.values(m, q))
        return jnp.stack([jnp.asarray(entry, q.dtype) for entry in entries]).reshape(-1, 2)


class SymbolicDynamics(AbstractEquationOfMotion):
    """The oracle: M(q, v, t) a = Q − b from SymPy's equations of motion, with Aᵀλ and A a + c = 0 where there are
    constraints, solved numerically at each state.

    `parameters={"l1": 2.0}` overrides declared values; one declared as a distribution then leaves m. Values may be
    traced, so motions can be differentiated in them, and fitted. `constraints` stand for those of the declaration, with
    `Baumgarte` terms say.
    """

    law: Law = eqx.field(static=True)
    parameters: Parameters
    sizes: DeclaredSizes | None
    constraints: AbstractConstraints | None
    solver: lx.AbstractLinearSolver

    def __init__(
        self,
        system: System,
        parameters: Mapping[str, Any] | None = None,
        constraints: AbstractConstraints | None = None,
    ):
        self.law = system.law
        self.parameters = Parameters(system, parameters)
        self.sizes = DeclaredSizes.of(system)
        self.constraints = SymbolicConstraints.of(system, parameters) if constraints is None else constraints
        self.solver = direct_solver(self.constraints)

    def equation(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Equation:
        """M and Q − b."""
        arguments = (q, v, _check_inputs(self.law, u), t, self.parameters.values(m, q))
        matrix = compile_quantity(self.law, "mass_matrix")(*arguments)
        right_hand_side = compile_quantity(self.law, "right_hand_side")(*arguments)
        return Equation(lx.MatrixLinearOperator(matrix, lx.symmetric_tag), right_hand_side)

    def acceleration(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Coordinates:
        """a = M⁻¹ (Q − b), or with constraints that of both equations."""
        if self.constraints is not None:
            return self.solve(q, v, m, u, t).value
        matrix, right_hand_side = self.equation(q, v, m, u, t)
        return solve(matrix.as_matrix(), right_hand_side)

    def lagrangian(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """L(q, v, m, t)."""
        return self._quantity("lagrangian", q, v, m, t)

    def forces(self, q: Coordinates, v: Coordinates, m: Varying | None, u: Array | None, t: RealScalar) -> Coordinates:
        """The generalised forces Q − ∂F/∂v, (dof,)."""
        return compile_quantity(self.law, "forces")(q, v, _check_inputs(self.law, u), t, self.parameters.values(m, q))

    def series(self, t: RealScalar, y: Any, args: Arguments, order: int, always: Bool[Array, ""]) -> Any:
        """(qₖ, vₖ), k = 0 … `order`, each (order + 1, dof), for inputs that are constant."""
        q, v = y
        m, u = (None, None) if args is None else args
        if callable(u):
            raise ValueError("The solver Taylor takes inputs that are constant: choose another, diffrax.Dopri8() say.")
        if self.constraints is not None:
            raise ValueError("The solver Taylor takes no constraints: choose another, diffrax.Dopri8() say.")
        rows = series(self.law, order, (*q, *v), t, self.series_constants(m, u, q), always)
        stacked = jnp.array(rows).T
        return stacked[:, : self.law.dof], stacked[:, self.law.dof :]

    def series_constants(self, m: Varying | None, u: Array | None, like: Array) -> tuple[Array, ...]:
        """The numbers in the recurrences of `series` that do not change along a motion."""
        return constants_of(self.law, _check_inputs(self.law, u), self.parameters.values(m, like), like)

    def mass_matrix(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Matrix:
        """M = ∂²L/∂v∂v, (dof, dof)."""
        return self._quantity("mass_matrix", q, v, m, t)

    def energy(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """The Jacobi energy v·∂L/∂v − L."""
        return self._quantity("energy", q, v, m, t)

    def momenta(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Coordinates:
        """The canonical momenta p = ∂L/∂v, (dof,)."""
        return self._quantity("momenta", q, v, m, t)

    def power(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Scalar:
        """dh/dt = v·(Q + Aᵀλ) − ∂L/∂t, the rate of change of the Jacobi energy along the motion."""
        compiled = compile_quantity(self.law, "power")
        power = compiled(q, v, _check_inputs(self.law, u), t, self.parameters.values(m, q))
        return power if self.constraints is None else power + v @ self.constraint_forces(q, v, m, u, t)

    def _quantity(self, name: str, q: Coordinates, v: Coordinates, m: Varying | None, t: RealScalar) -> Array:
        u = jnp.zeros(len(self.law.u), q.dtype)  # none of these depends on the inputs
        return compile_quantity(self.law, name)(q, v, u, t, self.parameters.values(m, q))
