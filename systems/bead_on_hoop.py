"""Bead on a hoop that turns about its vertical diameter at a constant rate.

L = ½ m r² (θ̇² + Ω² sin²θ) + m g r cos θ, and so θ̈ = (Ω² cos θ − g/r) sin θ; θ from the lowest point. Above Ω = √(g/r)
the bead rests at cos θ = g/(r Ω²). What turns the hoop does work: not T + V is conserved, but the Jacobi energy.

Source: Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., exercise 2.18.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "pendula"

t = dynamicsymbols._t
theta = dynamicsymbols("theta")
omega = theta.diff(t)
m, r, g, Omega = sp.symbols("m r g Omega", positive=True)

SYSTEM = System(
    name="bead_on_hoop",
    coordinates=(theta,),
    angles=(theta,),
    units={theta: "rad"},
    lagrangian=m * r**2 * (omega**2 + Omega**2 * sp.sin(theta) ** 2) / 2 + m * g * r * sp.cos(theta),
    parameters={
        m: Parameter(0.1, "kg"),
        r: Parameter(0.5, "m"),
        g: Parameter(9.81, "m/s²"),
        Omega: Parameter(6.0, "rad/s"),
    },
    states={theta: uniform(-sp.pi, sp.pi), omega: uniform(-8, 8)},
    initial_states={omega: uniform(-1, 1)},
    duration=5.0,
    reference="Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., exercise 2.18",
)
