"""From measured motions to parameters, with honest errors."""

from ._identify import Estimate as Estimate
from ._identify import Identification as Identification
from ._identify import Method as Method
from ._identify import identify as identify
from ._inspect import Inspection as Inspection
from ._inspect import inspect as inspect
from ._judge import Judgement as Judgement
from ._weak import WeakForm as WeakForm
