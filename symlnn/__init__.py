"""symlnn: symbolic and learned mechanics, joined."""

from ._catalogue import catalogue_names as catalogue_names
from ._catalogue import load_system as load_system
from ._distribution import Normal as Normal
from ._distribution import Uniform as Uniform
from ._distribution import normal as normal
from ._distribution import uniform as uniform
from ._system import Parameter as Parameter
from ._system import System as System

__version__ = "0.1.0"
