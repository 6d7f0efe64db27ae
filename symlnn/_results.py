"""What became of a computation: one enumeration of result codes for roll-outs, linear solves and trainings."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np


class RESULTS(diffrax.RESULTS):  # pyright: ignore[reportGeneralTypeIssues]
    """Diffrax's result codes (and through them those of Lineax and Optimistix), with those of this package.

    A failure at run time is a code beside the last good value, never an exception: `str(RESULTS[code])` says in words
    what happened.
    """

    successful = ""
    not_finite = (
        "The law of motion, or the loss of a training, is not a finite number there: the states lie outside of where "
        "it is defined, or its numbers are too large for the floating-point type."
    )
    inconsistent = (
        "The start does not obey the constraints of the law: take the state nearby that does, symlnn.project(system, "
        "states)."
    )
    diverged = "The training went away from what it was to learn, again and again: lower its learning rate."
    interrupted = "It was interrupted before its end; what it had come to is kept."


def in_words(result: RESULTS) -> np.ndarray:
    """What each code of a batch says; nothing where it is `successful`."""
    (codes,), structure = jax.tree.flatten(result)
    known, places = np.unique(np.asarray(codes), return_inverse=True)
    words = [str(RESULTS[jax.tree.unflatten(structure, [jnp.asarray(code)])]) for code in known]
    return np.array(words, dtype=object)[places]
