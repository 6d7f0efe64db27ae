"""SymPy in, SymPy out: what follows from a Lagrangian. Knows neither `System` nor JAX."""

from ._conserved import conserved as conserved
from ._conserved import energy as energy
from ._conserved import momenta as momenta
from ._conserved import power as power
from ._constraints import ConstraintEquations as ConstraintEquations
from ._constraints import constraint_equations as constraint_equations
from ._euler_lagrange import accelerations as accelerations
from ._euler_lagrange import equation_of_motion as equation_of_motion
from ._field import Current as Current
from ._field import Jet as Jet
from ._field import conserved_currents as conserved_currents
from ._field import energy_density as energy_density
from ._field import field_equations as field_equations
from ._impulses import without_impulses as without_impulses
from ._legendre import hamiltonian as hamiltonian
from ._regions import has_switches as has_switches
from ._regions import surfaces as surfaces
from ._tidy import tidy as tidy
from ._zero import is_zero as is_zero
