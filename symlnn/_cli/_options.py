"""Reading NAME=VALUE options, and checks that come before any computing."""

import ast
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import lazy_loader

import symlnn

jax: Any = lazy_loader.load("jax")


def _split(option: str, text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (separator and name.strip() and value.strip()):
        raise ValueError(f"{option} needs NAME=VALUE, but was given {text!r}.")
    return name.strip(), value.strip()


def parse_assignments(option: str, texts: Sequence[str]) -> dict[str, float]:
    """NAME=VALUE options with finite numbers."""
    values = {}
    for text in texts:
        name, value = _split(option, text)
        try:
            values[name] = float(value)
        except ValueError as error:
            raise ValueError(f"{option} {name} must be a number, but is {value!r}.") from error
        if not math.isfinite(values[name]):
            raise ValueError(f"{option} {name} must be finite, but is {value}.")
    return values


def parse_arguments(option: str, texts: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE options with Python literals; what is no literal is taken as a string."""
    values: dict[str, Any] = {}
    for text in texts:
        name, value = _split(option, text)
        try:
            values[name] = ast.literal_eval(value)
        except (SyntaxError, ValueError):
            values[name] = value
    return values


def parse_budget(seconds: float | None, steps: str | None) -> "symlnn.Budget | None":
    """Seconds, or N steps in all, or N+M by stage; None where neither is given."""
    if seconds is not None and steps is not None:
        raise ValueError("Give either --seconds or --steps as the training budget, not both.")
    if steps is None:
        return None if seconds is None else symlnn.Budget(seconds=seconds)
    try:
        counts = tuple(int(part) for part in steps.split("+"))
    except ValueError as error:
        raise ValueError(f"--steps must be a whole number, or one for each stage as in 3000+100: {steps!r}.") from error
    return symlnn.Budget(steps=counts[0] if len(counts) == 1 else counts)


def parse_solver(name: str) -> Any:
    """A solver by its name."""
    if name not in symlnn.SOLVERS:
        raise ValueError(f"Unknown --solver {name!r}; choose one of {', '.join(symlnn.SOLVERS)}.")
    return symlnn.SOLVERS[name]()


def initial_states(system: "symlnn.System", n: int, fixed: Mapping[str, float], seed: int) -> "symlnn.States":
    """n initial states drawn from the declaration, with coordinates and velocities set where `fixed` names them, and
    the others moved to where they obey the constraints."""
    states = symlnn.sample_states(system, n, key=jax.random.key(seed), initial=True)
    columns = {symbol.name: ("q", i) for i, symbol in enumerate(system.q)}
    columns |= {symbol.name: ("v", i) for i, symbol in enumerate(system.v)}
    columns |= {symbol.name: ("m", i) for i, symbol in enumerate(system.m)}
    columns |= {symbol.name: ("u", i) for i, symbol in enumerate(system.u)}
    arrays = {"q": states.q, "v": states.v, "m": states.m, "u": states.u}
    for name, value in fixed.items():
        if name not in columns:
            raise ValueError(f"--initial names {name!r}; {system.name} has {', '.join(columns)}.")
        group, place = columns[name]
        arrays[group] = arrays[group].at[:, place].set(value)
    moving = {symbol.name for symbol in (*system.q, *system.v)}
    found = symlnn.States(**arrays, t=states.t)
    return symlnn.project(system, found, hold=[name for name in fixed if name in moving])


def chosen(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def resized(model: "symlnn.Model", sizes: Mapping[str, Any]) -> "symlnn.Model":
    """The model with another width, depth, … of its own architecture."""
    return replace(model, architecture=replace(model.architecture, **sizes))
