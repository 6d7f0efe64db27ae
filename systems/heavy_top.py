"""Heavy symmetric top, fixed at a point of its axis: Euler's angles θ (nutation), φ (precession) and ψ (spin).

    L = ½ A (θ̇² + φ̇² sin²θ) + ½ C (ψ̇ + φ̇ cos θ)² − m g l cos θ,

with the moments of inertia A about a line across the axis through the fixed point, and C about the axis. θ is measured
from the upward vertical; the coordinates are singular at θ = 0.

Source: Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., section 5.7.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "rigid bodies"

t = dynamicsymbols._t
theta, phi, psi = dynamicsymbols("theta phi psi")
nutation, precession, spin = theta.diff(t), phi.diff(t), psi.diff(t)
A, C, m, g, l = sp.symbols("A C m g l", positive=True)

T = A * (nutation**2 + precession**2 * sp.sin(theta) ** 2) / 2
T += C * (spin + precession * sp.cos(theta)) ** 2 / 2

SYSTEM = System(
    name="heavy_top",
    coordinates=(theta, phi, psi),
    angles=(phi, psi),
    units={theta: "rad", phi: "rad", psi: "rad"},
    lagrangian=T - m * g * l * sp.cos(theta),
    parameters={
        A: Parameter(0.06, "kg·m²"),
        C: Parameter(0.02, "kg·m²"),
        m: Parameter(1.0, "kg"),
        g: Parameter(9.81, "m/s²"),
        l: Parameter(0.2, "m"),
    },
    states={
        theta: uniform(0.3, 2.8),
        phi: uniform(-sp.pi, sp.pi),
        psi: uniform(-sp.pi, sp.pi),
        nutation: uniform(-3, 3),
        precession: uniform(-3, 3),
        spin: uniform(40, 80),
    },
    initial_states={theta: uniform(0.8, 1.4), nutation: uniform(-0.1, 0.1), precession: uniform(-0.1, 0.1)},
    duration=5.0,
    reference="Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., section 5.7",
)
