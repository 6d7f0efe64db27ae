"""Natural scales of the fields of a site, the same for all sites."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._neighbourhoods import Graph, pairs
from .._types import AbstractGiven, Samples, as_float
from ._scales import Scales


class SiteScales(AbstractGiven):
    """Natural scales of the fields of a site, as `Scales` are those of a system."""

    q_mean: Float[Array, " fields"] = eqx.field(converter=as_float)
    q: Float[Array, " fields"] = eqx.field(converter=as_float)
    difference: Float[Array, " fields"] = eqx.field(converter=as_float)
    """The root mean square of the difference of a field between neighbours."""
    v: Float[Array, " fields"] = eqx.field(converter=as_float)
    a: Float[Array, " fields"] = eqx.field(converter=as_float)
    m_mean: Float[Array, " m"] = eqx.field(converter=as_float, default=())
    m: Float[Array, " m"] = eqx.field(converter=as_float, default=())

    @staticmethod
    def of(scales: Scales, graph: Graph) -> "SiteScales":
        """Those of a system whose sites are drawn independently: differences are √2 times as large as values."""

        def over_sites(values: Array) -> np.ndarray:
            return np.sqrt(np.mean(np.square(values).reshape(graph.sites, graph.fields), axis=0))

        spread = over_sites(scales.q)
        return SiteScales(
            q_mean=np.mean(np.reshape(scales.q_mean, (graph.sites, graph.fields)), axis=0),
            q=spread,
            difference=np.sqrt(2) * spread,
            v=over_sites(scales.v),
            a=over_sites(scales.a),
            m_mean=scales.m_mean,
            m=scales.m,
        )

    @staticmethod
    def measured(samples: Samples, graph: Graph) -> "SiteScales":
        """Those of samples, whatever the correlations of their sites."""

        def rows(values: Array) -> np.ndarray:
            return np.asarray(values).reshape(-1, graph.sites, graph.fields)

        def rms(values: np.ndarray) -> np.ndarray:
            return np.sqrt(np.mean(values**2, axis=tuple(range(values.ndim - 1))))

        q = rows(samples.states.q)
        here, there = pairs(graph).T
        mean = q.mean(axis=(0, 1))
        m = np.asarray(samples.states.m)
        return SiteScales(
            q_mean=mean,
            q=rms(q - mean),
            difference=rms(q[:, there] - q[:, here]),
            v=rms(rows(samples.states.v)),
            a=rms(rows(samples.a)),
            m_mean=m.mean(axis=0),
            m=m.std(axis=0),
        )

    @property
    def potential_weight(self) -> Float[Array, ""]:
        """A D/V², the size of the position-dependent part of ℓ beside a kinetic part of order one."""
        return jnp.max(self.a * self.difference / self.v**2)
