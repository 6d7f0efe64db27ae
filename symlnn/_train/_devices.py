"""A batch on all devices: of one machine, or of all processes that `jax.distributed` has joined."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec


def over_devices(function: Callable[[Any, Any], Any], shared: Any, batch: Any, count: int) -> Any:
    """function(shared, batch), whose row i depends on observation i alone, with a share of the `count` observations on
    each device; on one where they cannot be divided equally.

    Every device gets all of `shared`, and what comes back is whole on every device: a derivative in `shared` sums over
    them.
    """
    devices = jax.devices()
    if len(devices) == 1 or count % len(devices):
        return function(shared, batch)
    rows, whole = PartitionSpec("observations"), PartitionSpec()
    of_batch = jax.tree.map(lambda x: rows if jnp.ndim(x) and len(x) == count else whole, batch)
    return jax.shard_map(
        function,
        mesh=Mesh(np.array(devices), ("observations",)),
        in_specs=(whole, of_batch),
        out_specs=rows,
        check_vma=False,
    )(shared, batch)
