"""Planar pendulum: a point mass on a massless rod.

L = ½ m l² θ̇² + m g l cos θ, and so θ̈ = −(g/l) sin θ; θ is measured from the downward vertical.

Source: Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., ch. 1.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "pendula"

t = dynamicsymbols._t
theta = dynamicsymbols("theta")
omega = theta.diff(t)
m, l, g = sp.symbols("m l g", positive=True)

SYSTEM = System(
    name="pendulum",
    coordinates=(theta,),
    angles=(theta,),
    units={theta: "rad"},
    lagrangian=m * l**2 * omega**2 / 2 + m * g * l * sp.cos(theta),
    parameters={m: Parameter(1.0, "kg"), l: Parameter(1.0, "m"), g: Parameter(9.8, "m/s²")},
    states={theta: uniform(-sp.pi, sp.pi), omega: uniform(-10, 10)},
    initial_states={theta: uniform(-sp.pi / 2, sp.pi / 2), omega: uniform(-1, 1)},
    duration=20.0,
    positions=((l * sp.sin(theta), -l * sp.cos(theta)),),
    reference="Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., ch. 1",
)
