"""What `symlnn new` writes."""

TEMPLATE = '''"""NAME: a bead on a parabolic wire y = c x²/2, under gravity. Replace it by a system of your own.

Run it:    symlnn derive THIS_FILE
           symlnn validate THIS_FILE --quick --out report
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

# Coordinates are functions of time; velocities are their derivatives.
t = dynamicsymbols._t
x = dynamicsymbols("x")
v = x.diff(t)

# Every other symbol is a parameter.
m, c, g = sp.symbols("m c g", positive=True)

# Any SymPy expression will do, also one from sympy.physics.mechanics.
y = c * x**2 / 2
T = m * (v**2 + y.diff(t) ** 2) / 2
V = m * g * y

SYSTEM = System(
    name="NAME",
    coordinates=(x,),
    angles=(),  # coordinates with period 2π: models then see their sine and cosine
    units={x: "m"},
    lagrangian=T - V,
    # A number, or a distribution such as normal(9.8, 1): then it varies from sample to sample and models see it.
    parameters={m: Parameter(1.0, "kg"), c: Parameter(1.0, "1/m"), g: Parameter(9.8, "m/s²")},
    # Where models are trained and tested: a distribution for every coordinate and velocity.
    states={x: uniform(-2, 2), v: uniform(-5, 5)},
    # Where roll-outs start; what is not named here is drawn as above.
    initial_states={x: uniform(-1, 1), v: uniform(-1, 1)},
    duration=10.0,  # of roll-outs, in seconds
    # More: dissipation=… (a Rayleigh function), forces={x: …}, inputs={…}, time=uniform(0, 10) where L depends on t.
    reference="",
)
'''
