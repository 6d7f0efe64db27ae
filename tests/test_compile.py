"""From SymPy to JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

import symlnn

t = dynamicsymbols._t
x = dynamicsymbols("x")
v = x.diff(t)


def declare(potential: sp.Expr) -> symlnn.System:
    """A unit mass in a potential."""
    return symlnn.System(
        name="test",
        coordinates=(x,),
        lagrangian=v**2 / 2 - potential,
        states={x: symlnn.uniform(1, 2), v: symlnn.uniform(-1, 1)},
    )


@pytest.mark.parametrize(
    "potential",
    [
        sp.erf(x),
        sp.loggamma(x),
        sp.gamma(x) + sp.pi * x,
        sp.Piecewise((x**2, x < 1.5), (3 * x - 2.25, True)),
        sp.Abs(x) ** 3,
        sp.Max(x, 0) ** 2,
    ],
    ids=str,
)
def test_functions_beyond_the_elementary(potential: sp.Expr) -> None:
    """Against SymPy's own number for L; the derivative is left to JAX."""
    system = declare(potential)
    value = symlnn.SymbolicLagrangian(system)(jnp.array([1.2]), jnp.array([0.3]))
    expected = system.plain_lagrangian.subs({system.q[0]: 1.2, system.v[0]: 0.3})
    np.testing.assert_allclose(value, float(expected), rtol=1e-12)


def test_a_function_that_jax_lacks_is_named() -> None:
    system = declare(sp.besselj(0, x))
    with pytest.raises(ValueError, match=r"JAX cannot evaluate.*besselj"):
        symlnn.SymbolicLagrangian(system)(jnp.array([1.2]), jnp.array([0.3]))


def test_parameters_are_differentiable_and_overridden(pendulum: symlnn.System) -> None:
    """a = −(g/l) sin θ: da/dl = (g/l²) sin θ."""

    def acceleration(length: jax.Array) -> jax.Array:
        dynamics = symlnn.SymbolicDynamics(pendulum, {"l": length})
        return dynamics.acceleration(jnp.array([0.5]), jnp.zeros(1))[0]

    np.testing.assert_allclose(acceleration(jnp.asarray(2.0)), -9.8 / 2 * np.sin(0.5), rtol=1e-12)
    np.testing.assert_allclose(jax.grad(acceleration)(jnp.asarray(2.0)), 9.8 / 4 * np.sin(0.5), rtol=1e-12)
    with pytest.raises(ValueError, match="no parameter 'mass'"):
        symlnn.SymbolicDynamics(pendulum, {"mass": 2.0})


def test_varying_parameters_are_asked_for() -> None:
    dynamics = symlnn.SymbolicDynamics(symlnn.load_system("relativistic_particle"))
    with pytest.raises(ValueError, match="m must hold g"):
        dynamics.acceleration(jnp.zeros(1), jnp.zeros(1))
