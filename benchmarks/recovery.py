"""How often `recover` finds the law: from accelerations and from positions with noise, over ten seeds.

Accelerations: 600 states of the declaration. Positions: ten motions of 5 s at 100 per second from such states. Noise is
a share of the size of each acceleration, or of the spread of each coordinate (of an angle 1.8 rad at most). A law is
right where its terms are those of the law recovered without noise, which is equivalent to the declared one.
"""

import time
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import symlnn

_SEEDS = range(100, 110)
_SYSTEMS = (
    "pendulum",
    "harmonic_oscillator",
    "relativistic_particle",
    "charged_particle",
    "kepler",
    "kepler_si",
    "elastic_pendulum",
    "spherical_pendulum",
    "double_pendulum",
)
_FROM_POSITIONS = ("pendulum", "charged_particle", "elastic_pendulum", "double_pendulum")
_COUNT, _RUNS, _SECONDS, _RATE = 600, 10, 5.0, 100
_WIDEST = 1.8


def _samples(system: symlnn.System, noise: float, seed: int) -> symlnn.Samples:
    states = symlnn.sample_states(system, _COUNT, key=jax.random.key(seed))
    a = np.asarray(symlnn.accelerations(symlnn.SymbolicDynamics(system), states))
    size = np.sqrt(np.mean(a**2, axis=0))
    return symlnn.Samples(states, jnp.asarray(a + noise * size * np.random.default_rng(seed).normal(size=a.shape)))


def _motions(system: symlnn.System, noise: float, seed: int) -> symlnn.Motions:
    times = np.arange(round(_SECONDS * _RATE) + 1) / _RATE
    starts = symlnn.sample_states(system, _RUNS, key=jax.random.key(seed))
    starts = eqx.tree_at(lambda s: s.t, starts, jnp.zeros_like(starts.t))
    q = np.asarray(symlnn.simulate(symlnn.SymbolicDynamics(system), starts, times=jnp.asarray(times)).q)
    spread = q.std(axis=(0, 1))
    spread = np.where(system.is_angle, np.minimum(spread, _WIDEST), spread)
    q = q + noise * spread * np.random.default_rng(seed).normal(size=q.shape)
    return symlnn.Motions.of(system, [symlnn.Run(f"run{k}", times, one) for k, one in enumerate(q)])


def run() -> dict[str, Any]:
    """A row for each system, kind of data and noise."""
    jax.config.update("jax_enable_x64", True)
    rows = []
    for name in _SYSTEMS:
        system = symlnn.load_system(name)
        exact = symlnn.recover(system, _samples(system, 0.0, 0))
        rows.append(_row(system, exact, "a", 0.0, [exact], [sum(exact.seconds.values())]))
        kinds = [("a", noise) for noise in (0.01, 0.05, 0.2)]
        kinds += [("q", noise) for noise in (0.001, 0.01, 0.05) if name in _FROM_POSITIONS]
        for kind, noise in kinds:
            found, seconds = [], []
            for seed in _SEEDS:
                data = (_samples if kind == "a" else _motions)(system, noise, seed)
                begin = time.perf_counter()
                found.append(symlnn.recover(system, data))
                seconds.append(time.perf_counter() - begin)
            rows.append(_row(system, exact, kind, noise, found, seconds))
    return {"rows": rows, "slowest_seconds": max(row["seconds"] for row in rows)}


def _row(
    system: symlnn.System,
    exact: symlnn.Recovery,
    kind: str,
    noise: float,
    found: list[symlnn.Recovery],
    seconds: list[float],
) -> dict[str, Any]:
    right = [law for law in found if [x.term for x in law.terms] == [x.term for x in exact.terms]]
    pairs = [pair for law in right for pair in zip(law.terms, exact.terms, strict=True)]
    told = [(a, b) for a, b in pairs if a.standard_error > 0]
    covered = [abs(a.coefficient - b.coefficient) <= 2 * a.standard_error for a, b in told]
    wrong = [a for a, b in told if a.exact is not None and abs(float(a.exact) / b.coefficient - 1) > 1e-6]
    return {
        "system": system.name,
        "from": kind,
        "noise": noise,
        "candidates": exact.candidates,
        "right": f"{len(right)}/{len(found)}",
        "equivalent": symlnn.equivalent(exact.system(), system, tolerance=1e-6),
        "explained": f"{sum(law.explained for law in found)}/{len(found)}",
        "covered": float(np.mean(covered)) if covered else None,
        "wrong_fractions": len(wrong),
        "seconds": float(np.median(seconds)),
    }
