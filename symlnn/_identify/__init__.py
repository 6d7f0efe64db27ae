"""From measured motions to parameters, with honest errors."""

from ._black_box import BLACK_BOXES as BLACK_BOXES
from ._black_box import black_box as black_box
from ._function_file import load_functions as load_functions
from ._function_file import save_functions as save_functions
from ._functions import Curve as Curve
from ._identification import Estimate as Estimate
from ._identification import Identification as Identification
from ._identify import identify as identify
from ._inspect import Inspection as Inspection
from ._inspect import inspect as inspect
from ._judge import Judgement as Judgement
from ._judge import errors_over_horizon as errors_over_horizon
from ._judge import force_residual as force_residual
from ._judge import judge as judge
from ._judge import predictions as predictions
from ._method import Choices as Choices
from ._method import Method as Method
from ._smooth import Stretch as Stretch
from ._smooth import joined as joined
from ._smooth import noise as noise
from ._smooth import stretches as stretches
from ._smooth import time_scale as time_scale
from ._weak import WeakForm as WeakForm
