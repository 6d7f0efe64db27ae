"""Lagrangians that are sums over neighbourhoods: of fields on grids, and of bodies on graphs."""

import abc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._neighbourhoods import Graph, bandwidth
from .._types import AbstractGiven, Coordinates, RealScalar, Scalar, Varying
from ._base import AbstractLagrangian

Members = Float[Array, "members fields"]
Moving = Float[Array, "moving fields"]
Attributes = Float[Array, " attributes"]


class AbstractDensity(eqx.Module):
    """The share ℓ(q, v, x, m, t) of one neighbourhood in a Lagrangian.

    It is given the coordinates of all members of the neighbourhood, the centre first, and the velocities of the first
    `moving` of them only: so it cannot depend on others, and the velocity Hessian is no wider than that.
    """

    moving: eqx.AbstractVar[int]
    """The members, at most, whose velocities ℓ is given: 1 where kinetic energy is on-site, 0 for a potential."""
    coupled: eqx.AbstractVar[bool]
    """Whether ∂²ℓ/∂vₐ∂v_b is other than zero for two different members."""

    @abc.abstractmethod
    def __call__(self, q: Members, v: Moving, x: Attributes, m: Varying | None, t: RealScalar) -> Scalar:
        """ℓ of one neighbourhood; x holds its attributes: of its sites and edges."""


class Neighbourhoods(AbstractGiven):
    """Neighbourhoods of one size, whose shares one density gives."""

    sites: Int[Array, "neighbourhoods members"]
    """Site numbers; one that equals the number of all sites stands for a place at rest at zero."""
    attributes: Float[Array, "neighbourhoods attributes"]
    density: int = eqx.field(static=True)
    """The number of the density among those of the Lagrangian."""

    def __init__(self, sites: Any, attributes: Any = None, density: int = 0):
        with jax.ensure_compile_time_eval():  # known numbers, whatever they are a part of
            self.sites = jnp.asarray(sites)
        self.attributes = jnp.zeros((len(self.sites), 0)) if attributes is None else jnp.asarray(attributes)
        self.density = density

    @staticmethod
    def of(graph: Graph) -> "tuple[Neighbourhoods, ...]":
        """Those of a graph, of each number of members apart."""
        return tuple(Neighbourhoods(sites, attributes) for sites, attributes in graph.groups())

    def map(self, function: Callable[..., Any], *arrays: Array, chunk: int | None = None) -> Any:
        """`function(attributes, *rows)` of every neighbourhood; in chunks, so that memory stays bounded.

        The `arrays` are per site, (sites, fields): a row holds the values of the members.
        """
        rows = tuple(gather(array, self.sites) for array in arrays)
        arguments = (self.attributes.astype(rows[0].dtype), *rows)
        if chunk is None or len(self.sites) <= chunk:
            return jax.vmap(function)(*arguments)
        # what derivatives need of a chunk is computed again, not kept
        return jax.lax.map(jax.checkpoint(lambda xs: function(*xs)), arguments, batch_size=chunk)


def gather(array: Float[Array, "sites fields"], sites: Int[Array, "..."]) -> Float[Array, "..."]:
    """The rows at these site numbers, zero beyond the last."""
    return jnp.concatenate([array, jnp.zeros_like(array[:1])])[sites]


def scatter(values: Float[Array, "..."], sites: Int[Array, "..."], count: int) -> Float[Array, "..."]:
    """The sums of rows at `count` sites; what falls on places beyond the last is left out. The adjoint of `gather`."""
    shape = values.shape[sites.ndim :]
    return jnp.zeros((count + 1, *shape), values.dtype).at[sites].add(values)[:count]


class GraphLagrangian(AbstractLagrangian):
    """L = Σᵢ ℓ(neighbourhood i), with one density or several.

    The coordinates q, (sites · fields,), hold the fields of site 0, then those of site 1, and so on. A density serves
    all neighbourhoods of its kind, so a model trained on one size runs on another: `on(…)`.

    Source: Cranmer et al. 2020 (arXiv:2003.04630), section 3.2 and appendix B.
    """

    densities: tuple[AbstractDensity, ...]
    groups: tuple[Neighbourhoods, ...]
    """Neighbourhoods, those of different sizes or densities apart."""
    sites: int = eqx.field(static=True)
    fields: int = eqx.field(static=True)
    """The coordinates of each site."""
    chunk: int | None = eqx.field(static=True)
    """The neighbourhoods treated at once, None for all: a bound on memory."""
    bandwidth: int = eqx.field(static=True)
    """How far apart, around the ring of site numbers, sites are whose velocities are coupled."""

    def __init__(
        self,
        densities: Sequence[AbstractDensity],
        groups: Sequence[Neighbourhoods],
        sites: int,
        fields: int = 1,
        *,
        chunk: int | None = 4096,
    ):
        self.densities, self.groups = tuple(densities), tuple(groups)
        self.sites, self.fields, self.chunk = sites, fields, chunk
        widths = [0]
        for group in self.groups:
            rows = np.asarray(group.sites)
            if rows.ndim != 2 or rows.min(initial=0) < 0 or rows.max(initial=0) > sites:
                raise ValueError(f"Neighbourhoods must be rows of numbers from 0 to {sites}, {sites} a place at rest.")
            if not 0 <= group.density < len(self.densities):
                raise ValueError(f"Neighbourhoods name density {group.density}, but there are {len(self.densities)}.")
            density = self.densities[group.density]
            if density.coupled:
                widths.append(bandwidth(sites, rows, density.moving))
        self.bandwidth = max(widths)

    def __call__(self, q: Coordinates, v: Coordinates, m: Varying | None = None, t: RealScalar = 0.0) -> Scalar:
        """L(q, v, m, t) of one state."""
        position, velocity = self.split(q), self.split(v)
        total = jnp.zeros((), q.dtype)
        for density, group in self.parts():

            def one(x: Array, q: Array, v: Array, density: AbstractDensity = density) -> Array:
                return density(q, v[: density.moving], x, m, t)

            total = total + jnp.sum(group.map(one, position, velocity, chunk=self.chunk))
        return total

    def parts(self) -> Iterator[tuple[AbstractDensity, Neighbourhoods]]:
        """The groups of neighbourhoods, each with its density."""
        return ((self.densities[group.density], group) for group in self.groups)

    def split(self, q: Coordinates) -> Float[Array, "sites fields"]:
        """The coordinates, one row per site. Raises `ValueError` where there are too many or too few."""
        if q.shape != (self.sites * self.fields,):
            raise ValueError(
                f"This Lagrangian has {self.sites} sites of {self.fields} fields, {self.sites * self.fields} "
                f"coordinates, but was given {q.shape}. A model is taken to another grid by lagrangian.on(…)."
            )
        return q.reshape(self.sites, self.fields)

    def on(self, graph: Graph) -> "GraphLagrangian":
        """The same density on another graph: another number of sites, another boundary, other edges.

        Raises `ValueError` for several densities: which neighbourhoods are whose, a graph does not say.
        """
        if len(self.densities) > 1:
            raise ValueError("A graph does not say which of several densities its neighbourhoods have: build anew.")
        return GraphLagrangian(self.densities, Neighbourhoods.of(graph), graph.sites, self.fields, chunk=self.chunk)
