"""Masses in a plane, joined by springs along the edges of a random graph.

L = Σᵢ ½ mᵢ (ẋᵢ² + ẏᵢ²) − Σ₍ᵢⱼ₎ ½ kᵢⱼ (|𝐫ⱼ − 𝐫ᵢ| − ℓᵢⱼ)²,

with x and y the displacements from where all springs are at rest.

Source: Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., ch. 6; graph: Watts & Strogatz, Nature 393 (1998) 440.
"""

import numpy as np
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Lattice, Network, Parameter, System, normal

GROUP = "lattices"

t = dynamicsymbols._t
x, y, x2, y2 = dynamicsymbols("x y x2 y2")
mass, stiffness, dX, dY = sp.symbols("mass stiffness dX dY", real=True)
k = sp.symbols("k", positive=True)


def network(n: int, seed: int) -> Network:
    """n ≥ 3 masses on a circle of n/4 m about the origin, joined to their neighbours and each to one at random."""
    if not isinstance(n, int) or n < 3:
        raise ValueError(f"mass_spring_network needs a whole number n ≥ 3, but n = {n!r}.")
    generator = np.random.default_rng(seed)
    pairs = {(i, (i + 1) % n) for i in range(n)} | {(i, int(generator.integers(n))) for i in range(n)}
    edges = sorted({(min(e), max(e)) for e in pairs if e[0] != e[1]})
    angle = 2 * np.pi * np.arange(n) / n
    place = n / 4 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    between = np.array([place[j] - place[i] for i, j in edges]).round(6)
    length = sp.sqrt((dX + x2 - x) ** 2 + (dY + y2 - y) ** 2)
    return Network(
        name="mass_spring_network",
        bodies=n,
        coordinates=((x, y), (x2, y2)),
        body_lagrangian=mass * (x.diff(t) ** 2 + y.diff(t) ** 2) / 2,
        pair_lagrangian=-k * stiffness * (length - sp.sqrt(dX**2 + dY**2)) ** 2 / 2,
        edges=edges,
        body_values={mass: generator.uniform(0.5, 2.0, n).round(3).tolist()},
        edge_values={
            stiffness: generator.uniform(0.5, 2.0, len(edges)).round(3).tolist(),
            dX: between[:, 0].tolist(),
            dY: between[:, 1].tolist(),
        },
        parameters={k: Parameter(10.0, "N/m")},
        states={v: normal(0, 0.1) for v in (x, y)} | {v.diff(t): normal(0, 1) for v in (x, y)},
        units={x: "m", y: "m"},
        duration=10.0,
        reference="Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., ch. 6",
    )


def lattice(n: int = 100, seed: int = 0) -> Lattice:
    """n masses, compiled as one body and one spring."""
    return network(n, seed).lattice()


def system(n: int = 4, seed: int = 0) -> System:
    """n masses as a system."""
    return network(n, seed).system()
