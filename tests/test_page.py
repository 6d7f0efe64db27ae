"""Names in a report are text: no name becomes markup, and the page may do nothing but draw itself."""

import base64
import hashlib
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import sympy as sp

import symlnn
from symlnn import Parameter, System, normal, uniform
from symlnn.report import equation

SCRIPT = "document.title = 'run'"
MARKUP = f'</math></script><script>{SCRIPT}</script><img src=x onerror="{SCRIPT}">a<b & $\\frac$'
ALLOWED = """
html head meta title style body h1 h2 p figure img figcaption div table tr td th span small br b code pre canvas button
script math mrow mi mo mn msub msup msubsup mover mfrac msqrt mfenced mtable mtr mtd mstyle
"""


class Reader(HTMLParser):
    """What elements and attributes a page has, and what it shows."""

    def __init__(self) -> None:
        HTMLParser.__init__(self)
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile() -> System:
    t = sp.Symbol(MARKUP + "t")
    x = sp.Function(MARKUP + "x")(t)
    k, u = sp.Symbol(MARKUP + "k", positive=True), sp.Symbol(MARKUP + "u", real=True)
    return System(
        name="hostile",
        coordinates=(x,),
        lagrangian=x.diff(t) ** 2 / 2 - k * x**2 / 2,
        parameters={k: Parameter(uniform(1, 2), MARKUP)},
        inputs={u: uniform(-1, 1)},
        forces={x: u},
        states={x: normal(0, 1), x.diff(t): normal(0, 1)},
        initial_states={x: 0.5},
        positions=((sp.sin(x), -sp.cos(x)),),
        units={x: MARKUP},
        duration=1.0,
        reference=MARKUP,
    )


@pytest.mark.parametrize(
    "name", ["a<b", "<script>", "&lt;b&gt;", "&InvisibleTimes;", "x&y", '"quoted"', "'", "</math>", "]]>"]
)
def test_an_equation_shows_names_as_they_are(name: str) -> None:
    symbol = sp.Symbol(name)
    reader = Reader()
    reader.feed(equation(symlnn.load_system("pendulum"), 2 * sp.sin(symbol) / 3, left=sp.Symbol("L")))
    assert name in reader.text
    assert set(reader.elements) <= set(ALLOWED.split())


@pytest.mark.slow
@pytest.mark.production
def test_no_name_becomes_markup(tmp_path: Path) -> None:
    effort = symlnn.Effort(symlnn.Budget(steps=(10, 0)), test_states=500, trajectories=3, check_states=100, quick=True)
    small = symlnn.find_model("nn", architecture=symlnn.Architecture(width=8, depth=1))

    def builder(*arguments: Any, **others: Any) -> symlnn.AbstractDynamics:
        return small.builder(*arguments, **others)

    builder.__doc__ = MARKUP
    symlnn.validate(hostile(), {"mine": builder}, out=tmp_path / "r", effort=effort, command=MARKUP)
    page = (tmp_path / "r" / "index.html").read_text()
    reader = Reader()
    reader.feed(page)
    assert set(reader.elements) <= set(ALLOWED.split())
    assert reader.elements.count("script") == 2  # the motions as JSON, and what draws them
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert reader.text.count(SCRIPT) >= 6  # it is shown
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    script = page.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;" in policy and "default-src &#39;none&#39;" in policy
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        return
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--dump-dom"]
    shown = subprocess.run([*command, (tmp_path / "r" / "index.html").as_uri()], capture_output=True, text=True).stdout
    assert "<title>run" not in shown and "hostile – symlnn validation" in shown
    assert re.search(r'id="clock">\d', shown)  # the report's own script has run


@pytest.mark.parametrize("name", ["../x", "a/b", "", "<b>", "a\nb", "$x$", "x" * 101, "_hidden"])
def test_model_names_are_names_of_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="names files"):
        symlnn.validate(symlnn.load_system("pendulum"), {name: "nn"}, out=tmp_path / "r")
