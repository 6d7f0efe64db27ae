"""Toda lattice: a chain with exponential springs, nonlinear and yet integrable.

L = Σᵢ ½ m q̇ᵢ² − Σᵢ (a/b) (exp(−b rᵢ) + b rᵢ − 1), rᵢ = qᵢ₊₁ − qᵢ. With m = a = b = 1 its solitons

    exp(−rₙ) = 1 + sinh²κ / cosh²(κ n − t sinh κ)

move by sinh(κ)/κ sites a second, and the eigenvalues of Flaschka's matrix are conserved, as many as there are sites.

Source: Toda, Theory of Nonlinear Lattices, 2nd ed.; Flaschka, Phys. Rev. B 9 (1974) 1924.
"""

import math

import numpy as np
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Lattice, Network, Parameter, System, normal

GROUP = "lattices"

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


def toda_soliton(sites: int, kappa: float, t: float, start: float) -> tuple[np.ndarray, np.ndarray]:
    """q and v of Toda's soliton on an infinite chain, m = a = b = 1:

        qₙ = ln[(1 + e^{2(κ(n − 1 − n₀) − t sinh κ)}) / (1 + e^{2(κ(n − n₀) − t sinh κ)})],

    which compresses the chain by 2κ and moves by sinh(κ)/κ sites a second.

    Source: Toda, Theory of Nonlinear Lattices, 2nd ed., section 3.1.
    """
    phase = 2 * (kappa * (np.arange(sites) - start) - t * math.sinh(kappa))
    before = phase - 2 * kappa
    q = np.logaddexp(0, before) - np.logaddexp(0, phase)
    v = -2 * math.sinh(kappa) * (_logistic(before) - _logistic(phase))
    return q, v


def soliton_on_a_ring(sites: int, kappa: float, t: float, start: float) -> tuple[np.ndarray, np.ndarray]:
    """The same on a ring, whose springs are stretched by δ = 2κ/sites each to make room for it:

        qₙ(t) = δ n + q′ₙ(e^{−δ/2} t),

    since exp(−(r′ + δ)) = e^{−δ} exp(−r′) only slows all motion by e^{−δ/2}. Exact but for tails of e^{−2κ d}, d sites
    from where the ring closes.
    """
    stretch = 2 * kappa / sites
    slow = math.exp(-stretch / 2)
    q, v = toda_soliton(sites, kappa, slow * t, start)
    return q + stretch * np.arange(sites), slow * v


def _logistic(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(x / 2))


def flaschka_eigenvalues(q: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The eigenvalues of the periodic matrix with bₙ = −vₙ/2 on its diagonal and aₙ = ½ exp(−(qₙ₊₁ − qₙ)/2) beside it,
    which Toda's motion leaves as they are.

    Source: Flaschka, Phys. Rev. B 9 (1974) 1924.
    """
    sites = q.shape[-1]
    a = 0.5 * np.exp(-(np.roll(q, -1, axis=-1) - q) / 2)
    matrix = np.zeros((*q.shape, sites))
    here, there = np.arange(sites), (np.arange(sites) + 1) % sites
    matrix[..., here, here] = -v / 2
    matrix[..., here, there] += a
    matrix[..., there, here] += a
    return np.linalg.eigvalsh(matrix)
