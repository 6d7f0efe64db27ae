"""The Taylor coefficients of a motion, order after order."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from .._compile import compile_expressions
from .._elimination import block_solve
from .._system import Law
from ._nodes import Coefficient, convolution, minus, plus, times
from ._program import Place, program_of

Value = TypeVar("Value")
Rows = list[list[Array]]
"""Of each component, its coefficients."""


def constants_of(law: Law, u: Array | None, values: Array, like: Array) -> tuple[Array, ...]:
    """What does not change along a motion, from its inputs and the values of all parameters, in the dtype of `like`."""
    inputs = () if u is None else tuple(u)
    found = compile_expressions((law.u, law.parameters), program_of(law).constants)(*inputs, *values)
    return tuple(jnp.asarray(x, like.dtype) for x in found)


def series(
    law: Law,
    order: int,
    state: Sequence[Array],
    t: Any,
    constants: Sequence[Array],
    always: Bool[Array, ""],
) -> Rows:
    """The coefficients, up to `order`, of q and v at time t; of many motions at once where each number is an array.

    Order by order, M a = r gives M₀ aₖ = rₖ − Σⱼ₌₁ᵏ Mⱼ aₖ₋ⱼ, and qₖ₊₁ = vₖ/(k+1), vₖ₊₁ = aₖ/(k+1).

    `always` is true, but XLA must not know it: it holds groups of operations apart. Fused into one, those of an order
    would do again what they need of all lower ones.
    """
    program, dof = program_of(law), law.dof
    like = jnp.zeros_like(state[0])
    constants = [like + c for c in constants]
    known: list[list[Coefficient]] = [[like + x] for x in state]
    known.append([like + t, like + 1, *[None] * order])
    known += [[] for _ in program.nodes[len(known) :]]
    a: list[list[Coefficient]] = [[] for _ in range(dof)]
    inverse: list[list[Array]] = []

    def coefficient(place: Place | None, k: int) -> Coefficient:
        if place is None or (place.constant and k > 0):
            return None
        return constants[place.number] if place.constant else known[place.number][k]

    def of_level(level: Sequence[int], k: int) -> list[Coefficient]:
        return [program.nodes[n].coefficient(k, n, known, constants) for n in level]

    def right_hand_sides(k: int) -> list[Coefficient]:
        found = [coefficient(place, k) for place in program.right_hand_side]
        for i, row in enumerate(program.mass_matrix):
            for j, place in enumerate(row):
                if place is not None and not place.constant:
                    found[i] = minus(found[i], convolution(known[place.number], a[j], k, 1))
        return found

    def accelerations(right: Sequence[Coefficient]) -> list[Coefficient]:
        return [_total(times(m, r) for m, r in zip(row, right, strict=True)) for row in inverse]

    for k in range(order):
        for level in program.levels:
            for n, value in zip(level, apart(always, of_level, level, k), strict=True):
                known[n].append(value)
        if k == 0:
            inverse = _inverse([[coefficient(place, 0) for place in row] for row in program.mass_matrix], like)
        found = apart(always, accelerations, apart(always, right_hand_sides, k))
        for i, value in enumerate(found):
            a[i].append(value)
            known[i].append(times(1 / (k + 1), known[dof + i][k]))
            known[dof + i].append(times(1 / (k + 1), value))
    return [[like if x is None else x for x in known[i]] for i in range(2 * dof)]


def horner(coefficients: Sequence[Array] | Array, s: Any) -> Array:
    """Σ xₖ sᵏ, of coefficients along a leading axis or in a list."""
    total = coefficients[-1]
    for x in coefficients[-2::-1]:
        total = total * s + x
    return total


def apart(always: Bool[Array, ""], function: Callable[..., Value], *arguments: Any) -> Value:
    """The value of a function, as a program of its own within the whole."""
    shapes = jax.eval_shape(lambda: function(*arguments))
    nothing = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)
    return jax.lax.cond(always, lambda: function(*arguments), lambda: nothing)


def _inverse(matrix: Sequence[Sequence[Coefficient]], like: Array) -> list[list[Array]]:
    """M₀⁻¹, infinite or NaN where M₀ is singular."""
    size = len(matrix)
    stacked = jnp.stack([jnp.stack([like if x is None else x for x in row], -1) for row in matrix], -2)
    unit = jnp.broadcast_to(jnp.eye(size, dtype=like.dtype), stacked.shape)
    found = block_solve(stacked, unit)
    return [[found[..., i, j] for j in range(size)] for i in range(size)]


def _total(parts: Any) -> Coefficient:
    total = None
    for part in parts:
        total = plus(total, part)
    return total
