"""Klein–Gordon equation on a ring: φ_tt = c² φ_xx − μ² φ.

ℒ = ½ φ_t² − ½ c² φ_x² − ½ μ² φ². Waves have ω² = c² k² + μ²: long ones oscillate in place.

Source: Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., ch. 13.
"""

import dataclasses

import sympy as sp

from symlnn import Field, Lattice, Parameter, System, normal

GROUP = "lattices"

t, x = sp.symbols("t x", real=True)
c, mu = sp.symbols("c mu", positive=True)
phi = sp.Function("phi")(t, x)

FIELD = Field(
    name="klein_gordon",
    fields=(phi,),
    space=(x,),
    density=phi.diff(t) ** 2 / 2 - c**2 * phi.diff(x) ** 2 / 2 - mu**2 * phi**2 / 2,
    size={x: 1.0},
    parameters={c: Parameter(1.0, "m/s"), mu: Parameter(5.0, "1/s")},
    states={phi: normal(0, 0.05), phi.diff(t): normal(0, 1)},
    boundary="periodic",
    units={phi: "1", x: "m"},
    duration=3.5,
    reference="Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., ch. 13",
)


def lattice(n: int = 100, boundary: str = "periodic", order: int = 2, stencil: str = "compact") -> Lattice:
    """The field on n sites; the boundary is `periodic`, `fixed` or `free`."""
    return dataclasses.replace(FIELD, boundary=boundary).lattice(n, order=order, stencil=stencil)


def system(n: int = 8, boundary: str = "periodic") -> System:
    """The field on n sites as a system."""
    return dataclasses.replace(FIELD, boundary=boundary).discretise(n)
