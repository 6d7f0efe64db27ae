"""The Taylor method as a solver of diffrax."""

from collections.abc import Callable
from typing import Any, ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from diffrax import RESULTS
from jaxtyping import Array, Bool, PyTree

from ._series import horner


class SeriesTerm(diffrax.ODETerm):
    """ẏ = f(t, y) of which the Taylor coefficients of a motion are known too."""

    series: Callable[[Any, Any, Any, int, Any], Any]
    """(t, y, args, order, always) ↦ yₖ for k = 0 … order, along a leading axis, as `AbstractDynamics.series`."""


class TaylorInterpolation(diffrax.AbstractLocalInterpolation):
    """The polynomial of a step."""

    t0: Any
    t1: Any
    coefficients: PyTree[Array]

    def evaluate(self, t0: Any, t1: Any | None = None, left: bool = True) -> PyTree[Array]:
        """y(t₀), or y(t₁) − y(t₀)."""
        first = _at(self.coefficients, t0 - self.t0)
        if t1 is None:
            return first
        return jax.tree.map(jnp.subtract, _at(self.coefficients, t1 - self.t0), first)


class Taylor(diffrax.AbstractAdaptiveSolver):
    """The Taylor method: y(t + h) = Σ yₖ hᵏ, k ≤ order, for laws in SymPy (`SymbolicDynamics`) with constant inputs.

    The coefficients come of recurrences that are generated from the equations of motion, at the cost of some order²/2
    products for each product in them. The error of a step is yₚ hᵖ. The order for a tolerance ε per step at the least
    cost is about −ln(ε)/2 + 1: 12 for 1e-9, the tolerance that `Integrator` has in double precision, 17 for 1e-14.
    `simulate` moves batches of motions through it in lanes, see there.

    Raises `ValueError` for other laws, and for functions without a Taylor series, as `Piecewise` or `Abs`.

    Source: Jorba & Zou, Experimental Mathematics 14, 2005; Biscani & Izzo, MNRAS 504, 2021 (heyoka).
    """

    term_order: int = eqx.field(static=True, default=12)
    always: Bool[Array, ""] = eqx.field(default_factory=lambda: jnp.asarray(True))
    """True; see `series`."""
    term_structure: ClassVar = SeriesTerm
    interpolation_cls: ClassVar = TaylorInterpolation

    def order(self, terms: PyTree[diffrax.AbstractTerm]) -> int:
        """That of the last coefficient."""
        return self.term_order

    def init(self, terms: Any, t0: Any, t1: Any, y0: Any, args: Any) -> None:
        """Nothing is kept between steps."""

    def step(
        self, terms: Any, t0: Any, t1: Any, y0: Any, args: Any, solver_state: None, made_jump: Any
    ) -> tuple[Any, Any, dict[str, Any], None, RESULTS]:
        """The polynomial, at the end of the step."""
        # diffrax integrates backwards in time by a term that wraps this one
        inner, direction = (terms, 1) if isinstance(terms, SeriesTerm) else (terms.term, terms.direction)
        found = inner.series(t0 * direction, y0, args, self.term_order, self.always)
        found = jax.tree.map(lambda x: jnp.stack([row * direction**k for k, row in enumerate(x)]), found)
        h = t1 - t0
        error = jax.tree.map(lambda x: jnp.abs(x[-1] * h**self.term_order), found)
        return _at(found, h), error, {"coefficients": found}, None, RESULTS.successful

    def func(self, terms: Any, t0: Any, y0: Any, args: Any) -> Any:
        """ẏ."""
        return terms.vf(t0, y0, args)


def _at(coefficients: PyTree[Array], s: Any) -> PyTree[Array]:
    return jax.tree.map(lambda rows: horner(rows, s), coefficients)
