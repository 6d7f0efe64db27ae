"""Array types with named axes, and the few dataclasses that every room shares.

One state has no leading axis; a batch of them carries one leading axis in every field. Axis names: `dof` degrees of
freedom, `m` varying parameters, `u` control inputs.
"""

import os
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, Shaped

RealScalar: TypeAlias = Float[Array | np.ndarray, ""] | Int[Array | np.ndarray, ""] | np.number | float | int
Scalar: TypeAlias = Float[Array, ""]
Coordinates: TypeAlias = Float[Array, " dof"]
Matrix: TypeAlias = Float[Array, "dof dof"]
Varying: TypeAlias = Float[Array, " m"]
Key: TypeAlias = PRNGKeyArray
Keys: TypeAlias = jaxtyping.Key[Array, "*members"]
"""One key, or one for each member of an ensemble; such as `jax.random.key` makes, not arrays of integers."""
Flag: TypeAlias = Bool[Array, ""]
PyTree: TypeAlias = Shaped[Array, "..."] | tuple[Array, ...]


class AbstractGiven(eqx.Module):
    """Arrays within a model that are given and not learned: the parameters of a declaration, natural scales, graphs.

    Unless `fit` is told otherwise, it trains every other floating-point array.
    """


class AbstractSizes(AbstractGiven):
    """The sizes of coordinates and velocities, in their units. A law that holds one anywhere within it is integrated in
    units of them."""

    q: eqx.AbstractVar[Float[Array, " dof"]]
    v: eqx.AbstractVar[Float[Array, " dof"]]


class States(eqx.Module):
    """States of a system, with all that an acceleration depends on; zero-length axes where a system has none."""

    q: Float[Array, "*batch dof"]
    v: Float[Array, "*batch dof"]
    m: Float[Array, "*batch m"]
    u: Float[Array, "*batch u"]
    t: Float[Array, "*batch"]

    @staticmethod
    def of(q: Any, v: Any, m: Any = None, u: Any = None, t: Any = 0.0) -> "States":
        """The states of these coordinates and velocities, (dof,) or (batch, dof), arrays or lists of numbers.

        A batch may share m, u and t.

        Raises `ValueError` where q and v have not one shape.
        """
        q, v = as_float(q), as_float(v)
        if q.shape != v.shape or q.ndim not in (1, 2):
            raise ValueError(f"q and v must have one shape, (dof,) or (batch, dof), but have {q.shape} and {v.shape}.")
        batch = q.shape[:-1]

        def rows(values: Any) -> Array:
            array = jnp.zeros(0, q.dtype) if values is None else as_float(values)
            return jnp.broadcast_to(array, (*batch, array.shape[-1]))

        return States(q, v, rows(m), rows(u), jnp.broadcast_to(jnp.asarray(t, q.dtype), batch))

    def __getitem__(self, index: slice | int | Array) -> "States":
        """The states at `index` of the leading axis."""
        return jax.tree.map(lambda x: x[index], self)


class Samples(eqx.Module):
    """States with their accelerations: what models are trained on."""

    states: States
    a: Float[Array, "*batch dof"]

    @property
    def size(self) -> int:
        """The number of samples."""
        return self.a.shape[0]

    def __getitem__(self, index: slice | int | Array) -> "Samples":
        """The samples at `index` of the leading axis."""
        return jax.tree.map(lambda x: x[index], self)


class Segments(eqx.Module):
    """Short stretches of motions: a state, and what is observed at a few equal steps of time after it."""

    states: States
    """Where each stretch begins."""
    q: Float[Array, "*batch step dof"]
    v: Float[Array, "*batch step dof"]
    interval: Float[Array, ""]
    """The time between two observations, in seconds."""
    u: Float[Array, "*batch instant u"] | None = None
    """The control inputs at the first state and at each step, where they change; else those of the states hold."""
    substeps: int = eqx.field(static=True, default=1)
    """The equal steps that an integrator is to divide an interval into."""

    @property
    def size(self) -> int:
        """The number of segments."""
        return self.q.shape[0]

    def __getitem__(self, index: slice | int | Array) -> "Segments":
        """The segments at `index` of the leading axis."""
        own, shared = eqx.partition(self, eqx.tree_at(lambda s: s.interval, jax.tree.map(lambda _: True, self), False))
        return eqx.combine(jax.tree.map(lambda x: x[index], own), shared)


def key_of(seed: int) -> Key:
    """The key of a seed. Raises `ValueError` unless it is a whole number of 32 bits, which all of JAX tells apart."""
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise ValueError(f"The seed must be a whole number from 0 to 4294967295, but is {seed!r}.")
    return jax.random.key(int(seed))


def require_memory(numbers: float | int, what: str) -> None:
    """Raise a `ValueError` where that many numbers of 8 bytes are more than the memory of this machine."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        memory = 2**36
    if not 8 * numbers < memory:
        raise ValueError(
            f"{what} would take {8 * numbers / 2**30:,.0f} GiB of memory, but this machine has "
            f"{memory / 2**30:,.0f} GiB: ask for less."
        )


def as_float(value: object) -> Array:
    """The value as an array of the default floating-point type; floating-point arrays keep theirs."""
    array = jnp.asarray(value)
    return array if jnp.issubdtype(array.dtype, jnp.floating) else array.astype(jnp.result_type(float))
