"""Planar double pendulum: two point masses on massless rods, hanging from a fixed pivot.

L = ½ (m₁+m₂) l₁² θ̇₁² + ½ m₂ l₂² θ̇₂² + m₂ l₁ l₂ θ̇₁ θ̇₂ cos(θ₁−θ₂) + (m₁+m₂) g l₁ cos θ₁ + m₂ g l₂ cos θ₂;
angles are measured from the downward vertical. Chaotic at all but small energies.

Source: Cranmer et al. 2020 (arXiv:2003.04630), section 5; Goldstein, Poole & Safko, Classical Mechanics, ch. 1.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "pendula"

t = dynamicsymbols._t
theta1, theta2 = dynamicsymbols("theta1 theta2")
omega1, omega2 = theta1.diff(t), theta2.diff(t)
m1, m2, l1, l2, g = sp.symbols("m1 m2 l1 l2 g", positive=True)

T = (
    (m1 + m2) * l1**2 * omega1**2 / 2
    + m2 * l2**2 * omega2**2 / 2
    + m2 * l1 * l2 * omega1 * omega2 * sp.cos(theta1 - theta2)
)
V = -(m1 + m2) * g * l1 * sp.cos(theta1) - m2 * g * l2 * sp.cos(theta2)

elbow = (l1 * sp.sin(theta1), -l1 * sp.cos(theta1))
tip = (elbow[0] + l2 * sp.sin(theta2), elbow[1] - l2 * sp.cos(theta2))

SYSTEM = System(
    name="double_pendulum",
    coordinates=(theta1, theta2),
    angles=(theta1, theta2),
    units={theta1: "rad", theta2: "rad"},
    lagrangian=T - V,
    parameters={
        m1: Parameter(1.0, "kg"),
        m2: Parameter(1.0, "kg"),
        l1: Parameter(1.0, "m"),
        l2: Parameter(1.0, "m"),
        g: Parameter(9.8, "m/s²"),
    },
    states={
        theta1: uniform(0, 2 * sp.pi),
        theta2: uniform(0, 2 * sp.pi),
        omega1: uniform(-10, 10),
        omega2: uniform(-10, 10),
    },
    initial_states={omega1: uniform(0, 0.1), omega2: uniform(0, 0.1)},
    duration=100.0,
    positions=(elbow, tip),
    reference="Cranmer et al. 2020 (arXiv:2003.04630), section 5",
)
