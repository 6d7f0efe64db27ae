"""Files of arrays: a JSON header that says what they are, then Equinox leaves. Never pickle."""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax

from ._atomic import atomic_path

_MAGIC = b"symlnn-model-1\n"


def write_arrays(path: Path, header: Mapping[str, Any], leaves: Any) -> None:
    """Write the header, with the shapes, dtypes and checksum of the leaves, and the leaves; whole or not at all."""
    buffer = io.BytesIO()
    eqx.tree_serialise_leaves(buffer, leaves)
    body = buffer.getvalue()
    described = {**header, "arrays": _described(leaves), "sha256": hashlib.sha256(body).hexdigest()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(_MAGIC + json.dumps(described).encode() + b"\n" + body)


def _described(leaves: Any) -> list[list[Any]]:
    return [[list(x.shape), str(x.dtype)] for x in jax.tree.leaves(leaves) if eqx.is_array(x)]


def read_header(path: Path) -> tuple[dict[str, Any], bytes]:
    """The header and the leaves' bytes. Raises `ValueError` where the file is missing, foreign or damaged."""
    if not path.is_file():
        raise ValueError(f"There is no model file {path}.")
    data = path.read_bytes()
    if not data.startswith(_MAGIC):
        raise ValueError(f"{path} is no model file of symlnn: train one with `symlnn train … --out {path.name}`.")
    line, _, body = data[len(_MAGIC) :].partition(b"\n")
    try:
        header = json.loads(line)
    except ValueError as error:
        raise ValueError(f"{path} is damaged: its header cannot be read. Copy or train it again.") from error
    if header.get("sha256") != hashlib.sha256(body).hexdigest():
        raise ValueError(f"{path} is damaged or truncated: its checksum does not match. Copy or train it again.")
    return header, body


def read_arrays(path: Path, header: Mapping[str, Any], body: bytes, like: Any) -> Any:
    """The leaves of a file in the structure of `like`. Raises `ValueError` where shapes or dtypes differ."""
    expected = _described(like)
    if header["arrays"] != expected:
        stored = {dtype for _, dtype in header["arrays"] if dtype.startswith("float")}
        wanted = {dtype for _, dtype in expected if dtype.startswith("float")}
        if stored != wanted:
            raise ValueError(
                f"{path} holds {', '.join(sorted(stored))} but JAX is set to {', '.join(sorted(wanted))}: "
                "use --precision, or jax.config.update('jax_enable_x64', …), to match it."
            )
        raise ValueError(f"{path} holds arrays of other shapes than its model builds now: train it again.")
    return eqx.tree_deserialise_leaves(io.BytesIO(body), like)
