"""Which quantities are conserved: expressions with kinks, walls, constants of nature, each answer derived by hand."""

import pytest
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import System, uniform

x, y = dynamicsymbols("x y")
t = dynamicsymbols._t
v, w = x.diff(t), y.diff(t)
k, c, d = sp.symbols("k c d", positive=True)
s = sp.Symbol("s", real=True)

FREE = v**2 / 2 + w**2 / 2
E, PX, PY = "energy", "momentum_x", "momentum_y"
ELECTRON, CHARGE, PLANCK, NEWTON = 9.1093837e-31, 1.602176634e-19, 6.62607015e-34, 6.6743e-11
WALL = sp.Piecewise((0, x < 2), (50 * (x - 2) ** 2, True))
SWITCHED = sp.Piecewise((0, t < 3), (x, True))

# L, the force on x, and what is conserved
CASES: dict[str, tuple[sp.Expr, sp.Expr, set[str]]] = {
    "soft wall": (FREE - WALL, sp.S.Zero, {E, PY}),
    "soft wall, turned": (FREE - sp.Piecewise((50 * (x - 2) ** 2, x > 2), (0, True)), sp.S.Zero, {E, PY}),
    "wall of Max": (FREE - k * sp.Max(x - 2, 0) ** 2, sp.S.Zero, {E, PY}),
    "wall of Min": (FREE - k * sp.Min(x + 1e-10, 0) ** 2, sp.S.Zero, {E, PY}),
    "two walls": (FREE - k * sp.Max(x - d, 0) ** 2 - k * sp.Max(-x - d, 0) ** 2, sp.S.Zero, {E, PY}),
    "wall far away": (FREE - k * sp.Max(x - 10**9, 0) ** 2, sp.S.Zero, {E, PY}),
    "wall on the negative side": (FREE - k * sp.Max(-x - 1000, 0) ** 2, sp.S.Zero, {E, PY}),
    "wall between both": (FREE - k * sp.Max(x - y, 0) ** 2, sp.S.Zero, {E}),
    "wall in SI": (ELECTRON * FREE - sp.Piecewise((0, x < 1e-10), (1e-9 * (x - 1e-10) ** 2, True)), sp.S.Zero, {E, PY}),
    "narrow well": (
        FREE + sp.Piecewise((k * (x - 2) * (x - 2.001), (x > 2) & (x < 2.001)), (0, True)),
        sp.S.Zero,
        {E, PY},
    ),
    "narrow well in SI": (
        ELECTRON * FREE + sp.Piecewise((k * (x - 1e-10) * (x - 2e-10), (x > 1e-10) & (x < 2e-10)), (0, True)),
        sp.S.Zero,
        {E, PY},
    ),
    "wells of two sizes": (
        FREE - sp.Piecewise((k * x, (x > 1e-12) & (x < 3e-12)), (0, True)) - k * sp.Max(y - 10**9, 0),
        sp.S.Zero,
        {E},
    ),
    "between two diagonals": (
        FREE - k * sp.Piecewise((x + y, (x - y > 1e-9) & (x - y < 2e-9)), (0, True)),
        sp.S.Zero,
        {E},
    ),
    "one-sided drag": (FREE, -sp.Max(v - 1, 0), {PY}),
    "drag against one side": (FREE, -sp.Min(v + 1, 0), {PY}),
    "drag far above": (FREE, -sp.Max(v - 10**8, 0), {PY}),
    "dry friction": (FREE, -c * sp.sign(v), {PY}),
    "drag of the square": (FREE, -c * sp.Abs(v) * v, {PY}),
    "force of a step": (FREE, -sp.Heaviside(x - 1), {PY}),
    "force that is none": (FREE, sp.Abs(v) * sp.sign(v) - v, {E, PX, PY}),
    "Max and Min that are one": (FREE - sp.Max(x, 0) - sp.Min(x, 0) + x, sp.S.Zero, {E, PX, PY}),
    "modulus as two Max": (FREE - sp.Max(x, 0) - sp.Max(-x, 0) + sp.Abs(x), sp.S.Zero, {E, PX, PY}),
    "Piecewise of equal parts": (FREE - sp.Piecewise((x**2 - 1, x < 1), ((x - 1) * (x + 1), True)), sp.S.Zero, {E, PY}),
    "Piecewise that is constant": (
        FREE - sp.Piecewise(((x + 1) ** 2 - x**2 - 2 * x, x < 1), (1, True)),
        sp.S.Zero,
        {E, PX, PY},
    ),
    "branch that is never taken": (FREE - sp.Piecewise((0, x < 2), (x, x < 1), (0, True)), sp.S.Zero, {E, PX, PY}),
    "branch between parameters": (FREE - sp.Piecewise((0, x < d), (x, x < d / 2), (0, True)), sp.S.Zero, {E, PX, PY}),
    "step in the potential": (FREE - sp.Piecewise((0, x < 2), (1, True)), sp.S.Zero, {E, PY}),
    "cone": (FREE - k * sp.Abs(x), sp.S.Zero, {E, PY}),
    "root of a square": (FREE - k * (sp.sqrt((x - 3) ** 2) - x + 3), sp.S.Zero, {E, PY}),
    "root of a square below": (FREE - k * (sp.sqrt((x + 3) ** 2) - x - 3), sp.S.Zero, {E, PY}),
    "mass that changes": (sp.Piecewise((1, x < 0), (2, True)) * v**2 / 2 + w**2 / 2, sp.S.Zero, {E, PY}),
    "force switched on": (FREE - SWITCHED, sp.S.Zero, {PY}),
    "kick in time": (FREE - x * sp.Max(t - 2, 0), sp.S.Zero, {PY}),
    "kick of the other coordinate": (FREE - y * sp.Max(t - 2, 0), sp.S.Zero, {PX}),
    "electron in a field": (ELECTRON * FREE - CHARGE * 1e3 * y, sp.S.Zero, {E, PX}),
    "force of stairs": (FREE, -sp.floor(x), {PY}),
    "drag on an ion": (1e-25 * FREE, -1e-40 * v, {PY}),
    "two forces on an ion": (1e-25 * FREE, 1e-25 * y - 1e-45 * x, {PY}),
    "satellite": (FREE + NEWTON * 5.97e24 / sp.sqrt((x + 6.4e6) ** 2), sp.S.Zero, {E, PY}),
    "quantum of action": (FREE - PLANCK * sp.cos(x), sp.S.Zero, {E, PY}),
    "magnetic field": (FREE + s * (x * w - y * v) / 2, sp.S.Zero, {E}),
    "gyroscopic force": (FREE + s * x * w, sp.S.Zero, {E, PY}),
    "rolling identity": (FREE - sp.sin(x) ** 2 - sp.cos(x) ** 2, sp.S.Zero, {E, PX, PY}),
    "logarithm of a square": (FREE - sp.log(x**2) + 2 * sp.log(sp.Abs(x)), sp.S.Zero, {E, PX, PY}),
    "wall that follows": (FREE - k * sp.Max(x - s * t, 0) ** 2, sp.S.Zero, {PY}),
    "sign of the other": (FREE - x * sp.sign(y), sp.S.Zero, {E}),
    "relativistic": (-ELECTRON * 9e16 * sp.sqrt(1 - (v**2 + w**2) / 9e16) - CHARGE * x, sp.S.Zero, {E, PY}),
}


@pytest.mark.parametrize("name", CASES)
def test_conserved_quantities(name: str) -> None:
    lagrangian, force, expected = CASES[name]
    symbols = (lagrangian.free_symbols | force.free_symbols) - {t}
    system = System(
        name="case",
        coordinates=(x, y),
        lagrangian=lagrangian,
        forces={x: force} if force != 0 else {},
        parameters=dict.fromkeys(symbols, 1.0),
        time=uniform(0, 5) if (lagrangian + force).xreplace({x: k, y: k, v: k, w: k}).has(t) else None,
    )
    assert set(system.conserved_quantities) == expected
