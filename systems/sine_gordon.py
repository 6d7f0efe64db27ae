"""Sine-Gordon equation: φ_tt = c² φ_xx − μ² sin φ, whose kinks are solitons.

ℒ = ½ φ_t² − ½ c² φ_x² − μ² (1 − cos φ): a line of pendula joined by torsion springs. The kink

    φ = 4 arctan exp(γ μ (x − w t)/c),    γ = (1 − w²/c²)^(−1/2),

joins φ = 0 to φ = 2π and moves at any speed |w| < c without changing its shape.

Source: Scott, Chu & McLaughlin, Proc. IEEE 61 (1973) 1443; Rajaraman, Solitons and Instantons, ch. 2.
"""

import dataclasses
import math

import numpy as np
import sympy as sp

from symlnn import Field, Lattice, Parameter, System, normal

GROUP = "lattices"

t, x = sp.symbols("t x", real=True)
c, mu = sp.symbols("c mu", positive=True)
phi = sp.Function("phi")(t, x)

FIELD = Field(
    name="sine_gordon",
    fields=(phi,),
    space=(x,),
    density=phi.diff(t) ** 2 / 2 - c**2 * phi.diff(x) ** 2 / 2 - mu**2 * (1 - sp.cos(phi)),
    size={x: 20.0},
    parameters={c: Parameter(1.0, "m/s"), mu: Parameter(1.0, "1/s")},
    states={phi: normal(0, 2), phi.diff(t): normal(0, 1)},
    boundary="free",
    units={phi: "1", x: "m"},
    duration=20.0,
    reference="Scott, Chu & McLaughlin, Proc. IEEE 61 (1973) 1443",
)


def lattice(n: int = 100, boundary: str = "free", order: int = 2, stencil: str = "compact") -> Lattice:
    """The field on n sites; the boundary is `periodic`, `fixed` or `free`."""
    return dataclasses.replace(FIELD, boundary=boundary).lattice(n, order=order, stencil=stencil)


def system(n: int = 8, boundary: str = "free") -> System:
    """The field on n sites as a system."""
    return dataclasses.replace(FIELD, boundary=boundary).discretise(n)


def kink(x: np.ndarray, t: float, speed: float, start: float) -> tuple[np.ndarray, np.ndarray]:
    """φ = 4 arctan exp(γ(x − x₀ − wt)) and φ_t, for c = μ = 1."""
    gamma = 1 / math.sqrt(1 - speed**2)
    z = gamma * (x - start - speed * t)
    return 4 * np.arctan(np.exp(z)), -2 * gamma * speed / np.cosh(z)
