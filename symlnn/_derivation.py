"""All that follows from a declaration, as JSON, LaTeX or plain text: what `symlnn derive` prints."""

from typing import Any

import sympy as sp

from ._field import Field
from ._system import System


def derivation(system: System, field: Field | None = None) -> dict[str, Any]:
    """All that follows from the Lagrangian, expressions as SymPy strings in plain symbols; and from the density of the
    field that the system is of."""

    def strings(values: Any) -> list[str]:
        return [str(value) for value in values]

    known = system.law.constraint_equations
    found = {
        "name": system.name,
        "coordinates": strings(system.q),
        "velocities": strings(system.v),
        "parameters": {s.name: str(p.value) if p.varies else p.value for s, p in system.parameters.items()},
        "lagrangian": str(system.plain_lagrangian),
        "mass_matrix": [strings(row) for row in system.mass_matrix.tolist()],
        "bias": strings(system.bias),
        "generalized_forces": strings(system.generalized_forces),
        "equations_of_motion": strings(system.equations_of_motion),
        "degrees_of_freedom": system.degrees_of_freedom,
        "constraints": strings(known.positions),
        "velocity_constraints": strings(map(system.plain, system.velocity_constraints)),
        "constraint_matrix": [strings(row) for row in known.matrix.tolist()],
        "multipliers": strings(system.law.multipliers),
        "accelerations": None if system.accelerations is None else strings(system.accelerations),
        "energy": str(system.energy),
        "momenta": strings(system.momenta),
        "conserved_quantities": {name: str(value) for name, value in system.conserved_quantities.items()},
    }
    return found if field is None else found | {"field": _of_field(field)}


def _equations(system: System) -> dict[str, list[tuple[sp.Basic, sp.Basic]]]:
    """Each part of the derivation as equations left = right."""
    known = system.law.constraint_equations
    parts: dict[str, list[tuple[sp.Basic, sp.Basic]]] = {
        "Lagrangian": [(sp.Symbol("L"), system.plain_lagrangian)],
        "Mass matrix": [(sp.Symbol("M"), system.mass_matrix)],
        "Bias": [(sp.Symbol("b"), system.bias)],
        "Generalised forces": [(sp.Symbol("Q"), system.generalized_forces)] if system.has_forces else [],
        "Constraints": [(sp.Integer(0), x) for x in known.positions],
        "Constraints on velocities": [(sp.Integer(0), system.plain(x)) for x in system.velocity_constraints],
        "Constraint matrix": [(sp.Symbol("A"), known.matrix)] if system.law.is_constrained else [],
        "Equations of motion": [(sp.Integer(0), equation) for equation in system.equations_of_motion],
        "Accelerations": list(zip(system.a, system.accelerations or (), strict=False)),
        "Energy": [(sp.Symbol("E"), system.energy)],
        "Momenta": list(zip(system.p, system.momenta, strict=True)),
        "Conserved quantities": [(sp.Symbol(n), value) for n, value in system.conserved_quantities.items()],
    }
    return {title: equations for title, equations in parts.items() if equations}


def _of_field(field: Field) -> dict[str, Any]:
    return {
        "density": str(field.plain_density),
        "field_equations": [str(equation) for equation in field.field_equations],
        "energy_density": str(field.energy_density),
        "conserved_currents": {
            name: {"density": str(current.density), "flux": [str(flux) for flux in current.flux]}
            for name, current in field.conserved_currents.items()
        },
    }


def _field_text(field: Field) -> str:
    lines = [f"{field.name}, the field", "", "Lagrangian density", f"  {field.plain_density}", "", "Field equations"]
    lines += [f"  0 = {equation}" for equation in field.field_equations]
    lines += ["", "Energy density", f"  {field.energy_density}", "", "Conserved currents: density; flux"]
    for name, current in field.conserved_currents.items():
        lines.append(f"  {name}: {current.density}; {', '.join(map(str, current.flux))}")
    return "\n".join([*lines, "", "On the grid"])


def derivation_latex(system: System) -> str:
    """The derivation as LaTeX."""
    lines = []
    for title, equations in _equations(system).items():
        lines += [f"% {title}", r"\begin{align*}"]
        rows = [
            (r"\mathrm{" + str(left).replace("_", r"\_") + "}" if title.startswith("Conserved") else system.latex(left))
            + " &= "
            + system.latex(right)
            for left, right in equations
        ]
        lines += [" \\\\\n".join(rows), r"\end{align*}"]
    return "\n".join(lines)


def derivation_text(system: System, field: Field | None = None) -> str:
    """The derivation as plain text, that of the field before it."""
    count = f"{system.degrees_of_freedom} degree{'s' if system.degrees_of_freedom != 1 else ''} of freedom"
    if system.law.is_constrained:
        count += f": {system.dof} coordinates less {system.constraint_rank} independent constraints"
    lines = [*([] if field is None else [_field_text(field)]), f"{system.name}, {count}"]
    for title, equations in _equations(system).items():
        lines += ["", title]
        lines += [
            f"  {left} = {right.tolist() if isinstance(right, sp.MatrixBase) else right}" for left, right in equations
        ]
    return "\n".join(lines)
