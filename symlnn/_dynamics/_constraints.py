"""Constraints on a motion, and the forces by which they are kept."""

import abc
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Float

from .._compile import compile_quantity
from .._system import Law, System
from .._types import Coordinates, Matrix, RealScalar, Scalar, Varying
from ._parameters import Parameters
from ._solve import linear_solve

Rows = Float[Array, " constraints"]
Slopes = Float[Array, "constraints dof"]


class Constrained(NamedTuple):
    """What constraints say of a state and of its accelerations: A a + c = 0."""

    position: Float[Array, " holonomic"]
    """φ(q, m, t)."""
    rate: Rows
    """ψ(q, v, m, t), first φ̇ of the holonomic ones."""
    matrix: Slopes
    """A = ∂ψ/∂v."""
    bias: Rows
    """c = (∂ψ/∂q) v + ∂ψ/∂t."""


class AbstractConstraints(eqx.Module):
    """Constraints φ(q, m, t) = 0 on positions and ψ(q, v, m, t) = 0 on velocities, linear in v."""

    redundant: eqx.AbstractVar[bool]
    """Whether some follow from the others, so that multipliers are not determined: the smallest are taken."""
    corrected: eqx.AbstractVar[bool]
    """Whether the accelerations themselves lead back to the constraints, so that states need not be projected."""

    @abc.abstractmethod
    def __call__(self, q: Coordinates, v: Coordinates, m: Varying | None, t: RealScalar) -> Constrained:
        """φ, ψ, A and c at one state."""


class Constraints(AbstractConstraints):
    """Constraints that are functions in JAX: `position(q, m, t)`, (holonomic,), and `rate(q, v, m, t)`, (others,)."""

    position: Callable[[Coordinates, Varying | None, RealScalar], Array] | None = None
    rate: Callable[[Coordinates, Coordinates, Varying | None, RealScalar], Array] | None = None
    redundant: bool = eqx.field(static=True, default=False)
    corrected: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        if self.position is None and self.rate is None:
            raise ValueError("Constraints need position(q, m, t), rate(q, v, m, t), or both.")

    def __call__(self, q: Coordinates, v: Coordinates, m: Varying | None, t: RealScalar) -> Constrained:
        """φ, ψ, A and c at one state."""
        time = jnp.asarray(t, q.dtype)
        one = jnp.ones_like(time)

        def position(q: Coordinates, t: Scalar) -> Array:
            return jnp.zeros(0, q.dtype) if self.position is None else self.position(q, m, t)

        def rates(q: Coordinates, v: Coordinates, t: Scalar) -> Rows:
            own = jax.jvp(position, (q, t), (v, one))[1]
            return own if self.rate is None else jnp.concatenate([own, self.rate(q, v, m, t)])

        rate, bias = jax.jvp(lambda q, t: rates(q, v, t), (q, time), (v, one))
        return Constrained(position(q, time), rate, jax.jacfwd(rates, 1)(q, v, time), bias)


class SymbolicConstraints(AbstractConstraints):
    """The constraints of a system, compiled from SymPy; `parameters={"l": 2.0}` overrides declared values."""

    law: Law = eqx.field(static=True)
    parameters: Parameters
    redundant: bool = eqx.field(static=True)
    corrected: bool = eqx.field(static=True)

    def __init__(self, system: System, parameters: Any = None):
        self.law = system.law
        self.parameters = Parameters(system, parameters)
        self.redundant = system.constraint_rank < len(system.law.multipliers)
        self.corrected = False

    @staticmethod
    def of(system: System, parameters: Any = None) -> "SymbolicConstraints | None":
        """Those of a system; None where it has none."""
        return SymbolicConstraints(system, parameters) if system.law.is_constrained else None

    def __call__(self, q: Coordinates, v: Coordinates, m: Varying | None, t: RealScalar) -> Constrained:
        """φ, ψ, A and c at one state."""
        return Constrained(*(self._quantity(name, q, v, m, t) for name in Constrained._fields))

    def _quantity(self, name: str, q: Coordinates, v: Coordinates, m: Varying | None, t: RealScalar) -> Array:
        u = jnp.zeros(len(self.law.u), q.dtype)  # none of these depends on the inputs
        return compile_quantity(self.law, f"constraint_{name}")(q, v, u, t, self.parameters.values(m, q))

    def by_differentiation(self) -> Constraints:
        """The same, with the derivatives of JAX in place of SymPy's: what these are tested against."""
        holonomic = len(self.law.constraints)
        return Constraints(
            position=lambda q, m, t: self._quantity("position", q, jnp.zeros_like(q), m, t),
            rate=lambda q, v, m, t: self._quantity("rate", q, v, m, t)[holonomic:],
            redundant=self.redundant,
        )


class Baumgarte(AbstractConstraints):
    """Constraints with Baumgarte's terms,

        A a + c + 2 κ ψ + κ² φ = 0,

    so that a state which has left them comes back at the rate κ, in 1/s, where otherwise it is projected. What a motion
    has left is of the size of the integrator's error times κ; large κ make the equation stiff.

    Source: Baumgarte, Comput. Methods Appl. Mech. Eng. 1, 1972.
    """

    constraints: AbstractConstraints
    rate: Float[Array, ""]
    corrected: bool = eqx.field(static=True)

    def __init__(self, constraints: AbstractConstraints, rate: RealScalar):
        self.constraints, self.rate = constraints, jnp.asarray(rate, jnp.result_type(float))
        self.corrected = True

    @property
    def redundant(self) -> bool:
        """As without the terms."""
        return self.constraints.redundant

    def __call__(self, q: Coordinates, v: Coordinates, m: Varying | None, t: RealScalar) -> Constrained:
        """φ, ψ, A, and c with the terms."""
        found = self.constraints(q, v, m, t)
        rate = self.rate.astype(q.dtype)
        bias = (found.bias + 2 * rate * found.rate).at[: len(found.position)].add(rate**2 * found.position)
        return found._replace(bias=bias)


class Bordered(NamedTuple):
    """The solution of a law with constraints."""

    acceleration: lx.Solution
    multipliers: Rows
    """λ."""


def bordered_solve(
    mass_matrix: Matrix, right_hand_side: Coordinates, found: Constrained, solver: lx.AbstractLinearSolver
) -> Bordered:
    """a and λ of

        M a − Aᵀλ = r,        A a + c = 0,

    in coordinates weighted by their masses, q √|Mᵢᵢ|, and with rows of A of unit length in them: every number of the
    equation has then one unit, and what counts as singular does not depend on any.
    """
    masses = jnp.abs(jnp.diagonal(jax.lax.stop_gradient(mass_matrix)))
    masses = jnp.where(masses > 0, masses, jnp.where(jnp.any(masses > 0), jnp.max(masses), 1.0))
    weights = 1 / jnp.sqrt(masses)
    slopes = found.matrix * weights
    lengths = 1 / lengths_of(jax.lax.stop_gradient(slopes))
    slopes = slopes * lengths[:, None]
    corner = jnp.zeros((len(lengths), len(lengths)), slopes.dtype)
    whole = jnp.block([[weights[:, None] * mass_matrix * weights, slopes.T], [slopes, corner]])
    sides = jnp.concatenate([weights * right_hand_side, -lengths * found.bias])
    solution = linear_solve(lx.MatrixLinearOperator(whole, lx.symmetric_tag), sides, solver)
    a, negative = jnp.split(solution.value, [len(weights)])
    value = eqx.tree_at(lambda s: s.value, solution, weights * a)
    return Bordered(value, -lengths * negative)


def constraint_errors(found: Constrained, sizes: tuple[Coordinates, Coordinates]) -> tuple[Array, Rows]:
    """How far a state is from its constraints, in the sizes of its coordinates and of its velocities."""
    holonomic, (q_size, v_size) = len(found.position), sizes
    return (
        jnp.abs(found.position) / lengths_of(found.matrix[:holonomic] * q_size),
        jnp.abs(found.rate) / lengths_of(found.matrix * v_size),
    )


def lengths_of(rows: Slopes) -> Rows:
    """Of each row; one for a row of zeros."""
    square = jnp.sum(rows**2, axis=1)
    return jnp.sqrt(jnp.where(square > 0, square, 1.0))
