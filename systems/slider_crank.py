"""Slider-crank: a crank that turns, a rod, and a piston that slides; two constraints close the chain.

The crank, of radius r and moment of inertia J about its bearing, is at the angle θ from the line of the piston; the
rod, uniform, of length l and mass m, is inclined to it by φ; the piston of mass M is at x. With the centre of the rod
at (r cos θ + ½ l cos φ, r sin θ − ½ l sin φ),

    L = ½ J θ̇² + ½ m |ċ|² + m l² φ̇²/24 + ½ M ẋ²,        x = r cos θ + l cos φ,        r sin θ = l sin φ.

Source: Shabana, Dynamics of Multibody Systems, section 3.1, for the mechanism.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "linkages"

t = dynamicsymbols._t
theta, phi, x = dynamicsymbols("theta phi x")
J, m, M, r, l = sp.symbols("J m M r l", positive=True)

pin = (r * sp.cos(theta), r * sp.sin(theta))
centre = (pin[0] + l * sp.cos(phi) / 2, pin[1] - l * sp.sin(phi) / 2)
T = J * theta.diff(t) ** 2 / 2 + m * sum(z.diff(t) ** 2 for z in centre) / 2
T += m * l**2 * phi.diff(t) ** 2 / 24 + M * x.diff(t) ** 2 / 2

SYSTEM = System(
    name="slider_crank",
    coordinates=(theta, phi, x),
    angles=(theta,),
    units={theta: "rad", phi: "rad", x: "m"},
    lagrangian=T,
    constraints=(x - r * sp.cos(theta) - l * sp.cos(phi), r * sp.sin(theta) - l * sp.sin(phi)),
    parameters={
        J: Parameter(0.05, "kg·m²"),
        m: Parameter(0.6, "kg"),
        M: Parameter(1.0, "kg"),
        r: Parameter(0.2, "m"),
        l: Parameter(0.6, "m"),
    },
    states={
        theta: uniform(-sp.pi, sp.pi),
        phi: uniform(-0.3, 0.3),
        x: uniform(0.4, 0.8),
        theta.diff(t): uniform(-10, 10),
        phi.diff(t): uniform(-3, 3),
        x.diff(t): uniform(-2, 2),
    },
    duration=5.0,
    positions=(pin, (x, sp.S.Zero)),
    reference="Shabana, Dynamics of Multibody Systems, section 3.1",
)
