"""The laws among which one is searched for."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import equinox as eqx
import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._dynamics import (
    AbstractDynamics,
    EulerLagrange,
    SymbolicConstraints,
    SymbolicDynamics,
    SymbolicForces,
    SymbolicLagrangian,
)
from .._models import MLP, trainable
from .._system import System
from ._least_squares import Bounds
from ._unknowns import Unknowns


@dataclass(frozen=True, eq=False)
class Family:
    """The laws of one system for all values x = (parameters, weights) of its free parameters and its networks."""

    system: System
    """Complete but for the functions that networks stand for."""
    unknowns: Unknowns
    networks: Mapping[str, Any]
    """As they are at the start."""

    def __len__(self) -> int:
        return len(self.unknowns) + len(self.weights)

    @cached_property
    def _learned(self) -> tuple[Any, Any]:
        return eqx.partition(dict(self.networks), trainable(dict(self.networks)))

    @cached_property
    def weights(self) -> Float[np.ndarray, " weight"]:
        """Of the networks, as they are at the start."""
        return np.asarray(jax.flatten_util.ravel_pytree(self._learned[0])[0])

    def linear(self) -> "Family":
        """The same, with no parameter in logarithms."""
        return Family(self.system, self.unknowns.linear(), self.networks)

    def functions(self, x: Float[Array, " free"]) -> dict[str, Any]:
        """The networks with the weights of x."""
        arrays, rest = self._learned
        unravel = jax.flatten_util.ravel_pytree(arrays)[1]
        return eqx.combine(unravel(x[len(self.unknowns) :]), rest)

    def law(self, x: Float[Array, " free"]) -> tuple[SymbolicLagrangian, SymbolicForces]:
        """L(q, v, m, t) and Q(q, v, m, u, t)."""
        values, functions = self.values(x), self.functions(x)
        return SymbolicLagrangian(self.system, values, functions), SymbolicForces(self.system, values, functions)

    def constraints(self, x: Float[Array, " free"]) -> SymbolicConstraints | None:
        """What the motion obeys besides; None where the system is free."""
        return SymbolicConstraints.of(self.system, self.values(x))

    def dynamics(self, x: Float[Array, " free"] | Float[np.ndarray, " free"]) -> AbstractDynamics:
        """The law of motion: from SymPy's equations, or, with networks, by automatic differentiation."""
        x = jnp.asarray(x)
        if not self.networks:
            return SymbolicDynamics(self.system, self.values(x))
        return EulerLagrange(*self.law(x), self.constraints(x))

    def values(self, x: Float[Array, " free"]) -> dict[str, Any]:
        """Of all parameters that do not vary, by name."""
        fixed = {symbol.name: p.value for symbol, p in self.system.parameters.items() if not p.varies}
        return fixed | self.unknowns.values(x[: len(self.unknowns)])

    def bounds(self) -> Bounds:
        """Of x; weights have none."""
        of, none = self.unknowns.bounds(), np.full(len(self.weights), np.inf)
        return Bounds(np.concatenate([of.lowest, -none]), np.concatenate([of.highest, none]))

    def start(self) -> Float[np.ndarray, " free"]:
        """x of the declared values, and of the networks as they are at the start."""
        values = {symbol.name: p.value for symbol, p in self.system.parameters.items() if not p.varies}
        return np.concatenate([self.unknowns.search(values), self.weights])

    def centre(self) -> Float[np.ndarray, " free"]:
        """What x is near to before there are data: the weights at the start, and zero."""
        return np.concatenate([np.zeros(len(self.unknowns)), self.weights])

    def numbers(self, x: Float[np.ndarray, " free"]) -> dict[str, float]:
        """The free parameters of x, by name."""
        return self.unknowns.numbers(x[: len(self.unknowns)])

    def moved(self, x: Float[np.ndarray, " free"], other: "Family") -> Float[np.ndarray, " free"]:
        """The same law as x of another form of this family."""
        return np.concatenate([other.unknowns.search(self.numbers(x)), x[len(self.unknowns) :]])

    def ridges(self) -> list[Float[np.ndarray, "_ free"]]:
        """For each perceptron rows P, so that P x holds its weights times the root of their layer's width, and its
        biases: what is of order one at the start."""
        arrays = self._learned[0]
        found = []
        for chosen in (x for x in jax.tree.leaves(arrays, is_leaf=_is_perceptron) if _is_perceptron(x)):

            def shares(node: Any, chosen: Any = chosen) -> Any:
                of_layer = jax.tree.map(lambda w: jnp.full_like(w, np.sqrt(w.shape[-1]) if w.ndim == 2 else 1.0), node)
                return of_layer if node is chosen else jax.tree.map(jnp.zeros_like, node)

            whole = jax.tree.map(shares, arrays, is_leaf=_is_perceptron)
            diagonal = np.asarray(jax.flatten_util.ravel_pytree(whole)[0])
            rows = np.zeros((len(diagonal), len(self)))
            rows[:, len(self.unknowns) :] = np.diag(diagonal)
            found.append(rows[diagonal > 0])
        return found


def _is_perceptron(node: Any) -> bool:
    return isinstance(node, MLP)
