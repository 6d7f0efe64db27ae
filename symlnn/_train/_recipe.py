"""How a model is trained and for how long: the stages of a recipe, and a budget of time or of steps."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ._first_order import FirstOrder
from ._gauss_newton import GaussNewton
from ._stage import AbstractStage


@dataclass(frozen=True)
class Budget:
    """Seconds of training, or steps, in all or for each stage. Only steps give the same model on every run.

    Raises `ValueError` unless exactly one of them is given, and positive.
    """

    seconds: float | int | None = None
    steps: int | Sequence[int] | None = None

    def __post_init__(self) -> None:
        if (self.seconds is None) == (self.steps is None):
            raise ValueError("A training budget is exactly one of seconds and steps.")
        if self.seconds is not None and not 0 < self.seconds < math.inf:
            raise ValueError(f"The training budget must be positive, but is {self.seconds} seconds.")
        if self.steps is not None:
            counts = [self.steps] if isinstance(self.steps, int) else list(self.steps)
            if not counts or min(counts) < 0 or sum(counts) < 1:
                raise ValueError(f"The training budget must be positive, but is {self.steps} steps.")


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

    def sized(self, rows: int, coordinates: int, parameters: int) -> "Recipe":
        """With every stage for a residual of so many rows an observation, a system of so many coordinates, and a model
        of so many parameters."""
        return dataclasses.replace(
            self, stages=tuple(stage.sized(rows, coordinates, parameters) for stage in self.stages)
        )

    def divide(self, steps: int | Sequence[int]) -> tuple[int, ...]:
        """The steps of each stage: of `steps` in all, or as given. Raises `ValueError` for too few or too many."""
        if isinstance(steps, int):
            counts = [math.floor(share * steps) for share in self.step_shares]
            counts[0] += steps - sum(counts)
        else:
            counts = list(steps)
            if len(counts) != len(self.stages):
                raise ValueError(f"steps must be one number, or {len(self.stages)}, one for each stage: {steps}.")
        return tuple(counts)
