"""Ten systems of textbooks: five that later changes of the method of `recover` looked at, five that it never saw."""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import System, uniform


def seen() -> tuple[System, ...]:
    """Hénon–Heiles, a bead on a rotating hoop, a swinging Atwood machine, Foucault's pendulum, coupled oscillators."""
    return henon_heiles(), _bead_on_hoop(), _swinging_atwood(), _foucault(), _coupled_duffing()


def unseen() -> tuple[System, ...]:
    """A heavy top, a Penning trap, a particle on a cone, a governor, a bead on a parabola: chosen when the method was
    frozen."""
    return _heavy_top(), _penning_trap(), _cone(), _governor(), _parabola()


def henon_heiles() -> System:
    """Hénon & Heiles, Astron. J. 69, 1964."""
    x, y, v, w = _plane()
    potential = (x**2 + y**2) / 2 + x**2 * y - y**3 / 3
    # bounded motions: E < 1/6
    states = {x: uniform(-0.25, 0.25), y: uniform(-0.25, 0.25), v: uniform(-0.25, 0.25), w: uniform(-0.25, 0.25)}
    return _of("henon_heiles", (x, y), (v**2 + w**2) / 2 - potential, states)


def _bead_on_hoop() -> System:
    """Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., exercise 2.18: radius 1 m, 4 rad/s."""
    theta = dynamicsymbols("theta")
    omega = theta.diff(dynamicsymbols._t)
    lagrangian = omega**2 / 2 + 8 * sp.sin(theta) ** 2 + sp.Rational(981, 100) * sp.cos(theta)
    states = {theta: uniform(-3, 3), omega: uniform(-5, 5)}
    return _of("bead_on_hoop", (theta,), lagrangian, states, angles=(theta,))


def _swinging_atwood() -> System:
    """Tufillaro, Abbott & Griffiths, Am. J. Phys. 52, 1984: masses 3 kg and 1 kg."""
    r, theta = dynamicsymbols("r theta")
    t = dynamicsymbols._t
    kinetic = 2 * r.diff(t) ** 2 + r**2 * theta.diff(t) ** 2 / 2
    lagrangian = kinetic - sp.Rational(981, 100) * r * (3 - sp.cos(theta))
    states = {
        r: uniform(0.5, 1.5),
        theta: uniform(-2, 2),
        r.diff(t): uniform(-1, 1),
        theta.diff(t): uniform(-2, 2),
    }
    return _of("swinging_atwood", (r, theta), lagrangian, states, angles=(theta,))


def _foucault() -> System:
    """Landau & Lifshitz, Mechanics, §39, problem 3: small swings, in a frame that turns at 0.2 rad/s."""
    x, y, v, w = _plane()
    lagrangian = (v**2 + w**2) / 2 + sp.Rational(1, 5) * (x * w - y * v) - 2 * (x**2 + y**2)
    return _of("foucault_pendulum", (x, y), lagrangian, {z: uniform(-1, 1) for z in (x, y, v, w)})


def _coupled_duffing() -> System:
    """Two oscillators with cubic springs, and a linear one between them: Nayfeh & Mook, Nonlinear Oscillations, §6."""
    x, y, v, w = _plane()
    potential = x**2 / 2 + x**4 / 4 + y**2 + y**4 / 2 + sp.Rational(3, 10) * (x - y) ** 2
    return _of("coupled_duffing", (x, y), v**2 / 2 + w**2 - potential, {z: uniform(-1.5, 1.5) for z in (x, y, v, w)})


def _heavy_top() -> System:
    """Goldstein, Poole & Safko, Classical Mechanics, 3rd ed., §5.7: moments 2 and 1 kg m², m g l = 5 N m."""
    theta, phi, psi = dynamicsymbols("theta phi psi")
    t = dynamicsymbols._t
    a, b, c = theta.diff(t), phi.diff(t), psi.diff(t)
    lagrangian = a**2 + sp.sin(theta) ** 2 * b**2 + (c + b * sp.cos(theta)) ** 2 / 2 - 5 * sp.cos(theta)
    states = {theta: uniform(0.4, 2.7), phi: uniform(-3, 3), psi: uniform(-3, 3)}
    states |= {v: uniform(-3, 3) for v in (a, b, c)}
    return _of("heavy_top", (theta, phi, psi), lagrangian, states, angles=(theta, phi, psi))


def _penning_trap() -> System:
    """Brown & Gabrielse, Rev. Mod. Phys. 58, 1986: cyclotron frequency 3 rad/s, axial 1.2 rad/s."""
    x, y, z = dynamicsymbols("x y z")
    t = dynamicsymbols._t
    u, v, w = x.diff(t), y.diff(t), z.diff(t)
    magnetic = sp.Rational(3, 2) * (x * v - y * u)
    electric = sp.Rational(36, 25) * (z**2 / 2 - (x**2 + y**2) / 4)
    states = {s: uniform(-1, 1) for s in (x, y, z, u, v, w)}
    return _of("penning_trap", (x, y, z), (u**2 + v**2 + w**2) / 2 + magnetic - electric, states)


def _cone() -> System:
    """Taylor, Classical Mechanics, problem 7.35's frictionless cone: half angle 45°, r from the axis."""
    r, phi = dynamicsymbols("r phi")
    v, w = r.diff(dynamicsymbols._t), phi.diff(dynamicsymbols._t)
    lagrangian = v**2 + r**2 * w**2 / 2 - sp.Rational(981, 100) * r
    states = {r: uniform(0.5, 2), phi: uniform(-3, 3), v: uniform(-2, 2), w: uniform(-3, 3)}
    return _of("cone", (r, phi), lagrangian, states, angles=(phi,))


def _governor() -> System:
    """Landau & Lifshitz, Mechanics, §5, problem 4: masses 1 kg and 0.5 kg, rods of 1 m, turning at 5 rad/s."""
    theta = dynamicsymbols("theta")
    omega = theta.diff(dynamicsymbols._t)
    kinetic = omega**2 + 25 * sp.sin(theta) ** 2 + 2 * sp.sin(theta) ** 2 * omega**2
    lagrangian = kinetic + sp.Rational(2943, 100) * sp.cos(theta)
    states = {theta: uniform(-3, 3), omega: uniform(-4, 4)}
    return _of("governor", (theta,), lagrangian, states, angles=(theta,))


def _parabola() -> System:
    """Goldstein, Poole & Safko, ch. 1 and 2: a bead on the wire z = x²/2."""
    x = dynamicsymbols("x")
    v = x.diff(dynamicsymbols._t)
    lagrangian = (1 + x**2) * v**2 / 2 - sp.Rational(981, 200) * x**2
    return _of("bead_on_parabola", (x,), lagrangian, {x: uniform(-1.5, 1.5), v: uniform(-4, 4)})


def _plane() -> tuple[sp.Expr, sp.Expr, sp.Expr, sp.Expr]:
    x, y = dynamicsymbols("x y")
    return x, y, x.diff(dynamicsymbols._t), y.diff(dynamicsymbols._t)


def _of(name: str, coordinates: tuple, lagrangian: sp.Expr, states: dict, angles: tuple = ()) -> System:
    units = {q: "rad" if q in angles else "m" for q in coordinates}
    return System(
        name=name,
        coordinates=coordinates,
        angles=angles,
        units=units,
        lagrangian=lagrangian,
        states=states,
        duration=5.0,
    )
