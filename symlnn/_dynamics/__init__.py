"""The laws of motion: from a Lagrangian, from SymPy's equations, or from accelerations given directly."""

from ._base import AbstractDynamics as AbstractDynamics
from ._base import AbstractLagrangian as AbstractLagrangian
from ._base import AbstractSecondOrderDynamics as AbstractSecondOrderDynamics
from ._direct import DirectAcceleration as DirectAcceleration
from ._euler_lagrange import EulerLagrange as EulerLagrange
from ._legendre import SymbolicMomentum as SymbolicMomentum
from ._symbolic import SymbolicDynamics as SymbolicDynamics
from ._symbolic import SymbolicForces as SymbolicForces
from ._symbolic import SymbolicLagrangian as SymbolicLagrangian
from ._symbolic import declared_forces as declared_forces
