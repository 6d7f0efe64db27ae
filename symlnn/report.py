"""What reports are made of: the parts of `validate` that a study of your own can put together otherwise."""

from ._report import FIGURES as FIGURES
from ._report import QUICK as QUICK
from ._report import Bench as Bench
from ._report import Candidate as Candidate
from ._report import Effort as Effort
from ._report import Judgement as Judgement
from ._report import Listener as Listener
from ._report import ModelResult as ModelResult
from ._report import Motion as Motion
from ._report import Settings as Settings
from ._report import Validation as Validation
from ._report import check_folder as check_folder
from ._report import equation as equation
from ._report import examine as examine
from ._report import number as number
from ._report import replaced_folder as replaced_folder
from ._report import results_table as results_table
from ._report import roll_out as roll_out
from ._report import settings_of as settings_of
from ._report import strict as strict
from ._report import templates as templates
from ._report import to_text as to_text
from ._report import typical_motion as typical_motion
from ._report import write_data as write_data
from ._report import write_figures as write_figures
from ._report import write_models as write_models
