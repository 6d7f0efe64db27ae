"""`identify`: from measured motions and half a law to its parameters."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from .._data import Motions
from .._distribution import normal
from .._dynamics import AbstractDynamics, DirectAcceleration
from .._system import System, listed
from .._timer import Timer
from ._black_box import black_box
from ._functions import AbstractSeries, Curve, curve
from ._identification import Estimate, Identification
from ._inspect import inspect
from ._judge import Judgement, judge
from ._method import Method
from ._networks import WholeLagrangian
from ._search import Weak, shoot, weak_form
from ._shooting import Shot
from ._smooth import Stretch, joined, noise, stretches
from ._unknowns import Unknowns
from ._windows import stable_step

_BADLY = 0.5
"""A standard error of so much of its parameter means that the data hardly tell it."""


def identify(
    system: System,
    motions: Motions,
    *,
    free: Sequence[str] | None = None,
    hold_out: Sequence[str] | None = None,
    models: Sequence[str] = (),
    method: Method = Method(),  # noqa: B008  frozen
    seed: int = 0,
    listener: Callable[[str], None] = lambda stage: None,
) -> Identification:
    """The free parameters of a system, and the functions that it leaves open, from measured motions.

    1. Positions are smoothed for velocities and starts only. 2. Directions in which the weak residual does not change
    are found, named, and held at their declared values. 3. The weak form is solved (`WeakForm`): no accelerations.
    4. Multiple shooting goes on from there (`Shooting`), with positions only, unless there are networks. 5. Standard
    errors are those of the sandwich, clustered by run, or by blocks of time where there are few runs. The weak estimate
    is kept where it predicts held-out motions better, by more than chance.

    Functions of one argument become cubic splines over the range that is visited, those of an angle Fourier series,
    those of several arguments networks (see `Unknown`); their coefficients go through the same residuals, with a
    smoothness that is estimated too. `free` names the parameters, by default those declared `free=True`. `hold_out`
    names whole runs, by default a fifth of them, or the last fifth of a single one. `models` are black boxes to compare
    with, learned from the same motions: `delan`, a Lagrangian of networks with the friction of each velocity, and `nn`,
    accelerations. `seed` is that of the networks. All is computed in double precision.

    Raises `ValueError` where nothing is free, where the data are too short, for a function that cannot be learned, and
    where no law of the kind declared is that of the data.
    """
    with jax.enable_x64(True):
        return _identify(system, motions, free, hold_out, models, method, seed, listener)


def _identify(
    system: System,
    motions: Motions,
    free: Sequence[str] | None,
    hold_out: Sequence[str] | None,
    models: Sequence[str],
    method: Method,
    seed: int,
    listener: Callable[[str], None],
) -> Identification:
    timer = Timer()
    training, held = motions.split(hold_out)
    boxes = {name: black_box(system, name) for name in dict.fromkeys(models)}
    listener("Looking at the data")
    with timer("inspect"):
        inspection = inspect(motions, system)
        scale = inspection.time_scale
        choices = method.chosen(scale, max(run.seconds for run in held))
        parts = [p for place, run in enumerate(training) for p in stretches(run, place, choices.window)]
    listener("Weak form")
    with timer("weak"):
        weak = weak_form(system, parts, choices, free=free, time_scale=scale, seed=seed)
    _require_law(weak, system)
    if method.step is None:
        choices = dataclasses.replace(choices, step=min(choices.step, stable_step(weak.dynamics, parts)))
    shot: Shot | None = None
    diagnosis: list[str] = []
    if method.shooting and not weak.family.networks:
        listener("Multiple shooting")
        with timer("shooting"):
            try:
                shot = shoot(weak, training, parts, choices, scale)
            except FloatingPointError:
                diagnosis.append(
                    "The motions of the weak estimate do not stay finite over a window, so it stands as it is, without "
                    "standard errors."
                )
    if any(isinstance(network, WholeLagrangian) for network in weak.family.networks.values()) and not weak.scaled:
        diagnosis.append(
            "No force is measured, so the Lagrangian is told up to a factor: its kinetic energy is of order one, in "
            "units of its scales, where the search began."
        )
    listener("Held-out motions")
    with timer("judge"):
        candidates = {"declared": weak.start, "weak": weak.x} | ({} if shot is None else {"shooting": shot.x})
        laws = {name: weak.family.dynamics(x) for name, x in candidates.items()}
        judged = {name: judge(law, held, choices) for name, law in laws.items()}
    best = "weak" if shot is None or judged["weak"].better_than(judged["shooting"]) else "shooting"
    dynamics: dict[str, AbstractDynamics] = {"declared": laws["declared"], "identified": laws[best]}
    verdicts = {"declared": judged["declared"], "identified": judged[best]}
    for name, box in boxes.items():
        listener(f"Black box {name}")
        with timer(name):
            learned = weak_form(box, parts, choices, free=(), time_scale=scale, seed=seed).dynamics
            # forces of masses that nobody knows mean nothing
            dynamics[name] = DirectAcceleration(learned.acceleration) if name == "nn" else learned
            step = min(choices.step, stable_step(learned, parts))
            verdicts[name] = judge(dynamics[name], held, dataclasses.replace(choices, step=step))
    unknowns, series = weak.family.unknowns, weak.series
    answer = weak.family.numbers(candidates[best])
    every = _estimates(weak, answer, shot)
    inner = {c.name for one in series for c in one.coefficients}
    parameters = {name: estimate for name, estimate in every.items() if name not in inner}
    noises = shot.noise if shot is not None else np.nanmean([noise(run) for run in training], axis=0)
    reach = _reach(training, held)
    groups = tuple(tuple(unknowns.names[k] for k in group) for group in weak.rank.groups)
    functions = {one.name: _curve(one, answer, groups, unknowns, shot) for one in series}
    groups = tuple(named for group in groups if len(named := _by_function(group, series)) > 1)
    diagnosis += [
        f"A constant force in {one.name} would be a linear term of {one.traded}: by convention {one.name}(0) = 0."
        for one in series
        if one.traded is not None
    ]
    diagnosis += _diagnosis(parameters, groups, reach, verdicts)
    values = {name: p.value for name, p in every.items()}
    return Identification(
        declared=system,
        system=_with_states(weak.family.system.with_parameters(values), parts),
        motions=training,
        held_out=held,
        inspection=inspection,
        parameters=parameters,
        functions=functions,
        networks=weak.family.functions(jnp.asarray(candidates[best])),
        confounded=groups,
        models=verdicts,
        dynamics=dynamics,
        noise={name: float(x) for name, x in zip(motions.coordinates, noises, strict=True)},
        choices=choices,
        kept=best,
        reach=reach,
        seconds=timer.spent,
        seed=seed,
        diagnosis=tuple(diagnosis),
    )


def _require_law(weak: Weak, system: System) -> None:
    """Raise a `ValueError` where what is left of the equation is more than what it is to tell."""
    bad = [x.name for x, left in zip(system.q, weak.left, strict=True) if not left < 1]
    if bad:
        raise ValueError(
            f"The residual force exceeds the signal in {listed(bad)}: with no values of what is free is this law that "
            "of these data. Check units, signs and delays of the columns with `symlnn inspect`, and the declared law."
        )


def _estimates(weak: Weak, values: Mapping[str, float], shot: Shot | None) -> dict[str, Estimate]:
    unknowns, system = weak.family.unknowns, weak.family.system
    linear = unknowns.linear()
    held = linear.bounds().holds(linear.search(values))
    errors: dict[int, float] = {}
    if shot is not None:
        errors = dict(zip(shot.inside, np.sqrt(np.maximum(np.diag(shot.covariance), 0.0)), strict=True))
    declared = {symbol.name: parameter for symbol, parameter in system.parameters.items()}
    estimates = {}
    for place, name in enumerate(unknowns.names):
        bound = bool(held[place])
        error = None if bound or place not in errors else float(errors[place] * unknowns.sizes[place])
        was = declared[name]
        freedom = None if error is None or shot is None else shot.clusters - 1
        estimates[name] = Estimate(values[name], error, freedom, was.value, was.unit, place in weak.rank.kept, bound)
    return estimates


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
    models: Mapping[str, Judgement],
) -> Iterator[str]:
    for group in groups:
        yield f"The data cannot tell {' ↔ '.join(group)} apart: some of them are held at their declared values."
    for name, estimate in parameters.items():
        if estimate.at_bound:
            zero = estimate.value < 1e-5 * abs(estimate.declared)
            yield (
                f"{name} is at its bound, zero: the data do not show it."
                if zero
                else f"{name} is at its bound, {estimate.value:.6g}: the data would have it beyond."
            )
        elif estimate.standard_error is not None and estimate.standard_error > _BADLY * abs(estimate.value):
            off, value = estimate.standard_error, estimate.value
            yield f"The data hardly tell {name}: its standard error is {off:.2g} of {value:.3g}."
    for name, (seen, asked) in reach.items():
        if asked > 1.2 * seen:
            yield f"The test reaches {asked:.3g} in {name}, training {seen:.3g}: extrapolation."
    if models["declared"].better_than(models["identified"]):
        yield "The identified values predict the held-out motions worse than the declared ones."
    for name, judgement in models.items():
        if name not in ("declared", "identified") and judgement.better_than(models["identified"]):
            yield (
                f"The black box {name} predicts the held-out motions better than the declared kind of law: something "
                "is missing in the declaration."
            )


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
