"""Exact solutions of the lattices and fields of the catalogue, and what is measured along their motions."""

import math

import numpy as np

import symlnn


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


def mode_energies(q: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The energies ½(Q̇ₖ² + ωₖ² Qₖ²) of the normal modes of a linear chain between walls, m = k = 1."""
    sites = q.shape[-1]
    number = np.arange(1, sites + 1)
    modes = np.sqrt(2 / (sites + 1)) * np.sin(np.pi * np.outer(number, number) / (sites + 1))
    omega = 2 * np.sin(np.pi * number / (2 * (sites + 1)))
    return ((v @ modes) ** 2 + (omega * (q @ modes)) ** 2) / 2


def sine_gordon_kink(x: np.ndarray, t: float, speed: float, start: float) -> tuple[np.ndarray, np.ndarray]:
    """φ = 4 arctan exp(γ(x − x₀ − wt)) and φ_t, for c = μ = 1."""
    gamma = 1 / math.sqrt(1 - speed**2)
    z = gamma * (x - start - speed * t)
    return 4 * np.arctan(np.exp(z)), -2 * gamma * speed / np.cosh(z)


def phi4_kink(x: np.ndarray, t: float, speed: float, start: float) -> tuple[np.ndarray, np.ndarray]:
    """φ = tanh(γ(x − x₀ − wt)) and φ_t, for c = η = 1 and λ = 2."""
    gamma = 1 / math.sqrt(1 - speed**2)
    z = gamma * (x - start - speed * t)
    return np.tanh(z), -gamma * speed / np.cosh(z) ** 2


def crossing(x: np.ndarray, values: np.ndarray, level: float) -> float:
    """Where a monotonic profile crosses a level, between two points linearly."""
    rising = values if values[-1] > values[0] else -values
    return float(np.interp(level if rising is values else -level, rising, x))


def relative(values: np.ndarray) -> np.ndarray:
    """|x(t)/x(0) − 1| of an energy over time, (…, time)."""
    return np.abs(values / values[..., :1] - 1)


def law(name: str, parameters: dict[str, float] | None = None, **arguments: object) -> symlnn.SparseEulerLagrange:
    """The analytic law of a lattice of the catalogue."""
    lattice = symlnn.load_lattice(name, **arguments)
    return symlnn.SparseEulerLagrange(symlnn.graph_lagrangian(lattice, parameters))
