"""Circular restricted problem of three bodies: a spacecraft in the frame that turns with earth and moon.

Lengths are in units of the distance of the two bodies, time in units of 1/Ω, and μ is the moon's share of the mass.
With the earth at (−μ, 0), the moon at (1 − μ, 0), and the distances r₁, r₂ from them,

    L = ½ (ẋ − y)² + ½ (ẏ + x)² + (1 − μ)/r₁ + μ/r₂;

the Jacobi energy is conserved, −½ of Jacobi's constant.

Source: Szebehely, Theory of Orbits, ch. 1; μ is that of Arenstorf's orbit in Hairer, Nørsett & Wanner, Solving Ordinary
Differential Equations I, section II.0.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "orbits"

t = dynamicsymbols._t
x, y = dynamicsymbols("x y")
u, v = x.diff(t), y.diff(t)
mu = sp.Symbol("mu", positive=True)

earth, moon = sp.sqrt((x + mu) ** 2 + y**2), sp.sqrt((x - 1 + mu) ** 2 + y**2)
corner = (0.5 - 0.012277471, 3**0.5 / 2)

SYSTEM = System(
    name="restricted_three_body",
    coordinates=(x, y),
    units={x: "1", y: "1"},
    lagrangian=(u - y) ** 2 / 2 + (v + x) ** 2 / 2 + (1 - mu) / earth + mu / moon,
    parameters={mu: Parameter(0.012277471, "1")},
    # above the line of the two bodies
    states={x: uniform(-1.5, 1.5), y: uniform(0.3, 1.5), u: uniform(-1, 1), v: uniform(-1, 1)},
    # about L4, where motions stay
    initial_states={
        x: uniform(corner[0] - 0.01, corner[0] + 0.01),
        y: uniform(corner[1] - 0.01, corner[1] + 0.01),
        u: 0.0,
        v: 0.0,
    },
    duration=20.0,
    reference="Szebehely, Theory of Orbits, ch. 1",
)
