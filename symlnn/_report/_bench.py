"""`Bench`: what models are held against: a law of motion, states to test accelerations at, and motions of the law."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._data import Stream, draw, require_finite, sample_states
from .._dynamics import AbstractDynamics, SymbolicDynamics, accelerations
from .._integrator import Integrator
from .._simulate import Rollout, simulate
from .._system import System
from .._types import Key, Samples, States
from ..metrics import (
    AccelerationErrors,
    Spread,
    acceleration_errors,
    balance_errors,
    energy_along,
    energy_errors,
    energy_scale,
    share_outside,
    state_errors,
    valid_times,
)

_FRAMES_PER_SECOND = 40.0
_MAX_FRAMES = 4000
_MAX_STEPS = 4_000
_MAX_STEPS_PER_SECOND = 200
"""A roll-out that needs more steps of the integrator has failed, else one bad model would hold up the report."""
_AT_ONCE = 2000


@dataclass(frozen=True)
class Motion:
    """Roll-outs of one dynamics, with their errors over time."""

    rollout: Rollout
    balance: Float[np.ndarray, "batch time"]
    """Energy error, or power-balance error where energy is not conserved."""
    spread: Spread


@dataclass(frozen=True)
class Judgement:
    """All that a bench measures of a dynamics."""

    acceleration: AccelerationErrors
    test_accelerations: Float[np.ndarray, "states dof"]
    motion: Motion
    state_errors: Float[np.ndarray, "batch time"]
    valid_seconds: Float[np.ndarray, " batch"]
    outside: float
    """The share of roll-out time spent where no state was sampled; NaN where that is not known."""


def roll_out(dynamics: AbstractDynamics, start: States, times: Array, tolerance: float | None = None) -> Rollout:
    """Roll-outs as every report makes them, with a bound on the integrator's steps."""
    max_steps = max(_MAX_STEPS, round(_MAX_STEPS_PER_SECOND * float(times[-1] - times[0])))
    integrator = Integrator(rtol=tolerance, atol=tolerance, max_steps=max_steps)
    return simulate(dynamics, start, times=times, integrator=integrator)


@dataclass(frozen=True)
class Bench:
    """What models are held against."""

    truth: AbstractDynamics
    test: Samples
    """Test states, with the accelerations of the truth."""
    start: States
    """Where motions begin."""
    rollout: Rollout
    """Those of the truth."""
    scale: float
    """The size of the energy, in which its errors are given."""
    is_angle: tuple[bool, ...]
    balance: Callable[[Rollout], Float[np.ndarray, "batch time"]]
    """The error of the energy, or of the power balance, along roll-outs."""
    outside: Callable[[Rollout], float] = lambda rollout: math.nan
    tolerance: float | None = None
    """That of a step of the integrator, where it is not the usual one."""

    @staticmethod
    def of_system(system: System, *, test_states: int, trajectories: int, key: Key) -> "Bench":
        """Of a declared system: states from its domain, motions of its duration from its initial states."""
        test_key, start_key = jax.random.split(key)
        test = draw(Stream.of(system), test_key, test_states)
        require_finite(system, test)
        start = sample_states(system, trajectories, key=start_key, initial=True)
        frames = min(_MAX_FRAMES, max(400, round(_FRAMES_PER_SECOND * system.duration)))
        truth = SymbolicDynamics(system)
        scale = energy_scale(system, test.states)
        return Bench(
            truth=truth,
            test=test,
            start=start,
            rollout=roll_out(truth, start, jnp.linspace(0.0, system.duration, frames + 1)),
            scale=scale,
            is_angle=system.is_angle,
            balance=lambda rollout: balance_errors(system, rollout, start, scale),
            outside=lambda rollout: share_outside(system, rollout),
        )

    @staticmethod
    def of_law(
        truth: Any, test: States, start: States, times: Float[Array, " time"], *, tolerance: float | None = None
    ) -> "Bench":
        """Of any law with an energy, a lattice's say, which has to conserve it: its own motions from `start`.

        Errors of the energy are relative to its root mean square at the start.
        """
        rollout = roll_out(truth, start, times, tolerance)
        energies = energy_along(truth, rollout, start.m)
        scale = float(np.sqrt(np.mean(np.square(energies[:, 0])))) or 1.0

        def balance(found: Rollout) -> Float[np.ndarray, "batch time"]:
            return energy_errors(energy_along(truth, found, start.m), found.successful, scale)

        samples = Samples(test, _accelerations(truth, test))
        is_angle = (False,) * start.q.shape[-1]
        return Bench(truth, samples, start, rollout, scale, is_angle, balance, tolerance=tolerance)

    @property
    def oracle(self) -> Motion:
        """The motions of the truth, with the integrator's own error."""
        return self._motion(self.rollout)

    def _motion(self, rollout: Rollout) -> Motion:
        errors = self.balance(rollout)
        return Motion(rollout, errors, Spread.of(errors, np.asarray(rollout.successful)))

    def judge(self, dynamics: AbstractDynamics) -> Judgement:
        """All figures of a dynamics."""
        predicted = _accelerations(dynamics, self.test.states)
        motion = self._motion(roll_out(dynamics, self.start, self.rollout.t, self.tolerance))
        errors = state_errors(self.rollout, motion.rollout, is_angle=self.is_angle)
        return Judgement(
            acceleration=acceleration_errors(self.test.a, predicted),
            test_accelerations=np.asarray(predicted),
            motion=motion,
            state_errors=errors,
            valid_seconds=valid_times(errors, np.asarray(self.rollout.t)),
            outside=self.outside(motion.rollout),
        )


@eqx.filter_jit
def _accelerations(dynamics: AbstractDynamics, states: States) -> Float[Array, "states dof"]:
    return accelerations(dynamics, states, at_once=_AT_ONCE)
