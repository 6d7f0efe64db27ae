"""`Unknown`: what is known all the same of a function that a declaration leaves open."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unknown:
    """A function of a declaration that nobody knows. `identify` learns one of one argument as a cubic spline, or, of an
    angle, as a Fourier series; one of several arguments as a network; and a whole Lagrangian L(q, v), of all
    coordinates and velocities, as ½ vᵀ M(q) v − V(q) with networks for M and V."""

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
    width: int = 16
    """Of the hidden layers of a network."""
    depth: int = 2
    """How many of them."""

    def __post_init__(self) -> None:
        for name in ("even", "odd", "zero_at_zero", "nonnegative", "dissipative"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} of an Unknown must be True or False, but is {getattr(self, name)!r}.")
        for name, least, most in (("knots", 2, 200), ("width", 1, 1000), ("depth", 1, 10)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise ValueError(
                    f"{name} of an Unknown must be a whole number from {least} to {most}, but is {value!r}."
                )
        zero = (("even", "odd"), ("nonnegative", "odd"), ("nonnegative", "dissipative"), ("even", "dissipative"))
        for one, other in zero:
            if getattr(self, one) and getattr(self, other):
                raise ValueError(f"A function that is {one} and {other} is zero: declare one of the two.")
        if self.nonnegative and self.zero_at_zero:
            raise ValueError("zero_at_zero shifts a function, which may then be negative: declare nonnegative alone.")
