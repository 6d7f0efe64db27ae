"""The terms in which each solver of diffrax wants an equation of motion."""

from collections.abc import Callable
from typing import Any, get_origin

import diffrax
import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from .._geometric import Variational
from .._taylor import Taylor


def splits(solver: diffrax.AbstractSolver) -> bool:
    """Whether the solver moves two halves of its state in turn, each by the other, as `SemiImplicitEuler` does."""
    return isinstance(solver.term_structure, tuple)


def is_additive(solver: diffrax.AbstractSolver) -> bool:
    """Whether the solver is explicit in one part of ẏ = f + g and implicit in the other, as `KenCarp3` is."""
    return get_origin(solver.term_structure) is diffrax.MultiTerm


def ode_terms(
    vector_field: Callable[[Any, Any, Any], Any], solver: diffrax.AbstractSolver
) -> PyTree[diffrax.AbstractTerm]:
    """The terms of ẏ = f(t, y) for a solver:

    - f, for most;
    - 0 + f, for solvers that are explicit in one part and implicit in the other (`KenCarp3`): all of f is implicit;
    - (f, f), for solvers that split (`SemiImplicitEuler`), in the doubled phase space ẋ = f(y), ẏ = f(x): see
      `Doubled`.

    Raises `ValueError` for a solver of stochastic equations only, and for those of ours that need more than ẏ.
    """
    if isinstance(solver, Taylor | Variational):
        name = type(solver).__name__
        raise ValueError(f"{name} does not move this law: it is for `simulate`. Choose diffrax.Tsit5() say.")
    whole = diffrax.ODETerm(vector_field)
    if splits(solver):
        return whole, whole
    if not is_additive(solver):
        return whole
    if not isinstance(solver, diffrax.AbstractImplicitSolver):
        raise ValueError(
            f"The solver {type(solver).__name__} is one of stochastic equations, and a law of motion is an ordinary "
            "one: choose a solver of those, diffrax.Dopri8() say."
        )
    return diffrax.MultiTerm(diffrax.ODETerm(_nothing), whole)


def _nothing(t: Any, y: Any, args: Any) -> Any:
    return jax.tree.map(jnp.zeros_like, y)
