"""Acrobot: two links that hang from a bar, with a motor at the elbow only, as a gymnast has at the hips.

θ₁ is measured from the downward vertical, θ₂ from the first link; the links are of lengths l₁, l₂ with their centres of
mass at c₁, c₂ and the moments of inertia I₁, I₂ about them. With s₁ = θ₁, s₂ = θ₁ + θ₂,

    L = ½ (m₁ c₁² + I₁ + m₂ l₁²) ṡ₁² + ½ (m₂ c₂² + I₂) ṡ₂² + m₂ l₁ c₂ ṡ₁ ṡ₂ cos θ₂
        + (m₁ c₁ + m₂ l₁) g cos s₁ + m₂ c₂ g cos s₂,        Q₂ = τ.

Source: Spong, IEEE Control Systems 15(1), 1995, p. 49; the parameters of Sutton & Barto, Reinforcement Learning,
example 11.3 of the first edition.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "robots"

t = dynamicsymbols._t
theta1, theta2 = dynamicsymbols("theta1 theta2")
omega1, omega2 = theta1.diff(t), theta2.diff(t)
m1, m2, l1, l2, c1, c2, I1, I2, g = sp.symbols("m1 m2 l1 l2 c1 c2 I1 I2 g", positive=True)
tau = sp.symbols("tau", real=True)

second, fast = theta1 + theta2, omega1 + omega2
T = (m1 * c1**2 + I1 + m2 * l1**2) * omega1**2 / 2 + (m2 * c2**2 + I2) * fast**2 / 2
T += m2 * l1 * c2 * omega1 * fast * sp.cos(theta2)
V = -(m1 * c1 + m2 * l1) * g * sp.cos(theta1) - m2 * c2 * g * sp.cos(second)

elbow = (l1 * sp.sin(theta1), -l1 * sp.cos(theta1))
tip = (elbow[0] + l2 * sp.sin(second), elbow[1] - l2 * sp.cos(second))

SYSTEM = System(
    name="acrobot",
    coordinates=(theta1, theta2),
    angles=(theta1, theta2),
    units={theta1: "rad", theta2: "rad"},
    lagrangian=T - V,
    forces={theta2: tau},
    inputs={tau: uniform(-1, 1)},
    parameters={
        m1: Parameter(1.0, "kg"),
        m2: Parameter(1.0, "kg"),
        l1: Parameter(1.0, "m"),
        l2: Parameter(1.0, "m"),
        c1: Parameter(0.5, "m"),
        c2: Parameter(0.5, "m"),
        I1: Parameter(1.0, "kg·m²"),
        I2: Parameter(1.0, "kg·m²"),
        g: Parameter(9.8, "m/s²"),
    },
    states={
        theta1: uniform(-sp.pi, sp.pi),
        theta2: uniform(-sp.pi, sp.pi),
        omega1: uniform(-4 * sp.pi, 4 * sp.pi),
        omega2: uniform(-9 * sp.pi, 9 * sp.pi),
    },
    initial_states={
        theta1: uniform(-0.5, 0.5),
        theta2: uniform(-0.5, 0.5),
        omega1: uniform(-0.1, 0.1),
        omega2: uniform(-0.1, 0.1),
    },
    duration=10.0,
    positions=(elbow, tip),
    reference="Spong, IEEE Control Systems 15(1), 1995, p. 49",
)
