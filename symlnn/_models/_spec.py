"""Trained models on disk: a JSON header that rebuilds the model, then its Equinox leaves. Never pickle."""

import dataclasses
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp

from .._atomic import atomic_path
from .._catalogue import load_file
from .._dynamics import AbstractDynamics, Neighbourhoods
from .._serialise import system_from_json, system_to_json
from .._system import System
from .._types import Key
from . import MODELS
from ._mlp import Architecture
from ._model import Builder, Model
from ._scales import Scales

_MAGIC = b"symlnn-model-1\n"


@dataclass(frozen=True)
class ModelSpec:
    """What builds a model: with a key an untrained one, and with the leaves of a file a trained one."""

    model: str
    """A name of `MODELS`, or the path of a file that defines `MODEL`, a builder."""
    system: System
    scales: Scales
    architecture: Architecture = dataclasses.field(default_factory=Architecture)

    def build(self, key: Key) -> AbstractDynamics:
        """An untrained model. Raises `ValueError` for an unknown model and a file without a builder."""
        dynamics = _model(self.model).builder(self.system, self.scales, self.architecture, key=key)
        if not isinstance(dynamics, AbstractDynamics):
            raise ValueError(f"MODEL in {self.model} returned a {type(dynamics).__name__}, not a dynamics.")
        return dynamics

    @property
    def title(self) -> str:
        """What a report calls the model: the first line of its builder's docstring, or its name."""
        return _model(self.model).title or self.model

    @property
    def residual(self) -> str:
        """What the model is trained on unless something else is asked for: a name of `RESIDUALS`."""
        return _model(self.model).residual

    @staticmethod
    def check(model: str) -> None:
        """Raise a `ValueError` unless `model` names a built-in model or a file with a builder."""
        _model(model)

    def to_json(self) -> dict[str, Any]:
        """JSON data; `ModelSpec.from_json` is the inverse."""
        return {
            "model": self.model,
            "system": system_to_json(self.system),
            "scales": self.scales.to_json(),
            "architecture": dataclasses.asdict(self.architecture),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "ModelSpec":
        """The ModelSpec of `to_json`."""
        return ModelSpec(
            data["model"],
            system_from_json(data["system"]),
            Scales.from_json(data["scales"]),
            Architecture(**data["architecture"]),
        )


def _model(model: str) -> Model:
    if not model.endswith(".py"):
        if model not in MODELS:
            raise ValueError(
                f"Unknown model {model!r}; the built-in ones are {', '.join(MODELS)}. "
                "For one of your own give the path of a .py file that defines MODEL."
            )
        return MODELS[model]
    path = Path(model)
    if not path.is_file():
        raise ValueError(f"There is no model file {model}.")
    found = getattr(load_file(path, "MODEL"), "MODEL", None)
    if isinstance(found, Model):
        return found
    if not callable(found):
        raise ValueError(f"{model} defines no MODEL: it needs MODEL(system, scales, architecture, *, key).")
    return Model(cast(Builder, found))


def trainable(dynamics: AbstractDynamics) -> Any:
    """The filter of what is trained: every floating-point array but those that are declared.

    Declared are the parameters of a system, and the attributes of the sites and edges of a graph.
    """
    from .._dynamics._symbolic import Parameters

    def declared(node: Any) -> bool:
        return isinstance(node, Parameters | Neighbourhoods)

    return jax.tree.map(
        lambda node: False if declared(node) else eqx.is_inexact_array(node), dynamics, is_leaf=declared
    )


def pack(header: Mapping[str, Any], leaves: Any) -> bytes:
    """The bytes of a file: a JSON header with the shapes, dtypes and checksum of the leaves, then the leaves."""
    buffer = io.BytesIO()
    eqx.tree_serialise_leaves(buffer, leaves)
    body = buffer.getvalue()
    arrays = [x for x in jax.tree.leaves(leaves) if eqx.is_array(x)]
    described = {
        **header,
        "arrays": [[list(x.shape), str(x.dtype)] for x in arrays],
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    return _MAGIC + json.dumps(described).encode() + b"\n" + body


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


def unpack(path: Path, header: Mapping[str, Any], body: bytes, like: Any) -> Any:
    """The leaves of a file in the structure of `like`. Raises `ValueError` where shapes or dtypes differ."""
    arrays = [x for x in jax.tree.leaves(like) if eqx.is_array(x)]
    expected = [[list(x.shape), str(x.dtype)] for x in arrays]
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


def save_model(path: str | Path, dynamics: AbstractDynamics, spec: ModelSpec) -> None:
    """Write a model and what rebuilds it; the file is whole or absent."""
    with atomic_path(Path(path)) as temporary:
        temporary.write_bytes(pack({"kind": "model", "spec": spec.to_json()}, dynamics))


def load_spec(path: str | Path) -> ModelSpec:
    """The specification in a model file."""
    header, _ = read_header(Path(path))
    return _spec(Path(path), header)


def load_model(path: str | Path) -> AbstractDynamics:
    """The dynamics that `save_model` wrote; its declaration and scales come with it.

    Raises `ValueError` where the file is missing, damaged, of another precision, or its model cannot be built.
    """
    path = Path(path)
    header, body = read_header(path)
    like = _spec(path, header).build(jax.random.key(0))
    return unpack(path, header, body, like)


def _spec(path: Path, header: Mapping[str, Any]) -> ModelSpec:
    try:
        return ModelSpec.from_json(header["spec"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} cannot be rebuilt: {error}.") from error


def parameter_count(dynamics: AbstractDynamics) -> int:
    """The number of trainable parameters."""
    return sum(int(jnp.size(x)) for x in jax.tree.leaves(eqx.filter(dynamics, trainable(dynamics))))
