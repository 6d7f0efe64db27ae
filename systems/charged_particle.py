"""A charged particle in a uniform magnetic field and a harmonic trap: a Lagrangian with a term linear in v.

L = ½ m (ẋ² + ẏ²) + ½ q B (x ẏ − y ẋ) − ½ k (x² + y²), in the symmetric gauge, and so
m ẍ = q B ẏ − k x, m ÿ = −q B ẋ − k y: the Lorentz force does no work. With k = 0 orbits are circles of angular
frequency q B/m.

Source: Landau & Lifshitz, The Classical Theory of Fields, § 21; Goldstein, Poole & Safko, ch. 1.5.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "particles"

t = dynamicsymbols._t
x, y = dynamicsymbols("x y")
vx, vy = x.diff(t), y.diff(t)
m, e, B, k = sp.symbols("m e B k", positive=True)

SYSTEM = System(
    name="charged_particle",
    coordinates=(x, y),
    units={x: "m", y: "m"},
    lagrangian=m * (vx**2 + vy**2) / 2 + e * B * (x * vy - y * vx) / 2 - k * (x**2 + y**2) / 2,
    parameters={
        m: Parameter(1.0, "kg"),
        e: Parameter(1.0, "C"),
        B: Parameter(1.0, "T"),
        k: Parameter(0.25, "N/m"),
    },
    states={x: uniform(-3, 3), y: uniform(-3, 3), vx: uniform(-3, 3), vy: uniform(-3, 3)},
    initial_states={x: uniform(-1, 1), y: uniform(-1, 1), vx: uniform(-1, 1), vy: uniform(-1, 1)},
    duration=30.0,
    reference="Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., section 1.5",
)
