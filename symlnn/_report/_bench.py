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
from .._dynamics import AbstractDynamics, Integrand, SymbolicDynamics, accelerations
from .._integrator import Integrator
from .._jumps import ending_at_jumps
from .._rollout import Rollout
from .._simulate import simulate
from .._system import System
from .._types import AbstractSizes, Key, Samples, States
from ..metrics import (
    AccelerationErrors,
    Power,
    Spread,
    acceleration_errors,
    balance_errors,
    constraint_drift,
    energy_along,
    energy_errors,
    energy_scale,
    share_outside,
    state_errors,
    turn_time,
    valid_times,
)

_FRAMES_A_TURN = 8.0
"""In the time in which states change by their size."""
_FEWEST_FRAMES, _MOST_FRAMES = 400, 4000
_AT_ONCE = 2000
_STEPS, _STEPS_A_FRAME = 4096, 4
"""A roll-out that needs more steps of the integrator has failed, else one bad model would hold up the report."""


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
    drift: float
    """The largest distance from a constraint along any motion; zero where nothing is constrained."""


def roll_out(
    dynamics: AbstractDynamics,
    start: States,
    times: Array,
    *,
    tolerance: float | None = None,
    integrand: Integrand | None = None,
    jumps: Float[Array, " jumps"] | None = None,
) -> Rollout:
    """Roll-outs as every report makes them, with a bound on the integrator's steps that does not depend on units."""
    max_steps = _STEPS + _STEPS_A_FRAME * len(times)
    integrator = Integrator(rtol=tolerance, max_steps=max_steps, jumps=jumps)
    return simulate(dynamics, start, times=times, integrand=integrand, integrator=integrator)


@dataclass(frozen=True)
class Bench:
    """What models are held against."""

    truth: AbstractDynamics
    test: Samples
    """Test states, with the accelerations of the truth."""
    start: States
    """Where motions begin: those that the truth can be integrated from to the end."""
    rollout: Rollout
    """Those of the truth."""
    scale: float
    """The size of the energy, in which its errors are given."""
    is_angle: tuple[bool, ...]
    balance: Callable[[Rollout], Float[np.ndarray, "batch time"]]
    """The error of the energy, or of the power balance, along roll-outs."""
    outside: Callable[[Rollout], float] = lambda rollout: math.nan
    drift: Callable[[Rollout], float] = lambda rollout: 0.0
    """How far motions leave their constraints."""
    integrand: Integrand | None = None
    """What `balance` needs to be integrated along with a motion."""
    sizes: AbstractSizes | None = None
    """Those of coordinates and velocities, as declared."""
    tolerance: float | None = None
    """That of a step of the integrator, where it is not the usual one."""
    jumps: Float[Array, " jumps"] | None = None
    """The times at which the declaration switches."""
    unfinished: tuple[str, ...] = ()
    """Of each motion of the truth that did not reach its end, why: nothing is held against it."""

    @staticmethod
    def of_system(system: System, *, test_states: int, trajectories: int, key: Key) -> "Bench":
        """Of a declared system: states from its domain, motions of its duration from its initial states."""
        test_key, start_key = jax.random.split(key)
        test = draw(Stream.of(system), test_key, test_states)
        require_finite(system, test)
        start = sample_states(system, trajectories, key=start_key, initial=True)
        truth = SymbolicDynamics(system)
        turns = system.duration / turn_time(truth, start)
        frames = int(np.clip(_FRAMES_A_TURN * np.nan_to_num(turns), _FEWEST_FRAMES, _MOST_FRAMES))
        scale = energy_scale(system)
        times = jnp.linspace(0.0, system.duration, frames + 1)
        integrand = None if system.conserves_energy else Power(truth, scale)
        jumps = ending_at_jumps(Integrator(), system, start, system.duration).jumps
        start, rollout, unfinished = _finished(start, roll_out(truth, start, times, integrand=integrand, jumps=jumps))
        return Bench(
            truth=truth,
            test=test,
            start=start,
            rollout=rollout,
            scale=scale,
            is_angle=system.is_angle,
            balance=lambda rollout: balance_errors(system, rollout, start, scale),
            outside=lambda rollout: share_outside(system, rollout),
            drift=lambda rollout: float(constraint_drift(system, rollout, start).max()),
            integrand=integrand,
            sizes=truth.sizes,
            jumps=jumps,
            unfinished=unfinished,
        )

    @staticmethod
    def of_law(
        truth: Any, test: States, start: States, times: Float[Array, " time"], *, tolerance: float | None = None
    ) -> "Bench":
        """Of any law with an energy, a lattice's say, which has to conserve it: its own motions from `start`.

        Errors of the energy are relative to its root mean square at the start.
        """
        start, rollout, unfinished = _finished(start, roll_out(truth, start, times, tolerance=tolerance))
        energies = energy_along(truth, rollout, start.m)
        scale = float(np.sqrt(np.mean(np.square(energies[:, 0])))) or 1.0

        def balance(found: Rollout) -> Float[np.ndarray, "batch time"]:
            return energy_errors(energy_along(truth, found, start.m), found.successful, scale)

        samples = Samples(test, _accelerations(truth, test))
        is_angle = (False,) * start.q.shape[-1]
        return Bench(
            truth, samples, start, rollout, scale, is_angle, balance, tolerance=tolerance, unfinished=unfinished
        )

    @property
    def oracle(self) -> Motion:
        """The motions of the truth, with the integrator's own error."""
        return self._motion(self.rollout)

    @property
    def moves(self) -> bool:
        """Whether there is a motion to hold others against."""
        return self.start.q.shape[0] > 0

    def _motion(self, rollout: Rollout) -> Motion:
        errors = self.balance(rollout) if self.moves else np.zeros((0, len(self.rollout.t)))
        return Motion(rollout, errors, Spread.of(errors, np.asarray(rollout.successful)))

    def judge(self, dynamics: AbstractDynamics) -> Judgement:
        """All figures of a dynamics."""
        predicted = _accelerations(dynamics, self.test.states)
        rollout = self.rollout
        if self.moves:
            rollout = roll_out(
                dynamics,
                self.start,
                rollout.t,
                tolerance=self.tolerance,
                integrand=self.integrand,
                jumps=self.jumps,
            )
        motion = self._motion(rollout)
        errors = motion.balance
        if self.moves:
            errors = state_errors(self.rollout, rollout, is_angle=self.is_angle, sizes=self.sizes)
        return Judgement(
            acceleration=acceleration_errors(self.test, predicted),
            test_accelerations=np.asarray(predicted),
            motion=motion,
            state_errors=errors,
            valid_seconds=valid_times(errors, np.asarray(self.rollout.t)),
            outside=self.outside(rollout) if self.moves else math.nan,
            drift=self.drift(rollout) if self.moves else math.nan,
        )


def _finished(start: States, rollout: Rollout) -> tuple[States, Rollout, tuple[str, ...]]:
    """The motions that reached their end, where they began, and what became of the others."""
    reached = np.asarray(rollout.successful)
    if reached.all():
        return start, rollout, ()
    kept = jnp.flatnonzero(reached)
    codes = jax.tree.map(lambda code: code[kept], rollout.result)
    integral = None if rollout.integral is None else rollout.integral[kept]
    rest = Rollout(rollout.t, rollout.q[kept], rollout.v[kept], codes, integral)
    return start[kept], rest, tuple(map(str, rollout.reasons[~reached]))


@eqx.filter_jit
def _accelerations(dynamics: AbstractDynamics, states: States) -> Float[Array, "states dof"]:
    return accelerations(dynamics, states, at_once=_AT_ONCE)
