"""`Domain`: what the states, inputs, times and varying parameters of a system are drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sympy as sp

from .._distribution import AbstractDistribution, AbstractMarginal, fixed
from .._frozen import FrozenDict
from ._law import Law
from ._parameter import Parameter

Entries = Mapping[tuple[Any, ...], AbstractDistribution]


@dataclass(frozen=True)
class Domain:
    """Distributions of the coordinates and velocities, of u, of t and of the parameters that make up m.

    A key of `states` is a coordinate, a velocity, or a tuple of them with a joint distribution. `states` may be empty,
    where motions are measured. Raises `ValueError` that names the symbol and the remedy.
    """

    law: Law
    states: Any = field(default_factory=dict)
    inputs: Any = field(default_factory=dict)
    time: Any = None
    parameters: Mapping[sp.Symbol, Parameter] = field(default_factory=dict)

    def __post_init__(self) -> None:
        states = entries(self.law, "states", self.states)
        if self.states:
            drawn = {y for group in states for y in group}
            for y in _variables(self.law):
                if y not in drawn:
                    kind = "velocity" if isinstance(y, sp.Derivative) else "coordinate"
                    raise ValueError(f"The {kind} {y} has no distribution: add states={{{y}: uniform(…, …)}}.")
            for group, distribution in states.items():
                if any(marginal.std == 0 for marginal in distribution.marginals):
                    raise ValueError(
                        f"states[{_shown(group)}] must be uniform(low, high) or normal(mean, std), but is one number: "
                        "models are trained and tested over a range. Name the number in initial_states."
                    )
        inputs = {u: _single(f"inputs[{u}]", d) for u, d in self.inputs.items()}
        time = None if self.time is None else _single("time", self.time)
        for name, value in (("states", FrozenDict(states)), ("inputs", FrozenDict(inputs)), ("time", time)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "parameters", FrozenDict(self.parameters))

    @cached_property
    def marginals(self) -> Mapping[Any, AbstractMarginal]:
        """What each coordinate and velocity is drawn from by itself."""
        return FrozenDict(marginals_of(self.states))

    @property
    def varying(self) -> tuple[AbstractMarginal, ...]:
        """What the parameters that make up m are drawn from."""
        return tuple(p.value for p in self.parameters.values() if p.varies)

    def of_states(self, what: str) -> tuple[tuple[AbstractMarginal, AbstractMarginal], ...]:
        """For each coordinate what it and its velocity are drawn from.

        Raises `ValueError`, for `what`, where no states are declared.
        """
        if not self.states:
            raise ValueError(
                f"{what} needs the states of the system, but it declares none: add states={{x: uniform(…, …), …}} "
                "for every coordinate and velocity."
            )
        return tuple((self.marginals[x], self.marginals[x.diff(self.law.t)]) for x in self.law.coordinates)


def _variables(law: Law) -> tuple[Any, ...]:
    return tuple(y for x in law.coordinates for y in (x, x.diff(law.t)))


def _shown(group: tuple[Any, ...]) -> str:
    return str(group[0]) if len(group) == 1 else str(group)


def marginals_of(states: Entries) -> dict[Any, AbstractMarginal]:
    """The distribution of each variable by itself."""
    return {y: d for group, joint in states.items() for y, d in zip(group, joint.marginals, strict=True)}


def distribution_of(what: str, value: Any) -> AbstractDistribution:
    """The distribution that a user wrote, a plain number among them. Raises `ValueError` for anything else."""
    if isinstance(value, AbstractDistribution):
        return value
    try:
        return fixed(value)
    except ValueError as error:
        raise ValueError(f"{what} must be uniform(low, high) or normal(mean, std), but is {value!r}.") from error


def _single(what: str, value: Any) -> AbstractDistribution:
    """The distribution of one variable. Raises `ValueError` for a joint one."""
    distribution = distribution_of(what, value)
    if len(distribution.marginals) != 1:
        raise ValueError(f"{what} has a distribution of {len(distribution.marginals)} variables: it needs one of one.")
    return distribution


def entries(law: Law, what: str, declared: Any) -> dict[tuple[Any, ...], AbstractDistribution]:
    """The distributions that a user declared of states, each with the tuple of variables that it draws."""
    found: dict[tuple[Any, ...], AbstractDistribution] = {}
    seen: set[Any] = set()
    known = set(_variables(law))
    for key, value in declared.items():
        group = tuple(key) if isinstance(key, tuple | sp.Tuple) else (key,)
        for y in group:
            if y not in known:
                law.check_time(what, y)
                raise ValueError(f"{what} names {y}, which is no coordinate or velocity: give it one that is.")
            if y in seen:
                raise ValueError(f"{what} names {y} twice: give it one distribution, alone or jointly.")
            seen.add(y)
        distribution = distribution_of(f"{what}[{_shown(group)}]", value)
        if len(distribution.marginals) != len(group):
            raise ValueError(
                f"{what}[{_shown(group)}] has a distribution of {len(distribution.marginals)} variables: "
                f"it needs one of {len(group)}."
            )
        found[group] = distribution
    return found
