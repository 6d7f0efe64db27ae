"""Four-bar linkage in a vertical plane: crank, coupler and rocker, uniform rods, joined in a loop with the ground.

With the angles θ₁, θ₂, θ₃ of the three rods from the horizontal, their lengths a, b, c and the ground link d, the loop
closes where

    a cos θ₁ + b cos θ₂ − c cos θ₃ = d,        a sin θ₁ + b sin θ₂ − c sin θ₃ = 0.

By Grashof's rule, a + d < b + c here, the crank turns all the way round.

Source: Nikravesh, Planar Multibody Dynamics, ch. 3.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "linkages"

t = dynamicsymbols._t
theta1, theta2, theta3 = dynamicsymbols("theta1:4")
a, b, c, d, g, rho = sp.symbols("a b c d g rho", positive=True)

crank = (a * sp.cos(theta1), a * sp.sin(theta1))
rocker = (d + c * sp.cos(theta3), c * sp.sin(theta3))
centre = (crank[0] + b * sp.cos(theta2) / 2, crank[1] + b * sp.sin(theta2) / 2)
T = rho * (a**3 * theta1.diff(t) ** 2 + c**3 * theta3.diff(t) ** 2) / 6
T += rho * b * (sum(z.diff(t) ** 2 for z in centre) + b**2 * theta2.diff(t) ** 2 / 12) / 2
V = rho * g * (a * crank[1] / 2 + b * centre[1] + c * rocker[1] / 2)

SYSTEM = System(
    name="four_bar_linkage",
    coordinates=(theta1, theta2, theta3),
    angles=(theta1, theta2, theta3),
    units=dict.fromkeys((theta1, theta2, theta3), "rad"),
    lagrangian=T - V,
    constraints=(
        a * sp.cos(theta1) + b * sp.cos(theta2) - c * sp.cos(theta3) - d,
        a * sp.sin(theta1) + b * sp.sin(theta2) - c * sp.sin(theta3),
    ),
    parameters={
        a: Parameter(0.3, "m"),
        b: Parameter(0.8, "m"),
        c: Parameter(0.7, "m"),
        d: Parameter(0.9, "m"),
        g: Parameter(9.81, "m/s²"),
        rho: Parameter(2.0, "kg/m"),
    },
    states={
        theta1: uniform(-sp.pi, sp.pi),
        theta2: uniform(0.2, 1.2),
        theta3: uniform(1.2, 2.4),
        **{theta.diff(t): uniform(-5, 5) for theta in (theta1, theta2, theta3)},
    },
    initial_states={theta.diff(t): uniform(-1, 1) for theta in (theta1, theta2, theta3)},
    duration=5.0,
    positions=(crank, rocker, (d, sp.S.Zero)),
    reference="Nikravesh, Planar Multibody Dynamics, ch. 3",
)
