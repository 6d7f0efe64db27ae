"""The declaration of a mechanical system: its law, the domain of its states, and the experiment made with it."""

from ._checking import checked_before as checked_before
from ._domain import Domain as Domain
from ._experiment import Experiment as Experiment
from ._expression import is_name as is_name
from ._expression import listed as listed
from ._expression import ordered as ordered
from ._expression import scalar as scalar
from ._law import Law as Law
from ._parameter import Parameter as Parameter
from ._system import System as System
from ._unknown import Unknown as Unknown
