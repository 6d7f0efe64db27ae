"""The control of steps by the size that each component of a motion has had."""

from collections.abc import Callable
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import optimistix as optx
from jaxtyping import Array, PyTree

_FIRST_STEP = 0.01
"""As a share of the time in which a state of order one changes by its size, and of the whole integration, at most."""
_SHORTEST_FIRST_STEP = 1e-8
"""As a share of the whole integration."""


class RelativeToMotion(diffrax.AbstractAdaptiveStepSizeController[Any, Any]):
    """A `PIDController` for which the error of a component counts relative to the largest value it has had so far:

        |errorᵢ| ≤ max(rtol · maxₜ |yᵢ(t)|, atol),

    in the root mean square over components. A coordinate that goes through zero is not followed more closely there, and
    one of amplitude 1e-9 is followed as closely as one of amplitude one.
    """

    rtol: Any
    atol: Any
    """For components that are zero but for rounding; in the units of y, which are natural ones in `simulate`."""
    dtmin: Any
    """The smallest step; a motion that needs smaller ones ends there."""
    norm: Callable[[PyTree], Any] = eqx.field(static=True, default=optx.rms_norm)

    def _pid(self) -> diffrax.PIDController:
        return diffrax.PIDController(
            rtol=self.rtol, atol=jnp.zeros_like(self.atol), norm=self.norm, dtmin=self.dtmin, force_dtmin=False
        )

    def wrap(self, direction: Any) -> "RelativeToMotion":
        """Itself: it knows of no direction of time."""
        return self

    def init(
        self,
        terms: PyTree[diffrax.AbstractTerm],
        t0: Any,
        t1: Any,
        y0: Any,
        dt0: Any,
        args: Any,
        func: Callable[..., Any],
        error_order: Any,
    ) -> tuple[Any, Any]:
        """The end of the first step, from how fast y changes at its start, and the state of the controller."""
        floor = self.atol / self.rtol
        largest = jax.tree.map(lambda y: jnp.maximum(jnp.abs(y), floor), y0)
        if dt0 is None:
            drift = func(terms, t0, y0, args)
            if isinstance(terms, diffrax.MultiTerm):  # of a solver that is explicit in one and implicit in the other
                drift = terms.prod(drift, tuple(1.0 for _ in terms.terms))
            rate = self.norm(jax.tree.map(lambda f, y: f / jnp.maximum(jnp.abs(y), 1.0), drift, y0))
            span = jnp.abs(t1 - t0)
            dt0 = jnp.clip(_FIRST_STEP / rate, _SHORTEST_FIRST_STEP * span, _FIRST_STEP * span)
            dt0 = jax.lax.stop_gradient(jnp.where(jnp.isnan(dt0), _SHORTEST_FIRST_STEP * span, dt0))
        end, state = self._pid().init(terms, t0, t1, y0, dt0, args, func, error_order)
        return end, (state, jax.lax.stop_gradient(largest))

    def adapt_step_size(
        self,
        t0: Any,
        t1: Any,
        y0: Any,
        y1_candidate: Any,
        args: Any,
        y_error: Any,
        error_order: Any,
        controller_state: Any,
    ) -> tuple[Any, Any, Any, Any, Any, diffrax.RESULTS]:
        """Whether the step is kept, and the next one."""
        state, largest = controller_state
        kept, next_t0, next_t1, jump, state, result = self._pid().adapt_step_size(
            t0, t1, largest, y1_candidate, args, y_error, error_order, state
        )
        reached: PyTree[Array] = jax.tree.map(lambda s, y: jnp.maximum(s, jnp.abs(y)), largest, y1_candidate)
        largest = jax.tree.map(lambda new, old: jnp.where(kept, new, old), reached, largest)
        return kept, next_t0, next_t1, jump, (state, jax.lax.stop_gradient(largest)), result
