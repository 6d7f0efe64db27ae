"""Three equal masses in a plane that attract each other, about the figure of eight that they can chase each other on.

L = ½ m Σᵢ (ẋᵢ² + ẏᵢ²) + G m² Σᵢ<ⱼ 1/rᵢⱼ. Motions start at the choreography of period 6.3259 s, or near it, where it is
stable.

Source: Chenciner & Montgomery, Annals of Mathematics 152 (2000) 881; the numbers are those of C. Simó, given there.
"""

import itertools

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "orbits"

t = dynamicsymbols._t
x, y = dynamicsymbols("x1:4"), dynamicsymbols("y1:4")
G, m = sp.symbols("G m", positive=True)

PLACES = ((0.97000436, -0.24308753), (-0.97000436, 0.24308753), (0.0, 0.0))
VELOCITIES = ((0.466203685, 0.43236573), (0.466203685, 0.43236573), (-0.93240737, -0.86473146))

T = m * sum(z.diff(t) ** 2 for z in (*x, *y)) / 2
pairs = itertools.combinations(range(3), 2)
V = -G * m**2 * sum(1 / sp.sqrt((x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2) for i, j in pairs)
coordinates = [z for pair in zip(x, y, strict=True) for z in pair]
places = dict(zip(coordinates, itertools.chain(*PLACES), strict=True))
velocities = dict(zip(coordinates, itertools.chain(*VELOCITIES), strict=True))

SYSTEM = System(
    name="three_body",
    coordinates=(x[0], y[0], x[1], y[1], x[2], y[2]),
    units=dict.fromkeys(coordinates, "m"),
    lagrangian=T - V,
    parameters={G: Parameter(1.0, "m³/(kg·s²)"), m: Parameter(1.0, "kg")},
    # apart from each other
    states={
        **{z: uniform(place - 0.25, place + 0.25) for z, place in places.items()},
        **{z.diff(t): uniform(-1, 1) for z in coordinates},
    },
    initial_states={
        **{z: uniform(place - 1e-3, place + 1e-3) for z, place in places.items()},
        **{z.diff(t): velocity for z, velocity in velocities.items()},
    },
    duration=6.32591398,
    reference="Chenciner & Montgomery, Annals of Mathematics 152 (2000) 881",
)
