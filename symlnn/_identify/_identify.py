"""`identify`: from measured motions and half a law to its parameters."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
import sympy as sp

from .._data import Motions
from .._distribution import normal
from .._dynamics import AbstractDynamics, SymbolicDynamics, SymbolicForces, SymbolicLagrangian
from .._system import System
from .._timer import Timer
from ._functions import AbstractSeries, Curve, completed, curve, roughness
from ._inspect import Inspection, inspect
from ._judge import Judgement, judge
from ._method import Choices, Method
from ._rank import Rank, rank
from ._shooting import Shooting, Shot
from ._smooth import Stretch, joined, noise, stretches
from ._unknowns import Unknowns
from ._weak import WeakForm, WeakProblem
from ._windows import Windows, stable_step

_SMOOTH = 1e-2
"""The weight of a spline's smoothness where it is decided what the data tell: it counts for what they do not touch."""
_BADLY = 0.5
"""A standard error of so much of its parameter means that the data hardly tell it."""


@dataclass(frozen=True)
class Estimate:
    """A parameter as it was identified."""

    value: float
    standard_error: float | None
    """That of multiple shooting; None for one that was held, or is at its bound, or without shooting."""
    declared: float
    unit: str
    identifiable: bool
    at_bound: bool

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of 95 %: value ± 1.96 standard errors; for what is positive as a factor, which keeps it so."""
        if self.standard_error is None:
            return None
        if self.value > 0:
            factor = float(np.exp(1.96 * self.standard_error / self.value))
            return self.value / factor, self.value * factor
        return self.value - 1.96 * self.standard_error, self.value + 1.96 * self.standard_error


@dataclass(frozen=True, eq=False)
class Identification:
    """What was identified, from what, and how far to trust it."""

    declared: System
    system: System
    """With the values that were found."""
    motions: Motions
    held_out: Motions
    inspection: Inspection
    parameters: Mapping[str, Estimate]
    functions: Mapping[str, Curve]
    """Those that were left open."""
    confounded: tuple[tuple[str, ...], ...]
    models: Mapping[str, Judgement]
    """On the motions that were held out: `declared`, `identified`, and those that were asked for."""
    dynamics: Mapping[str, AbstractDynamics]
    noise: Mapping[str, float]
    choices: Choices
    kept: str
    """Which of the two estimates predicts held-out motions best: `weak` or `shooting`."""
    reach: Mapping[str, tuple[float, float]]
    """For each coordinate the largest |q − mean| of training, and of what is held out."""
    seconds: Mapping[str, float]
    seed: int = 0
    diagnosis: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """The document `report.json`."""
        trained = {run.name for run in self.motions}
        runs = [
            {
                "name": run.name,
                "samples": run.samples,
                "seconds": run.seconds,
                "rate": run.rate,
                "jitter": run.jitter,
                "gaps": run.gaps,
                "held_out": run.name not in trained,
            }
            for run in self.inspection.runs
        ]
        free = len(self.parameters)
        return {
            "kind": "identification",
            "system": self.declared.name,
            "seed": self.seed,
            "runs": runs,
            "parameters": {name: dataclasses.asdict(p) for name, p in self.parameters.items()},
            "rank": sum(p.identifiable for p in self.parameters.values()),
            "free": free,
            "confounded": [list(group) for group in self.confounded],
            "functions": {name: self._written(curve) for name, curve in self.functions.items()},
            "noise": dict(self.noise),
            "method": dataclasses.asdict(self.choices),
            "kept": self.kept,
            "models": {name: self._judged(judgement) for name, judgement in self.models.items()},
            "seconds": dict(self.seconds),
            "diagnosis": list(self.diagnosis),
        }

    @staticmethod
    def _written(curve: Curve) -> dict[str, Any]:
        return {
            "arguments": [curve.argument],
            "grid": [[float(x)] for x in curve.grid],
            "values": curve.values.tolist(),
            "derivative": curve.derivative.tolist(),
            "band": None if curve.band is None else curve.band.tolist(),
            "free_up_to": curve.free_up_to,
            "expression": None,
        }

    def _judged(self, judgement: Judgement) -> dict[str, Any]:
        names = self.motions.coordinates

        def by_name(values: np.ndarray | None) -> dict[str, float] | None:
            return None if values is None else {n: float(x) for n, x in zip(names, values, strict=True)}

        return {
            "force_rmse": by_name(judgement.force),
            "force_filter_hz": self.choices.filter_hz,
            "prediction": {
                f"{horizon:g}": {"median": by_name(judgement.median[horizon]), "rms": by_name(judgement.rms[horizon])}
                for horizon in judgement.median
            },
            "failed": judgement.failed,
            "predictions": judgement.predictions,
        }


def identify(
    system: System,
    motions: Motions,
    *,
    free: Sequence[str] | None = None,
    hold_out: Sequence[str] | None = None,
    method: Method = Method(),  # noqa: B008  frozen
    listener: Callable[[str], None] = lambda stage: None,
) -> Identification:
    """The free parameters of a system, and the functions that it leaves open, from measured motions.

    1. Positions are smoothed for velocities and starts only. 2. Directions in which the weak residual does not change
    are found, named, and held at their declared values. 3. The weak form is solved (`WeakForm`): no accelerations.
    4. Multiple shooting goes on from there (`Shooting`), with positions only. 5. Standard errors are those of the
    sandwich, clustered by run, or by blocks of time where there are few runs. Of the two estimates the one is kept that
    predicts held-out motions best.

    Functions of one argument become cubic splines over the range that is visited, those of an angle Fourier series;
    their coefficients go through the same residuals, with a smoothness that is estimated too. `free` names the
    parameters, by default those declared `free=True`. `hold_out` names whole runs, by default a fifth of them, or the
    last fifth of a single one. All is computed in double precision.

    Raises `ValueError` where nothing is free, where the data are too short, and for a function that cannot be learned:
    one of several arguments, or whose argument never varies.
    """
    with jax.enable_x64(True):
        return _identify(system, motions, free, hold_out, method, listener)


def _identify(
    system: System,
    motions: Motions,
    free: Sequence[str] | None,
    hold_out: Sequence[str] | None,
    method: Method,
    listener: Callable[[str], None],
) -> Identification:
    timer = Timer()
    asked = system
    training, held = motions.split(hold_out)
    listener("Looking at the data")
    with timer("inspect"):
        inspection = inspect(motions)
        choices = method.chosen(inspection.time_scale, max(run.seconds for run in held))
        parts = [p for place, run in enumerate(training) for p in stretches(run, place, choices.window)]
        system, splines = completed(system, parts, _size_of_forces(system, parts, choices.half_width))
    names = None if free is None else (*free, *(c.name for spline in splines for c in spline.coefficients))
    unknowns = Unknowns.of(system, names)
    start = unknowns.search({s.name: p.value for s, p in system.parameters.items() if not p.varies})
    listener("Weak form")
    with timer("weak"):
        problem = WeakProblem(system, unknowns, WeakForm.of(parts, choices.half_width))
        jacobian = problem.jacobian(start)
        if not np.isfinite(jacobian).all():
            raise ValueError(
                f"The law of {system.name} is not finite along the measured motions with its declared values: check "
                "units and signs of the columns, and the values that the parameters start from."
            )
        priors = roughness(splines, unknowns)
        # what the data do not tell of a spline its smoothness does, but for what is smooth itself
        found = rank(np.concatenate([jacobian.reshape(-1, len(unknowns)), *(_SMOOTH * rows for rows in priors)]))
        weak, sized = problem.solve(start, found.kept, priors)
        smooth = [float(np.linalg.norm(now) / np.linalg.norm(was)) for now, was in zip(sized, priors, strict=True)]
    if method.step is None:
        stable = stable_step(SymbolicDynamics(system, unknowns.numbers(weak)), parts)
        choices = dataclasses.replace(choices, step=min(choices.step, stable))
    shot: Shot | None = None
    diagnosis: list[str] = []
    if method.shooting:
        listener("Multiple shooting")
        with timer("shooting"):
            try:
                linear = unknowns.linear()
                windows = Windows.of(
                    training, parts, duration=choices.shot, every=choices.shot, longest_step=choices.step
                )
                sized = [rows * size for rows, size in zip(roughness(splines, linear), smooth, strict=True)]
                shooting = Shooting(system, linear, windows, np.concatenate([*sized, np.zeros((0, len(linear)))]))
                levels = _levels(training, parts, choices.window, inspection.time_scale)
                shot = shooting.solve(linear.search(unknowns.numbers(weak)), found.kept, *levels)
            except FloatingPointError:
                diagnosis.append(
                    "The motions of the weak estimate do not stay finite over a window, so it stands as it is, without "
                    "standard errors."
                )
    listener("Held-out motions")
    with timer("judge"):
        candidates = {"declared": unknowns.numbers(start), "weak": unknowns.numbers(weak)}
        if shot is not None:
            candidates["shooting"] = unknowns.linear().numbers(shot.x)
        laws = {name: SymbolicDynamics(system, values) for name, values in candidates.items()}
        judged = {name: judge(law, held, choices) for name, law in laws.items()}
    kept = min((name for name in candidates if name != "declared"), key=lambda name: judged[name].score)
    every = _estimates(system, unknowns, candidates[kept], found, shot)
    inner = {c.name for spline in splines for c in spline.coefficients}
    parameters = {name: estimate for name, estimate in every.items() if name not in inner}
    noises = shot.noise if shot is not None else np.nanmean([noise(run) for run in training], axis=0)
    reach = _reach(training, held)
    groups = tuple(tuple(unknowns.names[k] for k in group) for group in found.groups)
    functions = {spline.name: _curve(spline, candidates[kept], groups, unknowns, shot) for spline in splines}
    groups = tuple(named for group in groups if len(named := _by_function(group, splines)) > 1)
    diagnosis += _diagnosis(parameters, groups, reach, judged["declared"], judged[kept], held)
    values = {name: p.value for name, p in every.items()}
    return Identification(
        declared=asked,
        system=_with_states(system.with_parameters(values), parts),
        motions=training,
        held_out=held,
        inspection=inspection,
        parameters=parameters,
        functions=functions,
        confounded=groups,
        models={"declared": judged["declared"], "identified": judged[kept]},
        dynamics={"declared": laws["declared"], "identified": laws[kept]},
        noise={name: float(x) for name, x in zip(motions.coordinates, noises, strict=True)},
        choices=choices,
        kept=kept,
        reach=reach,
        seconds=timer.spent,
        diagnosis=tuple(diagnosis),
    )


def _estimates(
    system: System, unknowns: Unknowns, values: Mapping[str, float], found: Rank, shot: Shot | None
) -> dict[str, Estimate]:
    linear = unknowns.linear()
    at, lowest = linear.search(values), linear.lowest()
    errors: dict[int, float] = {}
    if shot is not None:
        errors = dict(zip(shot.inside, np.sqrt(np.maximum(np.diag(shot.covariance), 0.0)), strict=True))
    declared = {symbol.name: parameter for symbol, parameter in system.parameters.items()}
    estimates = {}
    for place, name in enumerate(unknowns.names):
        bound = bool(at[place] <= 1.001 * lowest[place])
        error = None if bound or place not in errors else float(errors[place] * unknowns.sizes[place])
        was = declared[name]
        estimates[name] = Estimate(values[name], error, was.value, was.unit, place in found.kept, bound)
    return estimates


def _levels(
    training: Motions, parts: Sequence[Stretch], window: float, time_scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """The standard deviations of the noise of positions, and of the smoothed velocities, those of a cubic over the
    window; neither is smaller than a millionth of the motion."""
    least = 1e-6 * np.concatenate([part.q for part in parts]).std(axis=0)
    sigma = np.maximum(np.nanmean([noise(run) for run in training], axis=0), least)
    speeds = sigma * np.sqrt(12 * training.runs[0].interval / window**3)
    return sigma, np.maximum(speeds, least / time_scale)


def _size_of_forces(system: System, parts: Sequence[Stretch], half_width: float) -> float:
    """The root mean square of the inertial forces of what is known, or of the inputs; one where there is neither."""
    if not system.unknown:
        return 1.0
    known = system.with_functions({function: lambda x: sp.S.Zero for function in system.unknown})
    terms = WeakForm.of(parts, half_width).terms(SymbolicLagrangian(known), SymbolicForces(known))
    return float(np.max(np.sqrt(np.mean(np.asarray(terms) ** 2, axis=1)))) or 1.0


def _curve(
    spline: AbstractSeries,
    values: Mapping[str, float],
    groups: Sequence[Sequence[str]],
    unknowns: Unknowns,
    shot: Shot | None,
) -> Curve:
    names = {c.name for c in spline.coefficients}
    constant = any(names <= set(group) for group in groups)
    covariance = None
    if shot is not None:
        inside = [unknowns.names[k] for k in shot.inside]
        sizes = [unknowns.sizes[k] for k in shot.inside]
        covariance = {
            (a, b): float(shot.covariance[i, j] * sizes[i] * sizes[j])
            for i, a in enumerate(inside)
            for j, b in enumerate(inside)
        }
    return curve(spline, values, covariance, constant)


def _by_function(group: Sequence[str], splines: Sequence[AbstractSeries]) -> tuple[str, ...]:
    """The group with functions in place of their coefficients."""
    owner = {c.name: spline.name for spline in splines for c in spline.coefficients}
    return tuple(dict.fromkeys(owner.get(name, name) for name in group))


def _reach(training: Motions, held: Motions) -> dict[str, tuple[float, float]]:
    whole = np.concatenate([run.q for run in training])
    centre = np.nanmean(whole, axis=0)
    far = [np.nanmax(np.abs(np.concatenate([run.q for run in m]) - centre), axis=0) for m in (training, held)]
    return {name: (float(a), float(b)) for name, a, b in zip(training.coordinates, *far, strict=True)}


def _diagnosis(
    parameters: Mapping[str, Estimate],
    groups: Sequence[Sequence[str]],
    reach: Mapping[str, tuple[float, float]],
    declared: Judgement,
    identified: Judgement,
    held: Motions,
) -> Iterator[str]:
    for group in groups:
        yield f"The data cannot tell {' ↔ '.join(group)} apart: some of them are held at their declared values."
    for name, estimate in parameters.items():
        if estimate.at_bound:
            yield f"{name} is at its bound, zero: the data do not show it."
        elif estimate.standard_error is not None and estimate.standard_error > _BADLY * abs(estimate.value):
            off, value = estimate.standard_error, estimate.value
            yield f"The data hardly tell {name}: its standard error is {off:.2g} of {value:.3g}."
    for name, (seen, asked) in reach.items():
        if asked > 1.2 * seen:
            yield f"The test reaches {asked:.3g} in {name}, training {seen:.3g}: extrapolation."
    signal = _size_of_inputs(held)
    if identified.force is not None and signal is not None and np.sqrt(np.mean(identified.force**2)) > signal:
        yield (
            "The residual force exceeds the signal: this law cannot be that of these data. Check units, signs and "
            "delays of the columns with `symlnn inspect`."
        )
    if identified.score > declared.score:
        yield "The identified values predict the held-out motions worse than the declared ones."


def _size_of_inputs(motions: Motions) -> float | None:
    if not motions.inputs:
        return None
    u = np.concatenate([run.u for run in motions if run.u is not None])
    return float(np.sqrt(np.nanmean(u**2)))


def _with_states(system: System, parts: Sequence[Stretch]) -> System:
    """The system, with the states of the data where it declares none."""
    if system.states:
        return system
    q, v, *_ = joined(parts)
    drawn = {}
    for place, x in enumerate(system.coordinates):
        for variable, values in ((x, q[:, place]), (x.diff(system.t), v[:, place])):
            mean, size = float(values.mean()), float(values.std())
            drawn[variable] = normal(float(f"{mean:.3g}"), float(f"{size or 1.0:.3g}"))
    return dataclasses.replace(system, states=drawn)
