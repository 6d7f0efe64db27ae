"""The numbers of a declaration as arrays: the values of its parameters, and the sizes of its states."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._lattice import Lattice
from .._system import System
from .._types import AbstractGiven, AbstractSizes, Varying


class Parameters(AbstractGiven):
    """The values of a system's parameters, one array each, that derivatives can be taken in and `fit` can train.

    Raises `ValueError` for a parameter that the system does not declare.
    """

    fixed: dict[str, Float[Array, ""]]
    """The values of those that do not vary, by name."""
    varying: tuple[str, ...] = eqx.field(static=True)
    """The names of the parameters that make up m."""
    names: tuple[str, ...] = eqx.field(static=True)
    """All names, in the order of declaration."""

    def __init__(self, system: System | Lattice, overrides: Mapping[str, Any] | None = None):
        given = {str(name): value for name, value in (overrides or {}).items()}
        self.names = tuple(symbol.name for symbol in system.parameters)
        unknown = [name for name in given if name not in self.names]
        if unknown:
            raise ValueError(
                f"{system.name} has no parameter {unknown[0]!r}. Its parameters are: {', '.join(self.names) or 'none'}."
            )
        values = {s.name: p.value for s, p in system.parameters.items() if not p.varies} | given
        self.fixed = {name: jnp.asarray(values[name], jnp.result_type(float)) for name in self.names if name in values}
        self.varying = tuple(name for name in self.names if name not in values)

    def values(self, m: Varying | None, like: Array) -> Float[Array, " parameters"]:
        """All values in the order of declaration, with m for the varying ones, in the dtype of `like`."""
        if self.varying and (m is None or m.shape != (len(self.varying),)):
            shape = "None" if m is None else f"shape {m.shape}"
            raise ValueError(
                f"m must hold {', '.join(self.varying)} (shape ({len(self.varying)},)), but is {shape}: "
                f'pass m, or fix them with parameters={{"{self.varying[0]}": …}}.'
            )
        known = self.fixed | dict(zip(self.varying, () if m is None else m, strict=bool(self.varying)))
        if not known:
            return jnp.zeros(0, like.dtype)
        return jnp.stack([jnp.asarray(known[name], like.dtype) for name in self.names])


class DeclaredSizes(AbstractSizes):
    """As declared: the standard deviation of each coordinate, 1 for angles; the root mean square of each velocity."""

    q: Float[Array, " dof"]
    v: Float[Array, " dof"]

    @staticmethod
    def of(system: System) -> "DeclaredSizes | None":
        """Those of a system; None where it declares no states."""
        if not system.states:
            return None
        marginals = zip(system.state_marginals(), system.is_angle, strict=True)
        q, v = zip(*((1.0 if angle else x.std, y.size) for (x, y), angle in marginals), strict=True)
        return DeclaredSizes(*(jnp.asarray(sizes, jnp.result_type(float)) for sizes in (q, v)))
