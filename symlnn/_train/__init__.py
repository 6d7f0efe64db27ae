"""Residuals, optimisers, `fit` and its checkpoints."""

from ._checkpoint import History as History
from ._first_order import OPTIMIZERS as OPTIMIZERS
from ._first_order import SCHEDULES as SCHEDULES
from ._first_order import FirstOrder as FirstOrder
from ._fit import Fit as Fit
from ._fit import Recipe as Recipe
from ._fit import Report as Report
from ._fit import TrainingError as TrainingError
from ._fit import fit as fit
from ._gauss_newton import GaussNewton as GaussNewton
from ._learn import Learned as Learned
from ._learn import learn as learn
from ._residual import LOSSES as LOSSES
from ._residual import PlainAcceleration as PlainAcceleration
from ._residual import ScaledAcceleration as ScaledAcceleration
from ._stage import AbstractStage as AbstractStage
