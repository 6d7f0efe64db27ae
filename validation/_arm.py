"""The arm of two links with torques at its joints, as its publishers model it (DFKI, design C.1, model 1.0)."""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, normal

COLUMNS = {
    "t": "time",
    "theta1": "pos_meas1",
    "theta2": "pos_meas2",
    "tau1": "tau_meas1",
    "tau2": "tau_meas2",
}
"""Of the published recordings."""


def arm() -> System:
    """Two links with rotors behind gears, and friction b v + c atan(100 v) in each joint; eleven parameters free."""
    theta1, theta2 = dynamicsymbols("theta1 theta2")
    t = dynamicsymbols._t
    omega1, omega2 = theta1.diff(t), theta2.diff(t)
    l1, g, gear, m1, m2, r1, r2, inertia1, inertia2, rotor = sp.symbols("l1 g G m1 m2 r1 r2 I1 I2 Ir", positive=True)
    b1, b2, c1, c2 = sp.symbols("b1 b2 c1 c2", positive=True)
    tau1, tau2 = sp.symbols("tau1 tau2", real=True)
    both = omega1 + omega2
    kinetic = (
        (inertia1 + m2 * l1**2) * omega1**2 / 2
        + inertia2 * both**2 / 2
        + m2 * l1 * r2 * sp.cos(theta2) * omega1 * both
        + rotor * ((gear * omega1) ** 2 + (omega1 - gear * omega2) ** 2) / 2
    )
    potential = -m1 * g * r1 * sp.cos(theta1) - m2 * g * (l1 * sp.cos(theta1) + r2 * sp.cos(theta1 + theta2))
    free = {
        m1: (0.52346, "kg"),
        m2: (0.62557, "kg"),
        r1: (0.2, "m"),
        r2: (0.25569, "m"),
        inertia1: (0.031887, "kg m²"),
        inertia2: (0.050870, "kg m²"),
        rotor: (6.287e-5, "kg m²"),
        b1: (0.001, "N m s"),
        b2: (0.001, "N m s"),
        c1: (0.16, "N m"),
        c2: (0.12, "N m"),
    }
    return System(
        name="arm",
        coordinates=(theta1, theta2),
        angles=(theta1, theta2),
        units={theta1: "rad", theta2: "rad"},
        lagrangian=kinetic - potential,
        forces={
            theta1: tau1 - b1 * omega1 - c1 * sp.atan(100 * omega1),
            theta2: tau2 - b2 * omega2 - c2 * sp.atan(100 * omega2),
        },
        inputs={tau1: normal(0, 1), tau2: normal(0, 1)},
        parameters={l1: Parameter(0.2, "m"), g: Parameter(9.81, "m/s²"), gear: Parameter(6.0)}
        | {symbol: Parameter(value, unit, free=True) for symbol, (value, unit) in free.items()},
    )
