"""Five systems of textbooks, chosen after the first form of the method of `recover`; its later changes saw them."""

import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from symlnn import System, uniform


def textbook() -> tuple[System, ...]:
    """Hénon–Heiles, a bead on a rotating hoop, a swinging Atwood machine, Foucault's pendulum, coupled oscillators."""
    return henon_heiles(), _bead_on_hoop(), _swinging_atwood(), _foucault(), _coupled_duffing()


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
