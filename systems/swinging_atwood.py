"""Swinging Atwood's machine: two weights on a string over two pulleys, of which one may swing.

L = ½ (M + m) ṙ² + ½ m r² θ̇² + g r (m cos θ − M), and so

    r̈ = (m r θ̇² + g (m cos θ − M))/(M + m),        θ̈ = −(2 ṙ θ̇ + g sin θ)/r;

r is the length of the swinging part and θ its angle from the vertical. At M = 3 m it is integrable.

Source: Tufillaro, Abbott & Griffiths, Am. J. Phys. 52 (1984) 895.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "pendula"

t = dynamicsymbols._t
r, theta = dynamicsymbols("r theta")
v, omega = r.diff(t), theta.diff(t)
M, m, g = sp.symbols("M m g", positive=True)

SYSTEM = System(
    name="swinging_atwood",
    coordinates=(r, theta),
    angles=(theta,),
    units={r: "m", theta: "rad"},
    lagrangian=(M + m) * v**2 / 2 + m * r**2 * omega**2 / 2 + g * r * (m * sp.cos(theta) - M),
    parameters={M: Parameter(3.0, "kg"), m: Parameter(1.0, "kg"), g: Parameter(9.81, "m/s²")},
    states={r: uniform(0.5, 1.5), theta: uniform(-2, 2), v: uniform(-2, 2), omega: uniform(-4, 4)},
    initial_states={r: uniform(0.8, 1.2), theta: uniform(1.2, 1.8), v: 0.0, omega: 0.0},
    duration=5.0,
    positions=((r * sp.sin(theta), -r * sp.cos(theta)),),
    reference="Tufillaro, Abbott & Griffiths, Am. J. Phys. 52 (1984) 895",
)
