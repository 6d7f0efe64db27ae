"""The Euler–Lagrange equation of a lattice whose sites are divided among devices."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float

from .._types import Coordinates, RealScalar, Varying
from ._base import AbstractSecondOrderDynamics
from ._graph import GraphLagrangian, Neighbourhoods
from ._solve import solve
from ._sparse import SparseEulerLagrange

_AXIS = "sites"


class ShardedEulerLagrange(AbstractSecondOrderDynamics):
    """`SparseEulerLagrange` on several devices, each with an equal run of site numbers.

    A device evaluates every neighbourhood that touches a site of its own, so it needs the coordinates and velocities of
    the few sites beside them, its halo, and no force has to be sent back. It gets them from the devices before and
    after it around the ring of site numbers (`jax.lax.ppermute`). On a ring the halo is two sites; on a grid, which is
    numbered in C order, two rows, or planes. With n sites of f fields on d devices an evaluation takes O(n/d) work and
    memory, and each device sends and receives 4 h f numbers, where h sites are its halo, whatever n is.

    The velocities of different sites must not be coupled, as in a declared field: the solve stays within a site then.
    Give `simulate` coordinates that are divided already, `law.divided(q)`, and nothing of the motion is ever whole on
    one device but the observations asked for.
    """

    share: SparseEulerLagrange
    """The law of a share and its halo; its neighbourhoods have a leading axis of devices."""
    mesh: Mesh = eqx.field(static=True)
    sites: int = eqx.field(static=True)
    halo: int = eqx.field(static=True)
    """The sites on either side of a share that its neighbourhoods reach."""

    def __init__(self, law: SparseEulerLagrange, devices: Sequence[Any] | None = None):
        """On these devices, by default all. Raises `ValueError` for a law, or a number of sites, that cannot be
        divided."""
        lagrangian = law.lagrangian
        devices = jax.devices() if devices is None else list(devices)
        count, sites = len(devices), lagrangian.sites
        if law.forces is not None:
            raise ValueError("A law with forces cannot be divided: they are given for all coordinates together.")
        if lagrangian.bandwidth > 0:
            raise ValueError(
                "This Lagrangian couples the velocities of different sites, so its equation is one for all sites and "
                "cannot be divided: use SparseEulerLagrange on one device."
            )
        if sites % count:
            raise ValueError(f"{sites} sites cannot be divided equally among {count} devices: choose other numbers.")
        own = sites // count
        halo = max(_reach(np.asarray(group.sites), sites, own) for group in lagrangian.groups)
        if halo > own:
            raise ValueError(
                f"Each of {count} devices would have {own} sites, but neighbourhoods reach {halo} sites beyond them: "
                "use fewer devices."
            )
        groups = [_divided(group, sites, own, halo) for group in lagrangian.groups]
        local = GraphLagrangian(lagrangian.densities, (), own + 2 * halo, lagrangian.fields, chunk=lagrangian.chunk)
        local = eqx.tree_at(lambda x: x.groups, local, tuple(groups))
        self.share = eqx.tree_at(lambda x: x.lagrangian, law, local)
        self.mesh = Mesh(np.array(devices), (_AXIS,))
        self.sites, self.halo = sites, halo

    def divided(self, array: Coordinates) -> Coordinates:
        """Coordinates, or velocities, with the share of each device on that device."""
        return jax.device_put(array, NamedSharding(self.mesh, PartitionSpec(_AXIS)))

    def acceleration(
        self,
        q: Coordinates,
        v: Coordinates,
        m: Varying | None = None,
        u: Array | None = None,
        t: RealScalar = 0.0,
    ) -> Coordinates:
        """a, infinite or NaN at sites whose mass matrix is singular."""
        fields = self.share.lagrangian.fields
        count, own = self.mesh.size, self.sites // self.mesh.size
        arrays, static = eqx.partition(self.share, eqx.is_array)

        def with_halo(x: Float[Array, " own"]) -> Float[Array, " own_and_halo"]:
            rows = x.reshape(own, fields)
            before = jax.lax.ppermute(rows[own - self.halo :], _AXIS, [(k, (k + 1) % count) for k in range(count)])
            after = jax.lax.ppermute(rows[: self.halo], _AXIS, [(k, (k - 1) % count) for k in range(count)])
            return jnp.concatenate([before, rows, after]).reshape(-1)

        def of_share(arrays: Any, q: Coordinates, v: Coordinates, m: Varying | None, t: RealScalar) -> Coordinates:
            share = eqx.combine(jax.tree.map(lambda x, spec: x[0] if spec == rows else x, arrays, specs), static)
            matrix, force = share.equation(with_halo(q), with_halo(v), m, None, t)
            kept = slice(self.halo, self.halo + own)
            blocks, force = matrix.diagonal_blocks()[kept], force.reshape(-1, fields)[kept]  # pyright: ignore[reportAttributeAccessIssue]
            return jax.vmap(solve)(blocks, force).reshape(-1)

        rows, whole = PartitionSpec(_AXIS), PartitionSpec()
        specs = jax.tree.map(lambda _: whole, arrays)
        specs = eqx.tree_at(
            lambda x: x.lagrangian.groups, specs, jax.tree.map(lambda _: rows, arrays.lagrangian.groups)
        )
        return jax.shard_map(
            of_share,
            mesh=self.mesh,
            in_specs=(specs, rows, rows, None if m is None else whole, whole),
            out_specs=rows,
            check_vma=False,
        )(arrays, q, v, m, jnp.asarray(t, q.dtype))


def _places(rows: np.ndarray, sites: int, own: int, device: int) -> np.ndarray:
    """Site numbers as places relative to the first site of a device, the shorter way around the ring."""
    ahead = (rows - device * own) % sites
    beyond, behind = ahead - own + 1, sites - ahead
    return np.where((ahead < own) | (beyond <= behind), ahead, -behind)


def _touching(rows: np.ndarray, sites: int, own: int, device: int) -> np.ndarray:
    """Which neighbourhoods have a site of a device."""
    return ((rows < sites) & (rows // own == device)).any(axis=1)


def _reach(rows: np.ndarray, sites: int, own: int) -> int:
    """How far, at most, neighbourhoods that touch a device reach beyond its sites."""
    reach = 0
    for device in range(sites // own):
        touching = rows[_touching(rows, sites, own, device)]
        places = _places(touching, sites, own, device)[touching < sites]
        reach = max(reach, int(np.maximum(-places, places - own + 1).max(initial=0)))
    return reach


def _divided(group: Neighbourhoods, sites: int, own: int, halo: int) -> Neighbourhoods:
    """The neighbourhoods of each device along a leading axis, in its own site numbers; where a device has fewer than
    others, neighbourhoods of places at rest fill up."""
    rows, attributes = np.asarray(group.sites), np.asarray(group.attributes)
    devices = range(sites // own)
    touching = [np.flatnonzero(_touching(rows, sites, own, device)) for device in devices]
    most = max(map(len, touching))
    places = np.full((len(devices), most, rows.shape[1]), own + 2 * halo)
    given = np.zeros((len(devices), most, attributes.shape[1]))
    for device, found in zip(devices, touching, strict=True):
        local = np.where(rows[found] < sites, _places(rows[found], sites, own, device) + halo, own + 2 * halo)
        places[device, : len(found)] = local
        given[device] = np.concatenate([attributes[found], attributes[: most - len(found)]])[:most]
    return Neighbourhoods(places, given, group.density)
