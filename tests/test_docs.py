"""The snippets of the README and of the guides run, in the order given."""

import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
GUIDES = ("README.md", "docs/library.md", "docs/systems.md", "docs/fields.md", "docs/extend.md", "docs/identify.md")


def snippets(text: str) -> list[str]:
    """The Python of a page; what ends in an ellipsis is a signature, not a program."""
    found = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [code for code in found if not code.rstrip().endswith("...")]


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_does_what_it_says(guide: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that begins with the name of a file is that file. What takes minutes is given a second."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    pieces = snippets((ROOT / guide).read_text())
    assert pieces
    for code in pieces:
        if named := re.match(r"# (\w+\.py)\n", code):
            (tmp_path / named[1]).write_text(code)
        quick = code.replace("seconds=60", "seconds=1").replace("duration=100.0", "duration=1.0")
        exec(compile(quick, guide, "exec"), names)
    for name in ("SYSTEM", "FIELD"):
        if name in names:
            assert names[name].name


def test_the_fit_of_the_guide_gives_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its snippet by itself: two lengths and a mass, to 1e-8."""
    monkeypatch.chdir(tmp_path)
    pieces = snippets((ROOT / "docs/library.md").read_text())
    (fit,) = [code for code in pieces if "where=symlnn.only" in code]
    names: dict[str, Any] = {}
    exec(compile(pieces[0] + '\nsystem = symlnn.load_system("double_pendulum")\n' + fit, "library.md", "exec"), names)
    fitted = names["found"].model.parameters.fixed
    for name, value in {"m1": 1.3, "l1": 0.8, "l2": 1.2}.items():
        assert float(fitted[name]) == pytest.approx(value, rel=1e-8)
