"""A kind of model: what builds it, and how it is trained."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from .._dynamics import (
    AbstractDynamics,
    AbstractLagrangian,
    Derivatives,
    EulerLagrange,
    SymbolicConstraints,
    SymbolicForces,
    derivatives,
)
from .._system import System
from .._types import AbstractGiven, Coordinates, RealScalar, Scalar, Varying
from ._mlp import Architecture

_SCALE_WEIGHT = 4.0

Builder = Callable[..., AbstractDynamics]
"""`builder(system, scales, architecture, *, key)` returns an untrained dynamics of the system; the first line of its
docstring is what a report calls the model."""


@dataclass(frozen=True)
class Model:
    """What builds a model and what it is trained on: an entry of the table `MODELS`, or one of your own."""

    builder: Builder
    residual: Any = "acceleration"
    """What it is trained on unless something else is asked for: a residual, or a name of `RESIDUALS`."""
    architecture: Architecture = field(default_factory=Architecture)
    recipe: Any = None
    """The stages of its training, where they are not the default ones: a `Recipe`."""
    source: str = ""
    """Where a file of the trained model finds the builder again: a name of `MODELS` or the path of a `.py` file."""

    @property
    def name(self) -> str:
        """What errors call it: its source, or the name of the builder."""
        return self.source or getattr(self.builder, "__name__", type(self.builder).__name__)

    @property
    def trained_on(self) -> str:
        """The name of its residual."""
        residual = self.residual
        return residual if isinstance(residual, str) else getattr(residual, "__name__", type(residual).__name__)

    @property
    def title(self) -> str:
        """The first line of the builder's docstring, without its full stop; the name where it has none."""
        return (inspect.getdoc(self.builder) or "").split("\n", 1)[0].rstrip(".") or self.name


def declared_forces(system: System) -> SymbolicForces | None:
    """What a learned model of the system is given: the declared forces, None where there are none."""
    return SymbolicForces(system) if system.has_forces else None


class ScaledLagrangian(AbstractLagrangian):
    """exp(4 s) L, with a factor that is learned.

    Forces fix the factor of a Lagrangian, which is free without them. Where they are weak, c v beside m g sin θ, a
    network finds a law of the right motions and the wrong factor first; to mend it, all its weights would have to
    change, and here one number does. The 4 is its weight beside theirs.
    """

    lagrangian: AbstractLagrangian
    scale: Scalar

    def __call__(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """L(q, v, m, t), of one state."""
        return self.factor.astype(q.dtype) * self.lagrangian(q, v, m, t)

    @property
    def factor(self) -> Scalar:
        """exp(4 s)."""
        return jnp.exp(_SCALE_WEIGHT * self.scale)


@derivatives.register(ScaledLagrangian)
def _(lagrangian: ScaledLagrangian, q: Coordinates, v: Coordinates, m: Varying | None, t: RealScalar) -> Derivatives:
    return derivatives(lagrangian.lagrangian, q, v, m, t).scaled(lagrangian.factor.astype(q.dtype))


def require_free(system: System, name: str) -> None:
    """Raise a `ValueError` where a system has constraints, for a model that does not learn to keep them.

    A Hamiltonian network could: `Hamilton` solves A (∂²H/∂p²) Aᵀ λ = … . But momenta that obey constraints say little
    of ∂²H/∂p² across them: the matrix of a general H changes its sign among the states, and training stops there.
    """
    if system.law.is_constrained:
        raise ValueError(f"The model {name} takes no constraints, which {system.name} has: choose lnn or delan.")


def with_declared_forces(system: System, lagrangian: AbstractLagrangian) -> EulerLagrange:
    """The law of a learned Lagrangian with the forces of a system, which fix its factor where there are any, and with
    its constraints."""
    forces, constraints = declared_forces(system), SymbolicConstraints.of(system)
    if forces is None:
        return EulerLagrange(lagrangian, constraints=constraints)
    return EulerLagrange(ScaledLagrangian(lagrangian, jnp.zeros(())), forces, constraints)


def trainable(tree: Any) -> Any:
    """The filter of what is learned unless something else is asked for: every floating-point array that is not given.

    Given are the parts that are `AbstractGiven`: declared parameters, natural scales, sites and edges of a graph.
    """

    def given(node: Any) -> bool:
        return isinstance(node, AbstractGiven)

    return jax.tree.map(
        lambda node: jax.tree.map(lambda _: False, node) if given(node) else eqx.is_inexact_array(node),
        tree,
        is_leaf=given,
    )


def only(tree: Any, where: Callable[[Any], Any]) -> Any:
    """The filter of the arrays that `where(tree)` picks out, and of no others: of two parameters, say,

    only(law, lambda law: [law.parameters.fixed[name] for name in ("m", "l")])
    """
    nothing = jax.tree.map(lambda _: False, tree)
    return eqx.tree_at(where, nothing, replace_fn=lambda _: True)


def parameter_count(tree: Any) -> int:
    """The number of trainable parameters."""
    return sum(int(jnp.size(x)) for x in jax.tree.leaves(eqx.filter(tree, trainable(tree))))
