"""Tests run in float64, with jaxtyping's shapes checked by beartype on every annotated call."""

from jaxtyping import install_import_hook

with install_import_hook("symlnn", "beartype.beartype"):
    import symlnn

import jax
import pytest

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_disable_most_optimizations", True)  # tests compile much and compute little


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
