"""`Parameter`: the value and the unit of a symbol of a declaration."""

import math
from dataclasses import dataclass
from typing import Any

from .._distribution import AbstractMarginal, Fixed


@dataclass(frozen=True)
class Parameter:
    """A parameter's value, a number, or the distribution that it is drawn from for every sample, and its unit."""

    value: Any
    unit: str = ""

    def __post_init__(self) -> None:
        match self.value:
            case Fixed(value=number):
                object.__setattr__(self, "value", number)
            case AbstractMarginal():
                pass
            case _:
                object.__setattr__(self, "value", _finite(self.value))

    @property
    def varies(self) -> bool:
        """Whether the parameter is drawn for every sample and so is part of m."""
        return not isinstance(self.value, float)

    def __str__(self) -> str:
        value = str(self.value) if self.varies else f"{self.value:g}"
        return f"{value} {self.unit}".strip()


def _finite(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The value of a parameter must be a number or a distribution, but is {value!r}.") from error
    if not math.isfinite(number):
        raise ValueError(f"The value of a parameter must be finite, but is {number}.")
    return number
