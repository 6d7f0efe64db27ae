"""What can be learned. A new kind of model is one file here and one line in the table `MODELS`."""

from collections.abc import Callable, Mapping

from .._dynamics import AbstractDynamics, DirectAcceleration, EulerLagrange, SymbolicForces
from .._system import System
from .._types import Key
from ._baseline import AccelerationMLP as AccelerationMLP
from ._features import Features as Features
from ._lnn import MLPLagrangian as MLPLagrangian
from ._mlp import ACTIVATIONS as ACTIVATIONS
from ._mlp import INITIALIZATIONS as INITIALIZATIONS
from ._mlp import MLP as MLP
from ._mlp import Architecture as Architecture
from ._scales import Scales as Scales
from ._scales import natural_scales as natural_scales

Builder = Callable[..., AbstractDynamics]
"""`builder(system, scales, architecture, *, key)` returns an untrained dynamics of the system."""


def _forces(system: System) -> SymbolicForces | None:
    return SymbolicForces(system) if system.has_forces else None


def _lnn(system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
    features = Features(system.is_angle, scales)
    return EulerLagrange(MLPLagrangian(features, architecture, key=key), _forces(system))


def _lnn_plain(system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
    features = Features(system.is_angle, scales, plain=True)
    return EulerLagrange(MLPLagrangian(features, architecture, key=key), _forces(system))


def _nn(system: System, scales: Scales, architecture: Architecture, *, key: Key) -> AbstractDynamics:
    return DirectAcceleration(AccelerationMLP(Features(system.is_angle, scales), architecture, key=key))


MODELS: Mapping[str, Builder] = {"lnn": _lnn, "lnn_plain": _lnn_plain, "nn": _nn}
"""The built-in models by name: `--model lnn`."""

TITLES: Mapping[str, str] = {
    "lnn": "Lagrangian neural network",
    "lnn_plain": "Lagrangian neural network, plain",
    "nn": "baseline neural network",
}
"""What the models are called in a report."""

from ._spec import ModelSpec as ModelSpec  # noqa: E402  it reads the table above
from ._spec import load_model as load_model  # noqa: E402
from ._spec import load_spec as load_spec  # noqa: E402
from ._spec import parameter_count as parameter_count  # noqa: E402
from ._spec import save_model as save_model  # noqa: E402
