"""docs/performance.md, from what the benchmarks measured."""

import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

_VERSIONS = ("jax", "equinox", "optax", "diffrax", "sympy")


def machine() -> dict[str, Any]:
    """Where it was measured."""
    import jax  # not before a benchmark has chosen its precision

    return {
        "device": jax.default_backend(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _VERSIONS},
    }


def page(measured: Mapping[str, Any], benchmarks: Mapping[str, ModuleType]) -> str:
    """Each benchmark under its own words."""
    lines = [
        "# Performance",
        "",
        "What the benchmarks measured, each on one machine in one run: compare within a table, not between machines.",
        "Made by `python -m benchmarks --all --json FILE` and `python -m benchmarks --page FILE`.",
    ]
    for name, result in measured.items():
        words, (first, *_) = (benchmarks[name].__doc__ or "").strip(), result["rows"]
        title, _, rest = words.partition("\n")
        lines += ["", f"## {title.rstrip('.')}", "", rest.strip(), ""] if rest.strip() else ["", f"## {title}", ""]
        lines += [f"`python -m benchmarks {name}`:", ""]
        lines += ["| " + " | ".join(key.replace("_", " ") for key in first) + " |", "|---" * len(first) + "|"]
        lines += ["| " + " | ".join(map(cell, row.values())) + " |" for row in result["rows"]]
        where = result.get("machine", {})
        lines += ["", "On " + ", ".join(f"{key} {value}" for key, value in where.items()) + "."] if where else []
    return "\n".join(lines) + "\n"


def cell(value: object) -> str:
    """A number in three digits or whole, nothing as a dash."""
    if isinstance(value, float):
        return f"{value:,.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:.3g}"
    return "–" if value is None else str(value)


def read(path: Path) -> dict[str, Any]:
    """What `--json` wrote. Raises `ValueError` where it is of something else."""
    found = json.loads(path.read_text())
    if not all(isinstance(result, dict) and "rows" in result for result in found.values()):
        raise ValueError(f"{path} is not what --json wrote: run python -m benchmarks --all --json {path}.")
    return found
