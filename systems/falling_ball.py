"""A ball in a uniform gravitational field, in the plane, with height first.

L = ½ m (q̇₁² + q̇₂²) − m g q₁, and so q̈ = (−g, 0).

Source: Cranmer et al. 2020 (arXiv:2003.04630), appendix B.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "particles"

t = dynamicsymbols._t
q1, q2 = dynamicsymbols("q1 q2")
v1, v2 = q1.diff(t), q2.diff(t)
m, g = sp.symbols("m g", positive=True)

SYSTEM = System(
    name="falling_ball",
    coordinates=(q1, q2),
    units={q1: "m", q2: "m"},
    lagrangian=m * (v1**2 + v2**2) / 2 - m * g * q1,
    parameters={m: Parameter(1.0, "kg"), g: Parameter(9.8, "m/s²")},
    states={q1: uniform(-5, 5), q2: uniform(-5, 5), v1: uniform(-10, 10), v2: uniform(-10, 10)},
    initial_states={q1: uniform(0, 5), q2: uniform(-1, 1), v1: uniform(2, 6), v2: uniform(-2, 2)},
    duration=1.0,
    reference="Cranmer et al. 2020 (arXiv:2003.04630), appendix B",
)
