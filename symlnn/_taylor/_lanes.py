"""Many motions at once, in lanes that do not wait for one another."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .._system import Law
from ._series import Rows, apart, horner, series
from ._solver import Taylor

LANES = 256
"""Motions that are moved at once: enough that arithmetic outweighs the start of each operation, few enough that their
series stay in the cache."""
_WINDOW = 8
"""The most instants that are observed within one step."""
_PENDING = 16
"""One lane in so many may wait, with what it has seen, until it is written down."""


class Moved(NamedTuple):
    """What became of each motion."""

    y: Float[Array, "motions time components"]
    """q and v; infinite at instants that were not reached."""
    failed: Bool[Array, " motions"]
    steps: Int[Array, " motions"]
    end: Float[Array, "motions components"]
    """The last state that was reached, and when."""
    time: Float[Array, " motions"]


class Lanes(NamedTuple):
    """What moves: each array has one entry a lane in its last axis."""

    motion: Int[Array, " lanes"]
    """Which one; the number of motions where there is none left."""
    t: Float[Array, " lanes"]
    y: tuple[Float[Array, " lanes"], ...]
    """q and v."""
    largest: tuple[Float[Array, " lanes"], ...]
    """The largest |y| so far."""
    instant: Int[Array, " lanes"]
    """The next to be observed."""
    seen: Float[Array, "components window lanes"]
    """What is to be written down."""
    count: Int[Array, " lanes"]
    """How many instants of it; none while the lane moves."""
    steps: Int[Array, " lanes"]
    failed: Bool[Array, " lanes"]


def moved(
    law: Law,
    solver: Taylor,
    times: Float[Array, " time"],
    start: Float[Array, "motions components"],
    constants: tuple[Float[Array, "*motions"], ...],
    sizes: Float[Array, " components"],
    *,
    rtol: Float[Array, ""],
    atol: Float[Array, ""],
    dtmin: Float[Array, ""],
    max_steps: int,
) -> "Moved":
    """Every motion from its start, at the times.

    Each lane moves one motion by steps of its own,

        h = min over components i and k = p, p − 1 of (ε maxₜ|yᵢ| / |yₖᵢ|)^(1/k),

    and takes the next one when it has come to its end.
    """
    motions, components = start.shape
    lanes, window = min(LANES, motions), min(_WINDOW, len(times) - 1)
    last = len(times)
    floor = list(sizes * atol / rtol)

    def loaded(motion: Array) -> tuple[Array, ...]:
        rows = start[jnp.minimum(motion, motions - 1)]
        return tuple(rows[:, i] for i in range(components))

    def constants_in(motion: Array) -> list[Array]:
        return [c if c.ndim == 0 else c[jnp.minimum(motion, motions - 1)] for c in constants]

    def stepped(lanes_: Lanes) -> Lanes:
        moving = (lanes_.motion < motions) & (lanes_.count == 0) & ~lanes_.failed
        rows = series(law, solver.term_order, lanes_.y, lanes_.t, constants_in(lanes_.motion), solver.always)
        ahead = times[jnp.minimum(lanes_.instant + window, last) - 1]
        end = lanes_.t + apart(solver.always, _step, rows, lanes_.largest, rtol)
        reaches = end >= ahead
        end = jnp.where(reaches, ahead, end)
        h = end - lanes_.t
        y = apart(solver.always, _polynomials, rows, h)
        finite = jnp.isfinite(sum(jnp.abs(x) for x in y))
        good = moving & finite & ((h > dtmin) | reaches) & (lanes_.steps < max_steps)
        places = lanes_.instant + jnp.arange(window)[:, None]
        instants = times[jnp.minimum(places, last - 1)]
        within = (instants <= end) & (places < last)
        seen = jnp.stack(apart(solver.always, _polynomials, rows, instants - lanes_.t))
        return lanes_._replace(
            t=jnp.where(good, end, lanes_.t),
            y=_chosen(good, y, lanes_.y),
            largest=_chosen(good, _larger(lanes_.largest, y), lanes_.largest),
            seen=jnp.where(good, jnp.where(within, seen, jnp.inf), lanes_.seen),
            count=jnp.where(good, jnp.sum(within, 0), lanes_.count),
            steps=lanes_.steps + moving,
            failed=lanes_.failed | (moving & ~good),
        )

    def waiting(lanes_: Lanes) -> Array:
        return (lanes_.motion < motions) & ((lanes_.count > 0) | lanes_.failed)

    def written(carry: tuple) -> tuple:
        lanes_, found, queue = carry
        rows = jnp.where(lanes_.count > 0, lanes_.motion, motions)
        instant = lanes_.instant + lanes_.count
        done = (lanes_.motion < motions) & ((instant >= last) | lanes_.failed)
        ended = jnp.where(done, lanes_.motion, motions)
        found = Moved(
            _put(found.y, rows, lanes_.instant, lanes_.seen.T),
            found.failed.at[ended].set(lanes_.failed, mode="drop"),
            found.steps.at[ended].set(lanes_.steps, mode="drop"),
            found.end.at[ended].set(jnp.stack(lanes_.y, -1), mode="drop"),
            found.time.at[ended].set(lanes_.t, mode="drop"),
        )
        motion = jnp.where(done, queue + jnp.cumsum(done) - 1, lanes_.motion)
        motion = jnp.minimum(motion, motions)
        y = loaded(motion)
        fresh = Lanes(
            motion=motion,
            t=jnp.where(done, times[0], lanes_.t),
            y=_chosen(done, y, lanes_.y),
            largest=_chosen(done, _larger(floor, y), lanes_.largest),
            instant=jnp.where(done, 1, instant),
            seen=lanes_.seen,
            count=jnp.zeros_like(lanes_.count),
            steps=jnp.where(done, 0, lanes_.steps),
            failed=lanes_.failed & ~done,
        )
        return fresh, found, queue + jnp.sum(done)

    def body(carry: tuple) -> tuple:
        lanes_, *others = carry
        lanes_ = stepped(lanes_)
        pending = jnp.sum(waiting(lanes_))
        due = (pending * _PENDING >= lanes) | (pending == jnp.sum(lanes_.motion < motions))
        return jax.lax.cond(due, written, lambda carry: carry, (lanes_, *others))

    first = jnp.arange(lanes)
    y = loaded(first)
    begun = Lanes(
        motion=first,
        t=jnp.full(lanes, times[0]),
        y=y,
        largest=_larger(floor, y),
        instant=jnp.ones(lanes, int),
        seen=jnp.zeros((components, window, lanes), start.dtype),
        count=jnp.zeros(lanes, int),
        steps=jnp.zeros(lanes, int),
        failed=jnp.zeros(lanes, bool),
    )
    # windows at the end of a motion reach over it
    out = jnp.full((motions, last + window - 1, components), jnp.inf, start.dtype).at[:, 0].set(start)
    nothing = Moved(out, jnp.zeros(motions, bool), jnp.zeros(motions, int), start, jnp.full(motions, times[0]))
    carry = (begun, nothing, jnp.asarray(lanes))
    _, found, _ = jax.lax.while_loop(lambda carry: jnp.any(carry[0].motion < motions), body, carry)
    return found._replace(y=found.y[:, :last])


def _step(rows: Rows, largest: tuple[Array, ...], rtol: Array) -> Array:
    """The longest whose error is small enough, by each of the last two orders."""

    def ratio(k: int) -> Array:
        return _least([most / jnp.abs(row[k]) for row, most in zip(rows, largest, strict=True)])

    order = len(rows[0]) - 1
    return _least([(rtol * ratio(k)) ** (1 / k) for k in (order - 1, order)])


def _least(arrays: Sequence[Array]) -> Array:
    """The least of each entry, NaN where there is one."""
    return functools.reduce(jnp.minimum, arrays)


def _polynomials(rows: Rows, s: Array) -> tuple[Array, ...]:
    return tuple(horner(row, s) for row in rows)


def _larger(least: Sequence[Array], y: Sequence[Array]) -> tuple[Array, ...]:
    return tuple(jnp.maximum(jnp.abs(x), one) for x, one in zip(y, least, strict=True))


def _chosen(which: Array, yes: tuple[Array, ...], no: tuple[Array, ...]) -> tuple[Array, ...]:
    return tuple(jnp.where(which, a, b) for a, b in zip(yes, no, strict=True))


def _put(out: Array, motion: Array, instant: Array, seen: Array) -> Array:
    """With the instants of each lane at their place; lanes beyond the last motion have none."""
    numbers = jax.lax.ScatterDimensionNumbers(
        update_window_dims=(1, 2), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0, 1)
    )
    places = jnp.stack([motion, instant], -1)
    mode = jax.lax.GatherScatterMode.FILL_OR_DROP
    return jax.lax.scatter(out, places, seen, numbers, unique_indices=True, mode=mode)
