"""What tells one configuration from another, in any process: not its `repr`, in which functions have an address."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from types import CodeType
from typing import Any

import numpy as np


def fingerprint(thing: Any) -> str:
    """A hash of what a recipe, a residual or data are made of; of a function, its code and what it closes over.

    An optax optimiser is functions that close over its learning rate, so two of them are told apart by nothing else.
    What a function takes from its module is not looked at.
    """
    return hashlib.sha256(json.dumps(_described(thing, ())).encode()).hexdigest()


def _described(thing: Any, above: tuple[int, ...]) -> Any:
    """JSON data of a thing; `above` are the ids of those that it stands in, since a closure can hold itself."""
    if id(thing) in above:
        return "itself"
    above = (*above, id(thing))

    def inner(value: Any) -> Any:
        return _described(value, above)

    if thing is None or isinstance(thing, bool | int | float | complex | str | bytes):
        return [type(thing).__name__, repr(thing)]
    if hasattr(thing, "__array__") and not isinstance(thing, type):
        array = np.asarray(thing)
        return ["array", str(array.dtype), array.shape, hashlib.sha256(array.tobytes()).hexdigest()]
    if isinstance(thing, type):
        return f"{thing.__module__}.{thing.__qualname__}"
    if isinstance(thing, Mapping):
        return sorted([inner(key), inner(value)] for key, value in thing.items())
    if isinstance(thing, tuple | list):
        return [inner(type(thing)), *map(inner, thing)]
    if isinstance(thing, CodeType):
        return [thing.co_code.hex(), thing.co_names, *map(inner, thing.co_consts)]
    if dataclasses.is_dataclass(thing):
        return [inner(type(thing)), *([f.name, inner(getattr(thing, f.name))] for f in dataclasses.fields(thing))]
    if hasattr(thing, "__code__"):
        cells = [inner(cell.cell_contents) for cell in thing.__closure__ or ()]
        return [inner(thing.__code__), inner(thing.__defaults__), inner(thing.__kwdefaults__), *cells]
    if hasattr(thing, "func") and hasattr(thing, "keywords"):  # functools.partial
        return [inner(thing.func), inner(thing.args), inner(thing.keywords)]
    if hasattr(thing, "__wrapped__"):
        return inner(thing.__wrapped__)
    return [inner(type(thing)), inner(getattr(thing, "__dict__", None))]
