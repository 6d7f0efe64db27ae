"""Furuta's pendulum: a pendulum at the end of an arm that a motor turns about the vertical.

φ is the angle of the arm, of length r and moment of inertia J, and θ that of the pendulum from the upward vertical,
with its mass m at the distance l:

    L = ½ (J + m r² + m l² sin²θ) φ̇² + m r l cos θ φ̇ θ̇ + ½ m l² θ̇² − m g l cos θ,        Q_φ = τ − b φ̇.

Source: Fantoni & Lozano, Non-linear Control for Underactuated Mechanical Systems, ch. 6.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "robots"

t = dynamicsymbols._t
phi, theta = dynamicsymbols("phi theta")
turn, swing = phi.diff(t), theta.diff(t)
J, m, r, l, g, b = sp.symbols("J m r l g b", positive=True)
tau = sp.symbols("tau", real=True)

T = (J + m * r**2 + m * l**2 * sp.sin(theta) ** 2) * turn**2 / 2 + m * l**2 * swing**2 / 2
T += m * r * l * sp.cos(theta) * turn * swing

SYSTEM = System(
    name="furuta_pendulum",
    coordinates=(phi, theta),
    angles=(phi, theta),
    units={phi: "rad", theta: "rad"},
    lagrangian=T - m * g * l * sp.cos(theta),
    forces={phi: tau},
    dissipation=b * turn**2 / 2,
    inputs={tau: uniform(-0.5, 0.5)},
    parameters={
        J: Parameter(0.02, "kg·m²"),
        m: Parameter(0.2, "kg"),
        r: Parameter(0.3, "m"),
        l: Parameter(0.4, "m"),
        g: Parameter(9.81, "m/s²"),
        b: Parameter(0.01, "N·m·s"),
    },
    states={
        phi: uniform(-sp.pi, sp.pi),
        theta: uniform(-sp.pi, sp.pi),
        turn: uniform(-6, 6),
        swing: uniform(-10, 10),
    },
    initial_states={turn: uniform(-0.5, 0.5), swing: uniform(-0.5, 0.5)},
    duration=5.0,
    reference="Fantoni & Lozano, Non-linear Control for Underactuated Mechanical Systems, ch. 6",
)
