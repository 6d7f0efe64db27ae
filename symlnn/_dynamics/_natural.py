"""A law of motion in natural units, in which every component of its state is of order one."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PyTree

from .._results import RESULTS
from .._types import AbstractSizes, Coordinates, RealScalar, Varying
from ._base import AbstractDynamics, Arguments, verdict


class Natural(AbstractDynamics):
    """ẏ = f(t, y) for ŷ = y/S,

        dŷ/dt = f(t, S ŷ)/S,

    with the sizes S of the components of y. What an integrator calls small is then the same in metres and in ångström.
    """

    dynamics: AbstractDynamics
    sizes: PyTree[Array]

    def state(self, y: Any) -> Any:
        """The state S ŷ of the law itself."""
        return jax.tree.map(jnp.multiply, y, self.sizes)

    def vector_field(self, t: RealScalar, y: Any, args: Arguments) -> Any:
        """f(t, S ŷ)/S."""
        return self._scaled(self.dynamics.vector_field(t, self.state(y), args))

    def series(self, t: RealScalar, y: Any, args: Arguments, order: int, always: Bool[Array, ""]) -> Any:
        """yₖ/S."""
        return self._scaled(self.dynamics.series(t, self.state(y), args, order, always))

    def initial_state(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Any:
        """ŷ = y/S."""
        return self._scaled(self.dynamics.initial_state(q, v, m, t))

    def observe(self, t: RealScalar, y: Any, m: Varying | None = None) -> tuple[Coordinates, Coordinates]:
        """(q, v) of S ŷ, in the units of the law."""
        return self.dynamics.observe(t, self.state(y), m)

    def acceleration(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Coordinates:
        """The accelerations of the law, in its units."""
        return self.dynamics.acceleration(q, v, m, u, t)

    def _scaled(self, y: Any) -> Any:
        return jax.tree.map(jnp.divide, y, self.sizes)


@verdict.register(Natural)
def _(law: Natural, t: RealScalar, y: Any, args: Arguments) -> RESULTS:
    """That of the law itself."""
    return law.dynamics.status(t, law.state(y), args)


def in_natural_units(dynamics: AbstractDynamics, q: Coordinates, m: Varying | None, t: RealScalar) -> Natural:
    """The law in units of the sizes that it holds of its coordinates and velocities, in those of its own if it does
    not; where the momentum, say, of those sizes is zero, in its own."""
    position, velocity = sizes_of(dynamics, q)
    sizes = jax.tree.map(jnp.abs, dynamics.initial_state(position, velocity, m, t))
    usable = jax.tree.map(lambda s: jnp.where((s > 0) & jnp.isfinite(s), s, 1.0), sizes)
    return Natural(dynamics, jax.lax.stop_gradient(usable))


def sizes_of(holder: Any, q: Coordinates) -> tuple[Coordinates, Coordinates]:
    """Those of coordinates and velocities that a law, or any tree, holds, in the dtype of q; ones where it has none."""
    found = [x for x in jax.tree.leaves(holder, is_leaf=_is_sizes) if _is_sizes(x)]
    ones = jnp.ones_like(q)
    return (found[0].q.astype(q.dtype), found[0].v.astype(q.dtype)) if found else (ones, ones)


def _is_sizes(x: Any) -> bool:
    return isinstance(x, AbstractSizes)
