"""Smooth random fields on periodic grids: what field theories are learned from, and started at."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._dynamics import AbstractDynamics
from .._types import Key, Samples, States
from ._sampling import accelerations


class SmoothStream(eqx.Module):
    """Samples of a field on a periodic grid whose states are Gaussian random fields,

        ⟨φ(x) φ(x′)⟩ = σ² exp(−|x − x′|²/(2 ℓ²)),

    with the correlation length ℓ drawn for each between `shortest` and `longest`, evenly in its logarithm; rates φ̇
    likewise, independently. Where sites drawn one by one, as `Stream` does, are as rough as the grid lets, these show a
    model the differences between neighbours that solutions have.
    """

    dynamics: AbstractDynamics
    """The law that gives the accelerations."""
    shape: tuple[int, ...] = eqx.field(static=True)
    spacings: tuple[float, ...] = eqx.field(static=True)
    """The distances between sites along each axis."""
    shortest: float = eqx.field(static=True)
    longest: float = eqx.field(static=True)
    sizes: tuple[tuple[float, float], ...] = eqx.field(static=True)
    """σ of each field and of its rate."""
    drift: bool = eqx.field(static=True, default=True)
    """Whether rates have a mean over the grid; without, a field that nothing holds back stays where it is."""

    def __check_init__(self) -> None:
        if len(self.shape) != len(self.spacings):
            raise ValueError(f"A grid of shape {self.shape} needs as many spacings, not {self.spacings}.")
        if not 0 < self.shortest <= self.longest:
            raise ValueError(f"Correlation lengths must be positive, not {self.shortest} to {self.longest}.")

    def states(self, key: Key, n: int) -> States:
        """n states."""
        keys = jax.random.split(key, 2 * len(self.sizes) + 1)
        span = jnp.log(jnp.asarray([self.shortest, self.longest]))
        lengths = jnp.exp(jax.random.uniform(keys[-1], (n,), minval=span[0], maxval=span[1]))
        q = [s * self._field(k, lengths, True) for k, (s, _) in zip(keys[::2], self.sizes, strict=False)]
        v = [s * self._field(k, lengths, self.drift) for k, (_, s) in zip(keys[1::2], self.sizes, strict=False)]
        nothing = jnp.zeros((n, 0))
        return States(_interleaved(q), _interleaved(v), nothing, nothing, jnp.zeros(n))

    def __call__(self, key: Key, n: int) -> Samples:
        """n samples: a `Source` that a model can be trained on."""
        states = self.states(key, n)
        return Samples(states, accelerations(self.dynamics, states))

    def _field(self, key: Key, lengths: Float[Array, " n"], mean: bool) -> Float[Array, "n sites"]:
        """Fields of unit variance: white noise, filtered by the root of the spectrum exp(−k²ℓ²/2)."""
        waves = [2 * np.pi * np.fft.fftfreq(m, h) for m, h in zip(self.shape, self.spacings, strict=True)]
        square = sum(k**2 for k in np.meshgrid(*waves, indexing="ij"))
        axes = tuple(range(1, len(self.shape) + 1))
        filters = jnp.exp(-jnp.asarray(square) * lengths.reshape(-1, *(1 for _ in axes)) ** 2 / 4)
        if not mean:
            filters = jnp.where(jnp.asarray(square) == 0, 0.0, filters)
        filters = filters / jnp.sqrt(jnp.mean(filters**2, axis=axes, keepdims=True))
        noise = jax.random.normal(key, (len(lengths), *self.shape))
        return jnp.fft.ifftn(jnp.fft.fftn(noise, axes=axes) * filters, axes=axes).real.reshape(len(lengths), -1)


def _interleaved(fields: list[Float[Array, "n sites"]]) -> Float[Array, "n dof"]:
    """The fields of site 0, then those of site 1, and so on."""
    return jnp.stack(fields, axis=-1).reshape(fields[0].shape[0], -1)
