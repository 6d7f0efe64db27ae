"""What figures are made of: one look, a colour for each model, and bands of errors over time."""

from ._curves import bands as bands
from ._curves import finite as finite
from ._curves import over_time as over_time
from ._curves import wrapped as wrapped
from ._fields import space_time as space_time
from ._ordered import in_order as in_order
from ._style import STYLE as STYLE
from ._style import TRUTH as TRUTH
from ._style import colours as colours
from ._style import shades as shades
from ._text import mathematics as mathematics
from ._text import plain as plain
