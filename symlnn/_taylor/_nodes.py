"""Operations on Taylor series: the k-th coefficient of each from lower ones of itself and from those of its inputs.

With x(t₀ + s) = Σ xₖ sᵏ and a product's (x y)ₖ = Σⱼ xⱼ yₖ₋ⱼ, every function of a differential equation of its own has
such a recurrence. A coefficient that is zero whatever the state is None.

Source: Jorba & Zou, Experimental Mathematics 14, 2005; Griewank & Walther, Evaluating Derivatives, 2nd ed., ch. 13.
"""

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jaxtyping import Array

Coefficient = Array | None
Coefficients = Sequence[Sequence[Coefficient]]
"""Of every node, those that are known."""


@dataclass(frozen=True)
class Node(abc.ABC):
    """A series that others make."""

    @property
    @abc.abstractmethod
    def inputs(self) -> tuple[int, ...]:
        """The nodes whose k-th coefficients its own needs."""

    @abc.abstractmethod
    def coefficient(self, k: int, own: int, known: Coefficients, constants: Sequence[Array]) -> Coefficient:
        """The k-th one, where `own` is its place."""


@dataclass(frozen=True)
class Given(Node):
    """A coordinate, a velocity or the time, whose coefficients come from elsewhere."""

    @property
    def inputs(self) -> tuple[int, ...]:
        """None."""
        return ()

    def coefficient(self, k: int, own: int, known: Coefficients, constants: Sequence[Array]) -> Coefficient:
        """That which is there already."""
        return known[own][k]


@dataclass(frozen=True)
class Sum(Node):
    """c + Σ cᵢ xᵢ, with the places of constants c."""

    offset: int | None
    terms: tuple[tuple[int, int], ...]
    """(constant, node)."""

    @property
    def inputs(self) -> tuple[int, ...]:
        """The xᵢ."""
        return tuple(node for _, node in self.terms)

    def coefficient(self, k: int, own: int, known: Coefficients, constants: Sequence[Array]) -> Coefficient:
        """Σ cᵢ xᵢₖ."""
        total = constants[self.offset] if k == 0 and self.offset is not None else None
        for constant, node in self.terms:
            total = plus(total, times(constants[constant], known[node][k]))
        return total


@dataclass(frozen=True)
class Product(Node):
    """x y."""

    x: int
    y: int

    @property
    def inputs(self) -> tuple[int, ...]:
        """x, y."""
        return self.x, self.y

    def coefficient(self, k: int, own: int, known: Coefficients, constants: Sequence[Array]) -> Coefficient:
        """Σⱼ xⱼ yₖ₋ⱼ; half of the terms for a square."""
        x, y = known[self.x], known[self.y]
        if self.x != self.y:
            return convolution(x, y, k)
        half = convolution(x, y, k, 0, (k + 1) // 2)
        return plus(plus(half, half), times(x[k // 2], x[k // 2]) if k % 2 == 0 else None)


@dataclass(frozen=True)
class Quotient(Node):
    """x / y."""

    x: int
    y: int

    @property
    def inputs(self) -> tuple[int, ...]:
        """x, y."""
        return self.x, self.y

    def coefficient(self, k: int, own: int, known: Coefficients, constants: Sequence[Array]) -> Coefficient:
        """(xₖ − Σⱼ₌₁ᵏ yⱼ zₖ₋ⱼ) / y₀."""
        x, y = known[self.x], known[self.y]
        return over(minus(x[k], convolution(y, known[own], k, 1, k + 1)), y[0])


@dataclass(frozen=True)
class Power(Node):
    """x^α for a constant α: z ẋ α = ż x."""

    x: int
    exponent: int
    """The place of the constant α."""

    @property
    def inputs(self) -> tuple[int, ...]:
        """x."""
        return (self.x,)

    def coefficient(self, k: int, own: int, known: Coefficients, constants: Sequence[Array]) -> Coefficient:
        """Σⱼ₌₁ᵏ (α j − k + j) xⱼ zₖ₋ⱼ / (k x₀)."""
        x, z, alpha = known[self.x], known[own], constants[self.exponent]
        if k == 0:
            return x[0] ** alpha  # pyright: ignore[reportOptionalOperand]
        total = None
        for j in range(1, k + 1):
            total = plus(total, times(alpha * (j / k) - (k - j) / k, times(x[j], z[k - j])))
        return over(total, x[0])


@dataclass(frozen=True)
class Along(Node):
    """A function f(x) with ż = (a + b w) ẋ, as sin x with w = cos x; of w lower coefficients are enough."""

    function: Callable[[Array], Array]
    x: int
    w: int
    a: float
    b: float

    @property
    def inputs(self) -> tuple[int, ...]:
        """x."""
        return (self.x,)

    def coefficient(self, k: int, own: int, known: Coefficients, constants: Sequence[Array]) -> Coefficient:
        """a xₖ + b Σⱼ₌₁ᵏ j xⱼ wₖ₋ⱼ / k."""
        x = known[self.x]
        if k == 0:
            return self.function(x[0])  # pyright: ignore[reportArgumentType]
        total = weighted(x, known[self.w], k, k + 1)
        return plus(times(self.a, x[k]) if self.a else None, times(self.b / k, total))


@dataclass(frozen=True)
class Against(Node):
    """A function f(x) with w ż = ẋ, as log x with w = x; of w lower coefficients are enough."""

    function: Callable[[Array], Array]
    x: int
    w: int

    @property
    def inputs(self) -> tuple[int, ...]:
        """x."""
        return (self.x,)

    def coefficient(self, k: int, own: int, known: Coefficients, constants: Sequence[Array]) -> Coefficient:
        """(xₖ − Σⱼ₌₁ᵏ⁻¹ j zⱼ wₖ₋ⱼ / k) / w₀."""
        x, w = known[self.x], known[self.w]
        if k == 0:
            return self.function(x[0])  # pyright: ignore[reportArgumentType]
        return over(minus(x[k], times(1 / k, weighted(known[own], w, k, k))), w[0])


def convolution(
    x: Sequence[Coefficient], y: Sequence[Coefficient], k: int, first: int = 0, end: int | None = None
) -> Coefficient:
    """Σ xⱼ yₖ₋ⱼ over first ≤ j < end; all j ≤ k where no end is given."""
    total = None
    for j in range(first, k + 1 if end is None else end):
        total = plus(total, times(x[j], y[k - j]))
    return total


def weighted(x: Sequence[Coefficient], y: Sequence[Coefficient], k: int, end: int) -> Coefficient:
    """Σ j xⱼ yₖ₋ⱼ over 1 ≤ j < end."""
    total = None
    for j in range(1, end):
        total = plus(total, times(float(j), times(x[j], y[k - j])))
    return total


def plus(x: Coefficient, y: Coefficient) -> Coefficient:
    """x + y."""
    return y if x is None else x if y is None else x + y


def minus(x: Coefficient, y: Coefficient) -> Coefficient:
    """x − y."""
    return x if y is None else -y if x is None else x - y


def times(x: Array | float | None, y: Coefficient) -> Coefficient:
    """x y."""
    return None if x is None or y is None else x * y


def over(x: Coefficient, y: Coefficient) -> Coefficient:
    """x / y."""
    return None if x is None or y is None else x / y
