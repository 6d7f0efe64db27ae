"""Sampling states, generating data sets, reading and writing them."""

from ._sampling import Stream as Stream
from ._sampling import sample_states as sample_states
