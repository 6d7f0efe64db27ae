"""SymPy expressions to JAX functions: see `lambdified`.

Parameters are arrays, so every compiled function is differentiable in them. NaN gradients at kinks (a `Piecewise` at
its breakpoint, a norm at zero) are those of JAX and are not masked.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special
import sympy as sp
from jaxtyping import Array, Float

from ._lambdify import lambdified
from ._system import Law

# SymPy's JAX printer would send these to Python's `math`, which cannot be traced.
_SPECIAL_FUNCTIONS = {
    "erf": jax.scipy.special.erf,
    "erfc": jax.scipy.special.erfc,
    "gamma": jax.scipy.special.gamma,
    "loggamma": jax.scipy.special.gammaln,
}

Compiled = Callable[..., Array]


@functools.cache
def compile_expressions(
    arguments: tuple[tuple[sp.Symbol, ...], ...], expressions: tuple[sp.Expr, ...]
) -> Callable[..., tuple[Any, ...]]:
    """The JAX function of scalar arguments, group after group, that returns the values of the expressions.

    Raises `ValueError` where they use a function that JAX does not have.
    """
    modules = [_SPECIAL_FUNCTIONS, "jax"]
    flat = tuple(symbol for group in arguments for symbol in group)
    function = lambdified(flat, expressions, modules=modules)
    try:
        jax.eval_shape(function, *(jax.ShapeDtypeStruct((), jnp.result_type(float)) for _ in flat))
    except (AttributeError, NameError, NotImplementedError, TypeError) as error:
        names = sorted({type(f).__name__ for e in expressions for f in e.atoms(sp.Function)})
        raise ValueError(
            f"JAX cannot evaluate a function of this system ({error}). It uses {', '.join(names)}: "
            "write the one that JAX lacks with elementary functions."
        ) from error
    return function


@functools.cache
def compile_quantity(law: Law, quantity: str) -> Compiled:
    """The JAX function f(q, v, u, t, parameters) of one quantity of a law, for one state.

    `quantity` is one of `lagrangian`, `energy`, `power` (scalars), `momenta`, `forces`, `right_hand_side` (dof,) and
    `mass_matrix` (dof, dof); `parameters` holds the value of every parameter in order.
    """
    law.require_complete()
    expressions, shape = _QUANTITIES[quantity](law)
    function = compile_expressions((law.q, law.v, law.u, (law.t,), law.parameters), tuple(expressions))

    def compiled(
        q: Float[Array, " dof"],
        v: Float[Array, " dof"],
        u: Float[Array, " u"] | None,
        t: Any,
        values: Float[Array, " parameters"],
    ) -> Array:
        inputs = () if u is None else tuple(u)
        entries = function(*q, *v, *inputs, t, *values)
        return jnp.stack([jnp.asarray(entry, q.dtype) for entry in entries]).reshape(shape)

    return compiled


_QUANTITIES: Mapping[str, Callable[[Law], tuple[Any, tuple[int, ...]]]] = {
    "lagrangian": lambda s: ((s.plain_lagrangian,), ()),
    "energy": lambda s: ((s.unsimplified.energy,), ()),
    "power": lambda s: ((s.unsimplified.power,), ()),
    "momenta": lambda s: (s.unsimplified.momenta, (s.dof,)),
    "forces": lambda s: (s.generalized_forces, (s.dof,)),
    "right_hand_side": lambda s: (s.generalized_forces - s.unsimplified.bias, (s.dof,)),
    "mass_matrix": lambda s: (s.unsimplified.mass_matrix, (s.dof, s.dof)),
}
