"""Timing of compiled functions against one another, on machines whose speed drifts."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax


def medians(
    functions: Mapping[str, Callable[..., Any]], arguments: Sequence[Any], *, rounds: int = 9
) -> dict[str, float]:
    """The median seconds of each function. They take turns, so that a drift of the machine meets all of them alike."""
    for function in functions.values():
        jax.block_until_ready(function(*arguments))
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            begin = time.perf_counter()
            jax.block_until_ready(function(*arguments))
            seconds[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in seconds.items()}
