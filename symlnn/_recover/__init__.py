"""From motions, or from a learned function, to a law in SymPy."""

from ._dictionary import dictionary as dictionary
from ._equivalent import equivalent as equivalent
from ._recover import recover as recover
from ._recovery import FrontLaw as FrontLaw
from ._recovery import RecoveredTerm as RecoveredTerm
from ._recovery import Recovery as Recovery
from ._terms import Term as Term
