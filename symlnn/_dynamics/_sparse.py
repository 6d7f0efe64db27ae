"""The Euler–Lagrange equation of a sum over neighbourhoods, at a cost linear in the number of sites."""

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Float

from .._neighbourhoods import Graph
from .._results import RESULTS
from .._types import Coordinates, RealScalar, Varying
from ._base import Forces
from ._equation import AbstractEulerLagrange, Equation
from ._graph import AbstractDensity, GraphLagrangian, scatter
from ._mass_matrix import ElementMatrices, SparseMassMatrix, zero_mass_matrix
from ._solve import DirectSolve
from ._solvers import BlockDiagonal, CyclicBanded, PreconditionedGMRES

_WIDEST_BAND = 8
"""In sites: the direct solve costs its square for every site."""
_SMALL = 64
"""Coordinates up to which LU is cheaper than iterations."""


class SparseEulerLagrange(AbstractEulerLagrange):
    """The Euler–Lagrange equation of L = Σᵢ ℓ(neighbourhood i), assembled as finite elements are:

        M a = r,    M = Σᵢ Pᵢᵀ (∇ᵥ∇ᵥᵀℓᵢ) Pᵢ,    r = Σᵢ Pᵢᵀ [∇_q ℓᵢ − (∇_q∇ᵥᵀℓᵢ) v − ∂ₜ∇ᵥℓᵢ] + Q,

    where Pᵢ takes the coordinates of all sites to those of neighbourhood i. Every term is that of `EulerLagrange` for
    the small Lagrangian ℓᵢ, so the cost is linear in the number of sites for any graph. M is solved for by

    - `BlockDiagonal`, where velocities of different sites are not coupled: a small block per site;
    - `CyclicBanded`, where the couplings reach few site numbers around a ring: a direct cyclic solve, also linear;
    - `DirectSolve`, for few coordinates: LU, at a cost cubic in their number;
    - `PreconditionedGMRES`, on other graphs: iterations that allow an indefinite M;

    or any other solver of lineax. Where the equation was not solved the accelerations are NaN; `solve` says why.
    """

    lagrangian: GraphLagrangian
    forces: Forces | None
    constraints: None
    solver: lx.AbstractLinearSolver

    def __init__(
        self,
        lagrangian: GraphLagrangian,
        forces: Forces | None = None,
        *,
        solver: lx.AbstractLinearSolver | None = None,
    ):
        """`solver=None` takes the first of the list that fits. Raises `ValueError` for one that does not."""
        if not any(density.moving for density in lagrangian.densities):
            raise ValueError("No density of this Lagrangian depends on velocities, so nothing can move: add one.")
        self.lagrangian = lagrangian
        self.forces = forces
        self.constraints = None
        self.solver = _cheapest(lagrangian) if solver is None else solver
        # a solver refuses a matrix that it does not fit when it is prepared for it: here without any numbers
        eqx.filter_eval_shape(lambda: self.solver.init(zero_mass_matrix(lagrangian), {}))

    def equation(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Equation:
        """M and r + Q, assembled from the neighbourhoods; M is a `SparseMassMatrix`."""
        lagrangian = self.lagrangian
        position, velocity = lagrangian.split(q), lagrangian.split(v)
        matrices, total = [], jnp.zeros_like(position)
        for density, group in lagrangian.parts():

            def one(
                x: Array, q: Array, v: Array, density: AbstractDensity = density
            ) -> tuple[Float[Array, "moving fields moving fields"], Float[Array, "members fields"]]:
                return _element(density, q, v, x, m, t)

            values, vector = group.map(one, position, velocity, chunk=lagrangian.chunk)
            total = total + scatter(vector, group.sites, lagrangian.sites)
            if density.moving:
                matrices.append(ElementMatrices(group.sites[:, : density.moving], values))
        matrix = SparseMassMatrix(tuple(matrices), lagrangian.sites, lagrangian.fields, lagrangian.bandwidth)
        right_hand_side = total.reshape(-1)
        if self.forces is not None:
            right_hand_side = right_hand_side + self.forces(q, v, m, u, t)
        return Equation(matrix, right_hand_side)

    def acceleration(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Coordinates:
        """a = M⁻¹ (r + Q); NaN where the equation was not solved."""
        solution = self.solve(q, v, m, u, t)
        return jnp.where(solution.result == RESULTS.successful, solution.value, jnp.nan)

    def on(self, graph: Graph) -> "SparseEulerLagrange":
        """The same density on another graph, with the cheapest solver for it. Raises `ValueError` where forces act."""
        if self.forces is not None:
            raise ValueError(
                "The forces belong to the coordinates of one graph: build the law anew with those of this."
            )
        return SparseEulerLagrange(self.lagrangian.on(graph))


def _element(
    density: AbstractDensity, q: Array, v: Array, x: Array, m: Varying | None, t: RealScalar
) -> tuple[Float[Array, "moving fields moving fields"], Float[Array, "members fields"]]:
    """∇ᵥ∇ᵥᵀℓ and ∇_q ℓ − (∇_q∇ᵥᵀℓ) v − ∂ₜ∇ᵥℓ of one neighbourhood, as `EulerLagrange.equation` has them for a system.

    The second and third term are one derivative, of ∇ᵥℓ along (v, 1).
    """
    time = jnp.asarray(t, q.dtype)
    gradient = jax.grad(lambda q, v, t: density(q, v, x, m, t), argnums=(0, 1))
    own = v[: density.moving]
    if own.size == 0:
        return jnp.zeros((0, q.shape[1], 0, q.shape[1]), q.dtype), gradient(q, own, time)[0]

    def along(direction: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        return jax.jvp(lambda velocity: gradient(q, velocity, time), (own,), (direction,))

    basis = jnp.eye(own.size, dtype=q.dtype).reshape(-1, *own.shape)
    (force, _), (_, hessian) = jax.vmap(along, out_axes=(None, 0))(basis)
    _, change = jax.jvp(lambda q, t: gradient(q, own, t)[1], (q, time), (v, jnp.ones_like(time)))
    return hessian.reshape(*own.shape, *own.shape), force.at[: len(own)].add(-change)


def _cheapest(lagrangian: GraphLagrangian) -> lx.AbstractLinearSolver:
    """The cheapest solver that fits the couplings of a Lagrangian."""
    if lagrangian.bandwidth == 0:
        return BlockDiagonal()
    if lagrangian.bandwidth <= _WIDEST_BAND and lagrangian.sites > 4 * lagrangian.bandwidth:
        return CyclicBanded()
    return DirectSolve() if lagrangian.sites * lagrangian.fields <= _SMALL else PreconditionedGMRES()
