"""Thin disc that rolls on a horizontal plane without slipping: a coin.

(x, y) is the point of contact, q₁ the heading, q₂ the lean from the vertical and q₃ the spin. With the moments of
inertia m r²/4 about a diameter and m r²/2 about the axis, and the angular velocity q̇₂, q̇₁ sin q₂ + q̇₃, q̇₁ cos q₂ along
the diameter that points ahead, the axis, and the diameter that rises,

    L = ½ m |ċ|² + ⅛ m r² (q̇₂² + q̇₁² cos²q₂) + ¼ m r² (q̇₁ sin q₂ + q̇₃)² − m g r cos q₂,

    c = (x + r sin q₂ sin q₁, y − r sin q₂ cos q₁, r cos q₂),        ẋ = r q̇₃ cos q₁,        ẏ = r q̇₃ sin q₁.

Source: the rolling disc of SymPy's documentation of physics.mechanics; Neimark & Fufaev, Dynamics of Nonholonomic
Systems, section III.6.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "rolling"

t = dynamicsymbols._t
x, y, q1, q2, q3 = dynamicsymbols("x y q1:4")
m, r, g = sp.symbols("m r g", positive=True)

centre = (x + r * sp.sin(q2) * sp.sin(q1), y - r * sp.sin(q2) * sp.cos(q1), r * sp.cos(q2))
turn, tilt, spin = q1.diff(t), q2.diff(t), q3.diff(t)
T = m * sum(z.diff(t) ** 2 for z in centre) / 2
T += m * r**2 * (tilt**2 + turn**2 * sp.cos(q2) ** 2) / 8 + m * r**2 * (turn * sp.sin(q2) + spin) ** 2 / 4

SYSTEM = System(
    name="rolling_disc",
    coordinates=(x, y, q1, q2, q3),
    angles=(q1, q3),
    units={x: "m", y: "m", q1: "rad", q2: "rad", q3: "rad"},
    lagrangian=T - m * g * centre[2],
    velocity_constraints=(x.diff(t) - r * spin * sp.cos(q1), y.diff(t) - r * spin * sp.sin(q1)),
    parameters={m: Parameter(0.5, "kg"), r: Parameter(0.1, "m"), g: Parameter(9.81, "m/s²")},
    states={
        x: uniform(-1, 1),
        y: uniform(-1, 1),
        q1: uniform(-sp.pi, sp.pi),
        q2: uniform(-1, 1),
        q3: uniform(-sp.pi, sp.pi),
        x.diff(t): uniform(-1, 1),
        y.diff(t): uniform(-1, 1),
        turn: uniform(-3, 3),
        tilt: uniform(-3, 3),
        spin: uniform(-15, 15),
    },
    # fast enough to stay upright: spin² > g/(3 r)
    initial_states={q2: uniform(-0.3, 0.3), turn: uniform(-1, 1), tilt: uniform(-0.3, 0.3), spin: uniform(9, 12)},
    duration=5.0,
    reference="Neimark & Fufaev, Dynamics of Nonholonomic Systems, section III.6",
)
