"""Chain of n pendula in Cartesian coordinates, held together by rods that are constraints.

L = Σᵢ ½ m (ẋᵢ² + ẏᵢ²) − m g yᵢ,    (xᵢ − xᵢ₋₁)² + (yᵢ − yᵢ₋₁)² = l²,

with the pivot (x₀, y₀) at the origin. The multipliers are the tensions of the rods, divided by 2 l.

Source: Finzi, Wang & Wilson, NeurIPS 2020 (arXiv:2010.13581), section 5.
"""

import itertools

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, normal

GROUP = "pendula"

t = dynamicsymbols._t
m, l, g = sp.symbols("m l g", positive=True)


def system(n: int = 2) -> System:
    """n masses of 1 kg, on rods of 1 m."""
    x, y = dynamicsymbols(f"x1:{n + 1}"), dynamicsymbols(f"y1:{n + 1}")
    points = [(sp.S.Zero, sp.S.Zero), *zip(x, y, strict=True)]
    coordinates = [c for point in points[1:] for c in point]
    kinetic = sum(m * (xi.diff(t) ** 2 + yi.diff(t) ** 2) / 2 for xi, yi in points[1:])
    rods = [(b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2 - l**2 for a, b in itertools.pairwise(points)]
    return System(
        name="pendulum_cartesian",
        coordinates=coordinates,
        units=dict.fromkeys(coordinates, "m"),
        lagrangian=kinetic - sum(m * g * yi for yi in y),
        constraints=rods,
        parameters={m: Parameter(1.0, "kg"), l: Parameter(1.0, "m"), g: Parameter(9.81, "m/s²")},
        states={
            **{c: normal(0, k + 1) for k, point in enumerate(points[1:]) for c in point},
            **{c.diff(t): normal(0, 2) for c in coordinates},
        },
        initial_states={c.diff(t): 0.0 for c in coordinates},
        positions=points[1:],
        duration=10.0,
        reference="Finzi, Wang & Wilson, NeurIPS 2020 (arXiv:2010.13581)",
    )
