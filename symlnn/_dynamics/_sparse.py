"""The Euler–Lagrange equation of a sum over neighbourhoods, at a cost linear in the number of sites."""

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Float, Int

from .._types import Coordinates, Matrix, RealScalar, Scalar, Varying
from ._banded import block_solve, solve_cyclic_banded
from ._base import AbstractSecondOrderDynamics
from ._euler_lagrange import EulerLagrange, Forces
from ._graph import AbstractDensity, GraphLagrangian, gather, scatter
from ._solve import solve

Method: TypeAlias = Literal["auto", "diagonal", "banded", "gmres", "dense"]

_WIDEST_BAND = 8
"""In sites: the direct solve costs its square for every site."""
_SMALL = 64
"""Coordinates up to which LU is cheaper than iterations."""


class ElementMatrices(eqx.Module):
    """The velocity Hessians of the neighbourhoods of one kind, (neighbourhoods, members · fields, the same)."""

    sites: Int[Array, "neighbourhoods moving"]
    values: Float[Array, "neighbourhoods moving fields moving fields"]


class SparseMassMatrix(eqx.Module):
    """M = Σᵢ Pᵢᵀ Mᵢ Pᵢ, the sum of the Hessians Mᵢ of the neighbourhoods' densities at their sites; symmetric."""

    parts: tuple[ElementMatrices, ...]
    sites: int = eqx.field(static=True)
    fields: int = eqx.field(static=True)

    def mv(self, x: Float[Array, "sites fields"]) -> Float[Array, "sites fields"]:
        """M x."""
        total = jnp.zeros_like(x)
        for part in self.parts:
            products = jnp.einsum("nafbg,nbg->naf", part.values, gather(x, part.sites))
            total = total + scatter(products, part.sites, self.sites)
        return total

    def diagonal_blocks(self) -> Float[Array, "sites fields fields"]:
        """The blocks of M that belong to one site each."""
        total = jnp.zeros((self.sites, self.fields, self.fields), self.parts[0].values.dtype)
        for part in self.parts:
            same = part.sites[:, :, None] == part.sites[:, None, :]
            own = jnp.where(same[:, :, None, :, None], part.values, 0).sum(axis=3)
            total = total + scatter(own, part.sites, self.sites)
        return total

    def band(self, width: int) -> Float[Array, "sites diagonals fields fields"]:
        """The blocks M[i, i + d − width], d = 0 … 2 width, with site numbers taken around the ring."""
        total = jnp.zeros((self.sites + 1, 2 * width + 1, self.fields, self.fields), self.parts[0].values.dtype)
        for part in self.parts:
            i, j = part.sites[:, :, None], part.sites[:, None, :]
            offset = (j - i + width) % self.sites
            row = jnp.where((i < self.sites) & (j < self.sites), i, self.sites)
            total = total.at[row, offset].add(jnp.swapaxes(part.values, 2, 3), mode="drop")
        return total[: self.sites]

    def dense(self) -> Matrix:
        """M as a matrix, (sites · fields, sites · fields)."""
        total = jnp.zeros((self.sites + 1, self.fields, self.sites + 1, self.fields), self.parts[0].values.dtype)
        for part in self.parts:
            i, j = part.sites[:, :, None], part.sites[:, None, :]
            total = total.at[i, :, j, :].add(jnp.swapaxes(part.values, 2, 3))
        size = self.sites * self.fields
        return total[: self.sites, :, : self.sites].reshape(size, size)


class SparseEulerLagrange(AbstractSecondOrderDynamics):
    """The Euler–Lagrange equation of L = Σᵢ ℓ(neighbourhood i), assembled as finite elements are:

        M a = r,    M = Σᵢ Pᵢᵀ (∇ᵥ∇ᵥᵀℓᵢ) Pᵢ,    r = Σᵢ Pᵢᵀ [∇_q ℓᵢ − (∇_q∇ᵥᵀℓᵢ) v − ∂ₜ∇ᵥℓᵢ] + Q,

    where Pᵢ takes the coordinates of all sites to those of neighbourhood i. Every term is that of `EulerLagrange` for
    the small Lagrangian ℓᵢ, so the cost is linear in the number of sites for any graph. M is solved for by

    - `diagonal`, where velocities of different sites are not coupled: a small block per site;
    - `banded`, where the couplings reach few site numbers around a ring: a direct cyclic solve, also linear;
    - `gmres`, on other graphs: iterations that allow an indefinite M, preconditioned by its diagonal blocks, until
      the residual is below `tolerance` of its size; an error is raised where it does not get there;
    - `dense`, for comparison, at a cost cubic in the number of sites.

    `auto` takes the first of these that fits. Derivatives go through the solve by the implicit function theorem.
    """

    lagrangian: GraphLagrangian
    forces: Forces | None
    method: Method = eqx.field(static=True)
    tolerance: float = eqx.field(static=True)

    def __init__(
        self,
        lagrangian: GraphLagrangian,
        forces: Forces | None = None,
        *,
        method: Method = "auto",
        tolerance: float | None = None,
    ):
        if not any(density.moving for density in lagrangian.densities):
            raise ValueError("No density of this Lagrangian depends on velocities, so nothing can move: add one.")
        self.lagrangian = lagrangian
        self.forces = forces
        fitting = _fitting(lagrangian)
        if method != "auto" and method not in fitting:
            raise ValueError(
                f"The method {method!r} does not fit the couplings of this Lagrangian; these do: {', '.join(fitting)}."
            )
        self.method = fitting[0] if method == "auto" else method
        usual = 1e-11 if jnp.result_type(float) == jnp.float64 else 1e-5
        self.tolerance = usual if tolerance is None else tolerance

    def terms(
        self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0
    ) -> tuple[SparseMassMatrix, Float[Array, "sites fields"]]:
        """M and r without the forces Q, assembled from the neighbourhoods."""
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
        return SparseMassMatrix(tuple(matrices), lagrangian.sites, lagrangian.fields), total

    def acceleration(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Coordinates:
        """a = M⁻¹ (r + Q)."""
        matrix, right_hand_side = self.terms(q, v, m, t)
        if self.forces is not None:
            right_hand_side = right_hand_side + self.lagrangian.split(self.forces(q, v, m, u, t))
        return _METHODS[self.method](self, matrix, right_hand_side).reshape(-1)

    def energy(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """The Jacobi energy v·∂L/∂v − L; for a learned L defined up to an affine map."""
        return EulerLagrange(self.lagrangian).energy(q, v, m, t)


def _element(
    density: AbstractDensity, q: Array, v: Array, x: Array, m: Varying | None, t: RealScalar
) -> tuple[Float[Array, "moving fields moving fields"], Float[Array, "members fields"]]:
    """∇ᵥ∇ᵥᵀℓ and ∇_q ℓ − (∇_q∇ᵥᵀℓ) v − ∂ₜ∇ᵥℓ of one neighbourhood, as `EulerLagrange.terms` has them for a system.

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


def _fitting(lagrangian: GraphLagrangian) -> tuple[Method, ...]:
    """The methods that solve for the accelerations of this Lagrangian, the cheapest first."""
    if not any(density.coupled for density in lagrangian.densities):
        return ("diagonal", "banded", "gmres", "dense")
    width = max(1, lagrangian.bandwidth)
    if width <= _WIDEST_BAND and lagrangian.sites > 4 * width:
        return ("banded", "gmres", "dense")
    small = lagrangian.sites * lagrangian.fields <= _SMALL
    return ("dense", "gmres") if small else ("gmres", "dense")


def _diagonal(law: SparseEulerLagrange, matrix: SparseMassMatrix, right_hand_side: Array) -> Array:
    return block_solve(matrix.diagonal_blocks(), right_hand_side[..., None])[..., 0]


def _banded(law: SparseEulerLagrange, matrix: SparseMassMatrix, right_hand_side: Array) -> Array:
    band = jax.lax.stop_gradient(matrix.band(max(1, law.lagrangian.bandwidth)))
    return jax.lax.custom_linear_solve(
        matrix.mv, right_hand_side, lambda _, b: solve_cyclic_banded(band, b), symmetric=True
    )


def _gmres(law: SparseEulerLagrange, matrix: SparseMassMatrix, right_hand_side: Array) -> Array:
    shape = jax.eval_shape(lambda: right_hand_side)
    blocks = jax.lax.stop_gradient(matrix.diagonal_blocks())
    operator = lx.FunctionLinearOperator(matrix.mv, shape, tags=lx.symmetric_tag)
    jacobi = lx.FunctionLinearOperator(lambda b: block_solve(blocks, b[..., None])[..., 0], shape)
    solver = lx.GMRES(rtol=law.tolerance, atol=0.0, restart=min(50, right_hand_side.size))
    return lx.linear_solve(operator, right_hand_side, solver, options={"preconditioner": jacobi}).value


def _dense(law: SparseEulerLagrange, matrix: SparseMassMatrix, right_hand_side: Array) -> Array:
    return solve(matrix.dense(), right_hand_side.reshape(-1)).reshape(right_hand_side.shape)


_METHODS: Mapping[str, Callable[[SparseEulerLagrange, SparseMassMatrix, Array], Array]] = {
    "diagonal": _diagonal,
    "banded": _banded,
    "gmres": _gmres,
    "dense": _dense,
}
