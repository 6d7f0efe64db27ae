"""Cart-pole: a cart on a rail that is pushed by a force, with a uniform pole hinged to it, to be balanced.

L = ½ (M + m) ẋ² + m l ẋ θ̇ cos θ + ½ (4/3) m l² θ̇² − m g l cos θ with F = ½ b ẋ² + ½ c θ̇² and the control input u on x.
θ is measured from the upward vertical, towards positive x; l is half the length of the pole, so m l²/3 its moment of
inertia about the middle. In closed form

    θ̈ = (g sin θ − cos θ (u + m l θ̇² sin θ − b ẋ)/(M + m) − c θ̇/(m l)) / (l (4/3 − m cos²θ/(M + m))),
    ẍ = (u + m l (θ̇² sin θ − θ̈ cos θ) − b ẋ)/(M + m).

The parameters are those of the source but for the friction of the cart: Coulomb's there, viscous here.

Source: Barto, Sutton & Anderson, IEEE Trans. Syst. Man Cybern. 13 (1983) 834, appendix; with the signs of Florian,
Correct equations for the dynamics of the cart-pole system, 2007.
"""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import Parameter, System, uniform

GROUP = "robots"

t = dynamicsymbols._t
x, theta = dynamicsymbols("x theta")
v, omega = x.diff(t), theta.diff(t)
M, m, l, g, b, c = sp.symbols("M m l g b c", positive=True)
u = sp.symbols("u", real=True)

T = (M + m) * v**2 / 2 + m * l * v * omega * sp.cos(theta) + sp.Rational(2, 3) * m * l**2 * omega**2
V = m * g * l * sp.cos(theta)

SYSTEM = System(
    name="cart_pole",
    coordinates=(x, theta),
    angles=(theta,),
    units={x: "m", theta: "rad"},
    lagrangian=T - V,
    parameters={
        M: Parameter(1.0, "kg"),
        m: Parameter(0.1, "kg"),
        l: Parameter(0.5, "m"),
        g: Parameter(9.8, "m/s²"),
        b: Parameter(1.0, "kg/s"),
        c: Parameter(2e-6, "N·m·s"),
    },
    states={x: uniform(-10, 10), theta: uniform(-sp.pi, sp.pi), v: uniform(-10, 10), omega: uniform(-12, 12)},
    initial_states={x: uniform(-0.1, 0.1), theta: uniform(-0.1, 0.1), v: uniform(-0.1, 0.1), omega: uniform(-0.1, 0.1)},
    dissipation=b * v**2 / 2 + c * omega**2 / 2,
    forces={x: u},
    inputs={u: uniform(-10, 10)},
    duration=2.0,
    positions=((x, sp.S.Zero), (x + 2 * l * sp.sin(theta), 2 * l * sp.cos(theta))),
    reference="Barto, Sutton & Anderson, IEEE Trans. Syst. Man Cybern. 13 (1983) 834",
)
