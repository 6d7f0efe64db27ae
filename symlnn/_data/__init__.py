"""Sampling states, generating data sets, reading and writing them."""

from ._dataset import load_dataset as load_dataset
from ._dataset import samples_of as samples_of
from ._dataset import save_dataset as save_dataset
from ._generate import generate as generate
from ._generate import generate_trajectories as generate_trajectories
from ._generate import observe as observe
from ._generate import to_dataset as to_dataset
from ._sampling import Resample as Resample
from ._sampling import Source as Source
from ._sampling import Stream as Stream
from ._sampling import accelerations as accelerations
from ._sampling import sample_states as sample_states
from ._segments import SegmentSource as SegmentSource
from ._segments import SegmentStream as SegmentStream
from ._segments import segments_of as segments_of
from ._segments import successful_trajectories as successful_trajectories
from ._smooth import SmoothStream as SmoothStream
