"""`fit`: train any model on any residual, alone or as an ensemble, within a budget of time or steps."""

import dataclasses
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array
from threadpoolctl import threadpool_limits

from .._data import Resample, Source, draw, hold_out
from .._models import trainable
from .._results import RESULTS
from .._types import Key, Keys, Samples, Segments
from ._checkpoint import Entry, History, Position
from ._error import AbstractError, ResidualError
from ._fingerprint import fingerprint
from ._members import Member, advance, begin, change_stage
from ._monitor import UNSEEN, Monitor, Progress
from ._processes import agreed, is_first
from ._recipe import Budget, Recipe
from ._residual import AbstractResidual
from ._stage import AbstractStage, Problem

HELD_OUT = 2048
"""Observations that the held-out error is taken over, where they can be drawn."""
HELD_OUT_SHARE = 0.1
"""The share of given data that is held out."""
_SHARE_OF_PLANNING = 0.2
"""The time of a stage beyond which its steps are not timed again before it begins."""

_ASTRAY = (
    "Twenty chunks of steps in a row ended in an error larger than that of no prediction, and were undone. The best "
    "parameters before are kept. Lower the learning rate, or begin from another key."
)


@dataclass(frozen=True)
class Fit:
    """What was trained, and how it came about. Of an ensemble, arrays have a leading axis of members."""

    model: Any
    """With the parameters of the lowest held-out error."""
    last: Any
    """With the parameters after the last step."""
    lowest: Any
    """The held-out error of `model`; that of each member of an ensemble."""
    result: RESULTS
    """`successful`, `not_finite`, `diverged` or `interrupted`; one for each member of an ensemble."""
    message: str
    """What went wrong, and what to do; of an ensemble, with the first member that it went wrong with. Empty where
    nothing did, and where it was interrupted."""
    history: History
    steps: tuple[int, ...]
    """The steps of each stage: given as a budget, with the same key, they give the same model."""
    seen: int
    """Observations drawn."""
    seconds: float
    """Training time, without compilation."""
    compile_seconds: float = 0.0
    """What its compilation took in this process: next to nothing where the steps were compiled before."""

    @property
    def successful(self) -> bool:
        """Whether it was trained to the end; of an ensemble, all members."""
        return bool(np.all(np.asarray(self.result == RESULTS.successful)))

    @property
    def interrupted(self) -> bool:
        """Whether it was interrupted before its end."""
        return bool(np.any(np.asarray(self.result == RESULTS.interrupted)))

    def member(self, index: int) -> "Fit":
        """What became of one member of an ensemble; its training time is that of all of them together."""
        own = {name: tuple(row[index] for row in getattr(self.history, name)) for name in ("loss", "error")}
        return dataclasses.replace(
            self,
            model=unstack(self.model)[index],
            last=unstack(self.last)[index],
            lowest=self.lowest[index],
            result=jax.tree.map(lambda code: code[index], self.result),
            history=dataclasses.replace(self.history, **own),
        )


def fit(
    model: Any,
    residual: AbstractResidual,
    data: Source | Samples | Segments | xr.Dataset,
    *,
    key: Keys,
    where: Any = None,
    recipe: Recipe | None = None,
    budget: Budget | None = None,
    monitor: Monitor = UNSEEN,
) -> Fit:
    """Make a residual of a model small: any PyTree that the residual takes, a `SymbolicDynamics` among them.

    `where` is a filter in Equinox's sense, a tree of truth values, of the arrays that are trained; by default all that
    are not given (see `trainable`). `data` are observations, or a function `source(key, n)` that draws them afresh for
    every step. The `monitor` has what is looked at between steps (by default the residual on what was held out of the
    data), a checkpoint and a listener.
    With a batch of keys, `model` is an ensemble: its arrays are stacked along a leading axis, and each member is
    trained as it would be alone with its key. The budget is 60 seconds unless it is given.

    Each device has a share of every batch, of all processes that `jax.distributed` has joined: they all call this with
    the same arguments, and the first one writes the checkpoint, where all have to find it.

    Step i draws from `jax.random.fold_in(key, i)`, so a run resumed from its checkpoint ends with the parameters of one
    that was not interrupted, to the bit. What goes wrong while it runs, Ctrl-C too, is a result code beside the best
    and the last good parameters. Raises `ValueError` for misuse.
    """
    recipe, budget = recipe or Recipe(), budget or Budget(seconds=60.0)
    params, rest = eqx.partition(model, trainable(model) if where is None else where)
    if not jax.tree.leaves(params):
        raise ValueError("There is nothing to train: where selects no array of the model.")
    _check_members(model, key)
    source, own_error = _divided(residual, data, key if key.ndim == 0 else key[0])
    problem, error, checkpoint = Problem(rest, residual, source), monitor.error or own_error, monitor.checkpoint
    if checkpoint is not None:
        run: dict[str, Any] = {
            "seconds": budget.seconds,
            "steps": None if budget.steps is None else list(recipe.divide(budget.steps)),
            "recipe": fingerprint(recipe),
            "residual": fingerprint(residual),
            "data": None if callable(data) else fingerprint(data),
        }
        checkpoint = dataclasses.replace(checkpoint, run=run | dict(checkpoint.run))
    monitor = Monitor(error, checkpoint, monitor.listener)
    return _Training(problem, error, key, recipe, budget, monitor).run(params)


def _check_members(model: Any, key: Keys) -> None:
    if key.ndim == 0:
        return
    sizes = {x.shape[:1] for x in jax.tree.leaves(model) if eqx.is_array(x)}
    if sizes != {key.shape}:
        raise ValueError(
            f"An ensemble of {key.shape[0]} keys needs {key.shape[0]} members along the leading axis of every array: "
            "build them alike, and stack them with symlnn.stack."
        )


def _divided(residual: AbstractResidual, data: Any, key: Key) -> tuple[Source, AbstractError]:
    """Where training draws from, and the error on what it does not draw."""
    split = jax.random.fold_in(key, 2**31 - 1)
    if callable(data):
        return data, ResidualError(residual, draw(data, split, HELD_OUT))
    training, held = (residual.observations.of(part) for part in hold_out(data, HELD_OUT_SHARE, split))
    return Resample(training), ResidualError(residual, held)


def stack(models: Sequence[Any]) -> Any:
    """Models that are built alike as one ensemble, whose arrays have a leading axis of members.

    Raises `ValueError` where there is none, or they differ in more than the values of their arrays.
    """
    if not models:
        raise ValueError("An ensemble needs at least one member.")
    shapes = [tuple(jnp.shape(x) for x in jax.tree.leaves(m) if eqx.is_array(x)) for m in models]
    if len({*zip(map(jax.tree.structure, models), shapes, strict=True)}) > 1:
        raise ValueError("The members of an ensemble must be built alike and differ in their parameters only.")
    return jax.tree.map(lambda *x: jnp.stack(x) if eqx.is_array(x[0]) else x[0], *models)


def unstack(ensemble: Any) -> tuple[Any, ...]:
    """The members of an ensemble; the inverse of `stack`."""
    arrays, others = eqx.partition(ensemble, eqx.is_array)
    count = len(jax.tree.leaves(arrays)[0])
    return tuple(eqx.combine(jax.tree.map(lambda x, i=i: x[i], arrays), others) for i in range(count))


@dataclass(frozen=True)
class _Training:
    """A training that is to be run; where it stands is a `Position` and the members, passed from step to step."""

    problem: Problem
    error: AbstractError
    key: Keys
    recipe: Recipe
    budget: Budget
    monitor: Monitor

    def run(self, params: Any) -> Fit:
        """Through all stages, from the beginning or from the checkpoint."""
        stages, budget = self.recipe.stages, self.budget
        plan = () if budget.steps is None else self.recipe.divide(budget.steps)
        member = begin(stages[0], self.problem, self.error, params, self.key)
        position = Position(0, 0, plan, History())
        checkpoint = self.monitor.checkpoint
        if checkpoint is not None and checkpoint.resume and checkpoint.path.is_file():
            position, member = checkpoint.load(lambda position: self._at(position.stage, member))
        latest = _Latest((position, member), time.monotonic())
        self._save(latest)
        interrupted = False
        try:
            # threads of LAPACK and of XLA's products would wait for each other: a factor takes 15 ms in place of 2.4
            with threadpool_limits(1, user_api="blas"):
                while latest.alive and latest.position.stage < len(stages):
                    self._run_stage(latest, latest.position.stage)
        except KeyboardInterrupt:
            interrupted = True
        self._save(latest)
        return self._fitted(latest, interrupted)

    def _at(self, stage: int, member: Member) -> Member:
        """The members with the state that the optimiser of a stage has."""
        return change_stage(self.recipe.stages[min(stage, len(self.recipe.stages) - 1)], member, self.key)

    def _run_stage(self, latest: "_Latest", index: int) -> None:
        stage, seconds, position = self.recipe.stages[index], self.budget.seconds, latest.position
        if seconds is not None or position.steps[index] > 0:
            # compiled before the clock starts: none of these steps is taken
            begin = time.monotonic()
            jax.block_until_ready(self._steps(stage, latest.member, (0, 0, 0)))
            latest.compiling += time.monotonic() - begin
            if index == len(position.steps):
                steps = (*position.steps, self._plan(stage, latest, self._deadline(index)))
                latest.now = dataclasses.replace(position, steps=steps), latest.member
            began, at = latest.position.spent, latest.position.step
            while latest.position.step < latest.position.steps[index] and latest.alive:
                self._advance(latest, stage)
                # never after a part of a chunk, its last: the same steps without a clock end their chunks elsewhere
                if seconds is not None and not stage.scheduled and latest.position.step % stage.chunk == 0:
                    latest.plan_anew(index, self._deadline(index), began, at)
        if latest.alive:
            following = dataclasses.replace(latest.position, stage=index + 1, step=0)
            latest.now = following, self._at(index + 1, latest.member)

    def _deadline(self, index: int) -> float:
        """The training time at which stage `index` should end."""
        return (self.budget.seconds or 0.0) * sum(self.recipe.time_shares[: index + 1])

    def _steps(self, stage: AbstractStage, member: Member, span: tuple[int, int, int]) -> tuple[Member, Array, Array]:
        return advance(stage, self.problem, self.error, member, self.key, jax.tree.map(jnp.asarray, span))

    def _plan(self, stage: AbstractStage, latest: "_Latest", deadline: float) -> int:
        """The steps of a stage that fill the time left for it, from the time of some of them, the fastest.

        A tenth of a chunk is tried, which is enough for a stage that is planned anew as it runs; one with a schedule
        tries whole chunks too, where they cost little of the time that they plan.
        """

        def seconds(count: int) -> float:
            begin = time.monotonic()
            jax.block_until_ready(self._steps(stage, latest.member, (0, 0, count)))
            return agreed(time.monotonic() - begin)

        left, judging, per_step, tried = deadline - latest.position.spent, seconds(0), math.inf, 0.0
        for count in (math.ceil(stage.chunk / 10), stage.chunk, stage.chunk):
            elapsed = seconds(count)
            per_step = min(per_step, max(elapsed - judging, 0.0) / count + judging / stage.chunk)
            tried += elapsed
            if not stage.scheduled or tried > _SHARE_OF_PLANNING * left:
                break
        return max(1, round(left / per_step))

    def _advance(self, latest: "_Latest", stage: AbstractStage) -> None:
        position = latest.position
        total = position.steps[position.stage]
        count = min(stage.chunk, total - position.step)
        begin = time.monotonic()
        offset = position.done - position.step
        member, losses, errors = jax.block_until_ready(
            self._steps(stage, latest.member, (position.done, offset, total))
        )
        elapsed = agreed(time.monotonic() - begin)
        taken, found = np.asarray(losses)[..., :count], np.asarray(errors)
        loss, name = np.asarray(taken.mean(axis=-1)), type(stage).__name__
        if not latest.message and not (np.isfinite(taken).all() and np.isfinite(found).all()):
            latest.message = _advice(position.done, taken, loss, found)
        spent, done = position.spent + elapsed, position.done + count
        history = position.history.append(name, done, spent, _entry(loss), _entry(found))
        latest.now = dataclasses.replace(position, step=position.step + count, history=history), member
        seconds = self.budget.seconds
        share = done / sum(position.steps) if seconds is None else min(1.0, spent / seconds)
        self.monitor.listener(Progress(name, done, share, _least(loss), _least(found), count / elapsed))
        checkpoint = self.monitor.checkpoint
        if checkpoint is not None and time.monotonic() - latest.saved_at > checkpoint.every:
            self._save(latest)
            latest.saved_at = time.monotonic()

    def _save(self, latest: "_Latest") -> None:
        if self.monitor.checkpoint is not None and is_first():
            self.monitor.checkpoint.save(latest.position, latest.member)

    def _fitted(self, latest: "_Latest", interrupted: bool) -> Fit:
        position, member = latest.position, latest.member
        done = [*position.steps[: position.stage], position.step][: len(self.recipe.stages)]
        code = member.code
        if interrupted:
            running = code == RESULTS.successful
            code = jax.tree.map(lambda x, y: jnp.where(running, x, y), RESULTS.interrupted, code)
        return Fit(
            model=eqx.combine(member.best, self.problem.rest),
            last=eqx.combine(member.params, self.problem.rest),
            lowest=np.asarray(member.lowest),
            result=code,
            message=latest.message or (_ASTRAY if np.any(np.asarray(code == RESULTS.diverged)) else ""),
            history=position.history,
            steps=tuple(done),
            seen=sum(n * stage.drawn for n, stage in zip(done, self.recipe.stages, strict=False)),
            seconds=position.spent,
            compile_seconds=latest.compiling,
        )


@dataclass
class _Latest:
    """Where a training stands: replaced whole after every chunk, so that an interruption finds it consistent."""

    now: tuple[Position, Member]
    saved_at: float
    message: str = ""
    compiling: float = 0.0

    @property
    def position(self) -> Position:
        """What is done and planned."""
        return self.now[0]

    @property
    def member(self) -> Member:
        """What is trained."""
        return self.now[1]

    @property
    def alive(self) -> bool:
        """Whether a member is still being trained."""
        return bool(np.any(np.asarray(self.member.code == RESULTS.successful)))

    def plan_anew(self, index: int, deadline: float, began: float, at: int) -> None:
        """Plan the rest of a stage, from the speed that it has had since `began`, when `at` steps were done."""
        position = self.position
        per_step = (position.spent - began) / (position.step - at)
        left = max(0, round((deadline - position.spent) / per_step))
        steps = (*position.steps[:index], position.step + left)
        self.now = dataclasses.replace(position, steps=steps), self.member


def _least(values: np.ndarray) -> float:
    """The least of those that are numbers."""
    numbers = values[~np.isnan(values)]
    return float(numbers.min()) if numbers.size else math.nan


def _entry(values: np.ndarray) -> Entry:
    return float(values) if values.ndim == 0 else tuple(map(float, values))


def _advice(before: int, losses: np.ndarray, loss: np.ndarray, found: np.ndarray) -> str:
    bad = np.flatnonzero(~np.isfinite(losses).reshape(-1, losses.shape[-1]).all(axis=0))
    step = before + (int(bad[0]) if bad.size else losses.shape[-1])
    return (
        f"At step {step} the loss is {np.max(loss):g} and the held-out error {np.max(found):g}: the learned mass "
        "matrix has become singular, or the data are not finite. The last good parameters are kept. Lower the learning "
        "rate, use float64, or exclude states where the accelerations are infinite."
    )
