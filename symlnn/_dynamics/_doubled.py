"""The doubled phase space, in which an integrator that splits moves any law of motion."""

from typing import Any

import jax
from jaxtyping import Array

from .._results import RESULTS
from .._types import Coordinates, RealScalar, Varying
from ._base import AbstractDynamics, Arguments, verdict


class Doubled(AbstractDynamics):
    """Two copies z = (x, y) of the state of a law ẏ = f(t, y), each moved by the other:

        ẋ = f(t, y),        ẏ = f(t, x).

    From x = y they stay one motion, and the two halves are of the form that integrators such as `SemiImplicitEuler`
    need, for every f: also where forces depend on velocities, or H does not separate. Observed is the position of x
    with the velocity (or momentum) of y. Where accelerations do not depend on velocities, that is the method itself
    in (q, v). The copies of a numerical solution drift apart in time where the motion is chaotic; Tao's term that
    binds them is not added.

    Source: Pihajoki 2015 (Celest. Mech. Dyn. Astron. 121, 211); Tao 2016 (arXiv:1609.02212).
    """

    dynamics: AbstractDynamics

    def vector_field(self, t: RealScalar, y: Any, args: Arguments) -> Any:
        """(f(y), f(x)) at z = (x, y)."""
        x, other = y
        return self.dynamics.vector_field(t, other, args), self.dynamics.vector_field(t, x, args)

    def initial_state(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Any:
        """z = (y, y)."""
        y = self.dynamics.initial_state(q, v, m, t)
        return y, y

    def observe(self, t: RealScalar, y: Any, m: Varying | None = None) -> tuple[Coordinates, Coordinates]:
        """(q, v) of the state whose first part is that of x and whose others are those of y."""
        (first, *_), structure = jax.tree.flatten(y[0])
        _, *others = jax.tree.leaves(y[1])
        return self.dynamics.observe(t, jax.tree.unflatten(structure, [first, *others]), m)

    def acceleration(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Coordinates:
        """The accelerations of the law."""
        return self.dynamics.acceleration(q, v, m, u, t)


@verdict.register(Doubled)
def _(law: Doubled, t: RealScalar, y: Any, args: Arguments) -> RESULTS:
    """That of the first of the two copies that fails."""
    first, second = (law.dynamics.status(t, copy, args) for copy in y)
    return RESULTS.where(first == RESULTS.successful, second, first)
