"""Chaplygin's sleigh: a body on a plane with a blade at (x, y) that cannot slip, and its centre of mass ahead of it.

With the heading φ, the distance a of the centre of mass from the blade and the moment of inertia I about it,

    L = ½ m [(ẋ − a φ̇ sin φ)² + (ẏ + a φ̇ cos φ)²] + ½ I φ̇²,        ẏ cos φ − ẋ sin φ = 0.

The energy is conserved, and yet the sleigh goes straight in the end: with the speed v along the blade,

    v̇ = a φ̇²,        φ̈ = −(a/b²) v φ̇,        b² = a² + I/m.

Source: Bloch, Nonholonomic Mechanics and Control, section 1.7; Chaplygin 1911.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "rolling"

t = dynamicsymbols._t
x, y, phi = dynamicsymbols("x y phi")
u, v, omega = x.diff(t), y.diff(t), phi.diff(t)
m, I, a = sp.symbols("m I a", positive=True)

T = m * ((u - a * omega * sp.sin(phi)) ** 2 + (v + a * omega * sp.cos(phi)) ** 2) / 2 + I * omega**2 / 2

SYSTEM = System(
    name="chaplygin_sleigh",
    coordinates=(x, y, phi),
    angles=(phi,),
    units={x: "m", y: "m", phi: "rad"},
    lagrangian=T,
    velocity_constraints=(v * sp.cos(phi) - u * sp.sin(phi),),
    parameters={m: Parameter(2.0, "kg"), I: Parameter(0.5, "kg·m²"), a: Parameter(0.3, "m")},
    states={
        x: uniform(-2, 2),
        y: uniform(-2, 2),
        phi: uniform(-sp.pi, sp.pi),
        u: uniform(-2, 2),
        v: uniform(-2, 2),
        omega: uniform(-4, 4),
    },
    duration=10.0,
    reference="Bloch, Nonholonomic Mechanics and Control, section 1.7",
)
