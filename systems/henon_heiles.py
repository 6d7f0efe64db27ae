"""Hénon and Heiles' star in a galaxy: two oscillators whose coupling makes chaos of them.

L = ½ (ẋ² + ẏ²) − ½ (x² + y²) − x² y + y³/3, in units of the unperturbed motion. Below E = 1/6 a star stays; from
E = 1/12 on there is chaos.

Source: Hénon & Heiles, Astron. J. 69 (1964) 73.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import System, uniform

GROUP = "oscillators"

t = dynamicsymbols._t
x, y = dynamicsymbols("x y")
u, v = x.diff(t), y.diff(t)

SYSTEM = System(
    name="henon_heiles",
    coordinates=(x, y),
    units={x: "1", y: "1"},
    lagrangian=(u**2 + v**2) / 2 - (x**2 + y**2) / 2 - x**2 * y + y**3 / 3,
    # E < 1/6 at all of them
    states={symbol: uniform(-sp.Rational(1, 4), sp.Rational(1, 4)) for symbol in (x, y, u, v)},
    duration=100.0,
    reference="Hénon & Heiles, Astron. J. 69 (1964) 73",
)
