"""Integrators that keep the geometry of mechanics: variational ones of Lagrangians, symplectic ones of Hamiltonians."""

from collections.abc import Callable
from typing import Any, ClassVar

import diffrax
import jax
import jax.numpy as jnp
from diffrax import RESULTS
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, PyTree

from ._elimination import block_solve
from ._inputs import inputs_at
from ._types import Coordinates

_ITERATIONS = 12
_SOLVED = 1e-3
"""Of the precision's square root: a last correction of Newton's that is smaller squares to less than rounding."""
_ROUNDING = 1e4
"""In units of the precision: what rounding may leave of a number of order one."""

Unknowns = Float[Array, " unknowns"]


class CanonicalTerm(diffrax.ODETerm):
    """The law of y = (q, p, v), of which the Lagrangian and the forces are known too."""

    lagrangian: Callable[..., Any]
    """L(q, v, m, t)."""
    forces: Callable[..., Any] | None
    """Q(q, v, m, u, t)."""
    constraints: Callable[..., Any] | None
    """φ, ψ, A and c of (q, v, m, t), with as many φ as ψ."""
    size: Coordinates
    """Of velocities."""


class Variational(diffrax.AbstractSolver):
    """The variational integrator of the midpoint rule: the discrete Euler–Lagrange equation of L itself, analytic or
    learned, with forces,

        p₀ = ∂L/∂v − h/2 (∂L/∂q + Q),    p₁ = ∂L/∂v + h/2 (∂L/∂q + Q)    at q₀ + h w/2, w = (q₁ − q₀)/h, t₀ + h/2.

    It is of order two, and symplectic: along a motion without forces the energy oscillates about its value and does not
    drift, however many steps there are; momenta of symmetries are kept to rounding. Where L has a Hamiltonian it is the
    implicit midpoint rule of that. Constant steps; w by Newton's method, to rounding.

    Holonomic constraints φ(q, t) = 0, with A = ∂φ/∂q, hold at the end of each step, and the velocity v₁ of p₁ is along
    them; λ and μ are found with w and with v₁:

        p₀ + A(q₀)ᵀλ = ∂L/∂v − h/2 (∂L/∂q + Q),          φ(q₁) = 0,
        p₁ = ∂L/∂v + h/2 (∂L/∂q + Q) + A(q₁)ᵀμ,          φ̇(q₁, v₁) = 0.

    The state is (q, p, v), with the v of the p, and its guess w between steps.

    Source: Marsden & West, Acta Numerica 10, 2001, sections 1.5, 3.2 and 3.5.4 (the constrained map).
    """

    term_structure: ClassVar = CanonicalTerm
    interpolation_cls: ClassVar = diffrax.LocalLinearInterpolation

    def order(self, terms: PyTree[diffrax.AbstractTerm]) -> int:
        """Two."""
        return 2

    def init(self, terms: Any, t0: Any, t1: Any, y0: Any, args: Any) -> None:
        """Nothing is kept between steps, but in y."""

    def step(
        self, terms: Any, t0: Any, t1: Any, y0: Any, args: Any, solver_state: None, made_jump: Any
    ) -> tuple[Any, None, dict[str, Any], None, RESULTS]:
        """q₁, p₁ and w."""
        term, direction = (terms, 1) if isinstance(terms, CanonicalTerm) else (terms.term, terms.direction)
        (q, p, guess), (m, u) = y0, args
        h, t = (t1 - t0) * direction, (t0 + t1) / 2 * direction

        def sides(w: Coordinates) -> tuple[Coordinates, Coordinates]:
            momentum, force = momentum_and_force(term.lagrangian, term.forces, q + h / 2 * w, w, (m, u), t)
            return momentum - h / 2 * force, momentum + h / 2 * force

        if term.constraints is None:
            w, solved = newton(lambda w: sides(w)[0] - p, guess, term.size)
            y1 = (q + h * w, sides(w)[1], w)
        else:
            (w, p1), solved = _constrained_step(term, q, p, guess, sides, h, m, (t - h / 2, t + h / 2))
            y1 = (q + h * w, p1, w)
        result = RESULTS.where(solved, RESULTS.successful, RESULTS.nonlinear_divergence)  # pyright: ignore
        return y1, None, {"y0": y0, "y1": y1}, None, result

    def func(self, terms: Any, t0: Any, y0: Any, args: Any) -> Any:
        """ẏ."""
        return terms.vf(t0, y0, args)


def _constrained_step(
    term: CanonicalTerm,
    q: Coordinates,
    p: Coordinates,
    guess: Coordinates,
    sides: Callable[[Coordinates], tuple[Coordinates, Coordinates]],
    h: Any,
    m: Any,
    times: tuple[Any, Any],
) -> tuple[tuple[Coordinates, Coordinates], Bool[Array, ""]]:
    """w and p₁, and whether they were found."""
    known: Any = term.constraints
    here = known(q, guess, m, times[0])
    if len(here.rate) > len(here.position):
        raise ValueError(
            "The solver Variational keeps constraints on positions, and this law has some on velocities alone: choose "
            "another, ImplicitMidpoint() say."
        )

    def distance(w: Coordinates) -> Array:
        return known(q + h * w, w, m, times[1]).position / h

    w, first = velocity_along(lambda w: sides(w)[0] - p, here.matrix, distance, guess, term.size)
    q1, passed = q + h * w, sides(w)[1]

    def momentum(v: Coordinates) -> Coordinates:
        return jax.grad(lambda v: term.lagrangian(q1, v, m, times[1]))(v)

    there = known(q1, w, m, times[1])
    v, second = velocity_along(
        lambda v: momentum(v) - passed, there.matrix, lambda v: known(q1, v, m, times[1]).rate, w, term.size
    )
    return (w, momentum(v)), first & second


def velocity_along(
    equation: Callable[[Coordinates], Coordinates],
    slopes: Array,
    condition: Callable[[Coordinates], Array],
    guess: Coordinates,
    size: Coordinates,
) -> tuple[Coordinates, Bool[Array, ""]]:
    """The velocity x of g(x) = Aᵀλ and ψ(x) = 0 near a guess, and whether it was found; in numbers without units, by
    the masses ∂g/∂x and the sizes of velocities."""
    masses = jnp.abs(jnp.diagonal(jax.jacfwd(equation)(guess))) * size
    masses = jnp.where(masses > 0, masses, jnp.where(jnp.any(masses > 0), jnp.max(masses), 1.0))
    rows, columns = (jnp.linalg.norm(slopes * s, axis=1) for s in (size, 1 / masses))
    rows, columns = (jnp.where(x > 0, x, 1.0) for x in (rows, columns))

    def residual(z: Unknowns) -> Unknowns:
        x, multipliers = z[: len(size)] * size, z[len(size) :] / columns
        return jnp.concatenate([(equation(x) - slopes.T @ multipliers) / masses, condition(x) / rows])

    start = jnp.concatenate([guess / size, jnp.zeros(len(slopes), guess.dtype)])
    found, solved = newton(residual, start, jnp.ones_like(start))
    return found[: len(size)] * size, solved


def momentum_and_force(
    lagrangian: Callable[..., Any],
    forces: Callable[..., Any] | None,
    q: Coordinates,
    v: Coordinates,
    args: tuple[Any, Any],
    t: Any,
) -> tuple[Coordinates, Coordinates]:
    """∂L/∂v and ∂L/∂q + Q, with args = (m, u)."""
    m, u = args
    force, momentum = jax.grad(lambda q, v: lagrangian(q, v, m, t), argnums=(0, 1))(q, v)
    return momentum, force if forces is None else force + forces(q, v, m, inputs_at(u, t, q, v), t)


class ImplicitMidpoint(diffrax.AbstractSolver):
    """The implicit midpoint rule y₁ = y₀ + h f(t₀ + h/2, (y₀ + y₁)/2), of order two, solved to rounding.

    Of a state whose numbers are of order one, as `simulate` makes it. Symplectic for the flow of a Hamiltonian in
    (q, p), as an `hnn` has; for a law in (q, v) it is so only where the mass matrix is constant: use `Variational`
    there. It keeps quadratic invariants. Constant steps.

    Source: Hairer, Lubich & Wanner, Geometric Numerical Integration, 2nd ed., VI.4.
    """

    term_structure: ClassVar = diffrax.ODETerm
    interpolation_cls: ClassVar = diffrax.LocalLinearInterpolation

    def order(self, terms: PyTree[diffrax.AbstractTerm]) -> int:
        """Two."""
        return 2

    def init(self, terms: Any, t0: Any, t1: Any, y0: Any, args: Any) -> None:
        """Nothing is kept between steps."""

    def step(
        self, terms: Any, t0: Any, t1: Any, y0: Any, args: Any, solver_state: None, made_jump: Any
    ) -> tuple[Any, None, dict[str, Any], None, RESULTS]:
        """y₁."""
        flat, unravel = ravel_pytree(y0)
        h = terms.contr(t0, t1)

        def rate(middle: Unknowns) -> Unknowns:
            return ravel_pytree(terms.vf_prod((t0 + t1) / 2, unravel(middle), args, h))[0]

        half, solved = newton(lambda half: half - rate(flat + half) / 2, rate(flat) / 2, jnp.ones_like(flat))
        y1 = unravel(flat + 2 * half)
        result = RESULTS.where(solved, RESULTS.successful, RESULTS.nonlinear_divergence)  # pyright: ignore
        return y1, None, {"y0": y0, "y1": y1}, None, result

    def func(self, terms: Any, t0: Any, y0: Any, args: Any) -> Any:
        """ẏ."""
        return terms.vf(t0, y0, args)


def newton(
    residual: Callable[[Unknowns], Unknowns], guess: Unknowns, size: Unknowns
) -> tuple[Unknowns, Bool[Array, ""]]:
    """The root near a guess by Newton's method, as exact as rounding lets it be, and whether it converged; of numbers
    of a size.

    It ends when a correction is not half of the one before: quadratic convergence has then met rounding.
    """
    precision = float(jnp.finfo(guess.dtype).eps)

    def going(carry: tuple) -> Array:
        _, last, change, k = carry
        return (k < _ITERATIONS) & ((k < 2) | (change < last / 2)) & (change > 0)

    def improved(carry: tuple) -> tuple:
        x, _, last, k = carry
        jacobian = jax.jacfwd(residual)(x)
        step = block_solve(jacobian, residual(x)[:, None])[:, 0]
        return x - step, last, jnp.max(jnp.abs(step / size)), k + 1

    large = jnp.asarray(jnp.inf, guess.dtype)
    x, last, change, _ = jax.lax.while_loop(going, improved, (guess, large, large, jnp.asarray(0)))
    largest = jnp.max(jnp.abs(jnp.stack([x, guess]) / size))
    small = _SOLVED * precision**0.5 * largest + _ROUNDING * precision
    return x, jnp.isfinite(change) & (jnp.minimum(last, change) <= small)
