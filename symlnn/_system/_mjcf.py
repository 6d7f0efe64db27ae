"""A robot in MJCF or URDF as the fields of a declaration: open chains of hinges, slides and ball joints."""

import math
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

from .._distribution import uniform
from ._parameter import Parameter
from ._robot_file import compiled_model, disabled

_FREE, _BALL, _SLIDE, _HINGE = range(4)
_AXES = "xyz"
_DIGITS = 12
_UPRIGHT = 1.2
"""How far the middle one of three Euler angles is drawn, in rad: at π/2 they are singular."""
_TURNING, _SLIDING = 3.0, 1.0
"""Speeds up to which states are drawn, in rad/s and m/s."""
_WIDTH = 0.01
"""Of the smooth sign in `frictionloss`, in rad/s or m/s."""


@dataclass
class _Frame:
    """A frame that moves, in its own axes."""

    velocity: sp.Matrix
    """Of its origin."""
    spin: sp.Matrix
    """Its angular velocity."""
    down: sp.Matrix
    """The direction of gravity."""
    depth: sp.Expr
    """Of its origin, along gravity."""

    def moved(self, by: sp.Matrix) -> "_Frame":
        """With its origin elsewhere in it."""
        return _Frame(self.velocity + self.spin.cross(by), self.spin, self.down, self.depth + self.down.dot(by))

    def turned(self, by: sp.Matrix) -> "_Frame":
        """With other axes, which do not move in it."""
        back = by.T
        return _Frame(back * self.velocity, back * self.spin, back * self.down, self.depth)


@dataclass
class _Declaration:
    """What has been found of a robot."""

    model: Any
    name: str
    lagrangian: sp.Expr = sp.S.Zero
    dissipation: sp.Expr = sp.S.Zero
    coordinates: list[Any] = field(default_factory=list)
    angles: list[Any] = field(default_factory=list)
    units: dict[Any, str] = field(default_factory=dict)
    states: dict[Any, Any] = field(default_factory=dict)
    forces: dict[Any, sp.Expr] = field(default_factory=dict)
    inputs: dict[Any, Any] = field(default_factory=dict)
    parameters: dict[sp.Symbol, Parameter] = field(default_factory=dict)
    joints: dict[int, list[Any]] = field(default_factory=dict)
    """The coordinates of each joint."""

    def parameter(self, name: str, value: float, unit: str) -> sp.Expr:
        """A symbol for a number of the file; zero stays zero."""
        if not value:
            return sp.S.Zero
        symbol = sp.Symbol(name, positive=True) if value > 0 else sp.Symbol(name, real=True)
        self.parameters[symbol] = Parameter(float(value), unit)
        return symbol

    def named(self, kind: str, number: int, prefix: str) -> str:
        """The name of an element as a symbol's, or the number where it has none."""
        given = getattr(self.model, kind)(number).name or f"{prefix}{number}"
        name = re.sub(r"\W", "_", given)
        return name if name[:1].isalpha() else f"{prefix}_{name}"


def declaration_of(path: str | Path) -> dict[str, Any]:
    """The fields of the `System` of a robot; see `System.from_mjcf`."""
    model = compiled_model(path)
    _check_supported(model)
    found = _Declaration(model, re.sub(r"\W", "_", Path(path).stem))
    strength = 0.0 if disabled(model, "GRAVITY") else float(np.linalg.norm(model.opt.gravity))
    gravity = found.parameter("g", strength, "m/s²")
    down = sp.Matrix([_exact(x / strength) for x in model.opt.gravity]) if strength else sp.zeros(3, 1)
    frames = [_Frame(sp.zeros(3, 1), sp.zeros(3, 1), down, sp.S.Zero)]
    for body in range(1, model.nbody):
        frame = frames[model.body_parentid[body]].moved(_vector(model.body_pos[body]))
        frame = frame.turned(_rotation(model.body_quat[body]))
        first = model.body_jntadr[body]
        for joint in range(first, first + model.body_jntnum[body]):
            frame = _through(found, joint, frame)
        frames.append(frame)
        _add_body(found, body, frame, gravity)
    _add_actuators(found)
    if not found.coordinates:
        raise ValueError(f"{path} has no joints, so that nothing moves: add a <joint> to a <body>.")
    return {
        "name": found.name if found.name[:1].isalpha() else f"robot_{found.name}",
        "coordinates": tuple(found.coordinates),
        "angles": tuple(found.angles),
        "units": found.units,
        "lagrangian": found.lagrangian,
        "dissipation": found.dissipation,
        "forces": found.forces,
        "inputs": found.inputs,
        "parameters": found.parameters,
        "states": found.states,
        "initial_states": {v: uniform(*(bound / 10 for bound in found.states[v].bounds)) for v in _rates(found)},
        "duration": 5.0,
        "reference": f"the robot file {Path(path).name}",
    }


def _rates(found: _Declaration) -> list[Any]:
    return [q.diff(dynamicsymbols._t) for q in found.coordinates]


def _through(found: _Declaration, joint: int, frame: _Frame) -> _Frame:
    """The frame after a joint, whose coordinates are added."""
    model, name = found.model, found.named("joint", joint, "joint")
    kind, anchor = model.jnt_type[joint], _vector(model.jnt_pos[joint])
    dof, place = model.jnt_dofadr[joint], model.jnt_qposadr[joint]
    axis = _vector(model.jnt_axis[joint])
    if kind == _SLIDE:
        q = _coordinate(found, joint, name, "m", _range(model, joint, 1.0), _SLIDING)
        along = axis * (q - _exact(model.qpos0[place]))
        frame = frame.moved(along)
        frame = _Frame(frame.velocity + axis * q.diff(dynamicsymbols._t), frame.spin, frame.down, frame.depth)
        rates = [q.diff(dynamicsymbols._t)]
    elif kind == _HINGE:
        q = _coordinate(found, joint, name, "rad", _range(model, joint, math.pi), _TURNING)
        frame = _about(frame.moved(anchor), axis, q, q - _exact(model.qpos0[place])).moved(-anchor)
        rates = [q.diff(dynamicsymbols._t)]
    else:
        before, frame = frame.spin, frame.moved(anchor)
        for letter, unit in zip(_AXES, sp.eye(3).columnspace(), strict=True):
            widest = _UPRIGHT if letter == "y" else math.pi
            q = _coordinate(found, joint, f"{name}_{letter}", "rad", (-widest, widest), _TURNING)
            frame = _about(frame, unit, q, q)
            before = _turn(unit, q).T * before
        frame = frame.moved(-anchor)
        rates = list(frame.spin - before)
    label = "kg" if kind == _SLIDE else "kg·m²"
    armature = found.parameter(f"armature_{name}", model.dof_armature[dof], label)
    damping = found.parameter(f"damping_{name}", model.dof_damping[dof], "kg/s" if kind == _SLIDE else "N·m·s")
    found.lagrangian += armature * sum(rate**2 for rate in rates) / 2
    found.dissipation += damping * sum(rate**2 for rate in rates) / 2
    if kind != _BALL:
        _add_spring_and_friction(found, joint, name, rates[0])
    return frame


def _add_spring_and_friction(found: _Declaration, joint: int, name: str, rate: sp.Expr) -> None:
    model, (q,) = found.model, found.joints[joint]
    unit = "N" if model.jnt_type[joint] == _SLIDE else "N·m"
    stiffness = found.parameter(f"stiffness_{name}", model.jnt_stiffness[joint], f"{unit}/{found.units[q]}")
    rest = _exact(model.qpos_spring[model.jnt_qposadr[joint]])
    found.lagrangian -= stiffness * (q - rest) ** 2 / 2
    friction = found.parameter(f"friction_{name}", model.dof_frictionloss[model.jnt_dofadr[joint]], unit)
    if friction != 0:
        width = found.parameter(f"width_{name}", _WIDTH, f"{found.units[q]}/s")
        found.forces[q] = found.forces.get(q, sp.S.Zero) - friction * sp.tanh(rate / width)
    if found.units[q] == "rad" and stiffness == 0:
        found.angles.append(q)


def _coordinate(
    found: _Declaration, joint: int, name: str, unit: str, bounds: tuple[float, float], speed: float
) -> Any:
    q = dynamicsymbols(name)
    found.coordinates.append(q)
    found.joints.setdefault(joint, []).append(q)
    found.units[q] = unit
    found.states[q] = uniform(*bounds)
    found.states[q.diff(dynamicsymbols._t)] = uniform(-speed, speed)
    return q


def _range(model: Any, joint: int, otherwise: float) -> tuple[float, float]:
    """Within its limits, or so far to either side."""
    if model.jnt_limited[joint]:
        low, high = map(float, model.jnt_range[joint])
        return low, high
    return -otherwise, otherwise


def _about(frame: _Frame, axis: sp.Matrix, q: Any, angle: sp.Expr) -> _Frame:
    """A frame that turns about an axis through its origin."""
    frame = frame.turned(_turn(axis, angle))
    return _Frame(frame.velocity, frame.spin + axis * q.diff(dynamicsymbols._t), frame.down, frame.depth)


def _turn(axis: sp.Matrix, angle: sp.Expr) -> sp.Matrix:
    """R = 1 + sin θ [a] + (1 − cos θ) [a]², by Rodrigues."""
    x, y, z = axis
    cross = sp.Matrix([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    square = (axis * axis.T).applyfunc(_clean) - sp.eye(3)
    return sp.eye(3) + sp.sin(angle) * cross + (1 - sp.cos(angle)) * square


def _add_body(found: _Declaration, body: int, frame: _Frame, gravity: sp.Expr) -> None:
    model, name = found.model, found.named("body", body, "body")
    centre = frame.moved(_vector(model.body_ipos[body]))
    spin = _rotation(model.body_iquat[body]).T * centre.spin
    mass = found.parameter(f"m_{name}", model.body_mass[body], "kg")
    found.lagrangian += mass * (centre.velocity.dot(centre.velocity) / 2 + gravity * centre.depth)
    for letter, inertia, rate in zip(_AXES, model.body_inertia[body], spin, strict=True):
        moment = found.parameter(f"I{letter}_{name}", inertia, "kg·m²") if rate != 0 else sp.S.Zero
        found.lagrangian += moment * rate**2 / 2


def _add_actuators(found: _Declaration) -> None:
    """Generalised forces gear (gain u + b₀ + b₁ gear q + b₂ gear q̇)."""
    model = found.model
    for number in range(model.nu):
        name = found.named("actuator", number, "u")
        (q,) = found.joints[int(model.actuator_trnid[number][0])]
        gear = _exact(model.actuator_gear[number][0])
        u = sp.Symbol(
            name if sp.Symbol(name) not in {sp.Symbol(str(x.func)) for x in found.coordinates} else f"u_{name}"
        )
        bias = [_exact(x) for x in model.actuator_biasprm[number][:3]]
        if not model.actuator_biastype[number]:
            bias = [sp.S.Zero] * 3
        force = _exact(model.actuator_gainprm[number][0]) * u + bias[0]
        force += gear * (bias[1] * q + bias[2] * q.diff(dynamicsymbols._t))
        found.forces[q] = found.forces.get(q, sp.S.Zero) + gear * force
        if bias[1] != 0 and q in found.angles:
            found.angles.remove(q)
        low, high = map(float, model.actuator_ctrlrange[number]) if model.actuator_ctrllimited[number] else (-1.0, 1.0)
        found.inputs[u] = uniform(low, high)


def _check_supported(model: Any) -> None:
    """Raise a `ValueError` that names the first element that no declaration can hold; warn of what is left out."""
    named = {
        "freejoint": [model.joint(k).name or f"number {k}" for k in range(model.njnt) if model.jnt_type[k] == _FREE],
        "equality": [f"number {k}" for k in range(model.neq)],
        "tendon": [f"number {k}" for k in range(model.ntendon)],
        "flex": [f"number {k}" for k in range(model.nflex)],
        "plugin": [f"number {k}" for k in range(model.nplugin)],
        "body mocap": [model.body(k).name for k in range(model.nbody) if model.body_mocapid[k] >= 0],
        "body gravcomp": [model.body(k).name for k in range(model.nbody) if model.body_gravcomp[k]],
    }
    named["actuator"] = [
        model.actuator(k).name or f"number {k}"
        for k in range(model.nu)
        if model.actuator_trntype[k] > 1
        or model.actuator_dyntype[k] != 0
        or model.actuator_gaintype[k] != 0
        or model.actuator_biastype[k] > 1
        or model.jnt_type[model.actuator_trnid[k][0]] == _BALL
    ]
    named["joint with a polynomial"] = [
        model.joint(k).name or f"number {k}"
        for k in range(model.njnt)
        if _any(model, "jnt_stiffnesspoly", k) or _any(model, "dof_dampingpoly", int(model.jnt_dofadr[k]))
    ]
    named["joint of type ball with a spring or friction"] = [
        model.joint(k).name or f"number {k}"
        for k in range(model.njnt)
        if model.jnt_type[k] == _BALL
        and (model.jnt_stiffness[k] or any(model.dof_frictionloss[model.jnt_dofadr[k] :][:3]))
    ]
    for element, names in named.items():
        if names:
            raise ValueError(
                f"<{element}> {names[0]} is not supported: a robot is an open chain from the world of hinge, slide and "
                "ball joints, with springs, damping and actuators at joints. Take it out, or write the Lagrangian."
            )
    if model.opt.density or model.opt.viscosity:
        raise ValueError("<option> density and viscosity are not supported: a robot moves without a medium here.")
    for flag in ("SPRING", "DAMPER", "ACTUATION"):
        if disabled(model, flag):
            raise ValueError(f"<flag> {flag.lower()} is not supported: take out the elements that it disables.")
    left_out = []
    touching = not (disabled(model, "CONTACT") or disabled(model, "CONSTRAINT"))
    if touching and (np.any(model.geom_contype) or np.any(model.geom_conaffinity)):
        left_out.append("contacts of its geoms")
    if np.any(model.jnt_limited):
        left_out.append("limits of its joints, within which states are drawn,")
    if np.any(model.actuator_forcelimited):
        left_out.append("limits of the forces of its actuators")
    if left_out:
        warnings.warn(f"The {', and the '.join(left_out)} are left out of the declaration.", stacklevel=4)


def _any(model: Any, name: str, place: int) -> bool:
    """Whether an array, which older versions of MuJoCo do not have, is other than zero there."""
    return bool(np.any(getattr(model, name, np.zeros((place + 1, 1)))[place]))


def _vector(values: np.ndarray) -> sp.Matrix:
    return sp.Matrix([_exact(x) for x in values])


def _rotation(quaternion: np.ndarray) -> sp.Matrix:
    """The matrix of a unit quaternion (w, x, y, z)."""
    w, x, y, z = quaternion
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return sp.Matrix([[_exact(entry) for entry in row] for row in rows])


def _exact(value: float) -> sp.Expr:
    """A short decimal as a fraction, so that zeros and ones of the file vanish from products; others as they are."""
    rounded = round(float(value), _DIGITS)
    if rounded == round(rounded, 6):
        return sp.Rational(str(rounded + 0.0)) if rounded else sp.S.Zero
    return sp.Float(float(value))


def _clean(entry: sp.Expr) -> sp.Expr:
    return _exact(float(entry))
