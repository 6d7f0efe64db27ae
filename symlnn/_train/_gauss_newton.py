"""Gauss–Newton in sample space, with adaptive damping: second-order training for least squares."""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.scipy.linalg
import lineax as lx
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from .._types import Key, Scalar
from ._parts import map_by_parts
from ._stage import AbstractStage, Problem, check_counts, check_sizes

_ROWS_PER_COORDINATE, _MOST_ROWS, _FEWEST_OBSERVATIONS = 256, 4096, 16
_BLOCKS, _FEWEST_BLOCKED = 6, 192
"""Of the rows of JJᵀ, and from how many rows on: of b² products b (b + 1)/2 are needed."""
_ENOUGH = 1e-4
"""How exactly conjugate gradients solve, at most, relative to the residuals."""
_CAUTION = 4.0
"""What a refusal multiplies the damping by, and divides the momentum."""


class GaussNewtonState(NamedTuple):
    """What a step hands to the next."""

    damping: Scalar
    """λ, relative to the mean of the diagonal of JJᵀ."""
    last: Float[Array, " parameters"]
    """The step before, zero at the start; a refusal quarters it."""


class GaussNewton(AbstractStage):
    """Damped Gauss–Newton steps, with momentum, on the sum of squares of the residuals r of a fresh batch.

    With J = ∂r/∂θ, (rows, parameters), the step δ minimises |r + J δ|² + λκ |δ − μ δ′|², with δ′ the step before. There
    are fewer rows than parameters, so it is solved for in sample space:

        δ = μ δ′ − Jᵀ α,    (JJᵀ + λκ I) α = r + μ J δ′,    κ = mean diag(JJᵀ).

    A batch determines only as many directions as it has rows. The momentum keeps, in the others, what earlier batches
    said of them, so that batches can be small: that is worth more than a factor of two in accuracy at equal time.

    The linear model leaves r + J δ = λκα and predicts the decrease ½(|r|² − |λκα|²). The ratio ρ of the actual decrease
    to it, on the same batch, sets λ: the step is refused and λ quadrupled where ρ ≤ 0.05, λ is doubled where ρ < 0.25
    and halved where ρ > 0.75. A step into a NaN, or one that is predicted to do harm, is refused. A refusal quarters δ′
    as it quadruples λ: what earlier batches said is kept, and its pull λκμδ′ is no stronger at the next trial.

    A Jacobian of more numbers than `largest_jacobian` is never written out. The equation for α is solved by conjugate
    gradients then, from products J x and Jᵀ y, and κ is estimated without bias from |Jᵀ z|² of a z of random signs. A
    few `iterations` leave an α that is not exact: the decrease is predicted from the δ that it gives.

    Source: Levenberg 1944, Marquardt 1963; Nocedal & Wright, Numerical Optimization, ch. 4 and 10; the momentum is that
    of SPRING (Goldshlager, Abrahamsen & Lin 2024, arXiv:2401.10190).
    """

    scheduled: ClassVar[bool] = False
    batch: int | None = eqx.field(static=True, default=None)
    """Observations for each step; None for as many as make 256 residuals a coordinate, within a bound of memory."""
    chunk: int = eqx.field(static=True, default=4)
    momentum: float = eqx.field(static=True, default=0.9)
    """μ in [0, 1)."""
    initial_damping: float = eqx.field(static=True, default=1e-3)
    minimal_damping: float = eqx.field(static=True, default=1e-7)
    maximal_damping: float = eqx.field(static=True, default=1e3)
    largest_jacobian: int = eqx.field(static=True, default=2**26)
    """In numbers: 512 MiB in double precision."""
    iterations: int = eqx.field(static=True, default=20)
    """The most of conjugate gradients, where the Jacobian is larger."""

    def __check_init__(self) -> None:
        if not 0 <= self.momentum < 1:
            raise ValueError(f"The momentum of GaussNewton must lie in [0, 1), but is {self.momentum}.")
        check_counts(self, "batch", "chunk", "largest_jacobian", "iterations")
        check_sizes(self, "initial_damping", "minimal_damping", "maximal_damping")

    @property
    def drawn(self) -> int:
        """The batch; 256 where nothing is known of the residual."""
        return _ROWS_PER_COORDINATE if self.batch is None else self.batch

    def sized(self, rows: int, coordinates: int, parameters: int) -> "GaussNewton":
        """With 256 residuals a coordinate, but 4,096 in all at most, unless the batch was given: the work of a step
        grows with the square of the residuals, whatever the number of coordinates."""
        if self.batch is not None:
            return self
        wanted = max(_FEWEST_OBSERVATIONS * rows, _ROWS_PER_COORDINATE * coordinates)
        return dataclasses.replace(self, batch=max(1, min(wanted, _MOST_ROWS) // rows))

    def init(self, params: Any) -> GaussNewtonState:
        """λ at its initial value, and no step before."""
        theta, _ = ravel_pytree(params)
        return GaussNewtonState(jnp.asarray(self.initial_damping, theta.dtype), jnp.zeros_like(theta))

    def retreat(self, state: Any) -> GaussNewtonState:
        """With more damping, and less of the step before: as after a refusal."""
        damping = jnp.minimum(state.damping * _CAUTION, self.maximal_damping)
        return GaussNewtonState(damping, state.last / _CAUTION)

    def step(self, problem: Problem, params: Any, state: Any, key: Key, progress: Scalar) -> tuple[Any, Any, Scalar]:
        """One trial step; the loss is the mean over states of |r|² before it."""
        batch = problem.source(key, self.drawn)
        theta, unravel = ravel_pytree(params)
        drift = self.momentum * state.last
        rows = jax.eval_shape(problem.residuals, params, batch).shape[1]
        if batch.size * rows * theta.size > self.largest_jacobian:
            residuals, forward = jax.linearize(lambda x: problem.residuals(unravel(x), batch).reshape(-1), theta)
            step, predicted = _iterated_step(forward, residuals, state.damping, drift, self.iterations, key)
        else:
            jacobian, residuals = _jacobian(problem, unravel, theta, batch, rows)
            step, predicted = _damped_step(jacobian, residuals, state.damping, drift)
        after = problem.residuals(unravel(theta + step), batch)
        before = 0.5 * residuals @ residuals
        ratio = (before - 0.5 * jnp.sum(after**2)) / predicted
        accepted = (ratio > 0.05) & (predicted > 0)  # False for NaN
        factor = jnp.where(ratio > 0.75, 0.5, jnp.where(ratio > 0.25, 1.0, 2.0))
        damping = state.damping * jnp.where(accepted, factor, _CAUTION)
        damping = jnp.clip(damping, self.minimal_damping, self.maximal_damping)
        following = GaussNewtonState(damping, jnp.where(accepted, step, state.last / _CAUTION))
        return unravel(theta + jnp.where(accepted, step, 0.0)), following, 2 * before / self.drawn


def _jacobian(
    problem: Problem, unravel: Callable[[Array], Any], theta: Float[Array, " parameters"], batch: Any, rows: int
) -> tuple[Float[Array, "rows parameters"], Float[Array, " rows"]]:
    """J = ∂r/∂θ and r at θ, each device with its share of the batch."""

    def linearised(shared: tuple[Array, Problem], batch: Any) -> tuple[Array, Array]:
        theta, problem = shared

        def one(theta: Array, i: Array) -> tuple[Array, Array]:
            model = eqx.combine(unravel(theta), problem.rest)
            residuals = problem.residual(model, batch[i[None]])[0]
            return residuals, residuals

        of_one = jax.jacrev(one, has_aux=True)
        return map_by_parts(lambda i: of_one(theta, i), batch.size, rows**3)

    jacobian, residuals = problem.over_devices(linearised, theta, batch)
    return jacobian.reshape(-1, theta.size), residuals.reshape(-1)


def gram_matrix(jacobian: Float[Array, "rows parameters"]) -> Float[Array, "rows rows"]:
    """JJᵀ by blocks of rows, of which those above the diagonal are not multiplied a second time."""
    rows = jacobian.shape[0]
    bounds = [round(k * rows / _BLOCKS) for k in range(_BLOCKS + 1)] if rows >= _FEWEST_BLOCKED else [0, rows]
    blocks = [jacobian[a:b] for a, b in itertools.pairwise(bounds)]
    zeros = [jnp.zeros((len(a), len(b)), jacobian.dtype) for a in blocks for b in blocks]
    # some GPUs multiply float32 in 10 bits unless asked not to, and λ would be below their rounding
    lower = [
        [
            jnp.matmul(a, b.T, precision=jax.lax.Precision.HIGHEST) if j <= i else zeros[i * len(blocks) + j]
            for j, b in enumerate(blocks)
        ]
        for i, a in enumerate(blocks)
    ]
    whole = jnp.tril(jnp.block(lower))
    return whole + jnp.tril(whole, -1).T


def _damped_step(
    jacobian: Float[Array, "rows parameters"],
    residuals: Float[Array, " rows"],
    damping: Scalar,
    drift: Float[Array, " parameters"],
) -> tuple[Float[Array, " parameters"], Scalar]:
    """The minimum δ of |r + J δ|² + λκ |δ − drift|² and the decrease of ½|r|² that the linear model predicts for it."""
    gram = gram_matrix(jacobian)
    shift = damping * jnp.mean(jnp.diagonal(gram))
    factor = jax.scipy.linalg.cho_factor(gram + shift * jnp.eye(gram.shape[0], dtype=gram.dtype), lower=True)
    weights = jax.scipy.linalg.cho_solve(factor, residuals + jacobian @ drift)
    left = shift * weights
    return drift - jacobian.T @ weights, 0.5 * (residuals @ residuals - left @ left)


def _iterated_step(
    forward: Callable[[Array], Array],
    residuals: Float[Array, " rows"],
    damping: Scalar,
    drift: Float[Array, " parameters"],
    iterations: int,
    key: Key,
) -> tuple[Float[Array, " parameters"], Scalar]:
    """What `_damped_step` gives, nearly, by conjugate gradients from `forward`, J x, and its transpose."""
    transposed = jax.linear_transpose(forward, drift)

    def backward(y: Array) -> Array:
        return transposed(y)[0]

    signs = jax.random.rademacher(jax.random.fold_in(key, 1), residuals.shape, residuals.dtype)
    shift = damping * jnp.sum(backward(signs) ** 2) / residuals.size
    operator = lx.FunctionLinearOperator(
        lambda y: forward(backward(y)) + shift * y,
        jax.ShapeDtypeStruct(residuals.shape, residuals.dtype),
        lx.positive_semidefinite_tag,
    )
    solver = lx.CG(rtol=_ENOUGH, atol=0.0, max_steps=iterations)
    weights = lx.linear_solve(operator, residuals + forward(drift), solver, throw=False).value
    step = drift - backward(weights)
    left = residuals + forward(step)
    return step, 0.5 * (residuals @ residuals - left @ left)
