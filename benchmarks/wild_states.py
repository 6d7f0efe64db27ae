"""How long 1,000 motions of every system take from wild states, the compilation among it.

The states have coordinates and velocities of all magnitudes from 1e-6 to 1e6, with NaN, infinity and 1e300 among them;
0.2 seconds of motion are asked for. Every motion ends, with a code of its own.
"""

import time
from collections import Counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import symlnn

_COUNT = 1000
_DURATION = 0.2


def wild_states(system: symlnn.System, n: int) -> symlnn.States:
    """n states of all magnitudes; q₁ of the first five, and v₁ of the next five, is NaN, ±∞, 1e300 and 0."""
    generator = np.random.default_rng(0)

    def numbers() -> np.ndarray:
        shape = (n, system.dof)
        return generator.choice([-1.0, 1.0], shape) * 10.0 ** generator.uniform(-6, 6, shape)

    q, v = numbers(), numbers()
    for row, value in enumerate((np.nan, np.inf, -np.inf, 1e300, 0.0)):
        q[row, 0] = v[row + 5, 0] = value
    drawn = symlnn.sample_states(system, n, key=jax.random.key(0))
    return symlnn.States(jnp.asarray(q), jnp.asarray(v), drawn.m, drawn.u, jnp.zeros(n))


def run() -> dict[str, Any]:
    """A row for each system."""
    jax.config.update("jax_enable_x64", True)
    rows = []
    for name in (name for name in symlnn.catalogue_names() if name != "seven_joint_arm"):
        system = symlnn.load_system(name)
        law, start = symlnn.SymbolicDynamics(system), wild_states(system, _COUNT)
        begin = time.perf_counter()
        found = jax.block_until_ready(symlnn.simulate(law, start, duration=_DURATION, rate=50.0))
        seconds = time.perf_counter() - begin
        finite = np.isfinite(found.q).all(axis=(1, 2)) & np.isfinite(found.v).all(axis=(1, 2))
        ended = np.asarray(found.successful)
        words = Counter(reason.split(".")[0][:40] for reason in found.reasons[~ended])
        rows.append(
            {
                "system": name,
                "dof": system.dof,
                "seconds": seconds,
                "ended": int(ended.sum()),
                "ended_not_finite": int((ended & ~finite).sum()),
                "most_frequent_failure": words.most_common(1)[0][0] if words else "",
            }
        )
    return {"rows": rows, "slowest_seconds": max(row["seconds"] for row in rows)}
