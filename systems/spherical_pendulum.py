"""Spherical pendulum: a point mass on a massless rod, free to swing in every direction.

L = ½ m l² (θ̇² + sin²θ φ̇²) + m g l cos θ; θ is the polar angle from the downward vertical, φ the azimuth.
φ is cyclic, so p_φ = m l² sin²θ φ̇ is conserved. The coordinates are singular at θ = 0 and π: states are drawn
away from them.

Source: Landau & Lifshitz, Mechanics, § 14, problem 1.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "pendula"

t = dynamicsymbols._t
theta, phi = dynamicsymbols("theta phi")
dtheta, dphi = theta.diff(t), phi.diff(t)
m, l, g = sp.symbols("m l g", positive=True)

SYSTEM = System(
    name="spherical_pendulum",
    coordinates=(theta, phi),
    angles=(phi,),
    units={theta: "rad", phi: "rad"},
    lagrangian=m * l**2 * (dtheta**2 + sp.sin(theta) ** 2 * dphi**2) / 2 + m * g * l * sp.cos(theta),
    parameters={m: Parameter(1.0, "kg"), l: Parameter(1.0, "m"), g: Parameter(9.8, "m/s²")},
    states={
        theta: uniform(0.4, 2.4),
        phi: uniform(-sp.pi, sp.pi),
        dtheta: uniform(-5, 5),
        dphi: uniform(-6, 6),
    },
    initial_states={theta: uniform(0.9, 1.3), dtheta: uniform(-0.5, 0.5), dphi: uniform(2.5, 3.5)},
    duration=20.0,
    reference="Landau & Lifshitz, Mechanics, 3rd ed., § 14, problem 1",
)
