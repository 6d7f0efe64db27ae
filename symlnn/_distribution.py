"""Distributions: what states, inputs and varying parameters of a system are drawn from.

Their numbers are leaves of a PyTree: as Python floats in a declaration, which is hashable, and as arrays where states
are drawn in compiled code, which then serves every distribution of a kind.
"""

import abc
import math
from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._types import Key


class AbstractDistribution(eqx.Module):
    """A distribution of one variable, or of several that are drawn together."""

    @property
    @abc.abstractmethod
    def marginals(self) -> tuple["AbstractMarginal", ...]:
        """The distribution of each variable by itself."""

    @abc.abstractmethod
    def draw(self, key: Key, n: int) -> Float[Array, "n variables"]:
        """n independent draws."""

    @abc.abstractmethod
    def to_json(self) -> Any:
        """JSON data; `distribution_from_json` is the inverse."""


class AbstractMarginal(AbstractDistribution):
    """A distribution of one variable."""

    @property
    @abc.abstractmethod
    def mean(self) -> float:
        """The mean."""

    @property
    @abc.abstractmethod
    def std(self) -> float:
        """The standard deviation."""

    @property
    @abc.abstractmethod
    def bounds(self) -> tuple[float, float]:
        """The support, or what holds all but a few of the draws: what lies outside was not sampled."""

    @property
    def marginals(self) -> tuple["AbstractMarginal", ...]:
        """Itself."""
        return (self,)

    @property
    def size(self) -> float:
        """The root mean square, √(mean² + std²)."""
        return math.hypot(self.mean, self.std)


class Fixed(AbstractMarginal):
    """One number, always."""

    value: float

    @property
    def mean(self) -> float:
        """The number."""
        return self.value

    @property
    def std(self) -> float:
        """0."""
        return 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        """The number, twice."""
        return self.value, self.value

    def draw(self, key: Key, n: int) -> Float[Array, "n variables"]:
        """The number, n times."""
        return jnp.full((n, 1), jnp.asarray(self.value, jnp.result_type(float)))

    def to_json(self) -> Any:
        """{"fixed": value}."""
        return {"fixed": self.value}

    def __str__(self) -> str:
        return f"fixed at {self.value:g}"


class Uniform(AbstractMarginal):
    """The uniform distribution on [low, high)."""

    low: float
    high: float

    def __check_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(
                f"uniform({self.low:g}, {self.high:g}) has reversed or equal bounds: "
                "give the lower one first, or a plain number for a constant."
            )

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
        """[low, high)."""
        return self.low, self.high

    def draw(self, key: Key, n: int) -> Float[Array, "n variables"]:
        """n numbers between low and high."""
        return jax.random.uniform(key, (n,), minval=self.low, maxval=self.high)[:, None]

    def to_json(self) -> Any:
        """{"uniform": [low, high]}."""
        return {"uniform": [self.low, self.high]}

    def __str__(self) -> str:
        return f"uniform on [{self.low:g}, {self.high:g})"


class Normal(AbstractMarginal):
    """The normal distribution of the given mean and standard deviation."""

    location: float
    scale: float

    def __check_init__(self) -> None:
        if not self.scale > 0:
            raise ValueError(f"normal({self.location:g}, {self.scale:g}) needs a standard deviation above zero.")

    @property
    def mean(self) -> float:
        """The location."""
        return self.location

    @property
    def std(self) -> float:
        """The scale."""
        return self.scale

    @property
    def bounds(self) -> tuple[float, float]:
        """Four standard deviations about the mean, which leave out 6e-5 of the draws."""
        return self.mean - 4 * self.std, self.mean + 4 * self.std

    def draw(self, key: Key, n: int) -> Float[Array, "n variables"]:
        """mean + std · z with n standard normal numbers z."""
        return (self.location + self.scale * jax.random.normal(key, (n,)))[:, None]

    def to_json(self) -> Any:
        """{"normal": [mean, std]}."""
        return {"normal": [self.mean, self.std]}

    def __str__(self) -> str:
        return f"normal, mean {self.mean:g}, standard deviation {self.std:g}"


class MultivariateNormal(AbstractDistribution):
    """The normal distribution of several variables that are correlated: x = mean + C z, of covariance C Cᵀ."""

    mean: tuple[float, ...]
    factor: tuple[tuple[float, ...], ...]
    """C, the lower Cholesky factor of the covariance, row by row."""

    @property
    def marginals(self) -> tuple[AbstractMarginal, ...]:
        """A normal distribution of each variable."""
        return tuple(Normal(m, math.hypot(*row)) for m, row in zip(self.mean, self.factor, strict=True))

    def draw(self, key: Key, n: int) -> Float[Array, "n variables"]:
        """mean + C z with standard normal z."""
        factor = jnp.stack([jnp.stack([jnp.asarray(entry) for entry in row]) for row in self.factor])
        mean = jnp.stack([jnp.asarray(entry) for entry in self.mean])
        return mean + jax.random.normal(key, (n, len(self.mean))) @ factor.T

    def to_json(self) -> Any:
        """{"multivariate_normal": [mean, factor]}."""
        return {"multivariate_normal": [list(self.mean), [list(row) for row in self.factor]]}

    def __str__(self) -> str:
        mean = ", ".join(f"{m:g}" for m in self.mean)
        stds = ", ".join(f"{marginal.std:g}" for marginal in self.marginals)
        return f"jointly normal, means {mean}, standard deviations {stds}"


_FROM_JSON: Mapping[str, Callable[[Any], AbstractDistribution]] = {
    "fixed": lambda value: fixed(value),
    "uniform": lambda bounds: uniform(*bounds),
    "normal": lambda numbers: normal(*numbers),
    "multivariate_normal": lambda parts: MultivariateNormal(
        tuple(map(float, parts[0])), tuple(tuple(map(float, row)) for row in parts[1])
    ),
}


def distribution_from_json(data: Any) -> AbstractDistribution:
    """The distribution of `to_json`. Raises `ValueError` for anything else."""
    match data:
        case dict() if len(data) == 1 and (kind := next(iter(data))) in _FROM_JSON:
            return _FROM_JSON[kind](data[kind])
    raise ValueError(f"not the JSON of a distribution: {data!r}")


def finite_number(value: Any, name: str, kind: str = "a number") -> float:
    """The number. Raises `ValueError` that says what `name` must be, where it is none or is not finite."""
    try:
        number = float("no number" if isinstance(value, str) else value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must be {kind}, but is {value!r}.") from error
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, but is {value!r}.")
    return number


def fixed(value: Any) -> Fixed:
    """One number, always; a SymPy number too. Raises `ValueError` where it is not a finite number."""
    return Fixed(finite_number(value, "The value of fixed"))


def uniform(low: Any, high: Any) -> Uniform:
    """The uniform distribution on [low, high); bounds may be SymPy numbers such as `2 * sp.pi`.

    Raises `ValueError` where the bounds are not finite numbers with low < high.
    """
    return Uniform(finite_number(low, "The lower bound of uniform"), finite_number(high, "The upper bound of uniform"))


def normal(mean: Any, std: Any) -> Normal:
    """The normal distribution; `std` is its standard deviation.

    Raises `ValueError` where the arguments are not finite numbers with std > 0.
    """
    return Normal(finite_number(mean, "The mean of normal"), finite_number(std, "The standard deviation of normal"))


def multivariate_normal(mean: Any, covariance: Any) -> MultivariateNormal:
    """The normal distribution of several variables, which a tuple of them is given: `states={(x, y): …}`.

    Raises `ValueError` unless the covariance is a symmetric, positive definite matrix of the size of the mean.
    """
    means = tuple(finite_number(m, "A mean of multivariate_normal") for m in mean)
    rows = [[finite_number(entry, "A covariance") for entry in row] for row in covariance]
    if len(rows) != len(means) or any(len(row) != len(means) for row in rows):
        raise ValueError(f"multivariate_normal of {len(means)} means needs a covariance of as many rows and columns.")
    return MultivariateNormal(means, _cholesky(rows))


def _cholesky(matrix: list[list[float]]) -> tuple[tuple[float, ...], ...]:
    """The lower factor of a symmetric, positive definite matrix, as plain numbers."""
    size = len(matrix)
    if any(matrix[i][j] != matrix[j][i] for i in range(size) for j in range(i)):
        raise ValueError("The covariance of multivariate_normal must be symmetric.")
    factor = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = matrix[i][j] - sum(factor[i][k] * factor[j][k] for k in range(j))
            if i == j and not rest > 0:
                raise ValueError("The covariance of multivariate_normal must be positive definite.")
            factor[i][j] = math.sqrt(rest) if i == j else rest / factor[j][j]
    return tuple(map(tuple, factor))
