"""The choices of an identification."""

import math
from dataclasses import dataclass

_QUARTER = math.pi / 2
"""Of a period, in time scales."""
_STEPS_A_TIME_SCALE = 25
_HORIZONS = (0.1, 0.5, 1.0)
"""As shares of a power of ten, in seconds."""
_LONG = 1.8
"""How many periods the farthest horizon is at most, so that it is 1 s where a period is from 0.56 to 5.6 s."""


@dataclass(frozen=True)
class Choices:
    """How motions were smoothed, weighed, shot through and judged, with nothing left open."""

    half_width: float
    """Of the bumps of the weak form, in seconds."""
    window: float
    """Of smoothing, in seconds."""
    shot: float
    """The length of the windows of multiple shooting, in seconds."""
    step: float
    """The longest step of the integrator, in seconds."""
    filter_hz: float
    """Of the force errors."""
    horizons: tuple[float, ...]
    """Of the prediction errors, in seconds."""


@dataclass(frozen=True)
class Method:
    """What is wished of an identification; what is None follows from the time scale of the data, the shortest time in
    which a coordinate changes by its size, of which a period of an oscillation has 2π."""

    half_width: float | None = None
    """Of the bumps of the weak form, in seconds; None is a quarter of a period."""
    window: float | None = None
    """Of smoothing, in seconds; None is half of that."""
    shot: float | None = None
    """The length of the windows of multiple shooting, in seconds; None is half of a period."""
    shooting: bool = True
    """Whether multiple shooting follows the weak form."""
    step: float | None = None
    """The longest step of the integrator, in seconds; None is a 25th of the time scale, or what is stable."""
    filter_hz: float | None = None
    """Of the force errors; None is one over the half width."""
    horizons: tuple[float, ...] | None = None
    """Of the prediction errors, in seconds; None is a tenth, a half and all of the power of ten below 1.8 periods, or
    what the data are long enough for: 0.1, 0.5 and 1 s where a period is about a second or some."""

    def __post_init__(self) -> None:
        for name in ("half_width", "window", "shot", "step", "filter_hz"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} of a Method must be a positive, finite number, but is {value}.")

    def chosen(self, time_scale: float, held_out: float) -> Choices:
        """For data of this time scale, of which the longest run that is held out lasts so many seconds."""
        half = self.half_width or _QUARTER * time_scale
        decade = 10.0 ** math.floor(math.log10(_LONG * 4 * _QUARTER * time_scale))
        horizons = tuple(float(f"{share * decade:.12g}") for share in _HORIZONS)
        return Choices(
            half_width=half,
            window=self.window or half / 2,
            shot=self.shot or 2 * half,
            step=self.step or time_scale / _STEPS_A_TIME_SCALE,
            filter_hz=self.filter_hz or 1 / half,
            horizons=self.horizons or tuple(h for h in horizons if h <= held_out / 2) or (held_out / 2,),
        )
