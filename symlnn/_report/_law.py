"""A recovered law to files: law.py, a declaration, and law.json beside it."""

from pathlib import Path

from .._files import write_file
from .._recover import Recovery
from .._system_text import system_to_text
from .._version import __version__
from ._results import strict, to_text


def law_to_text(found: Recovery) -> str:
    """The law as the text of a declaration, with its coefficients and their errors in the docstring."""
    lines = []
    for x in found.terms:
        error = "fixes the scale" if not x.standard_error else f"± {x.standard_error:.2g}"
        name = f"{x.term.of}: " if x.term.of else "force: " if x.term.forces else ""
        number = str(x.number) if x.exact is not None else f"{float(x.number):.15g}"
        lines.append(f"    {name}{number} · {x.term.expression}    ({error})")
    worth = "explains the data" if found.explained else "does not explain the data"
    title = "\n".join(
        [
            f"{found.declared.name}, as symlnn recovered it.",
            "",
            f"The law {worth}: it leaves {found.residual:.2g} of the accelerations, where noise is "
            f"{found.noise_floor:.2g}. Coefficients:",
            "",
            *lines,
            "",
        ]
    )
    return system_to_text(found.system(), {}, title)


def write_law(found: Recovery, path: str | Path) -> None:
    """Write a law as a declaration, law.py, and its figures as JSON beside it, law.json; each is whole or not there.

    Raises `ValueError` unless the path ends in .py, and where the declaration cannot be written.
    """
    path = Path(path)
    if path.suffix != ".py":
        raise ValueError(f"A law is written as a declaration, a .py file, but the path is {path}.")
    text, document = law_to_text(found), {"symlnn": __version__, **strict(found.to_json())}
    write_file(path.with_suffix(".json"), to_text(document).encode())
    write_file(path, text.encode())
