"""From a comparison to a report: HTML, JSON and figures."""

from ._results import Validation as Validation
from ._validate import validate as validate
