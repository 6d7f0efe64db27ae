"""From a comparison to a report: HTML, JSON and figures."""

from ._bench import Bench as Bench
from ._bench import Judgement as Judgement
from ._bench import Motion as Motion
from ._bench import roll_out as roll_out
from ._examine import QUICK as QUICK
from ._examine import Candidate as Candidate
from ._examine import Effort as Effort
from ._examine import ReportListener as ReportListener
from ._examine import examine as examine
from ._figures import FIGURES as FIGURES
from ._figures import figures_of as figures_of
from ._figures import typical_motion as typical_motion
from ._mathml import equation as equation
from ._page import templates as templates
from ._results import ModelResult as ModelResult
from ._results import Settings as Settings
from ._results import Validation as Validation
from ._results import settings_of as settings_of
from ._results import strict as strict
from ._results import to_text as to_text
from ._table import number as number
from ._table import results_table as results_table
from ._validate import validate as validate
from ._write import write_data as write_data
from ._write import write_figures as write_figures
from ._write import write_models as write_models
