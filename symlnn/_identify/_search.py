"""The search for one law: the weak form, and multiple shooting from there."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._data import Motions
from .._dynamics import AbstractDynamics
from .._system import System
from ._family import Family
from ._functions import AbstractSeries, completed, roughness
from ._method import Choices
from ._rank import Rank, rank
from ._shooting import Shooting, Shot
from ._smooth import Stretch, coarse, noise
from ._unknowns import Unknowns
from ._weak import WeakForm, WeakProblem
from ._windows import Windows

_SMOOTH = 1e-2
"""The weight of a spline's smoothness where it is decided what the data tell: it counts for what they do not touch."""


@dataclass(frozen=True, eq=False)
class Weak:
    """What the weak form found."""

    family: Family
    series: tuple[AbstractSeries, ...]
    rank: Rank
    start: Float[np.ndarray, " free"]
    """The declared values."""
    x: Float[np.ndarray, " free"]
    smooth: tuple[float, ...]
    """How much the priors of series and networks weigh, beside where they began."""
    scaled: bool
    """Whether inputs give forces their scale."""
    left: Float[np.ndarray, " dof"]
    """The root mean square of the residual force, as a share of that of the inputs on this coordinate, or, where there
    is none, of both sides of its equation."""

    @property
    def dynamics(self) -> AbstractDynamics:
        """The law that was found."""
        return self.family.dynamics(self.x)


def weak_form(
    system: System,
    parts: Sequence[Stretch],
    choices: Choices,
    *,
    free: Sequence[str] | None,
    time_scale: float,
    seed: int,
) -> Weak:
    """Series and networks for what a system leaves open, what the data can tell apart of it, and the weak estimate.

    Raises `ValueError` where nothing is free, where a function cannot be learned, and where the law is not finite.
    """
    whole = completed(system, parts, half_width=choices.half_width, time_scale=time_scale, seed=seed)
    names = None if free is None else (*free, *(c.name for one in whole.series for c in one.coefficients))
    unknowns = Unknowns.of(whole.system, names)
    family = Family(whole.system, unknowns, whole.networks)
    start, count = family.start(), len(unknowns)
    form = WeakForm.of(coarse(parts, choices.half_width) if family.networks else parts, choices.half_width)
    problem = WeakProblem(family, form)
    jacobian = problem.jacobian(start)
    if not np.isfinite(jacobian).all():
        raise ValueError(
            f"The law of {system.name} is not finite along the measured motions with its declared values: check "
            "units and signs of the columns, and the values that the parameters start from."
        )
    priors = roughness(whole.series, family)
    # what the data do not tell of a spline its smoothness does, but for what is smooth itself
    of_data = jacobian.reshape(-1, len(family))[:, :count]
    found = rank(np.concatenate([of_data, *(_SMOOTH * rows[:, :count] for rows in priors)]))
    priors += family.ridges()
    x, sized = problem.solve(start, (*found.kept, *range(count, len(family))), priors)
    smooth = tuple(float(np.linalg.norm(now) / np.linalg.norm(was)) for now, was in zip(sized, priors, strict=True))
    return Weak(family, whole.series, found, start, x, smooth, bool((problem.inputs > 0).any()), _left(family, form, x))


def _left(family: Family, form: WeakForm, x: np.ndarray) -> np.ndarray:
    lagrangian, forces = family.law(jnp.asarray(x))
    inertial, applied = form.terms(lagrangian, forces, family.constraints(jnp.asarray(x)))
    inputs = form.of_inputs(forces)
    sides = _rms(jnp.stack([inertial, applied])).mean(axis=0)
    return _rms(inertial - applied) / np.where(inputs > 0, inputs, sides)


def _rms(values: Any) -> np.ndarray:
    return np.sqrt(np.mean(np.asarray(values) ** 2, axis=-2))


def shoot(weak: Weak, training: Motions, parts: Sequence[Stretch], choices: Choices, time_scale: float) -> Shot:
    """Multiple shooting from the weak estimate.

    Raises `FloatingPointError` where its motions do not stay finite over a window.
    """
    linear = weak.family.linear()
    windows = Windows.of(training, parts, duration=choices.shot, every=choices.shot, longest_step=choices.step)
    priors = roughness(weak.series, linear)
    sized = [rows * size for rows, size in zip(priors, weak.smooth, strict=True)]
    shooting = Shooting(linear, windows, np.concatenate([*sized, np.zeros((0, len(linear)))]))
    levels = _levels(training, parts, choices.window, time_scale)
    shot = shooting.solve(weak.family.moved(weak.x, linear), weak.rank.kept, *levels)
    return dataclasses.replace(shot, x=linear.moved(shot.x, weak.family))


def _levels(
    training: Motions, parts: Sequence[Stretch], window: float, time_scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """The standard deviations of the noise of positions, and of the smoothed velocities, those of a cubic over the
    window; neither is smaller than a millionth of the motion."""
    least = 1e-6 * np.concatenate([part.q for part in parts]).std(axis=0)
    sigma = np.maximum(np.nanmean([noise(run) for run in training], axis=0), least)
    speeds = sigma * np.sqrt(12 * training.runs[0].interval / window**3)
    return sigma, np.maximum(speeds, least / time_scale)
