"""The mass matrix of a sum over neighbourhoods, as a linear operator that is never written out."""

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Float, Int

from .._types import Coordinates, Matrix
from ._graph import GraphLagrangian, gather, scatter


class ElementMatrices(eqx.Module):
    """The velocity Hessians of the neighbourhoods of one kind, (neighbourhoods, members · fields, the same)."""

    sites: Int[Array, "neighbourhoods moving"]
    values: Float[Array, "neighbourhoods moving fields moving fields"]


class SparseMassMatrix(lx.AbstractLinearOperator):
    """M = Σᵢ Pᵢᵀ Mᵢ Pᵢ, the sum of the Hessians Mᵢ of the neighbourhoods' densities at their sites; symmetric.

    It acts on coordinates, (sites · fields,), of which those of one site stand together.
    """

    parts: tuple[ElementMatrices, ...]
    sites: int = eqx.field(static=True)
    fields: int = eqx.field(static=True)
    bandwidth: int = eqx.field(static=True)
    """How far apart, around the ring of site numbers, sites are that M couples: 0 where it couples none."""

    def mv(self, vector: Coordinates) -> Coordinates:
        """M x."""
        rows = vector.reshape(self.sites, self.fields)
        total = jnp.zeros_like(rows)
        for part in self.parts:
            products = jnp.einsum("nafbg,nbg->naf", part.values, gather(rows, part.sites))
            total = total + scatter(products, part.sites, self.sites)
        return total.reshape(-1)

    def as_matrix(self) -> Matrix:
        """M as a matrix, (sites · fields, sites · fields)."""
        total = jnp.zeros((self.sites + 1, self.fields, self.sites + 1, self.fields), self.parts[0].values.dtype)
        for part in self.parts:
            i, j = part.sites[:, :, None], part.sites[:, None, :]
            total = total.at[i, :, j, :].add(jnp.swapaxes(part.values, 2, 3))
        size = self.sites * self.fields
        return total[: self.sites, :, : self.sites].reshape(size, size)

    def transpose(self) -> "SparseMassMatrix":
        """M: it is symmetric."""
        return self

    def in_structure(self) -> jax.ShapeDtypeStruct:
        """The shape and type of coordinates."""
        return jax.ShapeDtypeStruct((self.sites * self.fields,), self.parts[0].values.dtype)

    def out_structure(self) -> jax.ShapeDtypeStruct:
        """The shape and type of generalised forces."""
        return self.in_structure()

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


def zero_mass_matrix(lagrangian: GraphLagrangian) -> SparseMassMatrix:
    """A matrix of the shape and the couplings of a Lagrangian's, to ask of it what needs no state."""
    parts = []
    for density, group in lagrangian.parts():
        if density.moving:
            sites = group.sites[:, : density.moving]
            shape = (*sites.shape, lagrangian.fields, sites.shape[1], lagrangian.fields)
            parts.append(ElementMatrices(sites, jnp.zeros(shape)))
    return SparseMassMatrix(tuple(parts), lagrangian.sites, lagrangian.fields, lagrangian.bandwidth)


@lx.linearise.register(SparseMassMatrix)
@lx.conj.register(SparseMassMatrix)
def _(operator: SparseMassMatrix) -> SparseMassMatrix:
    return operator


@lx.materialise.register(SparseMassMatrix)
def _(operator: SparseMassMatrix) -> lx.AbstractLinearOperator:
    return lx.MatrixLinearOperator(operator.as_matrix(), lx.symmetric_tag)


@lx.diagonal.register(SparseMassMatrix)
def _(operator: SparseMassMatrix) -> Float[Array, " dof"]:
    return jnp.diagonal(operator.diagonal_blocks(), axis1=1, axis2=2).reshape(-1)


@lx.tridiagonal.register(SparseMassMatrix)
def _(operator: SparseMassMatrix) -> tuple[Array, Array, Array]:
    return lx.tridiagonal(lx.materialise(operator))


@lx.is_symmetric.register(SparseMassMatrix)
def _(operator: SparseMassMatrix) -> bool:
    return True


@lx.is_diagonal.register(SparseMassMatrix)
def _(operator: SparseMassMatrix) -> bool:
    return operator.bandwidth == 0 and operator.fields == 1


@lx.is_tridiagonal.register(SparseMassMatrix)
@lx.is_lower_triangular.register(SparseMassMatrix)
@lx.is_upper_triangular.register(SparseMassMatrix)
def _(operator: SparseMassMatrix) -> bool:
    return lx.is_diagonal(operator)


@lx.has_unit_diagonal.register(SparseMassMatrix)
@lx.is_positive_semidefinite.register(SparseMassMatrix)
@lx.is_negative_semidefinite.register(SparseMassMatrix)
def _(operator: SparseMassMatrix) -> bool:
    return False  # a learned one may be indefinite
