"""What the processes of one training agree on, where `jax.distributed` has joined several."""

import jax
import numpy as np
from jax.experimental import multihost_utils


def agreed(number: float) -> float:
    """The number that the first process has: each measures another time, and all have to take the same steps."""
    if jax.process_count() == 1:
        return number
    return float(multihost_utils.broadcast_one_to_all(np.asarray(number, np.float32)))


def is_first() -> bool:
    """Whether this is the process that writes files."""
    return jax.process_index() == 0
