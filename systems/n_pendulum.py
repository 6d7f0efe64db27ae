"""Planar chain of n point masses on massless rods, hanging from a fixed pivot.

L = ½ Σᵢⱼ μ_max(i,j) lᵢ lⱼ θ̇ᵢ θ̇ⱼ cos(θᵢ−θⱼ) + g Σᵢ μᵢ lᵢ cos θᵢ, where μᵢ = mᵢ + … + mₙ is the mass below rod i.

Source: Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., ch. 1 and 6.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "pendula"

t = dynamicsymbols._t


def system(n: int = 3) -> System:
    """The chain of n ≥ 1 pendula, each of mass 1 kg and length 1 m."""
    if not isinstance(n, int) or n < 1:
        raise ValueError(f"n_pendulum needs a whole number n ≥ 1, but n = {n!r}.")
    theta = [dynamicsymbols(f"theta{i}") for i in range(1, n + 1)]
    omega = [angle.diff(t) for angle in theta]
    m = [sp.Symbol(f"m{i}", positive=True) for i in range(1, n + 1)]
    l = [sp.Symbol(f"l{i}", positive=True) for i in range(1, n + 1)]
    g = sp.Symbol("g", positive=True)
    below = [sp.Add(*m[i:]) for i in range(n)]

    kinetic = sum(below[i] * l[i] ** 2 * omega[i] ** 2 / 2 for i in range(n)) + sum(
        below[j] * l[i] * l[j] * omega[i] * omega[j] * sp.cos(theta[i] - theta[j]) for j in range(n) for i in range(j)
    )
    potential = -g * sum(below[i] * l[i] * sp.cos(theta[i]) for i in range(n))
    x = [sp.Add(*(l[j] * sp.sin(theta[j]) for j in range(i + 1))) for i in range(n)]
    y = [-sp.Add(*(l[j] * sp.cos(theta[j]) for j in range(i + 1))) for i in range(n)]
    return System(
        name="n_pendulum",
        coordinates=theta,
        angles=theta,
        units=dict.fromkeys(theta, "rad"),
        lagrangian=kinetic - potential,
        parameters={
            **{mass: Parameter(1.0, "kg") for mass in m},
            **{length: Parameter(1.0, "m") for length in l},
            g: Parameter(9.8, "m/s²"),
        },
        states={
            **dict.fromkeys(theta, uniform(0, 2 * sp.pi)),
            **dict.fromkeys(omega, uniform(-5, 5)),
        },
        initial_states={
            **dict.fromkeys(theta, uniform(-sp.pi / 2, sp.pi / 2)),
            **dict.fromkeys(omega, uniform(-0.1, 0.1)),
        },
        duration=20.0,
        positions=tuple(zip(x, y, strict=True)),
        reference="Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., ch. 1",
    )
