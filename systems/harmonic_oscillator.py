"""A mass on a linear spring, in one dimension.

L = ½ m ẋ² − ½ k x², and so ẍ = −(k/m) x.

Source: Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., ch. 6.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "oscillators"

t = dynamicsymbols._t
x = dynamicsymbols("x")
m, k = sp.symbols("m k", positive=True)

SYSTEM = System(
    name="harmonic_oscillator",
    coordinates=(x,),
    units={x: "m"},
    lagrangian=m * x.diff(t) ** 2 / 2 - k * x**2 / 2,
    parameters={m: Parameter(1.0, "kg"), k: Parameter(4.0, "N/m")},
    states={x: uniform(-2, 2), x.diff(t): uniform(-4, 4)},
    initial_states={x: uniform(-1, 1), x.diff(t): uniform(-2, 2)},
    duration=30.0,
    reference="Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., ch. 6",
)
