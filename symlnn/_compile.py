"""SymPy expressions to JAX functions: see `lambdified`.

Parameters are arrays, so every compiled function is differentiable in them. NaN gradients at kinks (a `Piecewise` at
its breakpoint, a norm at zero) are those of JAX and are not masked.
"""

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special
import sympy as sp
from jaxtyping import Array, Float
from sympy.core.function import AppliedUndef

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
    """The JAX function f(q, v, u, t, parameters, functions) of one quantity of a law, for one state.

    `quantity` is one of `lagrangian`, `energy`, `power` (scalars), `momenta`, `forces`, `right_hand_side` (dof,) and
    `mass_matrix` (dof, dof), or of its constraints `constraint_position` (holonomic,), `constraint_rate`,
    `constraint_bias` (constraints,) and `constraint_matrix` (constraints, dof); `parameters` holds the value of every
    parameter in order, and `functions`, by name, those that the law leaves open: such a law has its constraints, its
    `lagrangian` and its `forces` alone, and JAX takes their derivatives.
    """
    if law.unknown and quantity == "forces":
        return _open_forces(law)
    if quantity not in _OPEN:
        law.require_complete()
    expressions, shape = _QUANTITIES[quantity](law)
    groups = (law.q, law.v, law.u, (law.t,), law.parameters)
    calls, plain = _without_calls(law, tuple(expressions))
    places = tuple(calls)
    steps = [
        (str(call.func), compile_expressions((*groups, places[:k]), call.args)) for k, call in enumerate(calls.values())
    ]
    function = compile_expressions((*groups, places), plain)

    def compiled(
        q: Float[Array, " dof"],
        v: Float[Array, " dof"],
        u: Float[Array, " u"] | None,
        t: Any,
        values: Float[Array, " parameters"],
        functions: Mapping[str, Callable[..., Array]] = MappingProxyType({}),
    ) -> Array:
        inputs = () if u is None else tuple(u)
        known = (*q, *v, *inputs, t, *values)
        for name, arguments in steps:
            known = (*known, functions[name](*(jnp.asarray(x, q.dtype) for x in arguments(*known))))
        entries = [jnp.asarray(entry, q.dtype) for entry in function(*known)]
        return (jnp.stack(entries) if entries else jnp.zeros(0, q.dtype)).reshape(shape)

    return compiled


def _open_forces(law: Law) -> Compiled:
    """Q − ∂F/∂v where functions are left open, of which SymPy has no derivatives."""
    declared, dissipation = compile_quantity(law, "declared_forces"), compile_quantity(law, "dissipation")

    def compiled(q: Any, v: Any, u: Any, t: Any, values: Any, functions: Any) -> Array:
        return declared(q, v, u, t, values, functions) - jax.grad(dissipation, 1)(q, v, u, t, values, functions)

    return compiled


def _without_calls(law: Law, expressions: tuple[sp.Expr, ...]) -> tuple[dict[sp.Symbol, Any], tuple[sp.Expr, ...]]:
    """The expressions with a symbol in place of each call of a function that is left open, and those calls, inner ones
    first, with symbols in place of the calls within them."""
    found = [
        node
        for expression in expressions
        for node in sp.postorder_traversal(expression)
        if isinstance(node, AppliedUndef) and node.func in law.unknown
    ]
    symbols = {call: sp.Dummy(f"call_{k}", real=True) for k, call in enumerate(dict.fromkeys(found))}
    calls = {
        symbol: call.func(*(argument.xreplace(symbols) for argument in call.args)) for call, symbol in symbols.items()
    }
    return calls, tuple(expression.xreplace(symbols) for expression in expressions)


_QUANTITIES: Mapping[str, Callable[[Law], tuple[Any, tuple[int, ...]]]] = {
    "lagrangian": lambda s: ((s.plain_lagrangian,), ()),
    "energy": lambda s: ((s.unsimplified.energy,), ()),
    "power": lambda s: ((s.unsimplified.power,), ()),
    "momenta": lambda s: (s.unsimplified.momenta, (s.dof,)),
    "forces": lambda s: (s.generalized_forces, (s.dof,)),
    "declared_forces": lambda s: ([s.plain(s.forces.get(x, sp.S.Zero)) for x in s.coordinates], (s.dof,)),
    "dissipation": lambda s: ((s.plain(s.dissipation),), ()),
    "right_hand_side": lambda s: (s.generalized_forces - s.unsimplified.bias, (s.dof,)),
    "mass_matrix": lambda s: (s.unsimplified.mass_matrix, (s.dof, s.dof)),
    "constraint_position": lambda s: (s.constraint_equations.positions, (len(s.constraints),)),
    "constraint_rate": lambda s: (s.constraint_equations.rates, (len(s.multipliers),)),
    "constraint_matrix": lambda s: (s.constraint_equations.matrix, (len(s.multipliers), s.dof)),
    "constraint_bias": lambda s: (s.constraint_equations.bias, (len(s.multipliers),)),
}
_OPEN = (
    "lagrangian",
    "declared_forces",
    "dissipation",
    "constraint_position",
    "constraint_rate",
    "constraint_matrix",
    "constraint_bias",
)
"""What there is of a law that leaves functions open."""
