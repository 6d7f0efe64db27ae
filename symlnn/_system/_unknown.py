"""`Unknown`: what is known all the same of a function that a declaration leaves open."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unknown:
    """A function of one argument f(x) of a declaration that nobody knows: `identify` learns it as a cubic spline,
    or, of an angle, as a Fourier series."""

    even: bool = False
    """f(−x) = f(x)."""
    odd: bool = False
    """f(−x) = −f(x)."""
    zero_at_zero: bool = False
    """f(0) = 0."""
    nonnegative: bool = False
    """f ≥ 0."""
    dissipative: bool = False
    """x f(x) ≤ 0, for a force f that takes the velocity x: it never gives energy."""
    knots: int = 30
    """Intervals of the spline over the range that the data visit; half as many waves of a Fourier series."""

    def __post_init__(self) -> None:
        for name in ("even", "odd", "zero_at_zero", "nonnegative", "dissipative"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} of an Unknown must be True or False, but is {getattr(self, name)!r}.")
        if isinstance(self.knots, bool) or not isinstance(self.knots, int) or not 2 <= self.knots <= 200:
            raise ValueError(f"knots of an Unknown must be a whole number from 2 to 200, but is {self.knots!r}.")
        zero = (("even", "odd"), ("nonnegative", "odd"), ("nonnegative", "dissipative"), ("even", "dissipative"))
        for one, other in zero:
            if getattr(self, one) and getattr(self, other):
                raise ValueError(f"A function that is {one} and {other} is zero: declare one of the two.")
        if self.nonnegative and self.zero_at_zero:
            raise ValueError("zero_at_zero shifts a function, which may then be negative: declare nonnegative alone.")
