"""Wave equation on a torus, or on a drum: φ_tt = c² (φ_xx + φ_yy).

ℒ = ½ φ_t² − ½ c² (φ_x² + φ_y²), of a membrane of unit tension and density.

Source: Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., ch. 13.
"""

import dataclasses

import sympy as sp

from symlnn import Field, Lattice, Parameter, System, normal

GROUP = "lattices"

t, x, y = sp.symbols("t x y", real=True)
c = sp.symbols("c", positive=True)
phi = sp.Function("phi")(t, x, y)

FIELD = Field(
    name="wave_equation_2d",
    fields=(phi,),
    space=(x, y),
    density=phi.diff(t) ** 2 / 2 - c**2 * (phi.diff(x) ** 2 + phi.diff(y) ** 2) / 2,
    size={x: 1.0, y: 1.0},
    parameters={c: Parameter(1.0, "m/s")},
    states={phi: normal(0, 0.1), phi.diff(t): normal(0, 1)},
    units={phi: "1", x: "m", y: "m"},
    duration=2.0,
    reference="Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., ch. 13",
)


def lattice(
    nx: int = 32, ny: int = 32, boundary: str = "periodic", order: int = 2, stencil: str = "compact"
) -> Lattice:
    """The torus of nx by ny sites, 1 m by 1 m; or a membrane with `fixed` or `free` edges."""
    return dataclasses.replace(FIELD, boundary=boundary).lattice((nx, ny), order=order, stencil=stencil)


def system(nx: int = 3, ny: int = 4, boundary: str = "periodic") -> System:
    """The torus of nx by ny sites as a system."""
    return dataclasses.replace(FIELD, boundary=boundary).discretise((nx, ny))
