"""Roll-outs against heyoka, an integrator by Taylor series that is compiled for the equations."""

import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

import symlnn

hy = pytest.importorskip("heyoka")

STARTS = {
    "pendulum": ([1.0], [0.5]),
    "damped_pendulum": ([1.0], [0.5]),
    "bead_on_hoop": ([1.0], [0.5]),
    "kapitza_pendulum": ([3.0], [0.1]),
    "kepler": ([1.2, 0.3], [0.1, 0.8]),
    "spherical_pendulum": ([1.0, 0.2], [0.3, 1.5]),
    "coupled_oscillators": ([0.5, -0.2], [0.0, 1.0]),
    "swinging_atwood": ([1.0, 1.2], [0.0, 0.0]),
    "restricted_three_body": ([0.49, 0.87], [0.0, 0.0]),
}


@pytest.mark.parametrize("name", STARTS)
def test_motions_over_ten_seconds(name: str) -> None:
    """To 1e-9 of the largest coordinate or velocity, of systems that are not chaotic."""
    system = symlnn.load_system(name)
    q, v = STARTS[name]
    values = {symbol: float(parameter.value) for symbol, parameter in system.parameters.items()}
    assert system.accelerations is not None
    names = [f"y{k}" for k in range(2 * system.dof)]
    variables = hy.make_vars(*names)
    renamed = {**values, **{s: sp.Symbol(n) for s, n in zip((*system.q, *system.v), names, strict=True)}}
    clock = sp.Symbol("clock")
    given = {clock: hy.time} | {sp.Symbol(n): x for n, x in zip(names, variables, strict=True)}
    rates = [
        hy.from_sympy(sp.N(a.xreplace({**renamed, system.t: clock}), 20), s_dict=given) for a in system.accelerations
    ]
    equations = list(zip(variables, [*variables[system.dof :], *rates], strict=True))
    oracle = hy.taylor_adaptive(equations, [*q, *v], tol=1e-16)
    times = np.linspace(0.0, 10.0, 101)
    expected = np.asarray(oracle.propagate_grid(times)[5])
    motion = symlnn.simulate(
        symlnn.SymbolicDynamics(system),
        symlnn.States.of(q, v),
        times=jnp.asarray(times),
        integrator=symlnn.Integrator(rtol=1e-13, atol=1e-15, max_steps=100_000),
    )
    found = np.concatenate([motion.q, motion.v], axis=1)
    assert np.abs(found - expected).max() <= 1e-9 * np.abs(expected).max()
