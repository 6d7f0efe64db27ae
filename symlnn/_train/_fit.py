"""`fit`: train a model through the stages of a recipe, within a budget of time or steps."""

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from .._data import SegmentSource, Source
from .._dynamics import AbstractDynamics
from .._models._spec import trainable
from .._types import Key, Samples
from ._checkpoint import History, Progress, read_arrays, read_progress, save_checkpoint
from ._first_order import FirstOrder
from ._gauss_newton import GaussNewton
from ._residual import AbstractResidual
from ._stage import AbstractStage, Problem, diverged


class TrainingError(RuntimeError):
    """Training met a value that is not finite; the last good parameters have been kept."""


@dataclass(frozen=True)
class Recipe:
    """The stages of a training, in order, and how a budget is divided among them.

    The default is Muon, which finds the basin, then Gauss–Newton in sample space, which reaches its bottom.
    """

    stages: tuple[AbstractStage, ...] = (FirstOrder(), GaussNewton())
    time_shares: tuple[float, ...] = (0.2, 0.8)
    """Each stage's share of a budget in seconds."""
    step_shares: tuple[float, ...] = (0.94, 0.06)
    """Each stage's share of a budget in steps."""

    def __post_init__(self) -> None:
        for name in ("time_shares", "step_shares"):
            shares = getattr(self, name)
            if len(shares) != len(self.stages) or min(shares) < 0 or not math.isclose(sum(shares), 1.0):
                raise ValueError(f"{name} must hold a share for each of the {len(self.stages)} stages, adding up to 1.")

    @staticmethod
    def single(stage: AbstractStage) -> "Recipe":
        """The recipe of one stage."""
        return Recipe((stage,), (1.0,), (1.0,))

    def divide(self, steps: int | Sequence[int]) -> tuple[int, ...]:
        """The steps of each stage: of `steps` in all, or as given. Raises `ValueError` unless they are positive."""
        if isinstance(steps, int):
            counts = [math.floor(share * steps) for share in self.step_shares]
            counts[0] += steps - sum(counts)
        else:
            counts = list(steps)
            if len(counts) != len(self.stages):
                raise ValueError(f"steps must be one number, or {len(self.stages)}, one for each stage: {steps}.")
        if min(counts) < 0 or sum(counts) < 1:
            raise ValueError(f"The training budget must be positive, but is {steps} steps.")
        return tuple(counts)


@dataclass(frozen=True)
class Fit:
    """A trained model and how it came about."""

    dynamics: AbstractDynamics
    """The model of the lowest validation error."""
    last: AbstractDynamics
    """The model after the last step."""
    history: History
    steps: tuple[int, ...]
    """The steps of each stage: given as `steps`, with the same seed, they give the same model."""
    states_seen: int
    seconds: float
    """Training time, without compilation and validation."""
    complete: bool
    """Whether all planned steps were done, False after Ctrl-C."""


@dataclass(frozen=True)
class Report:
    """What a progress bar is told after every chunk."""

    stage: str
    step: int
    share: float
    """Of the whole budget, what is spent."""
    loss: float
    validation: float
    steps_per_second: float


def fit(
    dynamics: AbstractDynamics,
    source: Source | SegmentSource,
    residual: AbstractResidual,
    *,
    key: Key,
    validation: Samples,
    recipe: Recipe | None = None,
    seconds: float | None = None,
    steps: int | Sequence[int] | None = None,
    checkpoint: Path | None = None,
    checkpoint_every: float = 5.0,
    resume: bool = False,
    run: dict[str, Any] | None = None,
    progress: Callable[[Report], None] = lambda report: None,
) -> Fit:
    """Train the dynamics on samples, or segments, that `source(key, n)` draws afresh for every step.

    The budget is either `seconds` of training, each stage's share of which is turned into steps by the speed of the
    machine, or `steps`, in all or for each stage, which give the same model on every run. Step i draws from
    `jax.random.fold_in(key, i)`, so a run resumed from its `checkpoint` ends with the parameters of one that was not
    interrupted. Steps that end in a divergence are undone, see `diverged`. Ctrl-C ends the training with what there
    is, and a checkpoint.

    Raises `ValueError` for a budget that is not positive, and `TrainingError`, with the step, the loss and advice,
    where the loss is not finite.
    """
    if (seconds is None) == (steps is None):
        raise ValueError("fit needs exactly one of seconds and steps.")
    if seconds is not None and not 0 < seconds < math.inf:
        raise ValueError(f"The training budget must be positive, but is {seconds} seconds.")
    recipe = Recipe() if recipe is None else recipe
    plan = () if steps is None else recipe.divide(steps)
    run = {"seconds": seconds, "steps": list(plan), "recipe": repr(recipe), **(run or {})}
    return _Trainer(
        dynamics, source, residual, key, validation, recipe, checkpoint, checkpoint_every, run, progress
    ).train(seconds, plan, resume)


@dataclass
class _Run:
    """The mutable part of a training."""

    params: Any
    best_params: Any
    state: Any
    progress: Progress


class _Trainer:
    def __init__(
        self,
        dynamics: AbstractDynamics,
        source: Source | SegmentSource,
        residual: AbstractResidual,
        key: Key,
        validation: Samples,
        recipe: Recipe,
        checkpoint: Path | None,
        checkpoint_every: float,
        run: dict[str, Any],
        report: Callable[[Report], None],
    ):
        params, static = eqx.partition(dynamics, trainable(dynamics))
        self.params = params
        self.problem = Problem(static, residual, source)
        self.key, self.validation, self.recipe = key, validation, recipe
        self.checkpoint, self.checkpoint_every, self.run, self.report = (
            checkpoint,
            checkpoint_every,
            run,
            report,
        )
        self.saved_at = time.monotonic()

    def train(self, seconds: float | None, plan: tuple[int, ...], resume: bool) -> Fit:
        if resume and self.checkpoint is not None and self.checkpoint.is_file():
            state = self._resume(self.checkpoint)
        else:
            first = Progress(0, 0, plan, math.inf, History())
            state = _Run(self.params, self.params, self.recipe.stages[0].init(self.params), first)
            self._save(state)
        complete = True
        try:
            self._loop(state, seconds)
        except KeyboardInterrupt:
            complete = False
        self._save(state)
        progress = state.progress
        done = [*progress.steps[: progress.stage], progress.step][: len(self.recipe.stages)]
        seen = sum(n * stage.batch for n, stage in zip(done, self.recipe.stages, strict=False))
        return Fit(
            eqx.combine(state.best_params, self.problem.static),
            eqx.combine(state.params, self.problem.static),
            progress.history,
            tuple(done),
            seen,
            progress.spent,
            complete,
        )

    def _loop(self, state: _Run, seconds: float | None) -> None:
        error = eqx.filter_jit(self.problem.error).lower(self.params, self.validation).compile()
        if math.isinf(state.progress.best):
            untrained = float(error(self.params, self.validation))
            best = untrained if math.isfinite(untrained) else math.inf
            state.progress = dataclasses.replace(state.progress, best=best)
        for index in range(state.progress.stage, len(self.recipe.stages)):
            if seconds is not None or state.progress.steps[index] > 0:
                self._run_stage(state, index, error, seconds)
            state.progress = dataclasses.replace(state.progress, stage=index + 1, step=0)
            if index + 1 < len(self.recipe.stages):
                state.state = self.recipe.stages[index + 1].init(state.params)

    def _run_stage(self, state: _Run, index: int, error: Any, seconds: float | None) -> None:
        stage = self.recipe.stages[index]
        chunk = _compile(stage, self.problem, self.params, self.key)
        if index == len(state.progress.steps):
            steps = (*state.progress.steps, self._plan(index, stage, chunk, state.progress, seconds or 0.0))
            state.progress = dataclasses.replace(state.progress, steps=steps)
        began, at = state.progress.spent, state.progress.step
        while state.progress.step < state.progress.steps[index]:
            self._advance(state, stage, chunk, error, seconds)
            if seconds is not None and not stage.scheduled:
                self._adjust(state, index, self._deadline(index, seconds), began, at)

    def _deadline(self, index: int, seconds: float) -> float:
        """The training time at which stage `index` should end."""
        return seconds * sum(self.recipe.time_shares[: index + 1])

    def _plan(self, index: int, stage: AbstractStage, chunk: Any, progress: Progress, seconds: float) -> int:
        """The steps of a stage that fill the time left for it, from the time that one chunk takes."""
        begin = time.monotonic()
        jax.block_until_ready(chunk(self.params, stage.init(self.params), 0, 0, stage.chunk))
        per_step = (time.monotonic() - begin) / stage.chunk
        return max(stage.chunk, round((self._deadline(index, seconds) - progress.spent) / per_step))

    def _adjust(self, state: _Run, index: int, deadline: float, began: float, at: int) -> None:
        """Plan the rest of a stage anew, from the speed it has had so far."""
        progress = state.progress
        per_step = (progress.spent - began) / (progress.step - at)
        left = max(0, round((deadline - progress.spent) / per_step))
        steps = (*progress.steps[:index], progress.step + left)
        state.progress = dataclasses.replace(progress, steps=steps)

    def _advance(self, state: _Run, stage: AbstractStage, chunk: Any, error: Any, seconds: float | None) -> None:
        progress = state.progress
        total = progress.steps[progress.stage]
        offset = sum(progress.steps[: progress.stage])
        count = min(stage.chunk, total - progress.step)
        begin = time.monotonic()
        params, inner, losses = jax.block_until_ready(
            chunk(state.params, state.state, offset + progress.step, offset, total)
        )
        elapsed = time.monotonic() - begin
        losses = losses[:count]
        loss = float(jnp.mean(losses))
        validation = float(error(params, self.validation))
        if not (math.isfinite(loss) and math.isfinite(validation)):
            self._stop(state, losses, loss, validation)
        spent = progress.spent + elapsed
        done = progress.step + count
        name = type(stage).__name__
        if not diverged(validation, progress.best):
            state.params, state.state = params, inner
        if validation < progress.best:
            state.best_params = params
        state.progress = dataclasses.replace(
            progress,
            step=done,
            best=min(progress.best, validation),
            history=progress.history.append(name, offset + done, spent, loss, validation),
        )
        share = (offset + done) / sum(progress.steps) if seconds is None else min(1.0, spent / seconds)
        self.report(Report(name, offset + done, share, loss, validation, count / elapsed))
        if time.monotonic() - self.saved_at > self.checkpoint_every:
            self._save(state)

    def _stop(self, state: _Run, losses: Array, loss: float, validation: float) -> None:
        self._save(state)
        progress = state.progress
        bad = [i for i, value in enumerate(losses.tolist()) if not math.isfinite(value)]
        step = sum(progress.steps[: progress.stage]) + progress.step + (bad[0] if bad else len(losses))
        raise TrainingError(
            f"At step {step} the loss is {loss:g} and the validation error {validation:g}: the learned mass matrix has "
            "become singular, or the data are not finite. The last good parameters are kept in the checkpoint. "
            "Lower the learning rate, use float64, or exclude states where the accelerations are infinite."
        )

    def _save(self, state: _Run) -> None:
        if self.checkpoint is None:
            return
        save_checkpoint(self.checkpoint, self.run, state.progress, (state.params, state.best_params, state.state))
        self.saved_at = time.monotonic()

    def _resume(self, path: Path) -> _Run:
        progress = read_progress(path, self.run)
        index = min(progress.stage, len(self.recipe.stages) - 1)
        like = (self.params, self.params, self.recipe.stages[index].init(self.params))
        params, best, inner = read_arrays(path, like)
        return _Run(params, best, inner, progress)


def _compile(stage: AbstractStage, problem: Problem, params: Any, key: Key) -> Any:
    """`stage.chunk` steps as one compiled scan; steps beyond the stage's last are skipped."""

    @eqx.filter_jit
    def chunk(params: Any, state: Any, first: Array, offset: Array, total: Array) -> tuple[Any, Any, Array]:
        def body(carry: tuple[Any, Any], i: Array) -> tuple[tuple[Any, Any], Array]:
            done = (i - offset) / total

            def step(params: Any, state: Any) -> tuple[Any, Any, Array]:
                return stage.step(problem, params, state, jax.random.fold_in(key, i), done)

            def skip(params: Any, state: Any) -> tuple[Any, Any, Array]:
                return params, state, jnp.zeros((), jnp.result_type(*jax.tree.leaves(params)))

            *carry_, loss = jax.lax.cond(i - offset < total, step, skip, *carry)
            return tuple(carry_), loss

        (params, state), losses = jax.lax.scan(body, (params, state), first + jnp.arange(stage.chunk))
        return params, state, losses

    dummy = jnp.asarray(0)
    compiled = chunk.lower(params, stage.init(params), dummy, dummy, dummy).compile()
    return lambda params, state, *numbers: compiled(params, state, *map(jnp.asarray, numbers))
