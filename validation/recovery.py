"""Recovery: how often the law of motions, or of states with accelerations, is found in SymPy, and what is said of it.

Accelerations: 600 states of the declaration. Positions: ten motions of 5 s at 100 per second. Noise is a share of the
size of each acceleration, or of the spread of each coordinate (of an angle 1.8 rad at most). A law is right where its
terms are those of the law that is recovered without noise, which is equivalent to the declared one. SINDy and SINDy-PI
(`pip install symlnn[rivals]`) are given the same states with velocities and accelerations.

Source: Brunton, Proctor & Kutz, PNAS 113, 2016, and Kaheman, Kutz & Brunton, Proc. R. Soc. A 476, 2020, for the
rivals; Purnomo & Hayashibe, Sci. Rep. 13, 2023, for sparse Lagrangians.
"""

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp

import symlnn
from symlnn import Motions, Recovery, Run, Samples, System
from symlnn.report import ReportListener, Settings

from ._sindy import INSTALLED, explicit_accelerations, implicit_accelerations
from ._study import Mode, Study, claims
from ._textbook import seen, unseen
from .unknown_functions import cart_pendulum

CLAIMS = claims("recovery")
_CATALOGUE = (
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
_FROM_POSITIONS = ("pendulum", "charged_particle", "elastic_pendulum", "double_pendulum", "kepler", "henon_heiles")
_BOUND = ("kepler",)
"""Systems whose motions begin at the declared initial states: from others they fall into the centre, or leave it."""
_COUNT, _FEW, _RUNS, _SECONDS, _RATE = 600, 30, 10, 5.0, 100
_WIDEST = 1.8
_FRESH = 1000
"""States at which accelerations are compared."""
_FIRST_SEED = 300
"""Those before were used when the method was made, 200 too."""


@dataclass(frozen=True)
class Config:
    """What one mode does."""

    catalogue: tuple[str, ...] = _CATALOGUE
    positions: tuple[str, ...] = _FROM_POSITIONS
    textbook: bool = True
    on_accelerations: tuple[float, ...] = (0.01, 0.05, 0.2)
    on_positions: tuple[float, ...] = (0.01, 0.05)
    seeds: int = 1
    hard: bool = True
    """Whether twice the candidates, and few states, are tried too."""


CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config(("pendulum", "charged_particle"), ("pendulum",), False, (0.05,), (0.01,), 1, False),
    Mode.default: Config(),
    Mode.full: Config(on_positions=(0.001, 0.01, 0.05), seeds=10),
}


def run(config: Config, settings: Settings, listener: ReportListener) -> Study:
    """Recover every law from every kind of data."""
    seeds = range(_FIRST_SEED + settings.seed, _FIRST_SEED + settings.seed + config.seeds)
    rows, flags = [], []
    systems = [(symlnn.load_system(name), True) for name in config.catalogue]
    if config.textbook:
        systems += [*((system, True) for system in seen()), *((system, False) for system in unseen())]
    for system, known in systems:
        listener(f"{system.name}: accelerations", None)
        samples = _samples(system, 0.0, 0)
        exact = symlnn.recover(system, samples)
        seconds = [sum(exact.seconds.values())]
        rivals = {name: [found] for name, found in _rivals(system, samples, 0).items()}
        rows.append(_row(system, known, exact, "accelerations", 0.0, [exact], seconds, rivals, exact.candidates))
        for noise in config.on_accelerations:
            rows.append(_measured(system, known, exact, "accelerations", noise, seeds, _samples))
        if config.hard:
            rows.append(_measured(system, known, exact, f"{_FEW} states", 0.01, seeds, _few))
            nuisance = tuple(itertools.islice(_nuisance(system), exact.candidates))
            double = symlnn.dictionary(system, most=exact.candidates + len(nuisance), include=nuisance)
            rows.append(_measured(system, known, exact, "twice the terms", 0.05, seeds, _samples, double))
        if system.name in config.positions:
            listener(f"{system.name}: positions", None)
            for noise in config.on_positions:
                rows.append(_measured(system, known, exact, "positions", noise, seeds, _motions))
    for name, case in _FLAGGED.items():
        listener(f"Not explained: {name}", None)
        found = [case(seed) for seed in seeds]
        flags.append({"case": name, "flagged": sum(not law.explained for law in found), "of": len(found)})
    cases = []
    for name, tried in _CASES.items() if config.hard else ():
        listener(f"{name[:1].upper()}{name[1:]}", None)
        begin = time.perf_counter()
        right = [tried(seed) for seed in seeds]
        cases.append({"case": name, "right": sum(right), "of": len(right), "seconds": time.perf_counter() - begin})
    figures = {"rows": rows, "flags": flags, "cases": cases, "total": _total(rows, flags), "sindy": INSTALLED}
    return Study(figures=figures)


def _measured(
    system: System,
    known: bool,
    exact: Recovery,
    kind: str,
    noise: float,
    seeds: Sequence[int],
    make: Callable[[System, float, int], Samples | Motions],
    terms: Sequence[symlnn.Term] | None = None,
) -> dict[str, Any]:
    found: list[Recovery | None] = []
    seconds: list[float] = []
    rivals: dict[str, list[float]] = {}
    for seed in seeds:
        data = make(system, noise, seed)
        begin = time.perf_counter()
        try:
            found.append(symlnn.recover(system, data, terms=terms))
        except ValueError:  # no candidates make a law, it says
            found.append(None)
        seconds.append(time.perf_counter() - begin)
        if kind == "accelerations" and isinstance(data, Samples):
            for name, off in _rivals(system, data, seed, all_of_them=seed == seeds[0]).items():
                rivals.setdefault(name, []).append(off)
    candidates = exact.candidates if terms is None else len(terms)
    return _row(system, known, exact, kind, noise, found, seconds, rivals, candidates)


def _rivals(system: System, samples: Samples, seed: int, *, all_of_them: bool = True) -> dict[str, float]:
    """How far off they are; without the slow one unless all are asked for."""
    if not INSTALLED:
        return {}
    methods = {"sindy": explicit_accelerations, "sindy_pi": implicit_accelerations}
    asked = methods if all_of_them else {"sindy": explicit_accelerations}
    return {name: _off(system, method(system, samples), seed) for name, method in asked.items()}


def _row(
    system: System,
    known: bool,
    exact: Recovery,
    kind: str,
    noise: float,
    found: Sequence[Recovery | None],
    seconds: Sequence[float],
    rivals: Mapping[str, Sequence[float]],
    candidates: int,
) -> dict[str, Any]:
    laws = [law for law in found if law is not None]
    right = [law for law in laws if [x.term for x in law.terms] == [x.term for x in exact.terms]]
    pairs = [pair for law in right for pair in zip(law.terms, exact.terms, strict=True)]
    told = [(a, b) for a, b in pairs if a.standard_error > 0]
    as_exact = [(a, b) for a, b in told if a.exact is not None]
    ours = [_off(system, symlnn.SymbolicDynamics(law.system()).acceleration, 0) for law in laws]
    ours += [float("inf")] * (len(found) - len(laws))
    return {
        "system": system.name,
        "tuned_on": known,
        "from": kind,
        "noise": noise,
        "candidates": candidates,
        "right": len(right),
        "of": len(found),
        "equivalent": symlnn.equivalent(exact.system(), system, tolerance=1e-6),
        "explained": sum(law.explained for law in laws),
        "confident_and_wrong": sum(law.explained and law not in right for law in laws),
        "covered": sum(abs(a.coefficient - b.coefficient) <= 2 * a.standard_error for a, b in told),
        "coefficients": len(told),
        "fractions": len(as_exact),
        "wrong_fractions": sum(abs(float(a.exact or 0) / b.coefficient - 1) > 1e-6 for a, b in as_exact),
        "off": float(np.median(ours)),
        **{name: float(np.median(rivals[name])) if name in rivals else None for name in ("sindy", "sindy_pi")},
        "seconds": float(np.median(seconds)),
    }


def _total(rows: Sequence[Mapping[str, Any]], flags: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Shares over all rows of a kind; None where there is none."""

    def share(part: str, whole: str, **of: Any) -> float | None:
        chosen = [row for row in rows if all(row[key] == value for key, value in of.items())]
        count = sum(row[whole] for row in chosen)
        return sum(row[part] for row in chosen) / count if count else None

    kinds = {"accelerations": (0.01, 0.05, 0.2), "positions": (0.01, 0.05)}
    right = {
        f"{kind}_{round(1000 * noise)}": share("right", "of", **{"from": kind, "noise": noise})
        for kind, noises in kinds.items()
        for noise in noises
    }
    noisy = [row for row in rows if row["noise"] > 0]
    coefficients = sum(row["coefficients"] for row in noisy)
    return {
        **right,
        "equivalent": all(row["equivalent"] for row in rows),
        "new": share("right", "of", tuned_on=False, **{"from": "accelerations"}),
        "few_and_confident_and_wrong": sum(
            row["confident_and_wrong"] for row in rows if row["from"] == f"{_FEW} states"
        ),
        "confident_and_wrong": sum(row["confident_and_wrong"] for row in noisy),
        "laws": sum(row["of"] for row in noisy),
        "covered": sum(row["covered"] for row in noisy) / coefficients if coefficients else None,
        "fractions": sum(row["fractions"] for row in rows),
        "wrong_fractions": sum(row["wrong_fractions"] for row in rows),
        "flagged": sum(flag["flagged"] for flag in flags) / sum(flag["of"] for flag in flags),
        "slowest": max(row["seconds"] for row in rows if row["candidates"] <= 120),
    }


def _off(system: System, acceleration: Callable[..., Any], seed: int) -> float:
    """The relative root mean square error of accelerations at fresh states; infinite where one is not finite."""
    states = symlnn.sample_states(system, _FRESH, key=jax.random.key(10_000 + seed))
    truth = np.asarray(symlnn.accelerations(symlnn.SymbolicDynamics(system), states))
    found = np.asarray(jax.vmap(acceleration)(states.q, states.v, states.m, states.u, states.t))
    off = float(np.sqrt(np.mean((found - truth) ** 2) / np.mean(truth**2)))
    return off if np.isfinite(off) else float("inf")


def _nuisance(system: System) -> Iterator[sp.Expr]:
    """Terms that no law of the study has: higher powers and harmonics, times coordinates and velocities."""
    for x, v, angle in zip(system.q, system.v, system.is_angle, strict=True):
        functions = [f(k * x) for k in (3, 4, 5) for f in (sp.sin, sp.cos)] if angle else [x**k for k in range(5, 11)]
        yield from functions
        yield from (f * w for f in functions for w in (v**2, v**3))
        yield from (f * v * w for f in functions for w in system.v if w != v)


def _samples(system: System, noise: float, seed: int, count: int = _COUNT) -> Samples:
    states = symlnn.sample_states(system, count, key=jax.random.key(seed))
    a = np.asarray(symlnn.accelerations(symlnn.SymbolicDynamics(system), states))
    size = np.sqrt(np.mean(a**2, axis=0))
    return Samples(states, jnp.asarray(a + noise * size * np.random.default_rng(seed).normal(size=a.shape)))


def _few(system: System, noise: float, seed: int) -> Samples:
    return _samples(system, noise, seed, _FEW)


def _motions(system: System, noise: float, seed: int) -> Motions:
    times = np.arange(round(_SECONDS * _RATE) + 1) / _RATE
    starts = symlnn.sample_states(system, _RUNS, key=jax.random.key(seed), initial=system.name in _BOUND)
    starts = eqx.tree_at(lambda s: s.t, starts, jnp.zeros_like(starts.t))
    q = np.asarray(symlnn.simulate(symlnn.SymbolicDynamics(system), starts, times=jnp.asarray(times)).q)
    spread = q.std(axis=(0, 1))
    spread = np.where(system.is_angle, np.minimum(spread, _WIDEST), spread)
    q = q + noise * spread * np.random.default_rng(seed).normal(size=q.shape)
    return Motions.of(system, [Run(f"run{k}", times, one) for k, one in enumerate(q)])


def _without_a_term(seed: int) -> Recovery:
    system = symlnn.load_system("double_pendulum")
    few = [x for x in symlnn.dictionary(system) if not x.lagrangian.free_symbols <= set(system.q)]
    return symlnn.recover(system, _samples(system, 0.05, seed), terms=few)


def _undeclared_damping(seed: int) -> Recovery:
    pendulum = symlnn.load_system("pendulum")
    damped = dataclasses.replace(pendulum, dissipation=pendulum.coordinates[0].diff(pendulum.t) ** 2 / 4)
    return symlnn.recover(pendulum, _samples(damped, 0.01, seed))


def _single_orbit(seed: int) -> Recovery:
    kepler = symlnn.load_system("kepler")
    law, speed = symlnn.SymbolicDynamics(kepler), 1.1 + 0.02 * (seed % 10)
    orbit = symlnn.simulate(law, (jnp.array([1.0, 0.0]), jnp.array([0.0, speed])), times=jnp.linspace(0.0, 30.0, 601))
    states = symlnn.States.of(orbit.q, orbit.v)
    return symlnn.recover(kepler, Samples(states, symlnn.accelerations(law, states)))


def _too_few(seed: int) -> Recovery:
    system = symlnn.load_system("double_pendulum")
    return symlnn.recover(system, _samples(system, 0.01, seed, _FEW))


def _half_known(seed: int) -> bool:
    """V(x) = 2 x² + 3 x⁴ and a viscous and a dry friction, from six noisy motions; the mass to one per cent."""
    system, spring, friction = cart_pendulum()
    hidden = {spring: lambda x: 2 * x**2 + 3 * x**4, friction: lambda s: -0.3 * sp.tanh(s / 0.01) - 0.2 * s}
    law = symlnn.SymbolicDynamics(system.with_functions(hidden).with_parameters({"m": 0.4}))
    random, times = np.random.default_rng(seed), np.arange(501) / 50
    runs = []
    for k in range(6):
        start = jnp.asarray(random.uniform([-1, -1.5], [1, 1.5])), jnp.asarray(random.uniform([-2, -3], [2, 3]))
        q = np.asarray(symlnn.simulate(law, start, times=jnp.asarray(times)).q)
        runs.append(Run(f"run{k}", times, q + 0.01 * q.std(axis=0) * random.normal(size=q.shape)))
    found = symlnn.recover(system, Motions.of(system, runs))
    terms = {name: set(f.as_coefficients_dict()) for name, f in found.functions.items()}
    x, v = system.q[0], system.v[0]
    right = terms == {"V": {x**2, x**4}, "R": {v, sp.sign(v)}}
    return right and found.explained and abs(found.parameters["m"][0] / 0.4 - 1) < 0.01


def _driven(seed: int) -> bool:
    """The pendulum's L, its damping, and a drive of which neither amplitude nor frequency is declared."""
    system = symlnn.load_system("driven_damped_pendulum")
    law, random, times = symlnn.SymbolicDynamics(system), np.random.default_rng(seed), np.linspace(0, 5, 501)
    runs = []
    for k in range(_RUNS):
        start = jnp.asarray(random.uniform(-3, 3, 1)), jnp.asarray(random.uniform(-8, 8, 1))
        q = np.asarray(symlnn.simulate(law, start, times=jnp.asarray(times)).q)
        runs.append(Run(f"run{k}", times, q + 0.01 * min(q.std(), _WIDEST) * random.normal(size=q.shape)))
    found = symlnn.recover(system, Motions.of(system, runs))
    states = symlnn.sample_states(system, _FRESH, key=jax.random.key(seed))
    truth, own = (symlnn.accelerations(d, states) for d in (law, symlnn.SymbolicDynamics(found.system())))
    count = len(found.terms)  # ω², cos θ, damping, and the two waves of a drive or one
    return found.explained and count in (4, 5) and bool(jnp.abs(truth - own).max() < 0.03 * jnp.abs(truth).max())


def _of_network(seed: int) -> bool:
    """The double pendulum's law, from a Lagrangian network that was trained for a minute."""
    system = symlnn.load_system("double_pendulum")
    learned = symlnn.learn(system, "lnn", budget=symlnn.Budget(seconds=60.0), seed=seed)
    states = symlnn.sample_states(system, _COUNT, key=jax.random.key(seed))
    found = symlnn.recover(system, Samples(states, symlnn.accelerations(learned.dynamics, states)), noise=0.03)
    return symlnn.equivalent(found.system(), system, tolerance=0.02)


_CASES = {
    "half a law: V(x), R(ẋ) and a mass": _half_known,
    "a damped pendulum with an unknown drive": _driven,
    "a network trained for 60 s": _of_network,
}
_FLAGGED = {
    "a term is missing": _without_a_term,
    "undeclared damping": _undeclared_damping,
    "a single orbit": _single_orbit,
    "too few states": _too_few,
}
