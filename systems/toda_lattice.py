"""Toda lattice: a chain with exponential springs, nonlinear and yet integrable.

L = Σᵢ ½ m q̇ᵢ² − Σᵢ (a/b) (exp(−b rᵢ) + b rᵢ − 1), rᵢ = qᵢ₊₁ − qᵢ. With m = a = b = 1 its solitons

    exp(−rₙ) = 1 + sinh²κ / cosh²(κ n − t sinh κ)

move by sinh(κ)/κ sites a second, and the eigenvalues of Flaschka's matrix are conserved, as many as there are sites.

Source: Toda, Theory of Nonlinear Lattices, 2nd ed.; Flaschka, Phys. Rev. B 9 (1974) 1924.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Lattice, Network, Parameter, System, normal

t = dynamicsymbols._t
q, q_next = dynamicsymbols("q q_next")
m, a, b = sp.symbols("m a b", positive=True)


def network(n: int, boundary: str) -> Network:
    """n ≥ 3 masses on a ring (`periodic`), or in a row with `free` ends."""
    if boundary not in ("periodic", "free"):
        raise ValueError(f"The Toda lattice is periodic or free, but boundary = {boundary!r}.")
    if not isinstance(n, int) or n < 3:
        raise ValueError(f"toda_lattice needs a whole number n ≥ 3, but n = {n!r}.")
    last = n if boundary == "periodic" else n - 1
    r = q_next - q
    return Network(
        name="toda_lattice",
        bodies=n,
        coordinates=((q,), (q_next,)),
        body_lagrangian=m * q.diff(t) ** 2 / 2,
        pair_lagrangian=-(a / b) * (sp.exp(-b * r) + b * r - 1),
        edges=[(i, (i + 1) % n) for i in range(last)],
        parameters={m: Parameter(1.0, "kg"), a: Parameter(1.0, "N"), b: Parameter(1.0, "1/m")},
        states={q: normal(0, 0.5), q.diff(t): normal(0, 1)},
        units={q: "m"},
        duration=20.0,
        reference="Toda, Theory of Nonlinear Lattices, 2nd ed.",
    )


def lattice(n: int = 100, boundary: str = "periodic") -> Lattice:
    """n masses, compiled as one pair of neighbours."""
    return network(n, boundary).lattice()


def system(n: int = 6, boundary: str = "periodic") -> System:
    """n masses as a system."""
    return network(n, boundary).system()
