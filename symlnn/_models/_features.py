"""What a network sees of a state: angles as (sin, cos), all else centred and scaled."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._types import Coordinates, RealScalar, Varying
from ._scales import Scales


class Features(eqx.Module):
    """The map from (q, m, t) to the position features x, and from v to the velocity features y = v/V.

    x holds (sin qᵢ, cos qᵢ) of each angle, (qᵢ − mean)/Q of each other coordinate, the varying parameters in standard
    deviations, and t likewise where the system depends on it. With `plain`, x = (q, m, t) and y = v as they are.
    """

    angles: tuple[bool, ...] = eqx.field(static=True)
    scales: Scales
    plain: bool = eqx.field(static=True, default=False)

    @property
    def position_size(self) -> int:
        """The length of x."""
        angles = 0 if self.plain else sum(self.angles)
        return len(self.angles) + angles + self.scales.m.shape[0] + self.scales.timed

    @property
    def velocity_size(self) -> int:
        """The length of y."""
        return len(self.angles)

    def positions(self, q: Coordinates, m: Varying | None, t: RealScalar) -> Float[Array, " x"]:
        """x(q, m, t)."""
        given, expected = 0 if m is None else m.shape[0], self.scales.m.shape[0]
        if given != expected:
            raise ValueError(f"This model has {expected} varying parameters m, but was given {given}.")
        scales = self.scales
        time, parameters = jnp.reshape(jnp.asarray(t, q.dtype), 1), jnp.zeros(0, q.dtype) if m is None else m
        if self.plain:
            parts = [q, parameters, time]
        else:
            parts = [
                self._coordinates(q),
                (parameters - scales.m_mean) / scales.m,
                (time - scales.t_mean) / scales.t,
            ]
        return jnp.concatenate([part.astype(q.dtype) for part in (parts if scales.timed else parts[:2])])

    def _coordinates(self, q: Coordinates) -> Float[Array, " x"]:
        """(sin q, cos q) of angles, the others centred and scaled, in order."""
        scaled = (q - self.scales.q_mean) / self.scales.q
        if not any(self.angles):
            return scaled
        turned = jnp.stack([jnp.sin(q), jnp.cos(q)], axis=-1).astype(scaled.dtype)
        return jnp.concatenate([turned[i] if angle else scaled[i, None] for i, angle in enumerate(self.angles)])

    def velocities(self, v: Coordinates) -> Float[Array, " dof"]:
        """y(v)."""
        return v if self.plain else v / self.scales.v.astype(v.dtype)

    def momenta(self, p: Coordinates) -> Float[Array, " dof"]:
        """arsinh(p/P): linear for small momenta and logarithmic for large ones, whose tails may be heavy."""
        return jnp.arcsinh(p / self.scales.p.astype(p.dtype))

    @property
    def state_size(self) -> int:
        """The length of what `state` returns."""
        return self.position_size + self.velocity_size + self.scales.u.shape[0]

    def state(
        self, q: Coordinates, v: Coordinates, m: Varying | None, u: Array | None, t: RealScalar
    ) -> Float[Array, " state"]:
        """(x, y, u/U), all that an acceleration depends on. Raises `ValueError` where u is not what was declared."""
        parts = [self.positions(q, m, t), self.velocities(v)]
        count = self.scales.u.shape[0]
        if count:
            if u is None or u.shape != (count,):
                raise ValueError(f"This model has {count} control inputs: pass u of shape ({count},).")
            parts.append(u / self.scales.u.astype(q.dtype))
        return jnp.concatenate(parts)
