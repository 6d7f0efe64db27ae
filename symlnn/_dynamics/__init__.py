"""The laws of motion: from a Lagrangian or a Hamiltonian, from SymPy's equations, or from a function given directly."""

from ._base import AbstractDynamics as AbstractDynamics
from ._base import AbstractHamiltonian as AbstractHamiltonian
from ._base import AbstractLagrangian as AbstractLagrangian
from ._base import AbstractMomentum as AbstractMomentum
from ._base import AbstractSecondOrderDynamics as AbstractSecondOrderDynamics
from ._direct import DirectAcceleration as DirectAcceleration
from ._euler_lagrange import EulerLagrange as EulerLagrange
from ._graph import AbstractDensity as AbstractDensity
from ._graph import GraphLagrangian as GraphLagrangian
from ._graph import Neighbourhoods as Neighbourhoods
from ._graph import gather as gather
from ._hamilton import Hamilton as Hamilton
from ._hamilton import ObservedMomentum as ObservedMomentum
from ._legendre import SymbolicMomentum as SymbolicMomentum
from ._neural_ode import NeuralODE as NeuralODE
from ._sparse import SparseEulerLagrange as SparseEulerLagrange
from ._symbolic import SymbolicDynamics as SymbolicDynamics
from ._symbolic import SymbolicForces as SymbolicForces
from ._symbolic import SymbolicLagrangian as SymbolicLagrangian
from ._symbolic import declared_forces as declared_forces
from ._symbolic_graph import SymbolicDensity as SymbolicDensity
from ._symbolic_graph import graph_lagrangian as graph_lagrangian
