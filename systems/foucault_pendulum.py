"""Foucault's pendulum: small swings in the frame of the earth, which turns below it.

With the vertical part Ω sin λ of the earth's rotation at the latitude λ, x to the east and y to the north,

    L = ½ m (ẋ² + ẏ²) + m Ω sin λ (x ẏ − y ẋ) − ½ m (g/l) (x² + y²),

    ẍ = 2 Ω sin λ ẏ − (g/l) x,        ÿ = −2 Ω sin λ ẋ − (g/l) y:

the plane of the swings turns at the rate −Ω sin λ, in Paris by 11 degrees an hour. The pendulum is the Panthéon's.

Source: Landau & Lifshitz, Mechanics, 3rd ed., § 39, problem 3.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "pendula"

t = dynamicsymbols._t
x, y = dynamicsymbols("x y")
u, v = x.diff(t), y.diff(t)
m, l, g, Omega, latitude = sp.symbols("m l g Omega latitude", positive=True)

SYSTEM = System(
    name="foucault_pendulum",
    coordinates=(x, y),
    units={x: "m", y: "m"},
    lagrangian=m * (u**2 + v**2) / 2 + m * Omega * sp.sin(latitude) * (x * v - y * u) - m * g / l * (x**2 + y**2) / 2,
    parameters={
        m: Parameter(28.0, "kg"),
        l: Parameter(67.0, "m"),
        g: Parameter(9.81, "m/s²"),
        Omega: Parameter(7.292115e-5, "rad/s"),
        latitude: Parameter(0.8526, "rad"),
    },
    states={x: uniform(-3, 3), y: uniform(-3, 3), u: uniform(-1, 1), v: uniform(-1, 1)},
    initial_states={u: 0.0, v: 0.0},
    duration=3600.0,
    reference="Landau & Lifshitz, Mechanics, 3rd ed., § 39, problem 3",
)
