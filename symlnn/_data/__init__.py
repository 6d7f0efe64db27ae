"""Drawing states and observations, generating data sets, reading and writing them."""

from ._columns import Column as Column
from ._dataset import load_dataset as load_dataset
from ._dataset import matching as matching
from ._dataset import save_dataset as save_dataset
from ._generate import generate as generate
from ._generate import generate_trajectories as generate_trajectories
from ._generate import motions_dataset as motions_dataset
from ._generate import require_finite as require_finite
from ._generate import samples_dataset as samples_dataset
from ._logs import Log as Log
from ._logs import read_motions as read_motions
from ._motions import Motions as Motions
from ._motions import Run as Run
from ._observations import AbstractObservations as AbstractObservations
from ._observations import Instants as Instants
from ._observations import Resample as Resample
from ._observations import Source as Source
from ._observations import Stream as Stream
from ._observations import Stretches as Stretches
from ._observations import draw as draw
from ._observations import hold_out as hold_out
from ._observations import successful as successful
from ._states import DeclaredStates as DeclaredStates
from ._states import SmoothFields as SmoothFields
from ._states import StateSource as StateSource
from ._states import sample_states as sample_states
