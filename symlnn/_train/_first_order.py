"""First-order training: any optax optimiser, on the gradient of a loss."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
import optax.contrib
from jaxtyping import Array

from .._types import Key, Scalar
from ._residual import LOSSES
from ._stage import AbstractStage, Problem, check_counts, check_sizes

OPTIMIZERS: Mapping[str, Callable[[], optax.GradientTransformation]] = {
    "muon": lambda: optax.contrib.muon(learning_rate=1.0),
    "adam": lambda: optax.adam(1.0),
    "adamw": lambda: optax.adamw(1.0),
    "lion": lambda: optax.lion(1.0),
    "sgd": lambda: optax.sgd(1.0, momentum=0.9),
}
"""Optimisers at unit learning rate, which the schedule multiplies."""

_WARM_UP = 0.02

SCHEDULES: Mapping[str, Callable[[Scalar], Array]] = {
    "constant": jnp.ones_like,
    "cosine": lambda x: 0.5 * (1 + jnp.cos(jnp.pi * x)),
    "warmup_cosine": lambda x: jnp.minimum(1.0, x / _WARM_UP) * 0.5 * (1 + jnp.cos(jnp.pi * x)),
}
"""The learning rate as a share of its peak, as a function of the progress in [0, 1]."""


class FirstOrder(AbstractStage):
    """Gradient steps on fresh batches. The default, Muon, orthogonalises the update of each weight matrix."""

    scheduled: ClassVar[bool] = True
    optimizer: str | optax.GradientTransformation = eqx.field(static=True, default="muon")
    """A name of `OPTIMIZERS`, or an optax optimiser of unit learning rate."""
    learning_rate: float = eqx.field(static=True, default=2e-2)
    """The peak of the schedule."""
    schedule: str | Callable[[Scalar], Array] = eqx.field(static=True, default="cosine")
    """A name of `SCHEDULES`, or a function of the progress in [0, 1]."""
    loss: str = eqx.field(static=True, default="l1")
    """`l1` or `l2`, of the residuals."""
    batch: int = eqx.field(static=True, default=256)
    chunk: int = eqx.field(static=True, default=100)

    def __check_init__(self) -> None:
        for name, known in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES), ("loss", LOSSES)):
            value = getattr(self, name)
            if isinstance(value, str) and value not in known:
                raise ValueError(f"Unknown {name} {value!r}; choose one of {', '.join(known)}.")
        check_counts(self, "batch", "chunk")
        check_sizes(self, "learning_rate")

    @property
    def _transformation(self) -> optax.GradientTransformation:
        return OPTIMIZERS[self.optimizer]() if isinstance(self.optimizer, str) else self.optimizer

    @property
    def drawn(self) -> int:
        """The batch."""
        return self.batch

    def sized(self, rows: int, coordinates: int, parameters: int) -> "FirstOrder":
        """Itself: its batches are of one size."""
        return self

    def init(self, params: Any) -> Any:
        """The state of the optax optimiser."""
        return self._transformation.init(params)

    def retreat(self, state: Any) -> Any:
        """As it is: the schedule lowers its rate in time."""
        return state

    def step(self, problem: Problem, params: Any, state: Any, key: Key, progress: Scalar) -> tuple[Any, Any, Scalar]:
        """θ ← θ − η(progress) · direction(∇loss)."""
        batch = problem.source(key, self.batch)
        loss, gradient = jax.value_and_grad(lambda p: LOSSES[self.loss](problem.residuals(p, batch)))(params)
        updates, state = self._transformation.update(gradient, state, params)
        schedule = SCHEDULES[self.schedule] if isinstance(self.schedule, str) else self.schedule
        rate = self.learning_rate * schedule(progress)
        return jax.tree.map(lambda p, u: p + (rate * u).astype(p.dtype), params, updates), state, loss
