"""Damped pendulum: a point mass on a massless rod, with viscous friction in the pivot.

L = ½ m l² θ̇² + m g l cos θ with F = ½ c θ̇², and so θ̈ = −(g/l) sin θ − c θ̇/(m l²); θ from the downward vertical.

Source: Taylor, Classical Mechanics, section 12.2, without its drive.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "pendula"

t = dynamicsymbols._t
theta = dynamicsymbols("theta")
omega = theta.diff(t)
m, l, g, c = sp.symbols("m l g c", positive=True)

SYSTEM = System(
    name="damped_pendulum",
    coordinates=(theta,),
    angles=(theta,),
    units={theta: "rad"},
    lagrangian=m * l**2 * omega**2 / 2 + m * g * l * sp.cos(theta),
    dissipation=c * omega**2 / 2,
    parameters={
        m: Parameter(1.0, "kg"),
        l: Parameter(1.0, "m"),
        g: Parameter(9.81, "m/s²"),
        c: Parameter(0.2, "N·m·s"),
    },
    states={theta: uniform(-sp.pi, sp.pi), omega: uniform(-8, 8)},
    initial_states={omega: uniform(-1, 1)},
    duration=10.0,
    positions=((l * sp.sin(theta), -l * sp.cos(theta)),),
    reference="Taylor, Classical Mechanics, section 12.2",
)
