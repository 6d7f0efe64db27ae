"""The languages of `sympy.physics.mechanics`, bodies in frames and methods on them, as the fields of a declaration."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.physics.mechanics import (
    Force,
    KanesMethod,
    LagrangesMethod,
    Lagrangian,
    Particle,
    Point,
    ReferenceFrame,
    RigidBody,
    Torque,
    dynamicsymbols,
    find_dynamicsymbols,
)

from .. import _symbolic
from ._expression import listed


def fields_of_lagranges_method(method: Any) -> dict[str, Any]:
    """Coordinates, L, forces and constraints of SymPy's `LagrangesMethod`."""
    if not isinstance(method, LagrangesMethod):
        raise ValueError(f"from_lagranges_method needs a LagrangesMethod, but was given a {type(method).__name__}.")
    coordinates, holonomic = tuple(method.q), tuple(method._hol_coneqs)
    return {
        "coordinates": coordinates,
        "lagrangian": method._L[0],
        "forces": _generalized_forces(method.forcelist, method.inertial, coordinates, {}),
        "constraints": holonomic,
        "velocity_constraints": tuple(method.coneqs)[len(holonomic) :],
    }


def fields_of_kanes_method(method: Any) -> dict[str, Any]:
    """Coordinates, L, forces and constraints of the bodies and loads of SymPy's `KanesMethod`."""
    if not isinstance(method, KanesMethod):
        raise ValueError(f"from_kanes_method needs a KanesMethod, but was given a {type(method).__name__}.")
    if not method.bodies:
        raise ValueError("The KanesMethod has no bodies, of which a Lagrangian could be made: give it bodies=….")
    speeds = _speeds(tuple(method._qdot_u_map.items()), tuple(method.u)) if method._qdot_u_map else {}
    slipless = (method._k_nh * method.u + method._f_nh) if method._k_nh else sp.Matrix()
    return {
        **_fields(method._inertial, method.bodies, method.forcelist or (), speeds, tuple(method.q)),
        "constraints": tuple(method._f_h),
        "velocity_constraints": tuple(x.xreplace(speeds) for x in slipless),
    }


def fields_of_bodies(
    frame: Any, bodies: Sequence[Any], loads: Iterable[Any], joints: Iterable[Any], coordinates: Any
) -> dict[str, Any]:
    """Coordinates, L and forces of bodies with loads, moved by joints or by coordinates in their velocities."""
    if not isinstance(frame, ReferenceFrame):
        raise ValueError(f"from_bodies needs an inertial ReferenceFrame first, but was given a {type(frame).__name__}.")
    for body in bodies:
        if not isinstance(body, Particle | RigidBody):
            raise ValueError(f"{body} is neither a Particle nor a RigidBody: give bodies=(…) of these.")
    joints = tuple(joints)
    pairs = [(joint, q, u) for joint in joints for q, u in zip(joint.coordinates, joint.speeds, strict=True)]
    rates = tuple((q.diff(dynamicsymbols._t), u) for _, q, u in pairs)
    speeds = _speeds(rates, tuple(u for _, _, u in pairs))
    if coordinates is None:
        coordinates = tuple(q for _, q, _ in pairs)
    known = _fields(frame, bodies, loads, speeds, None if not coordinates else tuple(coordinates))
    if not known["coordinates"]:
        raise ValueError("No body moves: set the velocities of their points in the frame, point.set_vel(frame, …).")
    return known


def _fields(
    frame: ReferenceFrame,
    bodies: Sequence[Any],
    loads: Iterable[Any],
    speeds: Mapping[Any, Any],
    coordinates: tuple[Any, ...] | None,
) -> dict[str, Any]:
    loads = tuple(loads)
    _check_loads(frame, bodies, loads)
    lagrangian = Lagrangian(frame, *bodies).xreplace(dict(speeds)).doit()
    if coordinates is None:
        coordinates = tuple(sorted(_functions(lagrangian), key=str))
    for body in bodies:
        _check_velocity(frame, body, coordinates, speeds)
    return {
        "coordinates": coordinates,
        "lagrangian": lagrangian,
        "forces": _generalized_forces(loads, frame, coordinates, speeds),
    }


def _functions(expression: sp.Expr) -> set[Any]:
    """The functions of time, x and not dx/dt, in an expression."""
    found = find_dynamicsymbols(expression)
    return {f for x in found for f in x.atoms(AppliedUndef)} | {x for x in found if isinstance(x, AppliedUndef)}


def _speeds(rates: Sequence[tuple[Any, Any]], speeds: Sequence[Any]) -> dict[Any, Any]:
    """Each speed u as an expression in the q̇ of equations q̇ = f(u), linear in u."""
    own = [u for u in speeds if not u.is_Derivative]
    if not own:
        return {}
    found = sp.solve([rate - expression for rate, expression in rates], own, dict=True)
    missing = [u for u in own if not found or u not in found[0]]
    if missing:
        raise ValueError(
            f"The speed {listed(missing)} does not follow from the rates of the coordinates: give as many kinematic "
            "equations as there are speeds."
        )
    return found[0]


def _check_loads(frame: ReferenceFrame, bodies: Sequence[Any], loads: Sequence[Any]) -> None:
    """Raise a `ValueError` for a load that is none, or acts where nothing is known to move."""
    frames = [frame, *(body.frame for body in bodies if isinstance(body, RigidBody))]
    for place, _ in map(_pair, loads):
        if isinstance(place, Point):
            try:
                place.vel(frame)
            except ValueError as error:
                raise ValueError(
                    f"A force acts on the point {place}, whose velocity in {frame} is not known: it belongs to no body "
                    f"of the list. Add its body, or set {place}.set_vel({frame}, …)."
                ) from error
        elif place not in frames:
            raise ValueError(
                f"A torque acts on the frame {place}, which belongs to no body of the list: add its body, or name the "
                f"frame of one ({listed(frames)})."
            )


def _check_velocity(frame: ReferenceFrame, body: Any, coordinates: Sequence[Any], speeds: Mapping[Any, Any]) -> None:
    """Raise a `ValueError` where a velocity v is not the rate of a position, ∂²v/∂q̇ⱼ∂qₖ ≠ ∂²v/∂q̇ₖ∂qⱼ: of a wheel whose
    rolling stands in its kinematics. L would hold for velocities that are not free, and give other equations."""
    point = body.point if isinstance(body, Particle) else body.masscenter
    velocity = point.vel(frame).to_matrix(frame).xreplace(dict(speeds))
    plain = {x: sp.Dummy(real=True) for x in coordinates}
    for i, first in enumerate(coordinates):
        for second in coordinates[:i]:
            t = dynamicsymbols._t
            mixed = velocity.diff(first.diff(t)).diff(second) - velocity.diff(second.diff(t)).diff(first)
            if not all(_symbolic.is_zero(x.xreplace(plain)) for x in mixed):
                raise ValueError(
                    f"The velocity of {point} in {frame} is that of no position in {listed((first, second))}: it rolls "
                    "by its kinematics, so that T − V is no Lagrangian. Give the point a velocity of coordinates of "
                    "its own, and write the rolling as velocity_constraints."
                )


def _pair(load: Any) -> tuple[Any, Any]:
    if isinstance(load, Force | Torque):
        return load.location, load.vector
    try:
        place, vector = load
    except (TypeError, ValueError) as error:
        raise ValueError(f"{load!r} is no load: write (point, force) or (frame, torque).") from error
    if not isinstance(place, Point | ReferenceFrame):
        raise ValueError(f"A load acts on {place!r}, which is neither a Point nor a ReferenceFrame.")
    return place, vector


def _generalized_forces(
    loads: Iterable[Any], frame: ReferenceFrame | None, coordinates: Sequence[Any], speeds: Mapping[Any, Any]
) -> dict[Any, sp.Expr]:
    """Qᵢ = Σ F·∂v/∂q̇ᵢ + Σ T·∂ω/∂q̇ᵢ, those that are not zero."""
    t = dynamicsymbols._t
    found = dict.fromkeys(coordinates, sp.S.Zero)
    for place, vector in map(_pair, loads or ()):
        moving = place.vel(frame) if isinstance(place, Point) else place.ang_vel_in(frame)
        velocity = moving.to_matrix(frame).xreplace(dict(speeds))
        force = vector.to_matrix(frame).xreplace(dict(speeds))
        for x in coordinates:
            found[x] += velocity.diff(x.diff(t)).dot(force)
    return {x: sp.trigsimp(force) for x, force in found.items() if force != 0}
