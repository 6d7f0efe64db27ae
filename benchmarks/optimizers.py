"""Optimisers at equal time, on five systems: the relative error of the accelerations after ten seconds of training.

The same network, from the same parameters; first-order methods on the mean absolute error of fresh batches of 256, with
the peak learning rate that is usual for them and a cosine schedule; L-BFGS on 2,048 states that stay; Gauss–Newton as
`learn` takes it. Errors are those at 2,048 other states, the lowest of the training.

Source: Muon: Jordan et al. 2024; Shampoo: Gupta, Koren & Singer, ICML 2018; SOAP: Vyas et al. 2024 (arXiv:2409.11321).
"""

from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

import symlnn
from symlnn import FirstOrder, GaussNewton, Recipe

SYSTEMS = ("double_pendulum", "elastic_pendulum", "kepler", "cart_pole", "spherical_pendulum")
SECONDS = 10.0
_DECAY, _REFRESH, _SMALL = 0.95, 10, 1e-12


class _Kronecker(NamedTuple):
    count: Array
    left: Any
    right: Any
    left_basis: Any
    right_basis: Any
    moments: Any


def _kronecker(*, soap: bool) -> optax.GradientTransformation:
    """Shampoo, L^(−1/4) G R^(−1/4) with L = E[G Gᵀ] and R = E[Gᵀ G]; or SOAP, Adam in the eigenvectors of both. Vectors
    are columns."""
    adam = optax.scale_by_adam(b1=0.9, b2=_DECAY)

    def matrices(tree: Any) -> Any:
        return jax.tree.map(lambda x: x.reshape(x.shape[0], -1) if x.ndim else x.reshape(1, 1), tree)

    def init(params: Any) -> _Kronecker:
        shaped = matrices(params)
        left = jax.tree.map(lambda x: _SMALL * jnp.eye(x.shape[0], dtype=x.dtype), shaped)
        right = jax.tree.map(lambda x: _SMALL * jnp.eye(x.shape[1], dtype=x.dtype), shaped)
        return _Kronecker(jnp.asarray(0), left, right, left, right, adam.init(shaped))

    def basis(sums: Any) -> Any:
        def one(matrix: Array) -> Array:
            values, vectors = jnp.linalg.eigh(matrix)
            if soap:
                return vectors
            return (vectors * jnp.maximum(values, _SMALL) ** -0.25) @ vectors.T

        return jax.tree.map(one, sums)

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, _Kronecker]:
        shaped = matrices(updates)
        left = jax.tree.map(lambda s, g: _DECAY * s + (1 - _DECAY) * g @ g.T, state.left, shaped)
        right = jax.tree.map(lambda s, g: _DECAY * s + (1 - _DECAY) * g.T @ g, state.right, shaped)
        fresh = state.count % _REFRESH == 0
        old = state.left_basis, state.right_basis
        a, b = jax.lax.cond(fresh, lambda: (basis(left), basis(right)), lambda: old)
        if soap:
            turned = jax.tree.map(lambda a, g, b: a.T @ g @ b, a, shaped, b)
            direction, moments = adam.update(turned, state.moments)
            direction = jax.tree.map(lambda a, g, b: a @ g @ b.T, a, direction, b)
        else:
            direction, moments = adam.update(jax.tree.map(lambda a, g, b: a @ g @ b, a, shaped, b), state.moments)
        direction = jax.tree.map(lambda g, d: -d.reshape(g.shape), updates, direction)
        return direction, _Kronecker(state.count + 1, left, right, a, b, moments)

    return optax.GradientTransformation(init, update)


class LBFGS(symlnn.AbstractStage):
    """Limited-memory BFGS on observations that stay the same."""

    scheduled: ClassVar[bool] = False
    chunk: int = eqx.field(static=True, default=20)
    batch: int = eqx.field(static=True, default=2048)

    @property
    def drawn(self) -> int:
        """The batch."""
        return self.batch

    def sized(self, rows: int, coordinates: int, parameters: int) -> "LBFGS":
        """Itself."""
        return self

    def init(self, params: Any) -> Any:
        """That of optax."""
        return optax.lbfgs().init(params)

    def retreat(self, state: Any) -> Any:
        """As it is."""
        return state

    def step(self, problem: Any, params: Any, state: Any, key: Any, progress: Any) -> tuple[Any, Any, Any]:
        """One step with a line search."""
        batch = problem.source(jax.random.key(0), self.batch)

        def loss(params: Any) -> Array:
            return jnp.mean(problem.residuals(params, batch) ** 2)

        value, gradient = optax.value_and_grad_from_state(loss)(params, state=state)
        updates, state = optax.lbfgs().update(gradient, state, params, value=value, grad=gradient, value_fn=loss)
        return optax.apply_updates(params, updates), state, value


def _first(optimizer: Any, rate: float) -> Recipe:
    return Recipe.single(FirstOrder(optimizer=optimizer, learning_rate=rate, schedule="warmup_cosine"))


RECIPES: dict[str, Recipe] = {
    "Muon, then Gauss–Newton": Recipe(),
    "Gauss–Newton": Recipe.single(GaussNewton()),
    "Muon": Recipe.single(FirstOrder()),
    "Adam": _first("adam", 3e-3),
    "SOAP": _first(_kronecker(soap=True), 3e-3),
    "Shampoo": _first(_kronecker(soap=False), 3e-3),
    "L-BFGS": Recipe.single(LBFGS()),
}


def run() -> dict[str, Any]:
    """A row for each recipe."""
    jax.config.update("jax_enable_x64", True)
    rows = []
    for name, recipe in RECIPES.items():
        row: dict[str, Any] = {"recipe": name}
        for system in SYSTEMS:
            model = symlnn.find_model("lnn", recipe=recipe)
            learned = symlnn.learn(symlnn.load_system(system), model, budget=symlnn.Budget(seconds=SECONDS))
            row[system] = float(learned.fit.lowest)
        rows.append(row)
    return {"rows": rows}
