"""Noise: how identified parameters, and a black box, depend on the noise and the rate of recordings.

The arm of `measured_double_pendulum`, simulated with known parameters under smooth torques. White noise is added to
positions. Beside the weak form with multiple shooting stand least squares in the equation of motion at single instants,
with accelerations by a cubic Savitzky–Golay filter over the same window: what is usually done; and PySINDy, where it is
installed (`pip install symlnn[rivals]`). At last the standard errors are tried: 40 recordings of a pendulum.

Source: Savitzky & Golay, Anal. Chem. 36, 1964, for the filter; the arm is that of `validation/_arm.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize
import scipy.signal
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

import symlnn
from symlnn import Identification, Motions, Parameter, Run, System
from symlnn.report import ReportListener, Settings

from ._arm import arm
from ._sindy import INSTALLED, sparse_accelerations
from ._study import Mode, Study, claims

CLAIMS = claims("noise")
_START = {"I1": 1.3, "I2": 0.7, "Ir": 1.5, "r1": 1.4, "r2": 0.6, "c1": 0.7, "c2": 1.5}
"""What declared values are, as shares of the true ones."""


@dataclass(frozen=True)
class Config:
    """What one mode does."""

    noises: tuple[float, ...] = (1e-4, 1e-3, 1e-2)
    """Standard deviations of white noise of positions, rad."""
    rates: tuple[float, ...] = (500.0, 50.0)
    runs: int = 5
    seconds: float = 10.0
    black_boxes: tuple[float, ...] = (1e-3,)
    """The noises at which one is learned too."""
    recordings: int = 40
    """For the coverage of intervals."""


CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config(noises=(1e-3,), rates=(100.0,), runs=3, seconds=5.0, black_boxes=(), recordings=4),
    Mode.default: Config(),
    Mode.full: Config(noises=(1e-4, 3e-4, 1e-3, 3e-3, 1e-2), rates=(500.0, 200.0, 100.0, 50.0), runs=8, recordings=200),
}


def run(config: Config, settings: Settings, listener: ReportListener) -> Study:
    """Identify the arm from every kind of recording."""
    truth = arm()
    declared = truth.with_parameters({name: share * _value(truth, name) for name, share in _START.items()})
    clean = _recordings(truth, config, settings.seed)
    rows = []
    for rate in config.rates:
        for level in config.noises:
            listener(f"Noise of {level:g} rad, {rate:g} per second", None)
            motions = _noisy(truth, clean, rate, level, settings.seed)
            boxes = ("delan",) if level in config.black_boxes else ()
            found = symlnn.identify(declared, motions, models=boxes, seed=settings.seed)
            rows.append(_row(truth, declared, motions, found, rate, level))
    listener("Coverage of intervals", None)
    coverage = _coverage(config, settings.seed)
    return Study(figures={"rows": rows, "reference": _reference(rows), "coverage": coverage, "sindy": INSTALLED})


def _reference(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The row with 1e-3 rad, or what is nearest to it, at the highest rate."""
    return min(rows, key=lambda row: (-row["rate"], abs(np.log10(row["noise"]) + 3)))


def _value(system: System, name: str) -> float:
    return next(p.value for symbol, p in system.parameters.items() if symbol.name == name)


def _recordings(truth: System, config: Config, seed: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(t, q, u) of motions under torques of four sines each, at the highest rate."""
    random, rate = np.random.default_rng(seed), max(config.rates)
    t = np.arange(round(config.seconds * rate) + 1) / rate
    law, found = symlnn.SymbolicDynamics(truth), []
    for _ in range(config.runs):
        frequency, phase = random.uniform(0.3, 2.5, (4, 2)), random.uniform(0, 2 * np.pi, (4, 2))
        u = (np.array([0.45, 0.3]) * np.sin(2 * np.pi * frequency * t[:, None, None] + phase)).sum(axis=1)
        start = symlnn.States.of(jnp.zeros(2), jnp.zeros(2), u=jnp.zeros(2))
        sampled = symlnn.SampledInputs(jnp.asarray(t), jnp.asarray(u))
        motion = symlnn.simulate(
            law, start, times=jnp.asarray(t), u=sampled, integrator=symlnn.Integrator(rtol=1e-7, max_steps=200_000)
        )
        found.append((t, np.asarray(motion.q), u))
    return found


def _noisy(
    truth: System, clean: list[tuple[np.ndarray, np.ndarray, np.ndarray]], rate: float, level: float, seed: int
) -> Motions:
    random, runs = np.random.default_rng(seed + 1), []
    for k, (t, q, u) in enumerate(clean):
        every = round(1 / (t[1] * rate))
        at = slice(None, None, every)
        runs.append(Run(f"run{k}", t[at], q[at] + level * random.normal(size=q[at].shape), u=u[at]))
    return Motions.of(truth, runs)


def _row(
    truth: System, declared: System, motions: Motions, found: Identification, rate: float, level: float
) -> dict[str, Any]:
    values = {name: p.value for name, p in found.parameters.items()}
    boxes = {name: j.score for name, j in found.models.items()}
    return {
        "noise": level,
        "rate": rate,
        "ours": _worst(truth, values),
        "derivatives": _worst(truth, _by_derivatives(declared, motions, found)),
        "kept": found.kept,
        "prediction": boxes["identified"],
        "delan": boxes.get("delan"),
        "sindy": _by_sindy(motions, found),
        "seconds": sum(found.seconds.values()),
    }


def _by_sindy(motions: Motions, found: Identification) -> float | None:
    """The median prediction error of PySINDy; None without it, infinite where its laws do not stay finite."""
    if not INSTALLED:
        return None
    law = sparse_accelerations(found.motions, found.choices)
    return float("inf") if law is None else symlnn.judge(law, found.held_out, found.choices).score


def _coverage(config: Config, seed: int) -> dict[str, Any]:
    """How many 95 % intervals of length and friction of a pendulum hold the truth, with noise of 5e-3 rad."""
    pendulum = _pendulum()
    truth = {"l": 0.5, "c": 0.05}
    law, times = symlnn.SymbolicDynamics(pendulum, truth), np.arange(301) / 50
    clean = [
        np.asarray(symlnn.simulate(law, (jnp.array([1.2 + 0.3 * k]), jnp.array([0.1])), times=jnp.asarray(times)).q)
        for k in range(4)
    ]
    inside = 0
    for number in range(config.recordings):
        random = np.random.default_rng([seed, number])
        runs = [Run(f"run{k}", times, q + 5e-3 * random.normal(size=q.shape)) for k, q in enumerate(clean)]
        found = symlnn.identify(pendulum, Motions.of(pendulum, runs), seed=seed)
        for name, value in truth.items():
            low, high = found.parameters[name].interval or (np.inf, -np.inf)
            inside += low <= value <= high
    count = len(truth) * config.recordings
    return {"inside": inside, "of": count, "share": inside / count}


def _pendulum() -> System:
    theta, t = dynamicsymbols("theta"), dynamicsymbols._t
    length, g, c = sp.symbols("l g c", positive=True)
    return System(
        name="pendulum",
        coordinates=(theta,),
        angles=(theta,),
        units={theta: "rad"},
        lagrangian=length**2 * theta.diff(t) ** 2 / 2 + g * length * sp.cos(theta),
        dissipation=c * theta.diff(t) ** 2 / 2,
        parameters={length: Parameter(0.8, "m", free=True), g: 9.81, c: Parameter(0.2, "m²/s", free=True)},
    )


def _worst(truth: System, values: Mapping[str, float]) -> float:
    """The largest relative error of I2, m1 r1 and m2 r2, which can be told whatever is held."""

    def known(of: Mapping[str, float]) -> np.ndarray:
        arm_length = _value(truth, "l1")
        return np.array([of["I2"], of["m1"] * of["r1"] + of["m2"] * arm_length, of["m2"] * of["r2"]])

    true = known({symbol.name: p.value for symbol, p in truth.parameters.items()})
    return float(np.abs(known(values) / true - 1).max())


def _by_derivatives(declared: System, motions: Motions, found: Identification) -> dict[str, float]:
    """Least squares of M a − r at every sample, with velocities and accelerations of a cubic over the same window."""
    free = [name for name, p in found.parameters.items() if p.identifiable]
    start = {symbol.name: p.value for symbol, p in declared.parameters.items()}
    points = []
    for run in motions:
        count = max(round(found.choices.window / run.interval) | 1, 7)
        q, v, a = (
            scipy.signal.savgol_filter(run.q, count, 3, deriv=order, delta=run.interval, axis=0) for order in range(3)
        )
        inner = slice(count, -count)
        points.append((q[inner], v[inner], a[inner], np.asarray(run.u)[inner]))
    q, v, a, u = (jnp.asarray(np.concatenate(x)) for x in zip(*points, strict=True))

    @eqx.filter_jit
    def residuals(shares: jax.Array) -> jax.Array:
        values = {name: start[name] * jnp.exp(share) for name, share in zip(free, shares, strict=True)}
        law = symlnn.SymbolicDynamics(declared, values)

        def one(q: jax.Array, v: jax.Array, a: jax.Array, u: jax.Array) -> jax.Array:
            matrix, right = law.equation(q, v, None, u, 0.0)
            return matrix.mv(a) - right

        return jax.vmap(one)(q, v, a, u).ravel()

    slopes = eqx.filter_jit(jax.jacfwd(residuals))
    search: Any = scipy.optimize.least_squares
    answer = search(
        lambda x: np.asarray(residuals(jnp.asarray(x))),
        np.zeros(len(free)),
        jac=lambda x: np.asarray(slopes(jnp.asarray(x))),
        bounds=(-10.0, 10.0),
    )
    return start | {name: start[name] * float(np.exp(x)) for name, x in zip(free, answer.x, strict=True)}
