"""Black boxes: systems of which nothing is known but coordinates and how inputs act, to be learned as any other."""

from collections.abc import Callable, Mapping

import sympy as sp

from .._system import System, Unknown


def _delan(system: System) -> System:
    """L(q, v) unknown, and a friction of each velocity where the system loses energy or is driven."""
    unknown = {sp.Function("L_all"): Unknown()}
    lagrangian = sp.Function("L_all")(*system.coordinates, *(x.diff(system.t) for x in system.coordinates))
    forces = _of_inputs(system)
    if system.has_forces:
        for x in system.coordinates:
            friction = sp.Function(f"friction_{x.func}")
            unknown[friction] = Unknown()
            forces[x] = forces.get(x, sp.S.Zero) + friction(x.diff(system.t))
    return _open(system, "delan", lagrangian, forces, unknown)


def _nn(system: System) -> System:
    """Accelerations unknown: L = Σ vᵢ²/2 and a force on each coordinate that is a network of (q, v, u)."""
    velocities = [x.diff(system.t) for x in system.coordinates]
    names = [sp.Function(f"a_{x.func}") for x in system.coordinates]
    arguments = (*system.coordinates, *velocities, *system.inputs)
    forces = {x: name(*arguments) for x, name in zip(system.coordinates, names, strict=True)}
    return _open(system, "nn", sum(v**2 for v in velocities) / 2, forces, {name: Unknown() for name in names})


BLACK_BOXES: Mapping[str, Callable[[System], System]] = {"delan": _delan, "nn": _nn}
"""What `identify` compares with: a kind of law for the coordinates and inputs of a system."""


def black_box(system: System, name: str) -> System:
    """The system with nothing known of it but its coordinates and, for `delan`, how its inputs act.

    Raises `ValueError` for an unknown name, and for a system with varying parameters or a law that depends on time.
    """
    if name not in BLACK_BOXES:
        raise ValueError(f"Unknown black box {name!r}; choose one of {', '.join(BLACK_BOXES)}.")
    if system.m or system.law.depends_on_time:
        raise ValueError(
            f"The black box {name} learns a law of states and inputs alone, but that of {system.name} depends on "
            f"{'varying parameters' if system.m else 'time'}: leave out models."
        )
    return BLACK_BOXES[name](system)


def _of_inputs(system: System) -> dict[sp.Expr, sp.Expr]:
    """The terms of the declared forces that hold an input."""
    found = {}
    for x, force in system.forces.items():
        applied = sp.expand(force).as_independent(*system.inputs, as_Add=True)[1] if system.inputs else sp.S.Zero
        if applied != 0:
            found[x] = applied
    return found


def _open(system: System, name: str, lagrangian: sp.Expr, forces: dict, unknown: dict) -> System:
    used = sp.Tuple(*forces.values()).free_symbols
    return System(
        name=f"{system.name}_{name}",
        coordinates=system.coordinates,
        angles=system.angles,
        units=system.units,
        lagrangian=lagrangian,
        forces=forces,
        inputs=system.inputs,
        parameters={symbol: parameter for symbol, parameter in system.parameters.items() if symbol in used},
        unknown=unknown,
        duration=system.duration,
    )
