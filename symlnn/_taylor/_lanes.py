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
) -> Moved:
    """Every motion from its start, at the times.

    Each lane moves one motion by steps of its own,

        h = min over components i and k = p, p − 1 of (ε maxₜ|yᵢ| / |yₖᵢ|)^(1/k),

    and takes the next one when it has come to its end.
    """
    motions, components = start.shape
    width, window = min(LANES, motions), min(_WINDOW, len(times) - 1)
    last = len(times)
    floor = list(sizes * atol / rtol)

    def loaded(motion: Array) -> tuple[Array, ...]:
        rows = start[jnp.minimum(motion, motions - 1)]
        return tuple(rows[:, i] for i in range(components))

    def constants_in(motion: Array) -> list[Array]:
        return [c if c.ndim == 0 else c[jnp.minimum(motion, motions - 1)] for c in constants]

    def stepped(now: Lanes) -> Lanes:
        moving = (now.motion < motions) & (now.count == 0) & ~now.failed
        rows = series(law, solver.term_order, now.y, now.t, constants_in(now.motion), solver.always)
        ahead = times[jnp.minimum(now.instant + window, last) - 1]
        end = now.t + apart(solver.always, _step, rows, now.largest, rtol)
        reaches = end >= ahead
        end = jnp.where(reaches, ahead, end)
        h = end - now.t
        y = apart(solver.always, _polynomials, rows, h)
        finite = jnp.isfinite(sum(jnp.abs(x) for x in y))
        good = moving & finite & ((h > dtmin) | reaches) & (now.steps < max_steps)
        places = now.instant + jnp.arange(window)[:, None]
        instants = times[jnp.minimum(places, last - 1)]
        within = (instants <= end) & (places < last)
        seen = jnp.stack(apart(solver.always, _polynomials, rows, instants - now.t))
        return now._replace(
            t=jnp.where(good, end, now.t),
            y=_chosen(good, y, now.y),
            largest=_chosen(good, _larger(now.largest, y), now.largest),
            seen=jnp.where(good, jnp.where(within, seen, jnp.inf), now.seen),
            count=jnp.where(good, jnp.sum(within, 0), now.count),
            steps=now.steps + moving,
            failed=now.failed | (moving & ~good),
        )

    def waiting(now: Lanes) -> Array:
        return (now.motion < motions) & ((now.count > 0) | now.failed)

    def written(carry: tuple) -> tuple:
        now, found, queue = carry
        rows = jnp.where(now.count > 0, now.motion, motions)
        instant = now.instant + now.count
        done = (now.motion < motions) & ((instant >= last) | now.failed)
        ended = jnp.where(done, now.motion, motions)
        found = Moved(
            _put(found.y, rows, now.instant, now.seen.T),
            found.failed.at[ended].set(now.failed, mode="drop"),
            found.steps.at[ended].set(now.steps, mode="drop"),
            found.end.at[ended].set(jnp.stack(now.y, -1), mode="drop"),
            found.time.at[ended].set(now.t, mode="drop"),
        )
        motion = jnp.where(done, queue + jnp.cumsum(done) - 1, now.motion)
        motion = jnp.minimum(motion, motions)
        y = loaded(motion)
        fresh = Lanes(
            motion=motion,
            t=jnp.where(done, times[0], now.t),
            y=_chosen(done, y, now.y),
            largest=_chosen(done, _larger(floor, y), now.largest),
            instant=jnp.where(done, 1, instant),
            seen=now.seen,
            count=jnp.zeros_like(now.count),
            steps=jnp.where(done, 0, now.steps),
            failed=now.failed & ~done,
        )
        return fresh, found, queue + jnp.sum(done)

    def body(carry: tuple) -> tuple:
        now, *others = carry
        now = stepped(now)
        pending = jnp.sum(waiting(now))
        due = (pending * _PENDING >= width) | (pending == jnp.sum(now.motion < motions))
        return jax.lax.cond(due, written, lambda carry: carry, (now, *others))

    first = jnp.arange(width)
    y = loaded(first)
    begun = Lanes(
        motion=first,
        t=jnp.full(width, times[0]),
        y=y,
        largest=_larger(floor, y),
        instant=jnp.ones(width, int),
        seen=jnp.zeros((components, window, width), start.dtype),
        count=jnp.zeros(width, int),
        steps=jnp.zeros(width, int),
        failed=jnp.zeros(width, bool),
    )
    # windows at the end of a motion reach over it
    out = jnp.full((motions, last + window - 1, components), jnp.inf, start.dtype).at[:, 0].set(start)
    nothing = Moved(out, jnp.zeros(motions, bool), jnp.zeros(motions, int), start, jnp.full(motions, times[0]))
    carry = (begun, nothing, jnp.asarray(width))
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
