"""What can be learned. A new kind of model is one file here and one line in the table `MODELS`."""

from collections.abc import Callable, Mapping

from .._dynamics import AbstractDynamics
from ._baseline import AccelerationMLP as AccelerationMLP
from ._baseline import nn
from ._delan import MechanicalLagrangian as MechanicalLagrangian
from ._delan import delan
from ._features import Features as Features
from ._lnn import MLPLagrangian as MLPLagrangian
from ._lnn import lnn, lnn_plain
from ._mlp import ACTIVATIONS as ACTIVATIONS
from ._mlp import INITIALIZATIONS as INITIALIZATIONS
from ._mlp import MLP as MLP
from ._mlp import Architecture as Architecture
from ._scales import Scales as Scales
from ._scales import natural_scales as natural_scales

Builder = Callable[..., AbstractDynamics]
"""`builder(system, scales, architecture, *, key)` returns an untrained dynamics of the system; the first line of its
docstring is what a report calls the model."""

MODELS: Mapping[str, Builder] = {"lnn": lnn, "lnn_plain": lnn_plain, "delan": delan, "nn": nn}
"""The built-in models by name: `--model lnn`."""

from ._spec import ModelSpec as ModelSpec  # noqa: E402  it reads the table above
from ._spec import load_model as load_model  # noqa: E402
from ._spec import load_spec as load_spec  # noqa: E402
from ._spec import parameter_count as parameter_count  # noqa: E402
from ._spec import save_model as save_model  # noqa: E402
