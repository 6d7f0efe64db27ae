"""Elastic pendulum: a point mass on a spring that swings in a vertical plane.

L = ½ m (ṙ² + r² θ̇²) + m g r cos θ − ½ k (r − l)², with r the length of the spring and l its natural length.
Near ω_r = 2 ω_θ it exchanges energy between stretching and swinging.

Source: Vitt & Gorelik 1933; Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., ch. 2, exercises.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "pendula"

t = dynamicsymbols._t
r, theta = dynamicsymbols("r theta")
dr, omega = r.diff(t), theta.diff(t)
m, k, l, g = sp.symbols("m k l g", positive=True)

SYSTEM = System(
    name="elastic_pendulum",
    coordinates=(r, theta),
    angles=(theta,),
    units={r: "m", theta: "rad"},
    lagrangian=m * (dr**2 + r**2 * omega**2) / 2 + m * g * r * sp.cos(theta) - k * (r - l) ** 2 / 2,
    parameters={
        m: Parameter(1.0, "kg"),
        k: Parameter(40.0, "N/m"),
        l: Parameter(1.0, "m"),
        g: Parameter(9.8, "m/s²"),
    },
    states={r: uniform(0.5, 2), theta: uniform(-sp.pi, sp.pi), dr: uniform(-5, 5), omega: uniform(-5, 5)},
    initial_states={
        r: uniform(1, 1.4),
        theta: uniform(-1, 1),
        dr: uniform(-0.5, 0.5),
        omega: uniform(-0.5, 0.5),
    },
    duration=20.0,
    positions=((r * sp.sin(theta), -r * sp.cos(theta)),),
    reference="Vitt & Gorelik, J. Tech. Phys. USSR 3 (1933) 294",
)
