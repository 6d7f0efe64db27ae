"""The rooms of symlnn stand in order: a module imports only from rooms before its own, and at its head. And names there
are given once."""

import ast
import graphlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

import symlnn

ROOT = Path(__file__).parents[1]

ROOMS: tuple[tuple[str, ...], ...] = (
    ("_version", "_types", "_results", "_inputs", "_frozen", "_files", "_array_file", "_timer", "_catalogue_files"),
    ("_distribution",),
    ("_neighbourhoods",),
    ("_symbolic",),
    ("_lambdify",),
    ("_system",),
    ("_lattice", "_field", "_network"),
    ("_derivation", "_expression_json", "_serialise", "_system_text", "_catalogue"),
    ("_compile", "_elimination"),
    ("_taylor", "_geometric"),
    ("_dynamics",),
    ("_export",),
    ("_models",),
    ("_step_control", "_integrator"),
    ("_jumps",),
    ("_rollout",),
    ("_many",),
    ("_simulate",),
    ("_data",),
    ("_train",),
    ("_identify",),
    ("_recover",),
    ("metrics",),
    ("plots",),
    ("_report",),
    ("report",),
    ("__init__",),
    ("_cli",),
    ("__main__",),
)
"""The rooms in the order in which data passes through them; those of one line may import each other, in no circle."""

OUTSIDE = ("systems", "validation", "tests", "benchmarks")
"""What symlnn does not know of."""


@dataclass(frozen=True)
class Import:
    """What one line takes from a module: the module itself where `name` is None."""

    line: int
    module: str
    name: str | None


@dataclass(frozen=True)
class Sources:
    """Python modules by their dotted names, parsed."""

    modules: Mapping[str, ast.Module]
    packages: frozenset[str]

    @staticmethod
    def of(texts: Mapping[str, str]) -> "Sources":
        """From the text of each file, by its path: `symlnn/_types.py`, `symlnn/_data/__init__.py`."""
        modules, packages = {}, set()
        for path, text in texts.items():
            parts = path.removesuffix(".py").split("/")
            if parts[-1] == "__init__":
                parts = parts[:-1]
                packages.add(".".join(parts))
            modules[".".join(parts)] = ast.parse(text, path)
        return Sources(modules, frozenset(packages))

    @staticmethod
    def read(folder: Path) -> "Sources":
        """From every Python file under a folder, whose name is the package's; in place of one that imports lazily
        from what its stub says."""
        paths = sorted(folder.rglob("*.py"))
        stubs = {path: path.with_suffix(".pyi") for path in paths}
        read = {path: stub if stub.exists() else path for path, stub in stubs.items()}
        return Sources.of({path.relative_to(folder.parent).as_posix(): read[path].read_text("utf-8") for path in paths})

    def imports(self, module: str) -> Iterator[Import]:
        """Every import of a module, wherever it stands, with relative names made absolute."""
        for node in ast.walk(self.modules[module]):
            if isinstance(node, ast.Import):
                yield from (Import(node.lineno, alias.name, None) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._base(module, node)
                yield from (Import(node.lineno, base, alias.name) for alias in node.names)

    def _base(self, module: str, node: ast.ImportFrom) -> str:
        above = module.split(".")[: None if module in self.packages else -1]
        above = above[: len(above) - node.level + 1] if node.level else []
        return ".".join([*above, *(node.module or "").split(".")]).strip(".")

    def defining(self, module: str, name: str | None) -> str | None:
        """The module of these sources that an import takes its name from, through what packages only pass on."""
        if name is not None and f"{module}.{name}" in self.modules:
            return f"{module}.{name}"
        if module not in self.modules:
            return None
        if module in self.packages and name is not None:
            for node in self.modules[module].body:
                if isinstance(node, ast.ImportFrom):
                    for alias in node.names:
                        if (alias.asname or alias.name) == name:
                            return self.defining(self._base(module, node), alias.name) or module
        return module

    def graph(self) -> dict[str, set[str]]:
        """The modules that each module takes something from."""
        edges = {}
        for module in self.modules:
            found = {self.defining(i.module, i.name) for i in self.imports(module)}
            edges[module] = {other for other in found if other is not None and other != module}
        return edges


def room(module: str) -> str:
    """`_data` of `symlnn._data._generate`; `__init__` of `symlnn` itself."""
    return (*module.split("."), "__init__")[1]


def rank(module: str) -> int:
    """The place of a module's room in the order. A room without one fails: give it a place in ROOMS."""
    places = [place for place, rooms in enumerate(ROOMS) if room(module) in rooms]
    assert places, f"{room(module)} is a room without a place: add it to ROOMS"
    return places[0]


def backward_imports(sources: Sources) -> list[str]:
    """The imports from rooms behind a module's own."""
    return [
        f"{module} imports {other}"
        for module, others in sources.graph().items()
        for other in sorted(others)
        if rank(other) > rank(module)
    ]


def circle(sources: Sources) -> list[str]:
    """Modules that import each other in a circle, the first one again at the end; empty where there is none."""
    try:
        graphlib.TopologicalSorter(sources.graph()).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def late_imports(sources: Sources) -> list[str]:
    """Imports inside functions, and whatever knows of TYPE_CHECKING: two ways around the order."""
    found = []
    for module, tree in sources.modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                inside = [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
                found += [f"{module}, line {n.lineno}: import inside {node.name}" for n in inside]
            named = {getattr(node, attribute, None) for attribute in ("id", "attr", "name")}
            if "TYPE_CHECKING" in named and isinstance(node, ast.Name | ast.Attribute | ast.alias):
                found.append(f"{module}, line {node.lineno}: TYPE_CHECKING")
    return found


def outside_imports(sources: Sources) -> list[str]:
    """Imports of what symlnn does not know of."""
    return [
        f"{module}, line {i.line}: imports {i.module}"
        for module in sources.modules
        for i in sources.imports(module)
        if i.module.split(".")[0] in OUTSIDE
    ]


def private_names(sources: Sources) -> list[str]:
    """What is taken from symlnn under a name that begins with an underscore."""

    def private(name: str | None) -> bool:
        return name is not None and name.startswith("_") and not name.endswith("__")

    found = []
    for module, tree in sources.modules.items():
        for i in sources.imports(module):
            package, *rest = i.module.split(".")
            if package == "symlnn" and any(map(private, (*rest, i.name))):
                found.append(f"{module}, line {i.line}: {'.'.join((i.module, *([i.name] if i.name else [])))}")
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "symlnn":
                found += [f"{module}, line {node.lineno}: symlnn.{node.attr}"] if private(node.attr) else []
    return found


def repeated_names(sources: Sources) -> list[str]:
    """Names that a module is given twice at its outermost level."""
    found = []
    for module, tree in sources.modules.items():
        targets = [x for node in tree.body if isinstance(node, ast.Assign) for x in node.targets]
        targets += [node.target for node in tree.body if isinstance(node, ast.AnnAssign)]
        names = Counter(x.id for target in targets for x in ast.walk(target) if isinstance(x, ast.Name))
        found += [f"{module}: {name}" for name, count in names.items() if count > 1]
    return found


@pytest.fixture(scope="module")
def library() -> Sources:
    return Sources.read(ROOT / "symlnn")


def test_imports_stand_at_the_head_of_a_module(library: Sources) -> None:
    assert late_imports(library) == []


def test_rooms_import_only_from_rooms_before_them(library: Sources) -> None:
    assert backward_imports(library) == []


def test_no_modules_import_each_other_in_a_circle(library: Sources) -> None:
    assert circle(library) == []


def test_the_library_does_not_know_who_uses_it(library: Sources) -> None:
    assert outside_imports(library) == []


@pytest.mark.parametrize("folder", ["validation", "benchmarks"])
def test_studies_and_benchmarks_use_public_names(folder: str) -> None:
    assert private_names(Sources.read(ROOT / folder)) == []


@pytest.mark.parametrize("folder", ["symlnn", "systems", "validation", "benchmarks", "tests"])
def test_a_module_gives_a_name_once(folder: str) -> None:
    assert repeated_names(Sources.read(ROOT / folder)) == []


def test_every_public_name_stands_in_the_reference() -> None:
    pages = "".join(page.read_text() for page in (ROOT / "docs" / "api").glob("*.md"))
    listed = set(re.findall(r"^::: symlnn\.([\w.]+)$", pages, re.MULTILINE))
    modules = {"": symlnn, "metrics.": symlnn.metrics, "plots.": symlnn.plots, "report.": symlnn.report}
    names = {
        prefix + name
        for prefix, module in modules.items()
        for name in dir(module)
        if not name.startswith("_") and not isinstance(getattr(module, name), ModuleType)
    }
    again = {name for name in names if "." in name and name.rsplit(".", 1)[1] in listed}  # Bench, of symlnn too
    assert names - listed - again == set()


# --- the checks themselves, on small sources ---------------------------------------------------------------------


def test_a_backward_import_is_found() -> None:
    sources = Sources.of(
        {
            "symlnn/__init__.py": "from ._system import System as System",
            "symlnn/_system.py": "from . import _symbolic\nfrom ._train import fit\nimport symlnn._data._sampling",
            "symlnn/_symbolic/__init__.py": "",
            "symlnn/_train/__init__.py": "from ._fit import fit as fit",
            "symlnn/_train/_fit.py": "from .._system import System",
            "symlnn/_data/__init__.py": "",
            "symlnn/_data/_sampling.py": "",
        }
    )
    assert backward_imports(sources) == [
        "symlnn._system imports symlnn._data._sampling",
        "symlnn._system imports symlnn._train._fit",
    ]


def test_an_import_of_the_whole_package_is_a_backward_one() -> None:
    sources = Sources.of({"symlnn/__init__.py": "__version__ = '1'", "symlnn/_data.py": "from . import __version__"})
    assert backward_imports(sources) == ["symlnn._data imports symlnn"]


def test_a_room_without_a_place_is_found() -> None:
    sources = Sources.of({"symlnn/_attic.py": "from ._types import x", "symlnn/_types.py": ""})
    with pytest.raises(AssertionError, match="_attic is a room without a place"):
        backward_imports(sources)


def test_a_circle_is_found() -> None:
    sources = Sources.of(
        {
            "symlnn/_data/__init__.py": "from ._a import a as a\nfrom ._b import b as b",
            "symlnn/_data/_a.py": "from ._b import b",
            "symlnn/_data/_b.py": "from . import a",  # of _a, through the room's door
        }
    )
    assert set(circle(sources)) == {"symlnn._data._a", "symlnn._data._b"}


def test_a_package_that_only_passes_names_on_makes_no_circle() -> None:
    sources = Sources.of(
        {
            "symlnn/_data/__init__.py": "from ._a import a as a\nfrom ._b import b as b",
            "symlnn/_data/_a.py": "a = 1",
            "symlnn/_data/_b.py": "from . import a",
        }
    )
    assert circle(sources) == []
    assert sources.graph()["symlnn._data._b"] == {"symlnn._data._a"}


def test_a_package_that_defines_what_its_modules_use_makes_a_circle() -> None:
    sources = Sources.of(
        {"symlnn/_models/__init__.py": "from ._a import a\nTABLE = {}", "symlnn/_models/_a.py": "from . import TABLE"}
    )
    assert set(circle(sources)) == {"symlnn._models", "symlnn._models._a"}


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    import os",
        "class A:\n    async def f(self):\n        if self:\n            from . import b",
        "from typing import TYPE_CHECKING",
        "import typing\nif typing.TYPE_CHECKING:\n    import os",
    ],
)
def test_a_late_import_is_found(text: str) -> None:
    assert len(late_imports(Sources.of({"symlnn/_a.py": text}))) == 1
    assert late_imports(Sources.of({"symlnn/_a.py": "import os\n\n\ndef f():\n    return os"})) == []


def test_a_repeated_name_is_found() -> None:
    text = 'GROUP = "a"\nx, y = 1, 2\n\ndef f():\n    GROUP = x\n\nGROUP: str = "a"'
    assert repeated_names(Sources.of({"systems/a.py": text})) == ["systems.a: GROUP"]


def test_an_import_of_a_user_is_found() -> None:
    assert outside_imports(Sources.of({"symlnn/_a.py": "from systems.kepler import SYSTEM\nimport os"})) == [
        "symlnn._a, line 1: imports systems.kepler"
    ]
    assert outside_imports(Sources.of({"symlnn/_a.py": "from . import systems"})) == []  # a module of its own


@pytest.mark.parametrize(
    "text",
    [
        "from symlnn._report import colours",
        "from symlnn import _report",
        "import symlnn._report",
        "from symlnn.metrics import _inner",
        "import symlnn\nx = symlnn._report",
    ],
)
def test_a_private_name_is_found(text: str) -> None:
    assert len(private_names(Sources.of({"validation/study.py": text}))) == 1
    public = "import symlnn\nfrom symlnn import System, __version__\nfrom . import _write\nx = symlnn.validate"
    assert private_names(Sources.of({"validation/study.py": public})) == []
