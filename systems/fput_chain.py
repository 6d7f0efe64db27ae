"""Fermi–Pasta–Ulam–Tsingou chain: masses between two walls, on springs that are not quite linear.

L = Σᵢ ½ m q̇ᵢ² − Σᵢ (½ k rᵢ² + ⅓ α rᵢ³ + ¼ β rᵢ⁴), rᵢ = qᵢ₊₁ − qᵢ. Energy given to the lowest mode goes to a few others
and comes back almost whole, where equipartition had been expected.

Source: Fermi, Pasta, Ulam & Tsingou, Los Alamos report LA-1940 (1955); Ford, Phys. Rep. 213 (1992) 271.
"""

import numpy as np
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Lattice, Network, Parameter, System, normal

GROUP = "lattices"

t = dynamicsymbols._t
q, q_next = dynamicsymbols("q q_next")
m, k, alpha, beta = sp.symbols("m k alpha beta", positive=True)


def network(n: int) -> Network:
    """n ≥ 2 masses in a row, the first and the last held to a wall."""
    if not isinstance(n, int) or n < 2:
        raise ValueError(f"fput_chain needs a whole number n ≥ 2, but n = {n!r}.")
    r = q_next - q
    # the spring at the left wall begins at the first mass, so its stretch has the other sign
    side = sp.symbols("side", real=True)
    springs = k * r**2 / 2 + alpha * side * r**3 / 3 + beta * r**4 / 4
    return Network(
        name="fput_chain",
        bodies=n,
        coordinates=((q,), (q_next,)),
        body_lagrangian=m * q.diff(t) ** 2 / 2,
        pair_lagrangian=-springs,
        edges=[(0, n), *((i, i + 1) for i in range(n))],
        edge_values={side: [-1, *[1] * n]},
        parameters={
            m: Parameter(1.0, "kg"),
            k: Parameter(1.0, "N/m"),
            alpha: Parameter(0.25, "N/m²"),
            beta: Parameter(0.1, "N/m³"),
        },
        states={q: normal(0, 0.5), q.diff(t): normal(0, 0.5)},
        units={q: "m"},
        duration=20.0,
        reference="Fermi, Pasta, Ulam & Tsingou, Los Alamos report LA-1940 (1955)",
    )


def lattice(n: int = 32) -> Lattice:
    """n masses, compiled as one pair of neighbours."""
    return network(n).lattice()


def system(n: int = 6) -> System:
    """n masses as a system."""
    return network(n).system()


def mode_energies(q: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The energies ½(Q̇ₖ² + ωₖ² Qₖ²) of the normal modes of a linear chain between walls, m = k = 1."""
    sites = q.shape[-1]
    number = np.arange(1, sites + 1)
    modes = np.sqrt(2 / (sites + 1)) * np.sin(np.pi * np.outer(number, number) / (sites + 1))
    omega = 2 * np.sin(np.pi * number / (2 * (sites + 1)))
    return ((v @ modes) ** 2 + (omega * (q @ modes)) ** 2) / 2
