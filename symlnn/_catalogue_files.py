"""The files of the catalogue: their names, and what they say of themselves without being executed."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def catalogue_folder() -> Path:
    """The folder of the built-in systems: the checkout's `systems/` where there is one, else the installed copy."""
    checkout = _HERE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "systems").is_dir():
        return checkout / "systems"
    return _HERE / "systems"


def catalogue_names() -> tuple[str, ...]:
    """The names of the built-in systems, sorted."""
    return tuple(sorted(path.stem for path in catalogue_folder().glob("*.py")))


def system_path(system: str) -> Path:
    """The file that declares `system`, a catalogue name or a path. Raises `ValueError` where there is none."""
    if system.endswith(".py") or re.search(r"[/\\]", system):
        path = Path(system)
        if not path.is_file():
            raise ValueError(f"There is no system file {system}. `symlnn new {path.name}` writes one to start from.")
        return path
    if system not in catalogue_names():
        raise ValueError(
            f"Unknown system {system!r}. The catalogue has: {', '.join(catalogue_names())}. "
            "For a file of your own give its path, ending in .py."
        )
    return catalogue_folder() / f"{system}.py"


@dataclass(frozen=True)
class Entry:
    """What the text of a system file says."""

    summary: str
    """The first line of its docstring."""
    dof: int | None
    """The number of its degrees of freedom, if its constraints are independent; None where it depends on arguments."""
    arguments: tuple[str, ...]
    """Those of its function `system(...)`; empty where it has none."""
    group: str
    """What `GROUP` says; empty where nothing does."""


def entry(path: Path) -> Entry:
    """Read a system file, and execute nothing of it. Raises `ValueError` for a text that is no Python."""
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"{path} is no Python file: {error}.") from error
    summary = (ast.get_docstring(tree) or "").split("\n", 1)[0].rstrip(".")
    assigned = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    group = str(assigned.get("GROUP", ""))
    factories = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "system"]
    if factories:
        given = factories[0].args
        arguments = tuple(x.arg for x in (*given.posonlyargs, *given.args, *given.kwonlyargs))
        return Entry(summary, None, arguments, group)
    declared = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "System"
    ]
    if len(declared) != 1:
        return Entry(summary, None, (), group)
    given = {keyword.arg: keyword.value for keyword in declared[0].keywords}
    empty = ast.Tuple([])
    groups = [given.get(name, empty) for name in ("coordinates", "constraints", "velocity_constraints")]
    literal = [len(group.elts) for group in groups if isinstance(group, ast.Tuple | ast.List)]
    if len(literal) < len(groups):
        return Entry(summary, None, (), group)
    coordinates, *constraints = literal
    return Entry(summary, coordinates - sum(constraints), (), group)
