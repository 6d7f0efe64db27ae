"""Two-link arm in a vertical plane, with a motor and viscous friction in each joint.

q₁ is measured from the horizontal, q₂ from the first link. With the links' lengths l₁, l₂, centres of mass c₁, c₂ and
moments of inertia I₁, I₂ about them, the mass matrix is

    M₁₁ = m₁ c₁² + I₁ + m₂ (l₁² + c₂² + 2 l₁ c₂ cos q₂) + I₂,
    M₁₂ = m₂ (c₂² + l₁ c₂ cos q₂) + I₂,        M₂₂ = m₂ c₂² + I₂.

Source: Spong, Hutchinson & Vidyasagar, Robot Modeling and Control, section 7.3.2.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "robots"

t = dynamicsymbols._t
q1, q2 = dynamicsymbols("q1 q2")
m1, m2, l1, l2, c1, c2, I1, I2, g, b = sp.symbols("m1 m2 l1 l2 c1 c2 I1 I2 g b", positive=True)
tau1, tau2 = sp.symbols("tau1 tau2", real=True)

first = (c1 * sp.cos(q1), c1 * sp.sin(q1))
elbow = (l1 * sp.cos(q1), l1 * sp.sin(q1))
second = (elbow[0] + c2 * sp.cos(q1 + q2), elbow[1] + c2 * sp.sin(q1 + q2))
T = m1 * sum(z.diff(t) ** 2 for z in first) / 2 + m2 * sum(z.diff(t) ** 2 for z in second) / 2
T += I1 * q1.diff(t) ** 2 / 2 + I2 * (q1 + q2).diff(t) ** 2 / 2

SYSTEM = System(
    name="two_link_arm",
    coordinates=(q1, q2),
    angles=(q1, q2),
    units={q1: "rad", q2: "rad"},
    lagrangian=T - m1 * g * first[1] - m2 * g * second[1],
    forces={q1: tau1, q2: tau2},
    dissipation=b * (q1.diff(t) ** 2 + q2.diff(t) ** 2) / 2,
    inputs={tau1: uniform(-10, 10), tau2: uniform(-4, 4)},
    parameters={
        m1: Parameter(2.0, "kg"),
        m2: Parameter(1.0, "kg"),
        l1: Parameter(0.5, "m"),
        l2: Parameter(0.4, "m"),
        c1: Parameter(0.25, "m"),
        c2: Parameter(0.2, "m"),
        I1: Parameter(0.04, "kg·m²"),
        I2: Parameter(0.013, "kg·m²"),
        g: Parameter(9.81, "m/s²"),
        b: Parameter(0.5, "N·m·s"),
    },
    states={
        q1: uniform(-sp.pi, sp.pi),
        q2: uniform(-sp.pi, sp.pi),
        q1.diff(t): uniform(-8, 8),
        q2.diff(t): uniform(-8, 8),
    },
    initial_states={q1.diff(t): uniform(-1, 1), q2.diff(t): uniform(-1, 1)},
    duration=3.0,
    positions=(elbow, (elbow[0] + l2 * sp.cos(q1 + q2), elbow[1] + l2 * sp.sin(q1 + q2))),
    reference="Spong, Hutchinson & Vidyasagar, Robot Modeling and Control, section 7.3.2",
)
