"""The states that obey constraints: the projection onto them, and that of forces onto the directions along them."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from .._elimination import block_solve
from .._types import Coordinates, Matrix, RealScalar, Varying
from ._constraints import AbstractConstraints, Rows, Slopes, constraint_errors, lengths_of

_STEPS_NEARBY, _STEPS_FAR = 2, 100
"""Of Newton's method: for a state that has left its constraints by the error of a step, and for one drawn at random."""
_ROUNDING = 100
"""In units of the precision: what rounding may leave of a constraint."""

State = tuple[Coordinates, Coordinates]


class Surface(eqx.Module):
    """The states (q, v) that obey constraints at one time, in the sizes of coordinates and velocities. What has no size
    stays as it is."""

    constraints: AbstractConstraints
    m: Varying | None
    t: RealScalar
    sizes: State

    def nearby(self, q: Coordinates, v: Coordinates) -> State:
        """The state of it near one that was on it: q by two steps of Newton's method, each the shortest that solves the
        linear equations, and v the nearest."""
        for _ in range(_STEPS_NEARBY):
            q = self._moved(q, v)
        return q, self._turned(q, v)

    def from_afar(self, q: Coordinates, v: Coordinates) -> State:
        """A state of it, from any, by as many steps as it takes; NaN where there is none nearby."""
        enough = _ROUNDING * float(jnp.finfo(q.dtype).eps)

        def going(carry: tuple[Coordinates, Array]) -> Array:
            q, count = carry
            return (jnp.max(self._errors(q, v)[0], initial=0.0) > enough) & (count < _STEPS_FAR)

        def step(carry: tuple[Coordinates, Array]) -> tuple[Coordinates, Array]:
            q, count = carry
            return self._moved(q, v), count + 1

        q, _ = jax.lax.while_loop(going, step, (q, jnp.zeros((), int)))
        q = self._moved(q, v)
        v = self._turned(q, v)
        obeys = jnp.max(jnp.concatenate(self._errors(q, v))) <= float(jnp.finfo(q.dtype).eps) ** 0.5
        return jnp.where(obeys, q, jnp.nan), jnp.where(obeys, v, jnp.nan)

    def _errors(self, q: Coordinates, v: Coordinates) -> tuple[Array, Rows]:
        return constraint_errors(self.constraints(q, v, self.m, self.t), self.sizes)

    def _moved(self, q: Coordinates, v: Coordinates) -> Coordinates:
        """q after a step of Newton's method, of one size of the coordinates at most."""
        found = self.constraints(q, v, self.m, self.t)
        holonomic, size = len(found.position), self.sizes[0]
        if not holonomic:
            return q
        change = _nearest(found.matrix[:holonomic] * size, found.position, redundant=self.constraints.redundant)
        return q - size * change / jnp.maximum(1.0, jnp.max(jnp.abs(jax.lax.stop_gradient(change))))

    def _turned(self, q: Coordinates, v: Coordinates) -> Coordinates:
        """The nearest v with ψ = 0."""
        found, size = self.constraints(q, v, self.m, self.t), self.sizes[1]
        return v - size * _nearest(found.matrix * size, found.rate, redundant=self.constraints.redundant)


def without_constraint_forces(
    constraints: AbstractConstraints, q: Coordinates, m: Varying | None, t: RealScalar, sizes: Coordinates
) -> Matrix:
    """A matrix P with P Aᵀ = 0, so that P (M a − r) = 0 holds along the motion whatever the multipliers are:

        P = S⁻¹ (1 − Â⁺ Â) S,        Â = A S,

    with the sizes S of coordinates. What is left of a generalised force is that along velocities that are free."""
    slopes = constraints(q, jnp.zeros_like(q), m, t).matrix * sizes
    slopes = slopes / lengths_of(slopes)[:, None]
    away = jax.vmap(lambda x: _nearest(slopes, x, redundant=constraints.redundant), out_axes=1)(slopes.T)
    return (jnp.eye(len(q), dtype=q.dtype) - away) * sizes / sizes[:, None]


def _nearest(slopes: Slopes, error: Rows, *, redundant: bool) -> Coordinates:
    """The shortest x with B x = error."""
    lengths = lengths_of(slopes)
    slopes, error = slopes / lengths[:, None], error / lengths
    if redundant:
        return jnp.linalg.pinv(slopes, rtol=float(jnp.finfo(slopes.dtype).eps) ** 0.5) @ error
    return slopes.T @ block_solve(slopes @ slopes.T, error[:, None])[:, 0]
