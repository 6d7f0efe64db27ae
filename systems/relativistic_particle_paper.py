"""The "relativistic particle" of Cranmer et al. 2020, under a uniform force, in one dimension.

L = (1 − q̇²)^(−1/2) − 1 + g q, and so q̈ = g (1 − q̇²)^(5/2) / (1 + 2 q̇²). This is not special relativity: there
L = −√(1 − q̇²) + g q (`relativistic_particle`), and q̈ = g (1 − q̇²)^(3/2). The paper took the kinetic energy γ − 1 for
the kinetic part of L. The ratio of the two accelerations is 0.50 at q̇ = 0.5 and 0.073 at q̇ = 0.9.

Source: Cranmer et al. 2020 (arXiv:2003.04630), section 5 and the authors' notebook.
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
    name="relativistic_particle_paper",
    coordinates=(q,),
    units={q: "c·s"},
    lagrangian=1 / sp.sqrt(1 - v**2) - 1 + g * q,
    parameters={g: Parameter(normal(0, 10), "1/s")},
    states={q: uniform(-10, 10), v: uniform(-0.99, 0.99)},
    duration=1.0,
    reference="Cranmer et al. 2020 (arXiv:2003.04630), section 5",
)
