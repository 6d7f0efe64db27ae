"""φ⁴ theory: φ_tt = c² φ_xx − λ φ (φ² − η²), with two vacua and a kink between them.

ℒ = ½ φ_t² − ½ c² φ_x² − ¼ λ (φ² − η²)². The kink φ = η tanh(γ η √(λ/2) (x − w t)/c), γ = (1 − w²/c²)^(−1/2), joins
the vacua −η and η.

Source: Rajaraman, Solitons and Instantons, ch. 2.
"""

import dataclasses
import math

import numpy as np
import sympy as sp

from symlnn import Field, Lattice, Parameter, System, normal

GROUP = "lattices"

t, x = sp.symbols("t x", real=True)
c, lamda, eta = sp.symbols("c lamda eta", positive=True)
phi = sp.Function("phi")(t, x)

FIELD = Field(
    name="phi4",
    fields=(phi,),
    space=(x,),
    density=phi.diff(t) ** 2 / 2 - c**2 * phi.diff(x) ** 2 / 2 - lamda * (phi**2 - eta**2) ** 2 / 4,
    size={x: 20.0},
    parameters={c: Parameter(1.0, "m/s"), lamda: Parameter(2.0, "1/s²"), eta: Parameter(1.0, "1")},
    states={phi: normal(0, 1), phi.diff(t): normal(0, 1)},
    boundary="free",
    units={phi: "1", x: "m"},
    duration=20.0,
    reference="Rajaraman, Solitons and Instantons (1982), ch. 2",
)


def lattice(n: int = 100, boundary: str = "free", order: int = 2, stencil: str = "compact") -> Lattice:
    """The field on n sites; the boundary is `periodic`, `fixed` or `free`."""
    return dataclasses.replace(FIELD, boundary=boundary).lattice(n, order=order, stencil=stencil)


def system(n: int = 8, boundary: str = "free") -> System:
    """The field on n sites as a system."""
    return dataclasses.replace(FIELD, boundary=boundary).discretise(n)


def kink(x: np.ndarray, t: float, speed: float, start: float) -> tuple[np.ndarray, np.ndarray]:
    """φ = tanh(γ(x − x₀ − wt)) and φ_t, for c = η = 1 and λ = 2."""
    gamma = 1 / math.sqrt(1 - speed**2)
    z = gamma * (x - start - speed * t)
    return np.tanh(z), -gamma * speed / np.cosh(z) ** 2
