"""FrontLaw terms for the law of a system, or for the functions that it leaves open."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from .._system import System
from ._terms import Term, by_cost

_MOST = 120


def dictionary(
    system: System,
    *,
    most: int = _MOST,
    include: Sequence[Term | sp.Expr] = (),
    exclude: Sequence[sp.Expr] = (),
    forces: bool | None = None,
) -> tuple[Term, ...]:
    """Candidates for the Lagrangian of a system, and for its forces, from its coordinates; at most so many of them, the
    cheapest of every tier first. Where the system leaves functions open, candidates for these.

    Functions of coordinates are monomials of lengths up to the fourth degree, sines and cosines of angles, of twice an
    angle, and of sums and differences of two, products of these, and distances between the declared positions with
    their inverses; a length of which the declared states are positive has inverse powers and a logarithm. Kinetic terms
    are products of two velocities with these, up to the second degree. There are terms linear in the velocities, of the
    fourth order, and, where the declared speed is below one, the two Lagrangians of relativity. `forces` adds friction,
    viscous, Coulomb's and quadratic, by default where the system has forces. An angle is a coordinate of `angles`, or
    one in rad.

    `include` are terms, or expressions of the Lagrangian, that are kept whatever their number; `exclude` are
    expressions. Raises `ValueError` for a function that stands with several sets of arguments.
    """
    out = {system.plain(x) for x in exclude}
    own = [x if isinstance(x, Term) else Term(system.plain(x), tier=_tier(system, system.plain(x))) for x in include]
    made = list(_of_functions(system)) if left_open(system) else list(_of_law(system, forces))
    known = {(x.lagrangian, x.forces) for x in own}
    found = {(x.lagrangian, x.forces): x for x in reversed(by_cost(made))}
    room = [x for key, x in found.items() if key not in known and x.expression not in out]
    # forces are few, and are kept
    families = [x for x in room if x.inner]
    ordered = sorted(by_cost([x for x in room if not x.inner]), key=lambda x: (not x.forces, x.tier))
    return (*by_cost([*own, *ordered[: max(0, most - len(own))]]), *families)


def _of_law(system: System, forces: bool | None) -> Iterator[Term]:
    q, v = system.q, system.v
    speeds = _products(v, 2)
    inverse = set(_inverses(system))
    for f in (*_functions(system, 4), *inverse):
        yield Term(f, tier=int(f in inverse))
        if system.m and f not in inverse:
            yield from (Term(m * f) for m in system.m)
    factors = _functions(system, 2)
    yield from (Term(g * s) for s in speeds for g in (sp.S.One, *factors))
    yield from (Term(x * g, tier=2) for x, y in zip(v, q, strict=True) for g in factors if g.free_symbols - {y})
    yield from (Term(a * b, tier=3) for a, b in itertools.combinations_with_replacement(speeds, 2))
    yield from (Term(e, tier=4) for e in _relativistic(system))
    yield from _families(system)
    if forces if forces is not None else system.has_forces:
        for place, x in enumerate(v):
            for friction in (-x, -sp.sign(x), -x * sp.Abs(x)):
                yield Term(forces=_on(system, place, friction))


def _on(system: System, place: int, force: sp.Expr) -> tuple[sp.Expr, ...]:
    return tuple(force if k == place else sp.S.Zero for k in range(system.dof))


def left_open(system: System) -> tuple[Any, ...]:
    """The functions for which candidates stand; a function that is all of the Lagrangian leaves the law open."""
    whole = {*system.q, *system.v}
    lagrangian = system.plain_lagrangian
    return tuple(f for f in system.unknown if not (lagrangian.func == f and set(lagrangian.args) == whole))


def _of_functions(system: System) -> Iterator[Term]:
    """The terms that a function f adds where it stands: (∂L/∂f) φ to L and (∂Q/∂f) φ to the forces."""
    lagrangian = system.plain_lagrangian
    forces = list(system.generalized_forces)
    for function in left_open(system):
        calls = {f for f in (*_calls(lagrangian), *(g for x in forces for g in _calls(x))) if f.func == function}
        if len(calls) > 1:
            raise ValueError(
                f"{function} stands in the declaration with several arguments: give its candidates as terms, "
                "dictionary=(Term(…), …)."
            )
        call = calls.pop()
        value = sp.Dummy("value", real=True)
        within = [expression.xreplace({call: value}) for expression in (lagrangian, *forces)]
        slopes = [sp.diff(expression, value) for expression in within]
        if any(slope.has(value) for slope in slopes):
            raise ValueError(f"{function} does not stand linearly in the declaration of {system.name}.")
        numbers = {s: sp.nsimplify(p.value) for s, p in system.parameters.items() if not p.varies}
        slopes = [slope.xreplace(numbers) for slope in slopes]
        for shape, tier, inner in _shapes(system, call.args, str(function)):
            acting = tuple(slope * shape for slope in slopes[1:])
            acting = acting if any(f != 0 for f in acting) else ()
            yield Term(slopes[0] * shape, acting, tier=tier, of=str(function), shape=shape, inner=inner)


def _calls(expression: sp.Expr) -> set[Any]:
    return expression.atoms(AppliedUndef)


def _shapes(system: System, arguments: Sequence[sp.Expr], name: str) -> Iterator[tuple[sp.Expr, int, tuple[Any, ...]]]:
    """Candidates for a function of some arguments, of each, and products of two; with their tiers, and the numbers
    within them."""
    alone = []
    for number, x in enumerate(arguments):
        of = name if len(arguments) == 1 else f"{name}{number + 1}"
        families: list[Term] = []
        others: list[sp.Expr] = []
        if x in system.q and _turns(system, system.q.index(x)):
            own = [w(k * x) for k in (1, 2, 3) for w in (sp.cos, sp.sin)]
        elif x in system.v:
            own = [x, sp.sign(x), x * sp.Abs(x), x**2, x**3, sp.tanh(x)]
            families = list(_of_speed(x, of))
        else:
            own, others = [x**k for k in range(1, 7)], [sp.Abs(x), sp.cos(x), sp.sin(x)]
            families = list(_of_length(x, of))
        alone.append(own)
        yield from ((shape, 0, ()) for shape in own)
        yield from ((shape, 1, ()) for shape in others)
        yield from ((family.lagrangian, family.tier, family.inner) for family in families)
    for a, b in itertools.combinations(alone, 2):
        yield from ((x * y, 0, ()) for x in a[:4] for y in b[:4])


def _tier(system: System, expression: sp.Expr) -> int:
    try:
        degree = sp.Poly(expression, *system.v).total_degree()
    except sp.PolynomialError:
        return 4
    return {0: 0, 1: 2, 2: 0}.get(degree, 3)


def _products(symbols: Sequence[sp.Symbol], degree: int) -> list[sp.Expr]:
    return [sp.Mul(*chosen) for chosen in itertools.combinations_with_replacement(symbols, degree)]


def _turns(system: System, place: int) -> bool:
    coordinate = system.coordinates[place]
    return coordinate in system.angles or system.units.get(coordinate) == "rad"


def _functions(system: System, degree: int) -> list[sp.Expr]:
    """Polynomials and waves of the coordinates, of so high a degree."""
    lengths = [x for place, x in enumerate(system.q) if not _turns(system, place)]
    angles = [x for x in system.q if x not in lengths]
    monomials = [p for d in range(1, degree + 1) for p in _products(lengths, d)]
    waves = [w(x) for x in angles for w in (sp.cos, sp.sin)]
    waves += [w(2 * x) for x in angles for w in (sp.cos, sp.sin)]
    waves += [w(x) ** 2 for x in angles for w in (sp.sin, sp.cos)]
    for a, b in itertools.combinations(angles, 2):
        waves += [sp.cos(a - b), sp.sin(a - b), sp.cos(a + b), sp.sin(a + b)]
        waves += [sp.cos(a) * sp.cos(b), sp.sin(a) * sp.sin(b), sp.sin(a) * sp.cos(b), sp.cos(a) * sp.sin(b)]
    low = [p for p in monomials if sp.Poly(p, *lengths).total_degree() <= 2]
    return list(dict.fromkeys([*monomials, *waves, *(p * w for p in low for w in waves)]))


def _inverses(system: System) -> Iterator[sp.Expr]:
    """Distances, inverse powers and logarithms, where they can be taken."""
    lengths = [place for place in range(system.dof) if not _turns(system, place)]
    for place in lengths:
        if _is_positive(system, place):
            yield from (1 / system.q[place], system.q[place] ** -2, sp.log(system.q[place]))
    for square in _squares(system):
        yield from (sp.sqrt(square), 1 / sp.sqrt(square))


def _squares(system: System) -> list[sp.Expr]:
    """Of the distances between declared positions, and of that from the origin."""
    lengths = [place for place in range(system.dof) if not _turns(system, place)]
    numbers = {s: sp.nsimplify(p.value) for s, p in system.parameters.items() if not p.varies}
    bodies = [tuple(system.plain(x).xreplace(numbers) for x in position) for position in system.positions]
    squares = [sp.Add(*((x - y) ** 2 for x, y in zip(a, b, strict=True))) for a, b in itertools.combinations(bodies, 2)]
    if len(lengths) == system.dof > 1:
        squares.append(sp.Add(*(x**2 for x in system.q)))
    return [square for square in dict.fromkeys(map(sp.simplify, squares)) if square.free_symbols]


def _families(system: System) -> Iterator[Term]:
    """Exponentials and wells of lengths and of differences of two, and softened inverse distances and screened ones."""
    lengths = [x for place, x in enumerate(system.q) if not _turns(system, place)]
    for x in lengths:
        yield from _of_length(x, x.name)
    for x, y in itertools.combinations(lengths, 2):
        k = sp.Symbol(f"k_{x.name}_{y.name}")
        yield Term(sp.exp(-k * (x - y)), tier=1, inner=((k, 1 / (x - y)),))
    for number, square in enumerate(_squares(system)):
        name = "r" if not number else f"r{number + 1}"
        k, e = sp.Symbol(f"k_{name}", positive=True), sp.Symbol(f"e_{name}", positive=True)
        r = sp.sqrt(square)
        yield Term(1 / sp.sqrt(square + e**2), tier=1, inner=((e, r),))
        yield Term(1 / (square + e**2), tier=1, inner=((e, r),))
        yield Term(sp.exp(-k * square), tier=1, inner=((k, 1 / square),))
        yield Term(sp.exp(-k * r) / r, tier=1, inner=((k, 1 / r),))


def _of_length(x: sp.Expr, name: str) -> Iterator[Term]:
    k, c, e = sp.Symbol(f"k_{name}"), sp.Symbol(f"c_{name}", positive=True), sp.Symbol(f"e_{name}", positive=True)
    yield Term(sp.exp(-k * x), tier=1, inner=((k, 1 / x),))
    yield Term(sp.exp(-c * x**2), tier=1, inner=((c, x**-2),))
    yield Term(1 / (x**2 + e**2), tier=1, inner=((e, x),))


def _of_speed(x: sp.Expr, name: str) -> Iterator[Term]:
    """Dry friction that sets in over a width, and Stribeck's, which falls with the speed."""
    w = sp.Symbol(f"w_{name}", positive=True)
    yield Term(sp.tanh(x / w), inner=((w, x),))
    yield Term(sp.sign(x) * sp.exp(-sp.Abs(x) / w), inner=((w, x),))


def _is_positive(system: System, place: int) -> bool:
    coordinate = system.coordinates[place]
    return coordinate in system.states and float(system.domain.marginals[coordinate].bounds[0]) > 0


def _relativistic(system: System) -> Iterator[sp.Expr]:
    """√(1 − v²) and 1/√(1 − v²), where the declared speed is below one."""
    velocity = system.coordinates[0].diff(system.t)
    if system.dof == 1 and velocity in system.states and max(map(abs, system.domain.marginals[velocity].bounds)) < 1:
        square = 1 - system.v[0] ** 2
        yield from (sp.sqrt(square), 1 / sp.sqrt(square))
