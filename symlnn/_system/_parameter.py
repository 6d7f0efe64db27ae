"""`Parameter`: the value and the unit of a symbol of a declaration."""

from dataclasses import dataclass
from typing import Any

from .._distribution import AbstractMarginal, Fixed, finite_number


@dataclass(frozen=True)
class Parameter:
    """A parameter's value, a number, or the distribution that it is drawn from for every sample, and its unit."""

    value: Any
    unit: str = ""
    free: bool = False
    """Whether the value is a guess, which `identify` replaces by what the motions say; a symbol that is positive stays
    so."""
    bounds: tuple[float, float] | None = None
    """The least and the largest value that `identify` may give it; either may be infinite."""

    def __post_init__(self) -> None:
        if not isinstance(self.unit, str):
            raise ValueError(f"The unit of a parameter must be a string, but is {self.unit!r}.")
        match self.value:
            case Fixed(value=number):
                object.__setattr__(self, "value", number)
            case AbstractMarginal():
                pass
            case _:
                number = finite_number(self.value, "The value of a parameter", "a number or a distribution")
                object.__setattr__(self, "value", number)
        if not isinstance(self.free, bool):
            raise ValueError(f"free of a parameter must be True or False, but is {self.free!r}.")
        if self.free and self.varies:
            raise ValueError("A free parameter needs a number to start from, not a distribution: give it a value.")
        if self.bounds is not None:
            object.__setattr__(self, "bounds", self._checked_bounds())

    def _checked_bounds(self) -> tuple[float, float]:
        wrong = f"bounds of a parameter must be a pair of numbers, the lower one first, but are {self.bounds!r}."
        try:
            low, high = map(float, self.bounds or ())
        except (TypeError, ValueError):
            raise ValueError(wrong) from None
        if not low < high:  # also where one of them is NaN
            raise ValueError(wrong)
        if self.varies or not low <= self.value <= high:
            raise ValueError(
                f"The value of a parameter with bounds must be a number between them, {low:g} and {high:g}, but is "
                f"{self.value}."
            )
        return low, high

    @property
    def varies(self) -> bool:
        """Whether the parameter is drawn for every sample and so is part of m."""
        return not isinstance(self.value, float)

    def __str__(self) -> str:
        value = str(self.value) if self.varies else f"{self.value:g}"
        return f"{value} {self.unit}".strip()
