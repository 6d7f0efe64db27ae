"""Kepler problem in SI units: a satellite of the Earth, in plane polar coordinates.

L = ½ m (ṙ² + r² φ̇²) + G M m / r, with the Earth a point and its attraction the only force. The law is that of `kepler`;
the numbers are those of a low orbit: r ≈ 7·10⁶ m, r φ̇ ≈ 7.5·10³ m/s, φ̇ ≈ 1.1·10⁻³ rad/s, m r² ≈ 5·10¹⁶ kg m², so that
nothing can be right here that depends on units. An orbit takes 97 minutes, the roll-outs two orbits.

Source: Landau & Lifshitz, Mechanics, § 15; G M of the Earth from the IERS Conventions (2010), table 1.1.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "orbits"

t = dynamicsymbols._t
r, phi = dynamicsymbols("r phi")
dr, dphi = r.diff(t), phi.diff(t)
m, GM = sp.symbols("m GM", positive=True)

SYSTEM = System(
    name="kepler_si",
    coordinates=(r, phi),
    angles=(phi,),
    units={r: "m", phi: "rad"},
    lagrangian=m * (dr**2 + r**2 * dphi**2) / 2 + GM * m / r,
    parameters={m: Parameter(1000.0, "kg"), GM: Parameter(3.986004418e14, "m³/s²")},
    states={r: uniform(6.4e6, 8e6), phi: uniform(-sp.pi, sp.pi), dr: uniform(-600, 600), dphi: uniform(8e-4, 1.3e-3)},
    initial_states={r: uniform(6.95e6, 7.05e6), dr: uniform(-50, 50), dphi: uniform(1.07e-3, 1.09e-3)},
    duration=12_000.0,
    reference="Landau & Lifshitz, Mechanics, 3rd ed., § 15; IERS Conventions (2010), table 1.1",
)
