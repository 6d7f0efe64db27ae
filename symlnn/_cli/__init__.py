"""The command line: `symlnn COMMAND`. Thin covers of public functions."""

from ._main import main as main
from ._progress import TrainingBar as TrainingBar
