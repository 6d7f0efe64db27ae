"""Kapitza's pendulum: a pendulum whose pivot is shaken up and down, fast and a little, and which then stands upright.

The pivot is at the height a cos(Ω t), so the bob is at x = l sin θ, y = a cos(Ω t) − l cos θ, and

    L = ½ m (ẋ² + ẏ²) − m g y,        θ̈ = −(g/l − (a Ω²/l) cos(Ω t)) sin θ;

θ is measured from the downward vertical. Time is in the kinetic energy: no force is declared, and the energy is not
conserved. For a ≪ l and Ω² ≫ g/l the upper position is stable where a² Ω² > 2 g l, and the motion about it has the
slow angular frequency √(a² Ω²/(2 l²) − g/l), 6.3 rad/s here.

Source: Kapitza, Sov. Phys. JETP 21 (1951) 588; Landau & Lifshitz, Mechanics, § 30, problem 1.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "pendula"

t = dynamicsymbols._t
theta = dynamicsymbols("theta")
omega = theta.diff(t)
m, l, g, Omega = sp.symbols("m l g Omega", positive=True)
a = sp.Symbol("a", nonnegative=True)

pivot = (sp.S.Zero, a * sp.cos(Omega * t))
bob = (l * sp.sin(theta), pivot[1] - l * sp.cos(theta))

SYSTEM = System(
    name="kapitza_pendulum",
    coordinates=(theta,),
    angles=(theta,),
    units={theta: "rad"},
    lagrangian=m * (bob[0].diff(t) ** 2 + bob[1].diff(t) ** 2) / 2 - m * g * bob[1],
    parameters={
        m: Parameter(1.0, "kg"),
        l: Parameter(1.0, "m"),
        g: Parameter(9.8, "m/s²"),
        a: Parameter(0.1, "m"),
        Omega: Parameter(100.0, "rad/s"),
    },
    states={theta: uniform(0, 2 * sp.pi), omega: uniform(-6, 6)},
    initial_states={theta: uniform(sp.pi - 0.3, sp.pi + 0.3), omega: uniform(-0.2, 0.2)},
    time=uniform(0, 2),
    duration=2.0,
    positions=(pivot, bob),
    reference="Landau & Lifshitz, Mechanics, 3rd ed., § 30, problem 1",
)
