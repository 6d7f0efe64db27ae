"""Tests run in float64, with jaxtyping's shapes checked by beartype on every annotated call."""

import gc
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import jax
import pytest
from jaxtyping import install_import_hook

import symlnn

jax.config.update("jax_enable_x64", True)
gc.set_threshold(200_000, 50, 100)  # tracing makes objects by the million, few of them garbage


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--production`: with XLA's optimisations, as users run it."""
    parser.addoption("--production", action="store_true", help="compile with XLA's optimisations")


_QUICK_TO_COMPILE = ("--xla_cpu_use_fusion_emitters=false", "--xla_cpu_parallel_codegen_split_count=1")
"""Emitters that know less of fusions, and one object file where there would be many: half of the time."""


def pytest_configure(config: pytest.Config) -> None:
    """Tests compile much and compute little: they run without optimisations, unless asked."""
    production = config.getoption("--production")
    jax.config.update("jax_disable_most_optimizations", not production)
    if not production:  # read when the first program is compiled, and by the processes that share the tests
        os.environ["XLA_FLAGS"] = " ".join([os.environ.get("XLA_FLAGS", ""), *_QUICK_TO_COMPILE])
    if "PYTEST_XDIST_WORKER" in os.environ or not config.getoption(
        "numprocesses", None
    ):  # this process runs tests itself
        with install_import_hook("symlnn", "beartype.beartype"):
            for name in dir(symlnn):  # all of it but the command line, whose annotations are options
                getattr(symlnn, name)


_MAPS = Path("/proc/self/maps")
_MANY_MAPS = 20_000
ALIKE = frozenset(
    {
        "bead_on_hoop",
        "coupled_oscillators",
        "damped_pendulum",
        "foucault_pendulum",
        "fput_chain",
        "furuta_pendulum",
        "henon_heiles",
        "klein_gordon",
        "phi4",
        "sine_gordon",
        "slider_crank",
        "swinging_atwood",
        "three_body",
        "toda_lattice",
        "two_link_arm",
    }
)
"""Systems of the catalogue that are to a program as others are: what is tested of every system is tested of these
before a release, and what the literature says of each, always."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Before tests are left out by their markers."""
    for item in items:
        of = getattr(item, "callspec", None)
        named = set() if of is None else {value for value in of.params.values() if isinstance(value, str)}
        if item.path.name != "test_oracles.py" and named & ALIKE:
            item.add_marker(pytest.mark.alike)


@pytest.fixture(autouse=True)
def _bounded_memory_maps() -> Iterator[None]:
    """Compiled functions are memory maps, of which Linux allows a process 65,530: forget them before that."""
    yield
    if _MAPS.exists() and _MAPS.read_bytes().count(b"\n") > _MANY_MAPS:
        jax.clear_caches()


@pytest.fixture
def key() -> jax.Array:
    """A fixed random key."""
    return jax.random.key(0)


@pytest.fixture(scope="session")
def pendulum() -> "symlnn.System":
    """The smallest system of the catalogue with an angle."""
    return symlnn.load_system("pendulum")


@pytest.fixture(scope="session")
def double_pendulum() -> "symlnn.System":
    """The system of the paper."""
    return symlnn.load_system("double_pendulum")


@pytest.fixture
def compilations() -> Iterator[list[str]]:
    """What XLA compiles while the test runs, a message each; `clear()` it to count from there."""
    messages: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            message = record.getMessage()
            if message.startswith("Finished XLA compilation"):
                messages.append(message)

    logger, listener = logging.getLogger("jax"), Listener(logging.DEBUG)
    logger.addHandler(listener)
    with jax.log_compiles():
        yield messages
    logger.removeHandler(listener)
