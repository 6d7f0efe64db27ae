"""Lagrangians that are linear in their coefficients: a dictionary of terms."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import sympy as sp
from jaxtyping import Array, Float

from .._compile import compile_expressions
from .._system import System, listed
from .._types import Coordinates, RealScalar, Scalar, Varying
from ._base import AbstractLagrangian


class LinearLagrangian(AbstractLagrangian):
    """L(q, v, m, t) = Σₖ cₖ φₖ(q, v, m, t), with terms φₖ in SymPy and coefficients c that can be trained as any array.

    The terms of `dictionary` are those of `recover`; a law that it found is one of these, too.
    """

    coefficients: Float[Array, " term"]
    symbols: tuple[tuple[sp.Symbol, ...], ...] = eqx.field(static=True)
    terms: tuple[sp.Expr, ...] = eqx.field(static=True)

    def __init__(self, system: System, terms: Sequence[sp.Expr], coefficients: Sequence[float] | Float[Array, " term"]):
        """`terms` in the coordinates of a system, or in its plain symbols; parameters that do not vary have their
        declared values. Raises `ValueError` for other symbols, and where the numbers differ."""
        numbers = {symbol: sp.Float(p.value) for symbol, p in system.parameters.items() if not p.varies}
        self.symbols = (system.q, system.v, system.m, (system.t,))
        self.terms = tuple(system.plain(sp.sympify(term)).xreplace(numbers) for term in terms)
        self.coefficients = jnp.asarray(coefficients, jnp.result_type(float))
        known = {symbol for group in self.symbols for symbol in group}
        others = sorted({s for term in self.terms for s in term.free_symbols} - known, key=str)
        if others:
            raise ValueError(
                f"A term contains {listed(s.name for s in others)}: write terms in coordinates, velocities, time and "
                f"the parameters of {system.name}."
            )
        if self.coefficients.shape != (len(self.terms),) or not self.terms:
            raise ValueError(f"There are {len(self.terms)} terms and {self.coefficients.size} coefficients.")

    def __call__(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """L(q, v, m, t)."""
        function = compile_expressions(self.symbols, self.terms)
        varying = () if m is None else tuple(m)
        values = function(*q, *v, *varying, t)
        return jnp.dot(self.coefficients, jnp.stack([jnp.asarray(x, q.dtype) for x in values]))
