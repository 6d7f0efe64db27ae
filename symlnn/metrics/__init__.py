"""Metrics of a model against the truth: pure functions, whose meaning is the same in every report.

A failed roll-out counts as infinite and is never dropped. A Lagrangian is defined only up to a factor and a total time
derivative, so Lagrangians are not compared; accelerations, motions and the analytic energy along them are.
"""

from ._accelerations import AccelerationErrors as AccelerationErrors
from ._accelerations import acceleration_errors as acceleration_errors
from ._constraints import constraint_drift as constraint_drift
from ._cross_check import CrossCheck as CrossCheck
from ._cross_check import cross_check as cross_check
from ._cross_check import max_relative_error as max_relative_error
from ._dispersion import Dispersion as Dispersion
from ._dispersion import dispersion as dispersion
from ._energy import Power as Power
from ._energy import Spread as Spread
from ._energy import balance_errors as balance_errors
from ._energy import energy_along as energy_along
from ._energy import energy_errors as energy_errors
from ._energy import energy_scale as energy_scale
from ._energy import power_balance_errors as power_balance_errors
from ._lyapunov import lyapunov_exponents as lyapunov_exponents
from ._lyapunov import turn_time as turn_time
from ._motions import VALID_TIME_THRESHOLD as VALID_TIME_THRESHOLD
from ._motions import share_outside as share_outside
from ._motions import state_errors as state_errors
from ._motions import valid_times as valid_times
from ._motions import velocity_errors as velocity_errors
from ._motions import wrapped_difference as wrapped_difference
