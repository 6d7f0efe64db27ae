"""`examine`: derive, cross-check, train, roll out and compare, without writing anything."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import jax
import numpy as np
import xarray as xr

from .._dynamics import AbstractDynamics
from .._models import Builder, Model, TrainedModel, find_model, load_model
from .._serialise import system_to_json
from .._system import System
from .._timer import Timer
from .._train import Budget, Learned, Monitor, Progress, learn
from .._types import Samples, key_of
from ..metrics import cross_check, lyapunov_exponents
from ._bench import Bench
from ._law import law_of_best
from ._results import ModelResult, Settings, Validation

ReportListener: TypeAlias = Callable[[str, Progress | None], None]
"""Called with what is being done and, while a model trains, with how its training stands."""

Candidate: TypeAlias = str | Model | Builder | Learned | TrainedModel | AbstractDynamics
"""What can be validated: a model to be trained (a name of `MODELS`, the path of a `.py` file that defines `MODEL`, a
builder, a `Model`), or a trained one (the path of an `.eqx` file, what `learn` or `load_model` return, a dynamics)."""


@dataclass(frozen=True)
class Effort:
    """How much a validation does."""

    budget: Budget = field(default_factory=lambda: Budget(seconds=60.0))
    """Of the training of each model."""
    test_states: int = 100_000
    trajectories: int = 40
    check_states: int = 10_000
    seeds: int = 1
    """How often each model is trained; above one the spread of its headline figures is kept."""
    recover: bool = False
    """Whether the law of the best model is written as a formula, where the system is small enough."""
    quick: bool = False
    """Whether it only shows that everything works."""

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise ValueError(f"seeds must be at least 1, but is {self.seeds}.")


QUICK = Effort(Budget(seconds=7.0), test_states=10_000, trajectories=20, quick=True)
"""A complete report in about a minute, with little training."""


@dataclass(frozen=True)
class Examination:
    """What the models of a system are examined with; `measure` gives the result of one."""

    system: System
    bench: Bench
    effort: Effort
    settings: Settings
    data: xr.Dataset | Samples | None
    timer: Timer
    listener: ReportListener

    def measure(self, name: str, candidate: Candidate) -> ModelResult:
        """Train a model where it is not trained yet, and measure it; once for each seed."""
        found = find_candidate(candidate)
        if not isinstance(found, Model):
            with self.timer(f"measure {name}"):
                fit = candidate.fit if isinstance(candidate, Learned) else None
                return replace(_result(name, found, self.bench), fit=fit)
        runs = [self._trained(name, found, self.settings.seed + number) for number in range(self.effort.seeds)]
        if self.effort.seeds == 1:
            return runs[0]
        rows = tuple(
            {
                "seed": self.settings.seed + number,
                "l1_sum": run.acceleration.l1_sum,
                "relative_rms": run.acceleration.relative_rms,
                "final_mean": run.motion.spread.final_mean,
                "final_median": run.motion.spread.final_median,
            }
            for number, run in enumerate(runs)
        )
        return replace(runs[0], seeds=rows)

    def _trained(self, name: str, model: Model, seed: int) -> ModelResult:
        label = f"Training {name}" + (f", seed {seed}" if self.effort.seeds > 1 else "")
        with self.timer(f"train {name}"):
            learned = learn(
                self.system,
                model,
                data=self.data,
                budget=self.effort.budget,
                seed=seed,
                monitor=Monitor(listener=lambda progress: self.listener(label, progress)),
            )
        if learned.fit.interrupted:
            raise KeyboardInterrupt  # a report on half a training would mislead
        self.listener(f"Measuring {name}", None)
        with self.timer(f"measure {name}"):
            return replace(_result(name, learned.model, self.bench), fit=learned.fit)


def find_candidate(candidate: Candidate) -> Model | TrainedModel | AbstractDynamics:
    """A model to be trained, a trained one with what rebuilds it, or a dynamics. Raises `ValueError` for none."""
    if isinstance(candidate, TrainedModel | AbstractDynamics):
        return candidate
    if isinstance(candidate, Learned):
        return candidate.model
    if isinstance(candidate, str) and candidate.endswith(".eqx"):
        return load_model(candidate)
    return find_model(candidate)


def _result(name: str, found: TrainedModel | AbstractDynamics, bench: Bench) -> ModelResult:
    spec = found.spec if isinstance(found, TrainedModel) else None
    dynamics = found.dynamics if isinstance(found, TrainedModel) else found
    return ModelResult(name=name, spec=spec, dynamics=dynamics, fit=None, judgement=bench.judge(dynamics))


def examine(
    system: System,
    models: Mapping[str, Candidate],
    *,
    effort: Effort,
    settings: Settings,
    data: xr.Dataset | Samples | None = None,
    listener: ReportListener = lambda doing, progress: None,
) -> Validation:
    """Measure models of a system against it. `models` maps what a report calls each to where it comes from.

    Every model gets the same budget. A training that goes wrong is part of the result: the last good parameters are
    measured.
    """
    key_of(settings.seed + effort.seeds - 1)  # the last one, before anything is computed
    system_to_json(system)  # what the report keeps of its models
    timer = Timer()
    listener("Cross-checking the derivation", None)
    with timer("derive and cross-check"):
        check = cross_check(system, states=effort.check_states, seed=settings.seed)
    listener("Integrating the analytic system", None)
    with timer("analytic roll-outs"):
        key = jax.random.fold_in(key_of(settings.seed), 1)
        bench = Bench.of_system(system, test_states=effort.test_states, trajectories=effort.trajectories, key=key)
        exponents, chaotic = np.zeros(0), None
        if bench.moves:
            exponents, chaotic = lyapunov_exponents(bench.truth, bench.start[:20], is_angle=system.is_angle)
    examination = Examination(system, bench, effort, settings, data, timer, listener)
    results = tuple(examination.measure(name, candidate) for name, candidate in models.items())
    law = None
    if effort.recover:
        listener("Recovering the law of the best model", None)
        with timer("recover"):
            law = law_of_best(system, results, seed=settings.seed)
    return Validation(
        system=system,
        settings=settings,
        bench=bench,
        check=check,
        oracle=bench.oracle,
        lyapunov_time=float(1 / np.nanmedian(exponents)) if chaotic else None,
        chaotic=chaotic,
        models=results,
        law=law,
        seconds=timer.spent,
    )


def named(system: System, models: Any) -> dict[str, Candidate]:
    """Each model's name in a report, and where it comes from; wrong ones are found before anything is computed."""
    given = models if isinstance(models, Mapping) else [(_name(source), source) for source in models]
    found: dict[str, Candidate] = {}
    for name, source in given.items() if isinstance(given, Mapping) else given:
        if not (isinstance(name, str) and re.fullmatch(r"[^\W_][\w ().+-]{0,99}", name)):
            raise ValueError(
                f"The model name {name!r} names files: use letters, digits, spaces and any of “._+-()”. Rename the "
                "file, or give a dict of names."
            )
        if name in found:
            raise ValueError(f"Two models are called {name!r}: rename one of the files, or give a dict of names.")
        candidate = find_candidate(source)
        if isinstance(candidate, TrainedModel):
            theirs = candidate.spec.system
            if (theirs.q, theirs.m) != (system.q, system.m):
                raise ValueError(
                    f"{source} is a model of {theirs.name}, with other coordinates or varying parameters than "
                    f"{system.name}: name a model that was trained on this system."
                )
        found[name] = candidate if isinstance(source, str) else source
    return found


def _name(source: Candidate) -> str:
    if isinstance(source, str):
        return Path(source).stem if source.endswith((".eqx", ".py")) else source
    found = find_candidate(source)
    if isinstance(found, Model):
        return found.name
    return found.spec.model.name if isinstance(found, TrainedModel) else type(found).__name__
