"""Two masses between walls, on three springs.

L = ½ m (ẋ₁² + ẋ₂²) − ½ k (x₁² + x₂²) − ½ c (x₁ − x₂)²; the normal modes are x₁ = x₂ with the angular frequency √(k/m),
and x₁ = −x₂ with √((k + 2 c)/m). A weak c lets the motion wander from one mass to the other.

Source: Taylor, Classical Mechanics, section 11.2.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "oscillators"

t = dynamicsymbols._t
x1, x2 = dynamicsymbols("x1 x2")
v1, v2 = x1.diff(t), x2.diff(t)
m, k, c = sp.symbols("m k c", positive=True)

SYSTEM = System(
    name="coupled_oscillators",
    coordinates=(x1, x2),
    units={x1: "m", x2: "m"},
    lagrangian=m * (v1**2 + v2**2) / 2 - k * (x1**2 + x2**2) / 2 - c * (x1 - x2) ** 2 / 2,
    parameters={m: Parameter(1.0, "kg"), k: Parameter(4.0, "N/m"), c: Parameter(0.5, "N/m")},
    states={x: uniform(-1, 1) for x in (x1, x2)} | {v: uniform(-2, 2) for v in (v1, v2)},
    duration=30.0,
    reference="Taylor, Classical Mechanics, section 11.2",
)
