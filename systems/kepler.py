"""Kepler problem: a body in the gravitational field of a fixed centre, in plane polar coordinates.

L = ½ m (ṙ² + r² φ̇²) + μ m / r. φ is cyclic: the angular momentum m r² φ̇ is conserved, and orbits of negative
energy are closed ellipses.

Source: Landau & Lifshitz, Mechanics, § 15.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "orbits"

t = dynamicsymbols._t
r, phi = dynamicsymbols("r phi")
dr, dphi = r.diff(t), phi.diff(t)
m, mu = sp.symbols("m mu", positive=True)

SYSTEM = System(
    name="kepler",
    coordinates=(r, phi),
    angles=(phi,),
    units={r: "AU", phi: "rad"},
    lagrangian=m * (dr**2 + r**2 * dphi**2) / 2 + mu * m / r,
    parameters={m: Parameter(1.0, "kg"), mu: Parameter(1.0, "AU³/TU²")},
    states={r: uniform(0.4, 3), phi: uniform(-sp.pi, sp.pi), dr: uniform(-1, 1), dphi: uniform(-2, 2)},
    initial_states={r: uniform(0.9, 1.1), dr: uniform(-0.2, 0.2), dphi: uniform(0.9, 1.1)},
    duration=30.0,
    reference="Landau & Lifshitz, Mechanics, 3rd ed., § 15",
)
