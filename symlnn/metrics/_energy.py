"""Errors of the analytic energy along learned motions."""

import math
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .._data import sample_states
from .._dynamics import SymbolicDynamics
from .._rollout import Rollout
from .._system import System
from .._types import Coordinates, RealScalar, States, Varying, as_float


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
def _energies(dynamics: SymbolicDynamics, states: States) -> tuple[Array, Array]:
    """E(q, 0) and E(q, v)."""
    energy = jax.vmap(dynamics.energy)
    return tuple(energy(states.q, v, states.m, states.t) for v in (0 * states.v, states.v))  # pyright: ignore


_DRAWN, _PARAMETERS = 2**15, 2**7
_HEAVY_TAILS = 2.0
_ROUNDING = 1e-9


def energy_scale(system: System) -> float:
    """The scale of energy errors: half the range of the potential energy E(q, 0) over the domain, or of the kinetic one
    E(q, v) − E(q, 0) where that is smaller, since they change into each other; 1 where nothing changes.

    For the double pendulum of the paper, (m₁+m₂) g l₁ + m₂ g l₂ = 29.4 J. The ranges are those of 32,768 states, always
    the same; but at most twice that of the nine tenths of them in the middle, whatever the tails of distributions and
    potentials; and where parameters vary, the median of those at 128 values of them.
    """
    states = sample_states(system, _DRAWN, key=jax.random.key(0))
    values = _PARAMETERS if system.m else 1
    m = jnp.repeat(states.m[:values], _DRAWN // values, axis=0)
    at_rest, moving = map(np.asarray, _energies(SymbolicDynamics(system), eqx.tree_at(lambda s: s.m, states, m)))
    potential, kinetic = (
        float(np.median([_half_range(row) for row in energy.reshape(values, -1)]))
        for energy in (at_rest, moving - at_rest)
    )
    # rounding of an energy that is constant is none
    changing = [size for size in (potential, kinetic) if size > _ROUNDING * max(potential, kinetic)]
    return min(changing, default=1.0)


def _half_range(energies: Float[np.ndarray, " states"]) -> float:
    finite = energies[np.isfinite(energies)]
    if not finite.size:
        return 0.0
    low, high = np.quantile(finite, [0.05, 0.95])
    return float(min(np.ptp(finite), _HEAVY_TAILS * (high - low)) / 2)


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


class Power(eqx.Module):
    """(v·Q − ∂L/∂t)/E_scale, the rate of change of the energy of a system along its motion: what `simulate` integrates
    for `power_balance_errors`."""

    dynamics: SymbolicDynamics
    scale: Float[Array, ""] = eqx.field(converter=as_float)

    def __call__(
        self, q: Coordinates, v: Coordinates, m: Varying | None, u: Array | None, t: RealScalar
    ) -> Float[Array, ""]:
        """At one state."""
        return self.dynamics.power(q, v, m, u, t) / self.scale.astype(q.dtype)


def power_balance_errors(
    system: System, rollout: Rollout, start: States, scale: float
) -> Float[np.ndarray, "batch time"]:
    """|E(t) − E(0) − ∫₀ᵗ (v·Q − ∂L/∂t) dt'| / scale: what takes the place of the energy error where forces do work.

    The roll-out is one with the integrand `Power(SymbolicDynamics(system), scale)`.
    """
    if rollout.integral is None:
        raise ValueError("The roll-out has no integral of the power: simulate it with integrand=Power(law, scale).")
    energy = np.asarray(energy_along(SymbolicDynamics(system), rollout, start.m))
    return _relative(energy - scale * np.asarray(rollout.integral), rollout.successful, scale)


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
