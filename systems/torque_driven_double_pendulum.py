"""Double pendulum with a motor in each joint, and viscous and Coulomb friction there.

The Lagrangian is that of `double_pendulum`. With the rates of the joints φ̇₁ = θ̇₁ and φ̇₂ = θ̇₂ − θ̇₁, the torque that
acts at joint k is

    Tₖ = τₖ − b φ̇ₖ − c tanh(φ̇ₖ/w),

and since the second one pushes back on the first link, Q₁ = T₁ − T₂ and Q₂ = T₂. Friction turns its sign smoothly,
within the width w.

Source: Lutter, Ritter & Peters, ICLR 2019 (arXiv:1907.04490), for the task; the friction is that of Armstrong-Hélouvry,
Dupont & Canudas de Wit, Automatica 30, 1994.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "robots"

t = dynamicsymbols._t
theta1, theta2 = dynamicsymbols("theta1 theta2")
omega1, omega2 = theta1.diff(t), theta2.diff(t)
m1, m2, l1, l2, g, b, c, w = sp.symbols("m1 m2 l1 l2 g b c w", positive=True)
tau1, tau2 = sp.symbols("tau1 tau2", real=True)

T = (
    (m1 + m2) * l1**2 * omega1**2 / 2
    + m2 * l2**2 * omega2**2 / 2
    + m2 * l1 * l2 * omega1 * omega2 * sp.cos(theta1 - theta2)
)
V = -(m1 + m2) * g * l1 * sp.cos(theta1) - m2 * g * l2 * sp.cos(theta2)


def torque(motor: sp.Expr, rate: sp.Expr) -> sp.Expr:
    """What acts at a joint."""
    return motor - b * rate - c * sp.tanh(rate / w)


shoulder, elbow = torque(tau1, omega1), torque(tau2, omega2 - omega1)
first = (l1 * sp.sin(theta1), -l1 * sp.cos(theta1))

SYSTEM = System(
    name="torque_driven_double_pendulum",
    coordinates=(theta1, theta2),
    angles=(theta1, theta2),
    units={theta1: "rad", theta2: "rad"},
    lagrangian=T - V,
    forces={theta1: shoulder - elbow, theta2: elbow},
    inputs={tau1: uniform(-10, 10), tau2: uniform(-5, 5)},
    parameters={
        m1: Parameter(1.0, "kg"),
        m2: Parameter(1.0, "kg"),
        l1: Parameter(1.0, "m"),
        l2: Parameter(1.0, "m"),
        g: Parameter(9.81, "m/s²"),
        b: Parameter(0.3, "N·m·s"),
        c: Parameter(0.5, "N·m"),
        w: Parameter(0.1, "rad/s"),
    },
    states={
        theta1: uniform(-sp.pi, sp.pi),
        theta2: uniform(-sp.pi, sp.pi),
        omega1: uniform(-8, 8),
        omega2: uniform(-8, 8),
    },
    initial_states={
        theta1: uniform(-1, 1),
        theta2: uniform(-1, 1),
        omega1: uniform(-0.5, 0.5),
        omega2: uniform(-0.5, 0.5),
    },
    duration=10.0,
    positions=(first, (first[0] + l2 * sp.sin(theta2), first[1] - l2 * sp.cos(theta2))),
    reference="Lutter, Ritter & Peters, ICLR 2019 (arXiv:1907.04490)",
)
