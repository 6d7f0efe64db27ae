"""Gauss–Newton in sample space, with adaptive damping: second-order training for least squares."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.scipy.linalg
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from .._types import Key, Scalar
from ._stage import AbstractStage, Problem


class GaussNewtonState(NamedTuple):
    """The damping λ, relative to the mean of the diagonal of JJᵀ."""

    damping: Scalar


class GaussNewton(AbstractStage):
    """Damped Gauss–Newton steps on the sum of squares of the residuals r of a fresh batch.

    With J = ∂r/∂θ, (rows, parameters), and fewer rows than parameters, the step is solved for in sample space:

        δθ = −Jᵀ α,    (JJᵀ + λ κ I) α = r,    κ = mean diag(JJᵀ).

    The linear model predicts the decrease ½(|r|² − |λκα|²). After each step its ratio ρ to the actual decrease on the
    same batch sets λ: the step is refused and λ quadrupled where ρ ≤ 0.05, λ is doubled where ρ < 0.25 and halved where
    ρ > 0.75 (Levenberg 1944, Marquardt 1963; Nocedal & Wright, Numerical Optimization, ch. 4 and 10). A step into
    a NaN counts as no decrease, so it is refused.
    """

    batch: int = eqx.field(static=True, default=1024)
    chunk: int = eqx.field(static=True, default=2)
    initial_damping: float = eqx.field(static=True, default=1e-3)
    minimal_damping: float = eqx.field(static=True, default=1e-7)
    maximal_damping: float = eqx.field(static=True, default=1e3)

    def init(self, params: Any) -> GaussNewtonState:
        """λ at its initial value."""
        return GaussNewtonState(jnp.asarray(self.initial_damping, jnp.result_type(float)))

    def step(self, problem: Problem, params: Any, state: Any, key: Key, progress: Scalar) -> tuple[Any, Any, Scalar]:
        """One trial step; the loss is the mean over states of |r|² before it."""
        samples = problem.source(key, self.batch)
        theta, unravel = ravel_pytree(params)

        def one(theta: Array, sample: Any) -> Array:
            single = jax.tree.map(lambda x: x[None], sample)
            return problem.residuals(unravel(theta), single)[0]

        jacobian = jax.vmap(jax.jacrev(one), in_axes=(None, 0))(theta, samples)
        jacobian = jacobian.reshape(-1, theta.size)
        residuals = problem.residuals(params, samples).reshape(-1)
        direction, predicted = _direction(jacobian, residuals, state.damping)
        trial = theta + direction
        after = problem.residuals(unravel(trial), samples)
        before = 0.5 * residuals @ residuals
        ratio = (before - 0.5 * jnp.sum(after**2)) / predicted
        accepted = ratio > 0.05  # False for NaN
        factor = jnp.where(ratio > 0.75, 0.5, jnp.where(ratio > 0.25, 1.0, jnp.where(accepted, 2.0, 4.0)))
        damping = jnp.clip(state.damping * factor, self.minimal_damping, self.maximal_damping)
        params = unravel(jnp.where(accepted, trial, theta))
        return params, GaussNewtonState(damping), 2 * before / self.batch


def _direction(
    jacobian: Float[Array, "rows parameters"], residuals: Float[Array, " rows"], damping: Scalar
) -> tuple[Float[Array, " parameters"], Scalar]:
    """The damped Gauss–Newton step and the decrease of ½|r|² that the linear model predicts for it."""
    gram = jacobian @ jacobian.T
    shift = damping * jnp.mean(jnp.diagonal(gram))
    factor = jax.scipy.linalg.cho_factor(gram + shift * jnp.eye(gram.shape[0], dtype=gram.dtype), lower=True)
    weights = jax.scipy.linalg.cho_solve(factor, residuals)
    left = shift * weights
    return -jacobian.T @ weights, 0.5 * (residuals @ residuals - left @ left)
