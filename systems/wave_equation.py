"""Wave equation on a ring: φ_tt = c² φ_xx.

ℒ = ½ φ_t² − ½ c² φ_x², of a string of unit tension and density, or of light in one dimension.

Source: Cranmer et al. 2020 (arXiv:2003.04630), section 5.3; Goldstein, Poole & Safko, Classical Mechanics, 3rd ed.,
ch. 13.
"""

import dataclasses

import sympy as sp

from symlnn import Field, Lattice, Parameter, System, normal, uniform

GROUP = "lattices"

t, x = sp.symbols("t x", real=True)
c = sp.symbols("c", positive=True)
phi = sp.Function("phi")(t, x)

FIELD = Field(
    name="wave_equation",
    fields=(phi,),
    space=(x,),
    density=phi.diff(t) ** 2 / 2 - c**2 * phi.diff(x) ** 2 / 2,
    size={x: 1.0},
    parameters={c: Parameter(1.0, "m/s")},
    states={phi: normal(0, 0.05), phi.diff(t): normal(0, 1)},
    units={phi: "1", x: "m"},
    duration=3.5,
    reference="Cranmer et al. 2020 (arXiv:2003.04630), section 5.3",
)


def lattice(n: int = 100, boundary: str = "periodic", order: int = 2, stencil: str = "compact") -> Lattice:
    """The ring of n sites, of length 1 m; or a string with `fixed` or `free` ends."""
    return dataclasses.replace(FIELD, boundary=boundary).lattice(n, order=order, stencil=stencil)


def system(n: int = 8, boundary: str = "periodic", varying: bool = False) -> System:
    """The ring of n sites as a system; with `varying` the speed c is drawn for every sample."""
    field = dataclasses.replace(FIELD, boundary=boundary)
    if varying:
        field = dataclasses.replace(field, parameters={c: Parameter(uniform(0.5, 1.5), "m/s")})
    return field.discretise(n)
