"""10,000 motions of the double pendulum over 10 s: how many a second, and how exact.

`Taylor` and `Dopri8` at their tolerance of 1e-9, from the initial states of the declaration. Beside them heyoka, a
Taylor integrator that is compiled for the equations (one core, batches of eight), and SciPy's DOP853, at 1e-9 too, with
fewer motions. The error is the largest of an angle at the end, over the motions the median, against heyoka, or where
it is not installed `Taylor`, at 1e-15.

Source: Biscani & Izzo, MNRAS 504, 2021, for heyoka; `pip install symlnn[references]`.
"""

import importlib
import importlib.util
import time
from collections.abc import Callable
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import scipy.integrate
import sympy as sp

import symlnn

_COUNT, _FEW, _SECONDS, _TOLERANCE = 10_000, 200, 10.0, 1e-9
_ROUNDS = 3


def run() -> dict[str, Any]:
    """A row for each integrator."""
    jax.config.update("jax_enable_x64", True)
    system = symlnn.load_system("double_pendulum")
    law = symlnn.SymbolicDynamics(system)
    states = symlnn.sample_states(system, _COUNT, key=jax.random.key(0), initial=True)
    start = np.concatenate([states.q, states.v], axis=1)
    times = jnp.array([0.0, _SECONDS])

    def ours(solver: diffrax.AbstractSolver, count: int) -> Callable[[], np.ndarray]:
        integrator = symlnn.Integrator(solver, max_steps=10_000)

        def end() -> np.ndarray:
            found = symlnn.simulate(law, states[:count], times=times, integrator=integrator)
            return np.concatenate([found.q[:, -1], found.v[:, -1]], axis=1)

        return end

    methods: dict[str, tuple[int, Callable[[], np.ndarray]]] = {
        "symlnn, Taylor": (_COUNT, ours(symlnn.Taylor(), _COUNT)),
        "symlnn, Dopri8": (_COUNT // 10, ours(diffrax.Dopri8(), _COUNT // 10)),
        "SciPy, DOP853": (_FEW, lambda: _scipy(system, start[:_FEW])),
    }
    if importlib.util.find_spec("heyoka") is not None:
        methods["heyoka, one core"] = (_COUNT, _heyoka(system, start, _TOLERANCE))
        exact = _heyoka(system, start[:_FEW], 1e-15)()
    else:
        sharp = symlnn.Integrator(symlnn.Taylor(20), rtol=1e-15, max_steps=10_000)
        exact = np.asarray(symlnn.simulate(law, states[:_FEW], times=times, integrator=sharp).q[:, -1])
    rows = []
    for name, (count, method) in methods.items():
        begin = time.perf_counter()
        end = method()
        first, seconds = time.perf_counter() - begin, []
        for _ in range(_ROUNDS):
            begin = time.perf_counter()
            method()
            seconds.append(time.perf_counter() - begin)
        off = np.abs(end[:_FEW, : system.dof] - exact[:, : system.dof]).max(axis=1)
        rows.append(
            {
                "integrator": name,
                "motions": count,
                "a_second": count / float(np.median(seconds)),
                "median_error": float(np.median(off)),
                "first_call_seconds": first,
            }
        )
    return {"rows": rows}


def _accelerations(system: symlnn.System) -> list[sp.Expr]:
    matrix, right = system.mass_matrix, system.generalized_forces - system.bias
    values = {s: sp.Float(p.value) for s, p in system.parameters.items()}
    return [a.xreplace(values) for a in matrix.LUsolve(right)]


def _scipy(system: symlnn.System, start: np.ndarray) -> np.ndarray:
    function = sp.lambdify([*system.q, *system.v], _accelerations(system), "numpy", cse=True)

    def rate(_: float, y: np.ndarray) -> list[float]:
        return [*y[system.dof :], *function(*y)]

    tolerances = {"method": "DOP853", "rtol": _TOLERANCE, "atol": _TOLERANCE}
    return np.array([scipy.integrate.solve_ivp(rate, (0.0, _SECONDS), y, **tolerances).y[:, -1] for y in start])


def _heyoka(system: symlnn.System, start: np.ndarray, tolerance: float) -> Callable[[], np.ndarray]:
    heyoka: Any = importlib.import_module("heyoka")
    symbols = [*system.q, *system.v]
    names = dict(zip(symbols, sp.symbols([f"y{k}" for k in range(len(symbols))], real=True), strict=True))
    variables = [heyoka.expression(str(name)) for name in names.values()]
    accelerations = [heyoka.from_sympy(a.xreplace(names)) for a in _accelerations(system)]
    equations = list(zip(variables, [*variables[system.dof :], *accelerations], strict=True))
    lanes = heyoka.recommended_simd_size()
    made: list[Any] = []

    def end() -> np.ndarray:
        if not made:
            made.append(
                heyoka.taylor_adaptive_batch(
                    equations, np.zeros((len(symbols), lanes)), tol=tolerance, compact_mode=False
                )
            )
        integrator, found = made[0], np.empty_like(start)
        for k in range(0, len(start) - lanes + 1, lanes):
            integrator.set_time(np.zeros(lanes))
            integrator.state[:] = start[k : k + lanes].T
            integrator.propagate_until(_SECONDS)
            found[k : k + lanes] = integrator.state.T
        return found

    return end
