"""Which column of a log stands for which variable of a system, and in what unit."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._system import System, listed

TIME = "t"
_TO_SI = {
    "deg": math.pi / 180,
    "°": math.pi / 180,
    "rev": 2 * math.pi,
    "mrad": 1e-3,
    "rpm": 2 * math.pi / 60,
    "deg/s": math.pi / 180,
    "ms": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "ns": 1e-9,
    "mm": 1e-3,
    "cm": 1e-2,
    "mm/s": 1e-3,
    "km": 1e3,
    "mN m": 1e-3,
    "mN": 1e-3,
    "kN": 1e3,
    **dict.fromkeys(("s", "rad", "m", "rad/s", "m/s", "N", "N m", ""), 1.0),
}
"""Units that a column can name, in those that a declaration is usually written in; `scale` does the others."""


@dataclass(frozen=True)
class Column:
    """value = sign · scale · unit · (what is written − offset), taken `delay` seconds before it is written."""

    column: Any
    unit: Any = ""
    scale: Any = 1.0
    sign: Any = 1.0
    offset: Any = 0.0
    delay: Any = 0.0
    unwrap: Any = False
    """Whether jumps of more than half a turn are those of an angle that is written between −π and π."""

    def __post_init__(self) -> None:
        if not isinstance(self.column, str):
            raise ValueError(f"column must be the name of a column, but is {self.column!r}.")
        if self.unit not in _TO_SI:
            raise ValueError(
                f"The unit {self.unit!r} of the column {self.column!r} is not known: give scale=…, or one of "
                f"{', '.join(sorted(filter(None, _TO_SI)))}."
            )
        for name in ("scale", "sign", "offset", "delay"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise ValueError(f"{name} of the column {self.column!r} must be a finite number, but is {value!r}.")
        if self.sign not in (-1, 1) or self.scale == 0:
            raise ValueError(f"The column {self.column!r} needs sign = 1 or −1, and a scale that is not 0.")
        if not isinstance(self.unwrap, bool):
            raise ValueError(f"unwrap of the column {self.column!r} must be true or false, but is {self.unwrap!r}.")

    @property
    def factor(self) -> float:
        """What the written values are multiplied by."""
        return self.sign * self.scale * _TO_SI[self.unit]


def known_variables(system: System | None) -> tuple[str, ...]:
    """What a log of a system can hold: the time, coordinates, velocities, inputs, varying parameters."""
    if system is None:
        return (TIME,)
    return (TIME, *(symbol.name for group in (system.q, system.v, system.u, system.m) for symbol in group))


def read_columns(system: System | None, columns: Mapping[str, Any] | str | Path | None) -> dict[str, Column]:
    """The columns by variable, from a mapping {variable: column, or a dict of the fields of `Column`}, or a TOML file
    of the same. What is not named is looked for under its own name, the time also as `time`.

    Raises `ValueError` for a variable that the system does not have, and for an unknown key.
    """
    where = ""
    if isinstance(columns, str | Path):
        where = f"{columns}: "
        try:
            columns = tomllib.loads(Path(columns).read_text())
        except FileNotFoundError as error:
            raise ValueError(f"There is no file {columns} of columns.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise ValueError(f"{where}it is no TOML file: {error}.") from error
    known, found = known_variables(system), {}
    keys = tuple(Column.__dataclass_fields__)
    for variable, entry in (columns or {}).items():
        name = TIME if variable == "time" and "time" not in known else variable
        if name not in known:
            owner = "A log without a system" if system is None else system.name
            raise ValueError(f"{where}{owner} has no variable {variable!r}. It has: {', '.join(known)}.")
        if isinstance(entry, Column):
            found[name] = entry
            continue
        fields: Any = {"column": entry} if isinstance(entry, str) else entry
        if not isinstance(fields, Mapping):
            raise ValueError(f"{where}{variable} must be the name of a column, or a table with column = …: {entry!r}.")
        unknown = [key for key in fields if key not in keys]
        if unknown:
            raise ValueError(f"{where}{variable} has the unknown key {unknown[0]!r}. Keys are: {listed(keys)}.")
        try:
            found[name] = Column(**{"column": variable, **fields})
        except ValueError as error:
            raise ValueError(f"{where}{error}") from error
    return found
