"""Taylor series of motions: their recurrences from SymPy, a solver of diffrax, and many motions at once."""

from ._lanes import LANES as LANES
from ._lanes import moved as moved
from ._series import constants_of as constants_of
from ._series import series as series
from ._solver import SeriesTerm as SeriesTerm
from ._solver import Taylor as Taylor
