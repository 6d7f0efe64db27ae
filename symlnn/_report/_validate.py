"""`validate`: the main job, from a declaration to a report."""

import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .. import __version__
from .._compare import (
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
from .._data import load_dataset, sample_states
from .._dynamics import AbstractDynamics, SymbolicDynamics
from .._models import Architecture, ModelSpec, load_model, load_spec, parameter_count
from .._simulate import Rollout, simulate
from .._system import System
from .._train import Learned, Report, learn
from .._types import Samples, States
from ._folder import check_folder
from ._results import ModelResult, Motion, Settings, Spread, Validation
from ._write import write_report

Progress = Callable[[str, Report | None], None]
"""Called with what is being done and, while a model trains, with how its training stands."""


@dataclass(frozen=True)
class Effort:
    """How much a validation does."""

    seconds: float
    """Training of each model."""
    test_states: int
    trajectories: int = 40
    check_states: int = 10_000


DEFAULT = Effort(seconds=60.0, test_states=100_000)
QUICK = Effort(seconds=9.0, test_states=20_000)
_FRAMES_PER_SECOND = 40.0
_MAX_FRAMES = 4000
_MAX_STEPS = 20_000
_MAX_STEPS_PER_SECOND = 200
"""A roll-out that needs more steps of the integrator has failed, else one bad model would hold up the report."""


@dataclass(frozen=True)
class _Bench:
    """What every model is held against."""

    system: System
    test: Samples
    start: States
    truth: Rollout
    scale: float


def _roll_out(dynamics: AbstractDynamics, start: States, times: jax.Array) -> Rollout:
    max_steps = max(_MAX_STEPS, round(_MAX_STEPS_PER_SECOND * float(times[-1])))
    return simulate(dynamics, start.q, start.v, times=times, m=start.m, u=start.u, max_steps=max_steps)


def _balance(system: System, rollout: Rollout, start: States, scale: float) -> Motion:
    if system.conserves_energy:
        energy = energy_along(SymbolicDynamics(system), rollout, start.m)
        errors = energy_errors(energy, rollout.successful, scale)
    else:
        errors = power_balance_errors(system, rollout, start, scale)
    return Motion(rollout, errors, Spread.of(errors, np.asarray(rollout.successful)))


def validate(
    system: System,
    models: Sequence[str] = ("lnn", "nn"),
    *,
    out: str | Path,
    quick: bool = False,
    seconds: float | None = None,
    steps: int | Sequence[int] | None = None,
    seed: int = 0,
    seeds: int = 1,
    data: str | Path | None = None,
    architecture: Architecture | None = None,
    command: str = "",
    progress: Progress = lambda doing, report: None,
) -> Validation:
    """Derive, cross-check, generate, train, roll out, compare, and write a report to the folder `out`.

    `models` are names of built-in models, paths of `.py` files that define `MODEL`, or paths of `.eqx` files of trained
    models. Each gets the same budget: `seconds` of training (60, or 9 with `quick`), or `steps`. With `seeds` above 1
    each is trained so many times, and the spread of its headline figures is reported. `data` is a data set to train
    on in place of fresh states. Run it in float64 (`jax_enable_x64`) unless float32 is the point.

    Raises `ValueError` for what is wrong with the arguments, before anything is computed.
    """
    out = Path(out)
    check_folder(out)
    if not models:
        raise ValueError("validate needs at least one model: models=('lnn', 'nn').")
    if seeds < 1:
        raise ValueError(f"seeds must be at least 1, but is {seeds}.")
    if seconds is not None and steps is not None:
        raise ValueError("Give either seconds or steps as the training budget, not both.")
    dataset = None if data is None else load_dataset(data, system)
    candidates = _candidates(system, models)
    effort = QUICK if quick else DEFAULT
    if steps is None and seconds is None:
        seconds = effort.seconds
    timer = _Timer()

    progress("Cross-checking the derivation", None)
    with timer("derive and cross-check"):
        check = cross_check(system, states=effort.check_states, seed=seed)
    progress("Integrating the analytic system", None)
    with timer("analytic roll-outs"):
        bench = _prepare(system, effort, seed)
        oracle = _balance(system, bench.truth, bench.start, bench.scale)
        lyapunov = _lyapunov_time(system, bench.start)
    train = partial(learn, system, data=dataset, architecture=architecture, seconds=seconds, steps=steps)
    results = [
        _measure(name, source, bench, train, seed, seeds, timer, progress) for name, source in candidates.items()
    ]
    validation = Validation(
        system=system,
        settings=Settings(
            seed=seed,
            precision=str(bench.test.a.dtype),
            device=jax.default_backend(),
            quick=quick,
            command=command,
            versions=_versions(),
            data=None if data is None else str(data),
        ),
        energy_scale=bench.scale,
        check=check,
        oracle=oracle,
        lyapunov_time=lyapunov,
        test=bench.test,
        start=bench.start,
        models=tuple(result for result, _ in results),
        seconds=timer.spent,
    )
    progress("Writing the report", None)
    write_report(validation, [spec for _, spec in results], out)
    return validation


class _Timer:
    """Seconds spent on each part of a validation."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        begin = time.monotonic()
        yield
        self.spent[part] = self.spent.get(part, 0.0) + time.monotonic() - begin


def _versions() -> Mapping[str, str]:
    packages = ("jax", "equinox", "optax", "diffrax", "sympy", "numpy")
    return {
        "symlnn": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def _candidates(system: System, models: Sequence[str]) -> dict[str, str]:
    """Each model's name in the report, and where it comes from; wrong ones are found before anything is computed."""
    named: dict[str, str] = {}
    for source in models:
        if source.endswith(".eqx"):
            spec = load_spec(source)
            if (spec.system.q, spec.system.m) != (system.q, system.m):
                raise ValueError(
                    f"{source} is a model of {spec.system.name}, with other coordinates or varying parameters than "
                    f"{system.name}: name a model that was trained on this system."
                )
            load_model(source)
        else:
            ModelSpec.check(source)
        name = Path(source).stem if source.endswith((".eqx", ".py")) else source
        if name in named:
            raise ValueError(f"Two models are called {name!r}: rename one of the files.")
        named[name] = source
    return named


def _prepare(system: System, effort: Effort, seed: int) -> _Bench:
    test_key, start_key = jax.random.split(jax.random.fold_in(jax.random.key(seed), 1))
    test = draw_test_samples(system, effort.test_states, test_key)
    if not bool(jnp.all(jnp.isfinite(test.a))):
        raise ValueError(
            f"The accelerations of {system.name} are not finite at some sampled states: "
            "narrow the distributions in states to where the mass matrix is regular."
        )
    start = sample_states(system, effort.trajectories, key=start_key, initial=True)
    frames = min(_MAX_FRAMES, max(400, round(_FRAMES_PER_SECOND * system.duration)))
    times = jnp.linspace(0.0, system.duration, frames + 1)
    truth = _roll_out(SymbolicDynamics(system), start, times)
    return _Bench(system, test, start, truth, energy_scale(system, test.states))


def _lyapunov_time(system: System, start: States) -> float | None:
    exponents, chaotic = lyapunov_exponents(SymbolicDynamics(system), start[:20], system.duration)
    return float(1 / np.median(exponents)) if chaotic else None


def _measure(
    name: str,
    source: str,
    bench: _Bench,
    train: Callable[..., Learned],
    seed: int,
    seeds: int,
    timer: _Timer,
    progress: Progress,
) -> tuple[ModelResult, ModelSpec]:
    if source.endswith(".eqx"):
        with timer(f"measure {name}"):
            spec = load_spec(source)
            return _judge(name, spec, bench, load_model(source), None), spec
    runs: list[tuple[ModelResult, ModelSpec]] = []
    for number in range(seeds):
        label = f"Training {name}" + (f", seed {seed + number}" if seeds > 1 else "")
        with timer(f"train {name}"):
            learned = train(source, seed=seed + number, progress=lambda report, label=label: progress(label, report))
        if not learned.fit.complete:
            raise KeyboardInterrupt  # `fit` keeps what it has; a report on half a training would mislead
        progress(f"Measuring {name}", None)
        with timer(f"measure {name}"):
            runs.append((_judge(name, learned.spec, bench, learned.fit.dynamics, learned), learned.spec))
    result, spec = runs[0]
    if seeds > 1:
        rows = tuple(
            {
                "seed": seed + number,
                "l1_sum": run.acceleration.l1_sum,
                "relative_rms": run.acceleration.relative_rms,
                "final_mean": run.motion.spread.final_mean,
                "final_median": run.motion.spread.final_median,
            }
            for number, (run, _) in enumerate(runs)
        )
        result = replace(result, seeds=rows)
    return result, spec


def _judge(
    name: str, spec: ModelSpec, bench: _Bench, dynamics: AbstractDynamics, learned: Learned | None
) -> ModelResult:
    predicted = eqx.filter_jit(batched_accelerations)(dynamics, bench.test.states)
    motion = _balance(bench.system, _roll_out(dynamics, bench.start, bench.truth.t), bench.start, bench.scale)
    errors = state_errors(bench.system, bench.truth, motion.rollout)
    return ModelResult(
        name=name,
        title=spec.title,
        dynamics=dynamics,
        trainable_parameters=parameter_count(dynamics),
        states_seen=0 if learned is None else learned.fit.states_seen,
        train_seconds=0.0 if learned is None else learned.fit.seconds,
        steps=() if learned is None else learned.fit.steps,
        history=None if learned is None else learned.fit.history,
        acceleration=acceleration_errors(bench.test.a, predicted),
        test_accelerations=np.asarray(predicted),
        motion=motion,
        state_errors=errors,
        valid_seconds=valid_times(errors, np.asarray(bench.truth.t)),
        outside=share_outside(bench.system, motion.rollout),
    )
