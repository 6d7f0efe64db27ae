"""`load_system`: built-in systems by name, yours by path, both through one loader."""

import importlib.util
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

from ._catalogue_files import system_path
from ._field import Field
from ._lattice import Lattice
from ._system import System


def load_file(path: Path, expected: str) -> ModuleType:
    """Execute a Python file as a module of its own and return it; `expected` says what it should define.

    Raises `ValueError` that names the file and the line where the file cannot be executed.
    """
    spec = importlib.util.spec_from_file_location(f"symlnn_file_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is no Python file that could define {expected}.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise ValueError(f"{path}, line {error.lineno}: syntax error: {error.msg}.") from error
    except (Exception, SystemExit) as error:  # it is the user's code, which may raise anything
        raise ValueError(f"{path}{_line(error, path)}: {_words(error)}") from error
    return module


def _words(error: BaseException) -> str:
    return str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"


def _line(error: BaseException, path: Path) -> str:
    lines = []
    trace = error.__traceback__
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename).resolve() == path.resolve():
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return f", line {lines[-1]}" if lines else ""


def load_system(system: str, **arguments: Any) -> System:
    """The system of that catalogue name or path; `arguments` go to the file's `system(...)` function.

    A system file defines `SYSTEM`, or a function `system(...)` that returns one. What ends in `.py` or has a
    separator is a path, anything else a catalogue name:

        load_system("double_pendulum");  load_system("path/to/my.py");  load_system("n_pendulum", n=5)

    Raises `ValueError` for an unknown name, a file that fails, one that defines no system, and unknown arguments.
    """
    path = system_path(system)
    module = load_file(path, "SYSTEM")
    if callable(getattr(module, "system", None)):
        declared = _call(module.system, path, arguments)
    elif arguments:
        raise ValueError(
            f"{path.name} takes no arguments ({', '.join(arguments)}): it defines SYSTEM, not system(...)."
        )
    else:
        declared = getattr(module, "SYSTEM", None)
    if not isinstance(declared, System):
        raise ValueError(f"{path} defines no system: it needs SYSTEM = System(...), or a function system(...).")
    return declared


def load_lattice(system: str, **arguments: Any) -> Lattice:
    """The lattice of that catalogue name or path, of any size: what the file's `lattice(...)` returns.

        load_lattice("wave_equation", n=100_000);  load_lattice("path/to/my_field.py", n=1000)

    Raises `ValueError` as `load_system` does, and for a file without a lattice.
    """
    path = system_path(system)
    module = load_file(path, "lattice")
    factory = getattr(module, "lattice", None)
    declared = _call(factory, path, arguments) if callable(factory) else None
    if not isinstance(declared, Lattice):
        raise ValueError(f"{path} defines no lattice: it needs a function lattice(...) that returns one.")
    return declared


def load_field(system: str) -> Field | None:
    """The `FIELD` that the file of that catalogue name or path declares, None where its system is none of a field."""
    found = getattr(load_file(system_path(system), "FIELD"), "FIELD", None)
    return found if isinstance(found, Field) else None


def _call(factory: Any, path: Path, arguments: dict[str, Any]) -> Any:
    signature = inspect.signature(factory)
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise ValueError(f"{path.name}: {error}. Its arguments are {signature}.") from error
    try:
        return factory(**arguments)
    except (Exception, SystemExit) as error:
        raise ValueError(f"{path.name}{_line(error, path)}: {_words(error)}") from error
