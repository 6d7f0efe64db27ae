"""Drawing states from a declaration, and the stream of fresh samples that training draws from."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from .._distribution import Distribution, Uniform
from .._dynamics import AbstractDynamics, SymbolicDynamics
from .._system import System
from .._types import Key, Samples, Segments, States

Drawn = TypeVar("Drawn", Samples, Segments)


def _draw(distribution: Distribution, key: Key, n: int) -> Array:
    if isinstance(distribution, Uniform):
        return jax.random.uniform(key, (n,), minval=distribution.low, maxval=distribution.high)
    return distribution.mean + distribution.std * jax.random.normal(key, (n,))


def _draw_columns(distributions: Sequence[Distribution], key: Key, n: int) -> Array:
    if not distributions:
        return jnp.zeros((n, 0))
    keys = jax.random.split(key, len(distributions))
    return jnp.stack([_draw(d, k, n) for d, k in zip(distributions, keys, strict=True)], axis=-1)


def sample_states(system: System, n: int, *, key: Key, initial: bool = False) -> States:
    """n states drawn independently from the declaration: q, v (n, dof), m (n, m), u (n, u), t (n,).

    With `initial`, coordinates and velocities are drawn from `initial_states`, and t is zero: roll-outs begin there.
    The same key gives the same states.
    """
    if n < 1:
        raise ValueError(f"The number of samples must be at least 1, but is {n}.")
    keys = jax.random.split(key, 5)
    positions, velocities = zip(*system.state_distributions(initial=initial), strict=True)
    varying = [p.value for p in system.parameters.values() if p.varies]
    timed = system.time is not None and not initial
    return States(
        q=_draw_columns(positions, keys[0], n),
        v=_draw_columns(velocities, keys[1], n),
        m=_draw_columns(varying, keys[2], n),
        u=_draw_columns(tuple(system.inputs.values()), keys[3], n),
        t=_draw(system.time, keys[4], n) if timed and system.time is not None else jnp.zeros(n),
    )


def accelerations(dynamics: AbstractDynamics, states: States) -> Array:
    """The accelerations at a batch of states, (batch, dof)."""
    return jax.vmap(dynamics.acceleration)(states.q, states.v, states.m, states.u, states.t)


Source = Callable[[Key, int], Samples]
"""What training draws from: `source(key, n)` returns n samples, inside the compiled step."""


class Stream(eqx.Module):
    """Fresh samples of a system at every call: states from the declaration, accelerations from the oracle."""

    dynamics: SymbolicDynamics

    def __init__(self, system: System):
        self.dynamics = SymbolicDynamics(system)

    def __call__(self, key: Key, n: int) -> Samples:
        """n samples."""
        states = sample_states(self.dynamics.system, n, key=key)
        return Samples(states, accelerations(self.dynamics, states))


class Resample(eqx.Module, Generic[Drawn]):
    """Samples, or segments, drawn with replacement from a fixed data set."""

    samples: Drawn

    def __call__(self, key: Key, n: int) -> Drawn:
        """n of them."""
        return self.samples[jax.random.randint(key, (n,), 0, self.samples.size)]
