"""Distributions: what states, inputs and varying parameters of a system are drawn from."""

import math
from dataclasses import dataclass
from typing import Any


def _number(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a number, but is {value!r}.") from error
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, but is {value!r}.")
    return number


@dataclass(frozen=True)
class Uniform:
    """The uniform distribution on [low, high)."""

    low: float
    high: float

    @property
    def mean(self) -> float:
        """(low + high)/2."""
        return 0.5 * (self.low + self.high)

    @property
    def std(self) -> float:
        """(high − low)/√12."""
        return (self.high - self.low) / math.sqrt(12.0)

    @property
    def bounds(self) -> tuple[float, float]:
        """The support: what lies outside was never sampled."""
        return self.low, self.high

    def __str__(self) -> str:
        return f"uniform on [{self.low:g}, {self.high:g})"


@dataclass(frozen=True)
class Normal:
    """The normal distribution of the given mean and standard deviation."""

    mean: float
    std: float

    @property
    def bounds(self) -> tuple[float, float]:
        """Four standard deviations about the mean, which leave out 6e-5 of the samples."""
        return self.mean - 4 * self.std, self.mean + 4 * self.std

    def __str__(self) -> str:
        return f"normal, mean {self.mean:g}, standard deviation {self.std:g}"


Distribution = Uniform | Normal


def uniform(low: Any, high: Any) -> Uniform:
    """The uniform distribution on [low, high); bounds may be SymPy numbers such as `2 * sp.pi`.

    Raises `ValueError` where the bounds are not finite numbers with low < high.
    """
    distribution = Uniform(_number(low, "The lower bound of uniform"), _number(high, "The upper bound of uniform"))
    if not distribution.low < distribution.high:
        raise ValueError(
            f"uniform({distribution.low:g}, {distribution.high:g}) has reversed or equal bounds: "
            "give the lower one first, or a plain number for a constant."
        )
    return distribution


def normal(mean: Any, std: Any) -> Normal:
    """The normal distribution; `std` is its standard deviation.

    Raises `ValueError` where the arguments are not finite numbers with std > 0.
    """
    distribution = Normal(_number(mean, "The mean of normal"), _number(std, "The standard deviation of normal"))
    if not distribution.std > 0:
        raise ValueError(f"normal({distribution.mean:g}, {distribution.std:g}) needs a standard deviation above zero.")
    return distribution
