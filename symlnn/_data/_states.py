"""Drawing states: from what a declaration says of them, or as smooth random fields on periodic grids."""

from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._distribution import AbstractDistribution
from .._dynamics import DeclaredSizes, Surface, SymbolicConstraints, sizes_of
from .._system import System
from .._types import Key, States

StateSource = Callable[[Key, int], States]
"""`source(key, n)` draws n states, inside compiled code."""


def _as_arrays(distributions: Sequence[AbstractDistribution]) -> tuple[AbstractDistribution, ...]:
    """With arrays in place of numbers, so that compiled code serves every distribution of a kind."""
    return tuple(jax.tree.map(lambda x: jnp.asarray(x, jnp.result_type(float)), d) for d in distributions)


def _columns(distributions: Sequence[AbstractDistribution], key: Key, n: int) -> Float[Array, "n columns"]:
    if not distributions:
        return jnp.zeros((n, 0))
    keys = jax.random.split(key, len(distributions))
    return jnp.concatenate([d.draw(k, n) for d, k in zip(distributions, keys, strict=True)], axis=-1)


class DeclaredStates(eqx.Module):
    """States drawn as a declaration says, independently but for those with a joint distribution.

    With `initial`, coordinates and velocities are those that roll-outs start from, and t is zero. Where there are
    constraints, the states nearby that obey them; NaN where there are none. Raises `ValueError` where the system does
    not say what a coordinate or velocity is drawn from.
    """

    q: tuple[AbstractDistribution, ...]
    v: tuple[AbstractDistribution, ...]
    m: tuple[AbstractDistribution, ...]
    u: tuple[AbstractDistribution, ...]
    t: tuple[AbstractDistribution, ...]
    joint: tuple[AbstractDistribution, ...]
    constraints: SymbolicConstraints | None
    """What the states are projected onto."""
    sizes: DeclaredSizes | None
    places: tuple[tuple[int, ...], ...] = eqx.field(static=True)
    """For each joint distribution the columns of (q, v) that it draws."""

    def __init__(self, system: System, *, initial: bool = False):
        positions, velocities = zip(*system.state_marginals(initial=initial), strict=True)
        order = [*system.coordinates, *(x.diff(system.t) for x in system.coordinates)]
        groups = dict(system.domain.states)
        if initial:
            named = {y for group in system.experiment.initial_states for y in group}
            groups = {group: d for group, d in groups.items() if not named & set(group)}
            groups |= system.experiment.initial_states
        joint = {group: d for group, d in groups.items() if len(group) > 1}
        time = system.domain.time
        self.q, self.v = _as_arrays(positions), _as_arrays(velocities)
        self.m, self.u = _as_arrays(system.domain.varying), _as_arrays(tuple(system.domain.inputs.values()))
        self.t = _as_arrays(() if time is None or initial else (time,))
        self.joint = _as_arrays(tuple(joint.values()))
        self.constraints, self.sizes = SymbolicConstraints.of(system), DeclaredSizes.of(system)
        self.places = tuple(tuple(order.index(y) for y in group) for group in joint)

    def __call__(self, key: Key, n: int) -> States:
        """n states: q, v (n, dof), m (n, m), u (n, u), t (n,)."""
        keys = jax.random.split(key, 5)
        q, v = _columns(self.q, keys[0], n), _columns(self.v, keys[1], n)
        if self.joint:
            columns = jnp.concatenate([q, v], axis=-1)
            for i, (distribution, places) in enumerate(zip(self.joint, self.places, strict=True)):
                drawn = distribution.draw(jax.random.fold_in(key, i), n)
                columns = columns.at[:, jnp.asarray(places)].set(drawn)
            q, v = jnp.split(columns, 2, axis=-1)
        time = _columns(self.t, keys[4], n)[:, 0] if self.t else jnp.zeros(n)
        drawn = States(q, v, _columns(self.m, keys[2], n), _columns(self.u, keys[3], n), time)
        return drawn if self.constraints is None else _onto(self.constraints, self.sizes, drawn)


def _onto(constraints: SymbolicConstraints, sizes: DeclaredSizes | None, states: States) -> States:
    """The states nearby that obey the constraints; NaN where there are none."""

    def one(state: States) -> tuple[Array, Array]:
        return Surface(constraints, state.m, state.t, sizes_of(sizes, state.q)).from_afar(state.q, state.v)

    q, v = jax.vmap(one)(states)
    return eqx.tree_at(lambda s: (s.q, s.v), states, (q, v))


def sample_states(system: System, n: int, *, key: Key, initial: bool = False) -> States:
    """n states drawn from the declaration; with `initial`, such as roll-outs start from: what `simulate` takes.

    The same key gives the same states. Raises `ValueError` where the system does not say what they are drawn from.
    """
    if n < 1:
        raise ValueError(f"The number of samples must be at least 1, but is {n}.")
    return _draw(DeclaredStates(system, initial=initial), key, n)


@eqx.filter_jit
def _draw(states: DeclaredStates, key: Key, n: int) -> States:
    return states(key, n)


def project(system: System, states: States, *, hold: Sequence[str] = ()) -> States:
    """The states nearby that obey the constraints of a system: the distance is measured in its sizes, in which the
    coordinates and velocities that `hold` names, x or x_dot, do not move.

    Raises `ValueError` for a name that is none, and where a state is too far from what the constraints allow.
    """
    constraints, sizes = SymbolicConstraints.of(system), DeclaredSizes.of(system)
    names = [symbol.name for symbol in (*system.q, *system.v)]
    if unknown := [name for name in hold if name not in names]:
        raise ValueError(f"hold names {unknown[0]!r}; {system.name} has {', '.join(names)}.")
    if constraints is None:
        return states
    q, v = sizes_of(sizes, jnp.zeros(system.dof, states.q.dtype))
    free = jnp.asarray([name not in hold for name in names])
    held = DeclaredSizes(q * free[: system.dof], v * free[system.dof :])
    batch = states if states.q.ndim == 2 else jax.tree.map(lambda x: x[None], states)
    found = _projected(constraints, held, batch)
    lost = np.flatnonzero(~np.isfinite(np.asarray(found.q)).all(axis=-1))
    if lost.size:
        where = f"the state {lost[0]}" if states.q.ndim == 2 else "the state"
        raise ValueError(
            f"Nothing near {where} obeys the constraints of {system.name}"
            + (f" with {', '.join(hold)} held" if hold else "")
            + ": begin with one that is nearer, or hold fewer of its numbers."
        )
    return found if states.q.ndim == 2 else jax.tree.map(lambda x: x[0], found)


@eqx.filter_jit
def _projected(constraints: SymbolicConstraints, sizes: DeclaredSizes, states: States) -> States:
    return _onto(constraints, sizes, states)


class SmoothFields(eqx.Module):
    """States of a field on a periodic grid that are Gaussian random fields,

        ⟨φ(x) φ(x′)⟩ = σ² exp(−|x − x′|²/(2 ℓ²)),

    with the correlation length ℓ drawn for each between `shortest` and `longest`, evenly in its logarithm; rates φ̇
    likewise, independently. Where sites drawn one by one are as rough as the grid lets, these show a model the
    differences between neighbours that solutions have.
    """

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

    def __call__(self, key: Key, n: int) -> States:
        """n states."""
        keys = jax.random.split(key, 2 * len(self.sizes) + 1)
        span = jnp.log(jnp.asarray([self.shortest, self.longest]))
        lengths = jnp.exp(jax.random.uniform(keys[-1], (n,), minval=span[0], maxval=span[1]))
        q = [s * self._field(k, lengths, True) for k, (s, _) in zip(keys[::2], self.sizes, strict=False)]
        v = [s * self._field(k, lengths, self.drift) for k, (_, s) in zip(keys[1::2], self.sizes, strict=False)]
        return States.of(_interleaved(q), _interleaved(v))

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
