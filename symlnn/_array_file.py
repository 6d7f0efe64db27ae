"""Files of arrays: a checksum, a JSON header that says what they are, and their bytes. Neither pickle nor code.

symlnn-arrays-2
the SHA-256 of all that follows
{"kind": …, "arrays": [[shape, dtype], …], …}
the bytes of the arrays, in the order of the header, row by row, little-endian
"""

import hashlib
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ._files import LONGEST_TEXT, decoding, parsed, write_file

_MAGIC = b"symlnn-arrays-2\n"
_DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 float64 complex64 complex128"


def write_arrays(path: Path, header: Mapping[str, Any], tree: Any) -> None:
    """Write the header, with the shapes and dtypes of the arrays of a tree, and the arrays; whole or not at all."""
    arrays = [np.asarray(x) for x in jax.tree.leaves(tree) if _is_array(x)]
    line = json.dumps({**header, "arrays": _described(tree)}).encode() + b"\n"
    body = [_little_endian(x).tobytes() for x in arrays]
    if len(line) > LONGEST_TEXT:
        raise ValueError(f"{path} would have a header of {len(line):,} bytes: the declaration is too long for a file.")
    digest = hashlib.sha256(line)
    for part in body:
        digest.update(part)
    write_file(path, _MAGIC, digest.hexdigest().encode() + b"\n", line, *body)


def read_header(path: Path, kind: str) -> tuple[dict[str, Any], bytes]:
    """The header and the bytes of the arrays, of a file of this kind.

    Raises `ValueError` where the file is missing, foreign or damaged. Nothing that it holds is run, and nothing is
    allocated that is larger than the file.
    """
    if not path.is_file():
        raise ValueError(f"There is no {kind} file {path}.")
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError(f"{path} is no {kind} file of symlnn, or one of another version: train it again.")
        digest, begin = file.readline(65), file.tell()
        found = hashlib.file_digest(file, "sha256")
        if digest.strip() != found.hexdigest().encode():
            raise ValueError(f"{path} is damaged or truncated: its checksum does not match. Copy or train it again.")
        file.seek(begin)
        with decoding(f"{path} is no {kind} file of symlnn"):
            header = parsed(file.readline(LONGEST_TEXT + 1))
            if header["kind"] != kind:
                raise ValueError(f"it is a {str(header['kind'])[:80]} file")
            body = file.read()
            if sum(_size(shape, name, len(body)) for shape, name in header["arrays"]) != len(body):
                raise ValueError("its arrays are not as long as its header says")
    return header, body


def read_arrays(path: Path, header: Mapping[str, Any], body: bytes, like: Any) -> Any:
    """The arrays of a file in the structure of `like`, whose own may be shapes only.

    Raises `ValueError` where shapes or dtypes differ.
    """
    expected = _described(like)
    if header["arrays"] != expected:
        stored, wanted = (
            {name for _, name in arrays if name.startswith("float")} for arrays in (header["arrays"], expected)
        )
        if stored != wanted:
            raise ValueError(
                f"{path} holds {', '.join(sorted(stored))} but JAX is set to {', '.join(sorted(wanted))}: "
                "use --precision, or jax.config.update('jax_enable_x64', …), to match it."
            )
        raise ValueError(f"{path} holds arrays of other shapes than its model builds now: train it again.")
    leaves, structure = jax.tree.flatten(like)
    found, begin = [], 0
    for leaf in leaves:
        if _is_array(leaf):
            array = np.frombuffer(body, leaf.dtype, math.prod(leaf.shape), begin)
            begin += array.nbytes
            array = _little_endian(array).reshape(leaf.shape)
            leaf = array.copy() if isinstance(leaf, np.ndarray | np.generic) else jnp.asarray(array)
        found.append(leaf)
    return jax.tree.unflatten(structure, found)


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray | np.generic | jax.ShapeDtypeStruct)


def _described(tree: Any) -> list[list[Any]]:
    return [[list(x.shape), str(x.dtype)] for x in jax.tree.leaves(tree) if _is_array(x)]


def _size(shape: list[int], name: str, most: int) -> int:
    """The bytes of an array of a header."""
    if name not in _DTYPES.split() or len(shape) > 32 or not all(type(n) is int and 0 <= n <= most for n in shape):
        raise ValueError("its header names arrays that cannot be")
    return math.prod(shape) * jnp.dtype(name).itemsize


def _little_endian(array: np.ndarray) -> np.ndarray:
    """The array with the bytes of each number reversed on a big-endian machine, which makes and undoes it."""
    return array if sys.byteorder == "little" else array.byteswap()
