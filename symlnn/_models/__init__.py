"""What can be learned. A new kind of model is one file here and one line in the table `MODELS`."""

from collections.abc import Mapping

from ._baseline import AccelerationMLP as AccelerationMLP
from ._baseline import nn
from ._delan import MechanicalLagrangian as MechanicalLagrangian
from ._delan import delan
from ._features import Features as Features
from ._hnn import MLPHamiltonian as MLPHamiltonian
from ._hnn import hnn, hnn_observed
from ._hybrid import HybridLagrangian as HybridLagrangian
from ._hybrid import hybrid, magnetic
from ._lgn import GraphAcceleration as GraphAcceleration
from ._lgn import MLPDensity as MLPDensity
from ._lgn import gnn, lgn
from ._lnn import MLPLagrangian as MLPLagrangian
from ._lnn import lnn, lnn_plain
from ._mlp import ACTIVATIONS as ACTIVATIONS
from ._mlp import INITIALIZATIONS as INITIALIZATIONS
from ._mlp import MLP as MLP
from ._mlp import Architecture as Architecture
from ._model import Model as Model
from ._neighbourhood_mlp import NeighbourhoodMLP as NeighbourhoodMLP
from ._node import VectorFieldMLP as VectorFieldMLP
from ._node import node, node2
from ._scales import Scales as Scales
from ._scales import floored as floored
from ._scales import natural_scales as natural_scales
from ._site_scales import SiteScales as SiteScales

MODELS: Mapping[str, Model] = {
    "lnn": Model(lnn),
    "lnn_plain": Model(lnn_plain),
    "delan": Model(delan),
    "magnetic": Model(magnetic),
    "hybrid": Model(hybrid),
    "hnn": Model(hnn, "vector_field"),
    "hnn_observed": Model(hnn_observed, "vector_field"),
    "lgn": Model(lgn),
    "nn": Model(nn),
    "gnn": Model(gnn),
    "node": Model(node, "trajectory"),
    "node2": Model(node2, "trajectory"),
}
"""The built-in models by name: `--model lnn`."""

from ._spec import ModelSpec as ModelSpec  # noqa: E402  it reads the table above
from ._spec import load_model as load_model  # noqa: E402
from ._spec import load_spec as load_spec  # noqa: E402
from ._spec import parameter_count as parameter_count  # noqa: E402
from ._spec import save_model as save_model  # noqa: E402
from ._spec import trainable as trainable  # noqa: E402
