"""`examine`: derive, cross-check, train, roll out and compare, without writing anything."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from .._compare import (
    CrossCheck,
    acceleration_errors,
    batched_accelerations,
    cross_check,
    draw_test_samples,
    energy_along,
    energy_errors,
    energy_scale,
    lyapunov_exponents,
    power_balance_errors,
    share_outside,
    state_errors,
    valid_times,
)
from .._data import sample_states
from .._dynamics import AbstractDynamics, SymbolicDynamics
from .._models import Architecture, ModelSpec, load_model, load_spec, parameter_count
from .._simulate import Rollout, simulate
from .._system import System
from .._train import Fit, Learned, Recipe, Report, learn
from .._types import Samples, States
from ._results import ModelResult, Motion, Settings, Spread, Validation

Progress = Callable[[str, Report | None], None]
"""Called with what is being done and, while a model trains, with how its training stands."""


@dataclass(frozen=True)
class Effort:
    """How much a validation does."""

    seconds: float
    """Training of each model."""
    test_states: int = 100_000
    trajectories: int = 40
    check_states: int = 10_000


@dataclass(frozen=True)
class Candidate:
    """Where a model comes from, and how it is trained where that is not as by default."""

    source: str
    """A name of `MODELS`, the path of a `.py` file that defines `MODEL`, or of an `.eqx` file of a trained model."""
    architecture: Architecture | None = None
    recipe: Recipe | None = None
    residual: str | None = None


_FRAMES_PER_SECOND = 40.0
_MAX_FRAMES = 4000
_MAX_STEPS = 4_000
_MAX_STEPS_PER_SECOND = 200
"""A roll-out that needs more steps of the integrator has failed, else one bad model would hold up the report."""


@dataclass(frozen=True)
class Bench:
    """What every model of a system is held against."""

    system: System
    test: Samples
    start: States
    truth: Rollout
    scale: float
    check: CrossCheck
    oracle: Motion
    lyapunov_time: float | None


def roll_out(dynamics: AbstractDynamics, start: States, times: jax.Array, tolerance: float | None = None) -> Rollout:
    """Roll-outs as every report makes them, with a bound on the integrator's steps."""
    max_steps = max(_MAX_STEPS, round(_MAX_STEPS_PER_SECOND * float(times[-1])))
    usual = 1e-8 if start.q.dtype == jnp.float64 else 1e-5
    tol = jnp.asarray(usual if tolerance is None else tolerance, start.q.dtype)  # traced: one compilation for all
    return simulate(
        dynamics, start.q, start.v, times=times, m=start.m, u=start.u, rtol=tol, atol=tol, max_steps=max_steps
    )


def _balance(system: System, rollout: Rollout, start: States, scale: float) -> Motion:
    if system.conserves_energy:
        energy = energy_along(SymbolicDynamics(system), rollout, start.m)
        errors = energy_errors(energy, rollout.successful, scale)
    else:
        errors = power_balance_errors(system, rollout, start, scale)
    return Motion(rollout, errors, Spread.of(errors, np.asarray(rollout.successful)))


def examine(
    system: System,
    models: Mapping[str, Candidate],
    *,
    effort: Effort,
    settings: Settings,
    steps: int | Sequence[int] | None = None,
    seeds: int = 1,
    data: xr.Dataset | None = None,
    progress: Progress = lambda doing, report: None,
) -> Validation:
    """Measure models of a system against it. `models` maps what a report calls each to where it comes from.

    Every model gets the same budget, `effort.seconds` of training or `steps`. With `seeds` above 1 each is trained so
    many times, and the spread of its headline figures is kept.
    """
    timer = Timer()
    bench = prepare(system, effort, settings.seed, timer, progress)
    train = partial(
        learn,
        system,
        data=data,
        seconds=effort.seconds if steps is None else None,
        steps=steps,
    )
    results = [
        measure(name, candidate, bench, train, settings.seed, seeds, timer, progress)
        for name, candidate in models.items()
    ]
    return conclude(bench, results, settings, timer)


def prepare(
    system: System, effort: Effort, seed: int, timer: "Timer", progress: Progress = lambda doing, report: None
) -> Bench:
    """Derive and cross-check a system, and compute all that its models are held against."""
    progress("Cross-checking the derivation", None)
    with timer("derive and cross-check"):
        check = cross_check(system, states=effort.check_states, seed=seed)
    progress("Integrating the analytic system", None)
    with timer("analytic roll-outs"):
        test_key, start_key = jax.random.split(jax.random.fold_in(jax.random.key(seed), 1))
        test = draw_test_samples(system, effort.test_states, test_key)
        if not bool(jnp.all(jnp.isfinite(test.a))):
            raise ValueError(
                f"The accelerations of {system.name} are not finite at some sampled states: "
                "narrow the distributions in states to where the mass matrix is regular."
            )
        start = sample_states(system, effort.trajectories, key=start_key, initial=True)
        frames = min(_MAX_FRAMES, max(400, round(_FRAMES_PER_SECOND * system.duration)))
        truth = roll_out(SymbolicDynamics(system), start, jnp.linspace(0.0, system.duration, frames + 1))
        scale = energy_scale(system, test.states)
        oracle = _balance(system, truth, start, scale)
        lyapunov = _lyapunov_time(system, start)
    return Bench(system, test, start, truth, scale, check, oracle, lyapunov)


def conclude(bench: Bench, models: Sequence[ModelResult], settings: Settings, timer: "Timer") -> Validation:
    """What was measured of all models, as one validation."""
    return Validation(
        system=bench.system,
        settings=settings,
        energy_scale=bench.scale,
        check=bench.check,
        oracle=bench.oracle,
        lyapunov_time=bench.lyapunov_time,
        test=bench.test,
        start=bench.start,
        models=tuple(models),
        seconds=timer.spent,
    )


class Timer:
    """Seconds spent on each part of a validation."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        begin = time.monotonic()
        yield
        self.spent[part] = self.spent.get(part, 0.0) + time.monotonic() - begin


def _lyapunov_time(system: System, start: States) -> float | None:
    exponents, chaotic = lyapunov_exponents(SymbolicDynamics(system), start[:20], system.duration)
    return float(1 / np.median(exponents)) if chaotic else None


def measure(
    name: str,
    candidate: Candidate,
    bench: Bench,
    train: Callable[..., Learned],
    seed: int,
    seeds: int,
    timer: Timer,
    progress: Progress,
) -> ModelResult:
    """Train one model by `train`, which is `learn` with a system and a budget, and measure it, once for each seed."""
    source = candidate.source
    if source.endswith(".eqx"):
        with timer(f"measure {name}"):
            spec = load_spec(source)
            return judge(name, spec, bench, load_model(source), None)
    runs: list[ModelResult] = []
    for number in range(seeds):
        label = f"Training {name}" + (f", seed {seed + number}" if seeds > 1 else "")
        with timer(f"train {name}"):
            learned = train(
                source,
                seed=seed + number,
                architecture=candidate.architecture,
                recipe=candidate.recipe,
                residual=candidate.residual,
                progress=lambda report, label=label: progress(label, report),
            )
        if not learned.fit.complete:
            raise KeyboardInterrupt  # `fit` keeps what it has; a report on half a training would mislead
        progress(f"Measuring {name}", None)
        with timer(f"measure {name}"):
            runs.append(judge(name, learned.spec, bench, learned.fit.dynamics, learned.fit, candidate.residual))
    result = runs[0]
    if seeds > 1:
        rows = tuple(
            {
                "seed": seed + number,
                "l1_sum": run.acceleration.l1_sum,
                "relative_rms": run.acceleration.relative_rms,
                "final_mean": run.motion.spread.final_mean,
                "final_median": run.motion.spread.final_median,
            }
            for number, run in enumerate(runs)
        )
        result = replace(result, seeds=rows)
    return result


def judge(
    name: str,
    spec: ModelSpec,
    bench: Bench,
    dynamics: AbstractDynamics,
    fit: Fit | None,
    residual: str | None = None,
) -> ModelResult:
    """All figures of one model; `fit` tells how it was trained, None where that is not known.

    `residual` is what it was trained on, the model's own unless it is given.
    """
    predicted = eqx.filter_jit(batched_accelerations)(dynamics, bench.test.states)
    motion = _balance(bench.system, roll_out(dynamics, bench.start, bench.truth.t), bench.start, bench.scale)
    errors = state_errors(bench.system, bench.truth, motion.rollout)
    return ModelResult(
        name=name,
        title=spec.title,
        spec=spec,
        residual=residual or spec.residual,
        dynamics=dynamics,
        trainable_parameters=parameter_count(dynamics),
        states_seen=0 if fit is None else fit.states_seen,
        train_seconds=0.0 if fit is None else fit.seconds,
        steps=() if fit is None else fit.steps,
        history=None if fit is None else fit.history,
        acceleration=acceleration_errors(bench.test.a, predicted),
        test_accelerations=np.asarray(predicted),
        motion=motion,
        state_errors=errors,
        valid_seconds=valid_times(errors, np.asarray(bench.truth.t)),
        outside=share_outside(bench.system, motion.rollout),
    )
