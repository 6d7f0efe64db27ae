"""Driven damped pendulum: a point mass on a massless rod, with viscous friction and a torque that oscillates.

L = ½ m l² θ̇² + m g l cos θ with F = ½ c θ̇² and Q = A cos(Ω t), and so
θ̈ = −(g/l) sin θ − c θ̇/(m l²) + (A/(m l²)) cos(Ω t); θ is measured from the downward vertical.

In units of ω₀ = √(g/l), θ̈ = −sin θ − θ̇/q + a cos(ω t). The parameters declared here are q = 2, a = 3/2 and ω = 2/3, at
which the motion is chaotic; at a = 0.9 it settles on the period of the drive.

Source: Baker & Gollub, Chaotic Dynamics, 2nd ed., ch. 3.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "pendula"

t = dynamicsymbols._t
theta = dynamicsymbols("theta")
omega = theta.diff(t)
m, l, g, c, A, Omega = sp.symbols("m l g c A Omega", positive=True)

omega0 = 9.8**0.5

SYSTEM = System(
    name="driven_damped_pendulum",
    coordinates=(theta,),
    angles=(theta,),
    units={theta: "rad"},
    lagrangian=m * l**2 * omega**2 / 2 + m * g * l * sp.cos(theta),
    parameters={
        m: Parameter(1.0, "kg"),
        l: Parameter(1.0, "m"),
        g: Parameter(9.8, "m/s²"),
        c: Parameter(omega0 / 2, "N·m·s"),
        A: Parameter(1.5 * omega0**2, "N·m"),
        Omega: Parameter(2 * omega0 / 3, "rad/s"),
    },
    states={theta: uniform(-sp.pi, sp.pi), omega: uniform(-10, 10)},
    initial_states={theta: uniform(-sp.pi / 2, sp.pi / 2), omega: uniform(-1, 1)},
    dissipation=c * omega**2 / 2,
    forces={theta: A * sp.cos(Omega * t)},
    time=uniform(0, 30),
    duration=30.0,
    positions=((l * sp.sin(theta), -l * sp.cos(theta)),),
    reference="Baker & Gollub, Chaotic Dynamics, 2nd ed., ch. 3",
)
