"""Errors of the analytic energy along learned motions."""

import math
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Bool, Float

from .._dynamics import SymbolicDynamics
from .._simulate import Rollout
from .._system import System
from .._types import States


@dataclass(frozen=True)
class Spread:
    """The distribution of a final error over trajectories; a failed one counts as infinite. NaN where there is none."""

    final_mean: float
    final_median: float
    final_max: float
    trajectories: int
    failed: int

    @staticmethod
    def of(errors: Float[np.ndarray, "batch time"], successful: Bool[np.ndarray, " batch"]) -> "Spread":
        """The spread of the last column of errors."""
        final = np.where(successful, errors[:, -1], np.inf)
        if not final.size:
            return Spread(math.nan, math.nan, math.nan, 0, 0)
        return Spread(
            float(final.mean()),
            float(np.median(final)),
            float(final.max()),
            final.size,
            int((~successful).sum()),
        )


@eqx.filter_jit
def _energies(dynamics: SymbolicDynamics, states: States) -> Array:
    return jax.vmap(dynamics.energy)(states.q, states.v, states.m, states.t)


def energy_scale(system: System, states: States) -> float:
    """Half the range of E(q, 0) over the states, or of E(q, v) where that is zero: the scale of energy errors.

    For the double pendulum of the paper, (m₁+m₂) g l₁ + m₂ g l₂ = 29.4 J.
    """
    dynamics = SymbolicDynamics(system)
    at_rest = np.asarray(_energies(dynamics, States.of(states.q, 0 * states.v, states.m, states.u, states.t)))
    potential = float(at_rest.max() - at_rest.min()) / 2
    if potential > 0 and math.isfinite(potential):
        return potential
    moving = np.asarray(_energies(dynamics, states))
    return float(moving.max() - moving.min()) / 2


@eqx.filter_jit
def energy_along(dynamics: Any, rollout: Rollout, m: Float[Array, "batch m"]) -> Float[Array, "batch time"]:
    """The energy of a law that has one, the oracle or a lattice's, along roll-outs of whatever dynamics."""
    along = jax.vmap(dynamics.energy, in_axes=(0, 0, None, 0))
    return jax.vmap(along, in_axes=(0, 0, 0, None))(rollout.q, rollout.v, m, rollout.t)


def energy_errors(
    energy: Float[Array, "batch time"], successful: Bool[Array, " batch"], scale: float
) -> Float[np.ndarray, "batch time"]:
    """|E(t) − E(0)| / scale along each motion; infinite from the failure of a failed one on."""
    return _relative(np.asarray(energy), successful, scale)


def power_balance_errors(
    system: System, rollout: Rollout, start: States, scale: float
) -> Float[np.ndarray, "batch time"]:
    """|E(t) − E(0) − ∫₀ᵗ (v·Q − ∂L/∂t) dt'| / scale: what takes the place of the energy error where forces do work.

    The integral is by the trapezoidal rule on the observed times, whose own error the oracle's figure shows.
    """
    dynamics = SymbolicDynamics(system)
    power = np.asarray(_power_along(dynamics, rollout, start))
    energy = np.asarray(energy_along(dynamics, rollout, start.m))
    work = np.cumsum(0.5 * (power[:, 1:] + power[:, :-1]) * np.diff(np.asarray(rollout.t)), axis=1)
    return _relative(energy - np.pad(work, ((0, 0), (1, 0))), rollout.successful, scale)


@eqx.filter_jit
def _power_along(dynamics: SymbolicDynamics, rollout: Rollout, start: States) -> Float[Array, "batch time"]:
    along = jax.vmap(dynamics.power, in_axes=(0, 0, None, None, 0))
    return jax.vmap(along, in_axes=(0, 0, 0, 0, None))(rollout.q, rollout.v, start.m, start.u, rollout.t)


def _relative(values: np.ndarray, successful: Bool[Array, " batch"], scale: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        errors = np.abs(values - values[:, :1]) / scale
    errors = np.where(np.isfinite(errors), errors, np.inf)
    errors[~np.asarray(successful), -1] = np.inf
    return errors


def balance_errors(system: System, rollout: Rollout, start: States, scale: float) -> Float[np.ndarray, "batch time"]:
    """The energy error where the system conserves its energy, else that of the power balance."""
    if system.conserves_energy:
        return energy_errors(energy_along(SymbolicDynamics(system), rollout, start.m), rollout.successful, scale)
    return power_balance_errors(system, rollout, start, scale)
