"""How a motion is integrated: the solver, its tolerances or its step, and what is kept."""

from collections.abc import Callable, Mapping
from typing import Any

import diffrax
import equinox as eqx
import jax.numpy as jnp
import numpy as np
import optimistix as optx
from jax.core import Tracer
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from ._dynamics import is_additive
from ._geometric import ImplicitMidpoint, Variational
from ._step_control import RelativeToMotion
from ._taylor import Taylor
from ._types import Scalar

SOLVERS: Mapping[str, Callable[[], diffrax.AbstractSolver]] = {
    "dopri8": diffrax.Dopri8,
    "tsit5": diffrax.Tsit5,
    "kvaerno5": diffrax.Kvaerno5,
    "taylor": Taylor,
    "variational": Variational,
    "implicit_midpoint": ImplicitMidpoint,
}
"""Solvers by name: the first three of diffrax, for any law, the third for stiff ones; the others are ours."""

_DEFAULT_FINDER = diffrax.with_stepsize_controller_tols(diffrax.VeryChord)()
_TOLERANCE_OF_STEPS = _DEFAULT_FINDER.rtol
"""What stands in a root finder of diffrax for the tolerance of the controller of steps."""
_ROUNDING = 32
_STEPS, _STEPS_AN_INSTANT, _CONSTANT_STEPS = 512, 32, 200_000
"""What bounds the work of a motion whatever its units: one that takes more than some tens of steps between the instants
that it is observed at runs into a singularity, or turns faster than its observation can tell. Dry friction of a width
of 1e-3 of the speeds that occur takes that many of an explicit solver, where it sticks."""


class Integrator(eqx.Module):
    """A solver of diffrax with adaptive steps, or, where `step` is given, with constant ones."""

    solver: diffrax.AbstractSolver = diffrax.Dopri8()
    """Any solver of ordinary differential equations: explicit, implicit, of both kinds in one, or splitting."""
    rtol: float | Scalar | None = None
    """The tolerance of a step, relative to the largest value that each component of the state has had in the motion;
    None is 1e-9 in double and 1e-5 in single precision."""
    atol: float | Scalar | None = None
    """The tolerance of components that stay smaller, in units of the sizes that the law holds of them, those of its
    declaration; None is 32 times the precision, for what is zero but for rounding."""
    step: float | Scalar | None = None
    """A constant step, in seconds; with an adaptive `controller` the first one."""
    controller: diffrax.AbstractStepSizeController | None = None
    """What chooses the steps, of a state in units of its sizes; None is a `PIDController` with errors relative to the
    motion, or constant steps where `step` is given."""
    jumps: Float[Array, " jumps"] | None = None
    """The times, in increasing order, at which a force, an input or a prescribed motion jumps: a step ends at each, and
    none is taken over one. Without them the steps shrink to find it, and may miss a short pulse."""
    dense: bool = eqx.field(static=True, default=False)
    """Whether to keep what evaluates the state at any time."""
    max_steps: int | None = eqx.field(static=True, default=None)
    """The most steps of a motion; None is 512, and 32 for each instant at which it is observed or jumps, or 200,000
    constant ones."""

    def __check_init__(self) -> None:
        for name, value in {"rtol": self.rtol, "atol": self.atol, "step": self.step}.items():
            if value is not None and is_known(value) and not (np.shape(value) == () and 0 < float(value) < np.inf):
                raise ValueError(f"{name} of an Integrator must be a positive, finite number, but is {value}.")
        if self.max_steps is not None and self.max_steps < 1:
            raise ValueError(f"max_steps of an Integrator must be positive, but is {self.max_steps}.")
        name = type(self.solver).__name__
        if isinstance(self.solver, diffrax.HalfSolver) and isinstance(self.solver, diffrax.AbstractImplicitSolver):
            raise ValueError(
                "HalfSolver takes an explicit solver or a splitting one: in diffrax it has no root finder for "
                f"{type(self.solver.solver).__name__}. Give the Integrator that solver itself."
            )
        if self.jumps is not None and is_known(self.jumps):
            jumps = np.asarray(self.jumps)
            if jumps.ndim != 1 or not (np.isfinite(jumps).all() and (np.diff(jumps) > 0).all()):
                raise ValueError(f"jumps of an Integrator must be finite times that increase, but are {self.jumps}.")
        if self.jumps is not None and not self.is_adaptive:
            raise ValueError("Constant steps do not end at jumps: leave out step=…, or jumps.")
        if self.is_adaptive and not isinstance(self.solver, diffrax.AbstractAdaptiveSolver):
            raise ValueError(
                f"The solver {name} does not estimate its error, so its steps cannot adapt: give the Integrator a "
                f"constant step=…, or the solver as diffrax.HalfSolver(diffrax.{name}())."
            )
        if isinstance(self.controller, diffrax.ConstantStepSize) and self.step is None:
            raise ValueError("Constant steps need a size: give the Integrator step=…, which needs no controller.")
        if isinstance(self.controller, diffrax.AbstractAdaptiveStepSizeController) and not (
            self.rtol is None and self.atol is None
        ):
            raise ValueError("A controller has tolerances of its own: give rtol and atol to it, or no controller.")

    @property
    def is_adaptive(self) -> bool:
        """Whether steps follow the tolerances."""
        if self.controller is None:
            return self.step is None
        return isinstance(self.controller, diffrax.AbstractAdaptiveStepSizeController)

    def prepared(self, times: Array) -> "Integration":
        """The integration over these times, with every number an array: none of them is compiled in."""
        dtype = times.dtype
        rtol = jnp.asarray(default_tolerance(dtype) if self.rtol is None else self.rtol, dtype)
        atol = jnp.asarray(_ROUNDING * float(jnp.finfo(dtype).eps) if self.atol is None else self.atol, dtype)
        controller = self.controller
        if controller is None and self.step is None:
            # a motion that runs into a singularity ends there, instead of creeping on for max_steps
            smallest = (1e-10 if dtype == jnp.float64 else 1e-7) * jnp.abs(times[-1] - times[0])
            controller = RelativeToMotion(rtol=rtol, atol=atol, dtmin=smallest)
        elif controller is None:
            controller = diffrax.ConstantStepSize()
        solver = with_root_finder(self.solver)
        if not isinstance(controller, diffrax.AbstractAdaptiveStepSizeController):
            solver = with_tolerances(solver, rtol, rtol if self.atol is None else atol)
        if self.jumps is not None:
            clipped: Any = controller
            controller = diffrax.ClipStepSizeController(clipped, jump_ts=jnp.asarray(self.jumps, dtype))
        step = None if self.step is None else jnp.asarray(self.step, dtype)
        instants = len(times) + (0 if self.jumps is None else len(self.jumps))
        most = _STEPS + _STEPS_AN_INSTANT * instants if step is None else _CONSTANT_STEPS
        return Integration(solver, controller, step, self.dense, self.max_steps or most)


class Integration(eqx.Module):
    """An `Integrator` whose numbers are arrays."""

    solver: diffrax.AbstractSolver
    controller: diffrax.AbstractStepSizeController
    step: Scalar | None
    dense: bool = eqx.field(static=True)
    max_steps: int = eqx.field(static=True)


def is_known(value: object) -> bool:
    """Whether it is a number already, and not only when what is compiled runs."""
    return not isinstance(value, Tracer)


def default_tolerance(dtype: DTypeLike) -> float:
    """The tolerance of a step where none is given."""
    return 1e-9 if dtype == jnp.float64 else 1e-5


def with_root_finder(solver: diffrax.AbstractSolver) -> diffrax.AbstractSolver:
    """An additive solver (`KenCarp3`) with a root finder that ends on an equation whose solution it starts from.

    The first stage of such a step is solved already. `VeryChord`, the default, asks there for iterates that shrink,
    and those of rounding do not: it reports that it diverged, at every size of step. `optimistix.Chord` does not ask.
    A root finder that the solver was given stays.
    """
    if not (isinstance(solver, diffrax.AbstractImplicitSolver) and is_additive(solver)):
        return solver
    if not eqx.tree_equal(solver.root_finder, _DEFAULT_FINDER):
        return solver
    return eqx.tree_at(lambda s: s.root_finder, solver, diffrax.with_stepsize_controller_tols(optx.Chord)())


def with_tolerances(
    solver: diffrax.AbstractSolver, rtol: float | Scalar, atol: float | Scalar
) -> diffrax.AbstractSolver:
    """An implicit solver whose root finder has tolerances, where it is left to take them from the steps'."""
    if not isinstance(solver, diffrax.AbstractImplicitSolver) or solver.root_finder.rtol is not _TOLERANCE_OF_STEPS:
        return solver
    return eqx.tree_at(
        lambda s: (s.root_finder.rtol, s.root_finder.atol, s.root_finder.norm), solver, (rtol, atol, optx.rms_norm)
    )
