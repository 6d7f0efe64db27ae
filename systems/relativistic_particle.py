"""Relativistic particle under a uniform force, in one dimension: special relativity, with m = c = 1.

L = −√(1 − q̇²) + g q, and so q̈ = g (1 − q̇²)^(3/2). The force g varies from sample to sample: it is an input of
the models.
Compare `relativistic_particle_paper`, whose Lagrangian is another one.

Source: Landau & Lifshitz, The Classical Theory of Fields, § 8.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, normal, uniform

GROUP = "particles"

t = dynamicsymbols._t
q = dynamicsymbols("q")
v = q.diff(t)
g = sp.symbols("g", real=True)

SYSTEM = System(
    name="relativistic_particle",
    coordinates=(q,),
    units={q: "c·s"},
    lagrangian=-sp.sqrt(1 - v**2) + g * q,
    parameters={g: Parameter(normal(0, 10), "1/s")},
    states={q: uniform(-10, 10), v: uniform(-0.99, 0.99)},
    duration=1.0,
    reference="Landau & Lifshitz, The Classical Theory of Fields, § 8",
)
