"""The numbers that are identified, as they are searched for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._system import System
from ._least_squares import Bounds

_ZERO = 1e-6
"""As a share of the declared value."""


@dataclass(frozen=True)
class Unknowns:
    """The free parameters of a system: θ = s x with s its size; or, in the logarithmic form, θ = exp x where a symbol
    is positive, which leads from far away, but not back from zero."""

    names: tuple[str, ...]
    positive: tuple[bool, ...]
    sizes: tuple[float, ...]
    declared: tuple[tuple[float, float], ...]
    """The bounds of θ."""
    logarithmic: bool = True

    @staticmethod
    def of(system: System, free: tuple[str, ...] | None = None) -> "Unknowns":
        """Those that are declared free, or those named.

        Raises `ValueError` for a name that is no parameter or one of a distribution, for a positive one that starts
        from a number that is not, and where nothing is free and no function left open.
        """
        known = {symbol.name: (symbol, parameter) for symbol, parameter in system.parameters.items()}
        names = tuple(name for name, (_, p) in known.items() if p.free) if free is None else tuple(free)
        if not names and not system.unknown:
            raise ValueError(
                f"{system.name} has nothing to identify: declare Parameter(…, free=True), or name parameters as free. "
                f"Its parameters are: {', '.join(known) or 'none'}."
            )
        for name in names:
            if name not in known:
                raise ValueError(f"{system.name} has no parameter {name!r} to free. It has: {', '.join(known)}.")
            symbol, parameter = known[name]
            if parameter.varies:
                raise ValueError(f"The parameter {name} is drawn from {parameter.value}: give it a number to free it.")
            if symbol.is_positive and parameter.value <= 0:
                raise ValueError(f"The parameter {name} is declared positive, but starts from {parameter.value:g}.")
        chosen = [known[name] for name in names]
        return Unknowns(
            names,
            positive=tuple(bool(symbol.is_positive) for symbol, _ in chosen),
            sizes=tuple(abs(p.value) or 1.0 for _, p in chosen),
            declared=tuple(p.bounds or (-np.inf, np.inf) for _, p in chosen),
        )

    def __len__(self) -> int:
        return len(self.names)

    def linear(self) -> "Unknowns":
        """The same, not in logarithms."""
        return replace(self, logarithmic=False)

    def bounds(self) -> Bounds:
        """Of x: those declared; and a positive parameter that falls below a millionth of its declared value is zero."""
        whole = zip(self.declared, self.positive, self.sizes, strict=True)
        lowest = [max(low, _ZERO * size) if positive else low for (low, _), positive, size in whole]
        return Bounds(self._of(lowest), self._of([high for _, high in self.declared]))

    def search(self, values: Mapping[str, float]) -> Float[np.ndarray, " free"]:
        """x of these values."""
        return self._of([values[name] for name in self.names])

    def _of(self, values: Sequence[float]) -> Float[np.ndarray, " free"]:
        whole = zip(values, self.exponential, self.sizes, strict=True)
        return np.array([np.log(value) if exponential else value / size for value, exponential, size in whole])

    @property
    def exponential(self) -> tuple[bool, ...]:
        """Which of them are searched for in logarithms."""
        return tuple(self.logarithmic and positive for positive in self.positive)

    def values(self, x: Float[Array, " free"]) -> dict[str, Array]:
        """θ by name, differentiable in x."""
        pairs = zip(self.names, self.exponential, self.sizes, x, strict=True)
        return {n: jnp.exp(xi) if exponential else size * xi for n, exponential, size, xi in pairs}

    def numbers(self, x: Float[np.ndarray, " free"]) -> dict[str, float]:
        """θ by name, within its declared bounds to the last digit."""
        found = jax.device_get(self.values(jnp.asarray(x)))
        return {
            name: min(max(float(found[name]), low), high)
            for name, (low, high) in zip(self.names, self.declared, strict=True)
        }
