"""A million steps of the double pendulum: does the energy drift?

Steps of 0.005 s from rest at 2 and 1.5 rad, by `Variational` with the declared Lagrangian and with a learned one, and
by Heun's method, of order two as well. The error is E − E₀ as a share of m g l: its largest value, and the drift, the
slope of a line through it times the duration, with its standard error from a hundred blocks of time.
"""

import time
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

import symlnn

_STEPS, _STEP, _SEEN, _BLOCKS = 1_000_000, 0.005, 20_000, 100
_TRAINING = 20.0


def run() -> dict[str, Any]:
    """A row for each law and method."""
    jax.config.update("jax_enable_x64", True)
    system = symlnn.load_system("double_pendulum")
    truth: Any = symlnn.SymbolicDynamics(system)
    learned: Any = symlnn.learn(system, "lnn", budget=symlnn.Budget(seconds=_TRAINING)).dynamics
    cases: dict[str, tuple[Any, diffrax.AbstractSolver]] = {
        "declared, Variational": (truth, symlnn.Variational()),
        "learned, Variational": (learned, symlnn.Variational()),
        "declared, Heun": (truth, diffrax.Heun()),
    }
    start = (jnp.array([2.0, 1.5]), jnp.zeros(2))
    times = jnp.linspace(0.0, _STEPS * _STEP, _SEEN + 1)
    rows = []
    for name, (law, solver) in cases.items():
        integrator = symlnn.Integrator(solver, step=_STEP, max_steps=_STEPS + 2)
        begin = time.perf_counter()
        motion = symlnn.simulate(law, start, times=times, integrator=integrator)
        jax.block_until_ready(motion.q)
        seconds = time.perf_counter() - begin
        # the energy that the law keeps: a learned one is in units of its own, in which its mass matrix tells the scale
        energy = np.asarray(jax.jit(jax.vmap(law.energy))(motion.q, motion.v))
        scale = float(jnp.trace(truth.mass_matrix(*start)) / jnp.trace(law.mass_matrix(*start))) / 9.8
        off = np.abs(scale) * (energy - energy[0])
        slope, error = _drift(off)
        rows.append(
            {
                "law": name,
                "successful": bool(motion.successful),
                "largest_error": float(np.abs(off).max()),
                "drift": slope,
                "its_standard_error": error,
                "seconds": seconds,
            }
        )
    return {"rows": rows}


def _drift(off: np.ndarray) -> tuple[float, float]:
    """The slope of a line through the means of blocks, times the duration, and its standard error."""
    blocks = off[1:].reshape(_BLOCKS, -1).mean(axis=1)
    x = np.linspace(-0.5, 0.5, _BLOCKS)
    slope, offset = np.polyfit(x, blocks, 1)
    rest = blocks - slope * x - offset
    return float(slope), float(np.sqrt(rest @ rest / (_BLOCKS - 2) / (x @ x)))
