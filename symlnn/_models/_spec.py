"""Models by name, by file and by builder; trained ones on disk, with all that rebuilds them."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import equinox as eqx
import jax

from .._array_file import read_arrays, read_header, write_arrays
from .._catalogue import load_file
from .._dynamics import AbstractDynamics, AbstractLagrangian
from .._files import decoding
from .._serialise import system_from_json, system_to_json
from .._system import System
from .._types import Key
from ._mlp import Architecture
from ._model import Builder, Model
from ._scales import Scales
from ._table import MODELS


def find_model(model: str | Model | Builder | AbstractDynamics, **changes: Any) -> Model:
    """The model of that name or that file, or of that builder; `changes` are fields of `Model`:

        find_model("nn", architecture=Architecture(width=16), residual="trajectory")

    A dynamics is a model as it stands: training begins from its parameters, whatever the key.

    Raises `ValueError` for an unknown name, for a file that defines no `MODEL`, and for what is no model.
    """
    if isinstance(model, str):
        return replace(_named(model), **changes)
    if isinstance(model, Model):
        return replace(model, **changes)
    if isinstance(model, AbstractDynamics):
        return Model(_Given(model), **changes)
    if isinstance(model, AbstractLagrangian):
        raise ValueError(f"A {type(model).__name__} is a Lagrangian and no law: learn EulerLagrange(lagrangian).")
    if not callable(model):
        raise ValueError(f"A model must be a name, a builder, a dynamics or a Model, but is a {type(model).__name__}.")
    return Model(model, **changes)


@dataclass(frozen=True)
class _Given:
    """The builder of a dynamics that is there already."""

    dynamics: AbstractDynamics

    @property
    def __name__(self) -> str:
        return type(self.dynamics).__name__

    def __call__(self, system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
        return self.dynamics


def _named(name: str) -> Model:
    if not name.endswith(".py"):
        if name not in MODELS:
            raise ValueError(
                f"Unknown model {name!r}; the built-in ones are {', '.join(MODELS)}. "
                "For one of your own give the path of a .py file that defines MODEL."
            )
        return MODELS[name]
    path = Path(name)
    if not path.is_file():
        raise ValueError(f"There is no model file {name}.")
    found = getattr(load_file(path, "MODEL"), "MODEL", None)
    if isinstance(found, Model):
        return replace(found, source=name)
    if not callable(found):
        raise ValueError(f"{name} defines no MODEL: it needs MODEL(system, scales, architecture, *, key).")
    return Model(cast(Builder, found), source=name)


@dataclass(frozen=True)
class ModelSpec:
    """What builds a model of a system: with a key an untrained one, and with the leaves of a file a trained one."""

    model: Model
    system: System
    scales: Scales

    def build(self, key: Key) -> AbstractDynamics:
        """An untrained model. Raises `ValueError` where the builder returns something else than a dynamics."""
        dynamics = self.model.builder(self.system, self.scales, self.model.architecture, key=key)
        if not isinstance(dynamics, AbstractDynamics):
            raise ValueError(f"The builder of {self.model.name} returned a {type(dynamics).__name__}, not a dynamics.")
        return dynamics

    def to_json(self) -> dict[str, Any]:
        """JSON data; what a model file holds."""
        return {
            "model": self.model.source,
            "title": self.model.title,
            "residual": self.model.trained_on,
            "system": system_to_json(self.system),
            "scales": self.scales.to_json(),
            "architecture": dataclasses.asdict(self.model.architecture),
        }


@dataclass(frozen=True)
class TrainedModel:
    """A trained dynamics, with what rebuilds it: what a model file holds."""

    dynamics: AbstractDynamics
    spec: ModelSpec


def save_model(path: str | Path, model: TrainedModel) -> None:
    """Write a trained model; the file is whole or absent, and `load_model` reads it back."""
    write_arrays(Path(path), {"kind": "model", "spec": model.spec.to_json()}, model.dynamics)


def load_model(path: str | Path, builder: Builder | None = None, *, allow_code: bool = False) -> TrainedModel:
    """The trained model that `save_model` wrote; its declaration and scales come with it.

    A model that was trained from a builder of your own, and not from a file, needs that `builder` again. One that was
    trained from a `.py` file needs that file, which is executed: only where `allow_code` says so. Nothing else that the
    file holds is run.

    Raises `ValueError` where the file is missing, damaged, of another precision, or its model cannot be built.
    """
    path = Path(path)
    header, body = read_header(path, "model")
    spec = _spec(path, header, builder)
    code = spec.model.source if builder is None and spec.model.source not in MODELS else ""
    if code:
        if not allow_code:
            raise ValueError(
                f"{path} was trained from {code}, which would be executed: if you trust it, load it with "
                "load_model(path, allow_code=True), or --allow-code."
            )
        changes = {"architecture": spec.model.architecture, "residual": spec.model.residual}
        spec = replace(spec, model=replace(_named(code), **changes))
    with decoding(f"{path} cannot be rebuilt"):
        like = _built(spec)
    return TrainedModel(read_arrays(path, header, body, like), spec)


def load_spec(path: str | Path, builder: Builder | None = None) -> ModelSpec:
    """The specification in a model file. Nothing is executed: one of a `.py` file cannot be built."""
    header, _ = read_header(Path(path), "model")
    return _spec(Path(path), header, builder)


def _spec(path: Path, header: Mapping[str, Any], builder: Builder | None) -> ModelSpec:
    with decoding(f"{path} cannot be rebuilt"):
        data = header["spec"]
        source, title = data["model"], data["title"]
        if not (isinstance(source, str) and isinstance(title, str) and isinstance(data["residual"], str)):
            raise ValueError("the names of its model are no strings")
        if builder is not None:
            model = find_model(builder)
        elif source in MODELS:
            model = MODELS[source]
        elif source.endswith(".py"):
            model = Model(_Unread(source, title), source=source)
        else:
            raise ValueError(f"it was trained from a builder, “{title}”: pass load_model(path, builder)")
        model = replace(model, architecture=Architecture(**data["architecture"]), residual=data["residual"])
        system = system_from_json(data["system"])
        return ModelSpec(model, system, Scales.from_json(data["scales"], system))


def _built(spec: ModelSpec) -> AbstractDynamics:
    """The model with shapes in place of its arrays, so that a file cannot ask for much memory; with arrays where what
    builds it looks at their values."""
    key = jax.random.key(0)
    try:
        return eqx.filter_eval_shape(spec.build, key)
    except (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError):
        return spec.build(key)


class _Unread:
    """In the place of a builder in a file that has not been executed."""

    def __init__(self, source: str, title: str):
        self.source, self.__doc__ = source, title

    def __call__(self, system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
        raise ValueError(f"{self.source} has not been executed: load the model with load_model(path, allow_code=True).")
