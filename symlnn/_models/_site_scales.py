"""Natural scales of the fields of a site, the same for all sites."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Array

from .._neighbourhoods import Graph
from .._types import Samples
from ._scales import Scales


@dataclass(frozen=True)
class SiteScales:
    """Natural scales of the fields of a site, as `Scales` are those of a system; plain numbers, for each field."""

    q_mean: tuple[float, ...]
    q: tuple[float, ...]
    difference: tuple[float, ...]
    """The root mean square of the difference of a field between neighbours."""
    v: tuple[float, ...]
    a: tuple[float, ...]
    m_mean: tuple[float, ...] = ()
    m: tuple[float, ...] = ()

    @staticmethod
    def of(scales: Scales, graph: Graph) -> "SiteScales":
        """Those of a system whose sites are drawn independently: differences are √2 times as large as values."""

        def over_sites(values: Sequence[float]) -> np.ndarray:
            return np.sqrt(np.mean(np.square(values).reshape(graph.sites, graph.fields), axis=0))

        spread = over_sites(scales.q)
        return SiteScales(
            q_mean=tuple(np.mean(np.reshape(scales.q_mean, (graph.sites, graph.fields)), axis=0).tolist()),
            q=tuple(spread.tolist()),
            difference=tuple((np.sqrt(2) * spread).tolist()),
            v=tuple(over_sites(scales.v).tolist()),
            a=tuple(over_sites(scales.a).tolist()),
            m_mean=scales.m_mean,
            m=scales.m,
        )

    @staticmethod
    def measured(samples: Samples, graph: Graph) -> "SiteScales":
        """Those of samples, whatever the correlations of their sites."""

        def rows(values: Array) -> np.ndarray:
            return np.asarray(values).reshape(-1, graph.sites, graph.fields)

        def rms(values: np.ndarray) -> tuple[float, ...]:
            return tuple(np.sqrt(np.mean(values**2, axis=tuple(range(values.ndim - 1)))).tolist())

        q = rows(samples.states.q)
        pairs = [(row[0], j) for row in graph.neighbourhoods for j in row[1:] if max(row[0], j) < graph.sites]
        here, there = np.array(pairs).T
        mean = q.mean(axis=(0, 1))
        m = np.asarray(samples.states.m)
        return SiteScales(
            q_mean=tuple(mean.tolist()),
            q=rms(q - mean),
            difference=rms(q[:, there] - q[:, here]),
            v=rms(rows(samples.states.v)),
            a=rms(rows(samples.a)),
            m_mean=tuple(m.mean(axis=0).tolist()),
            m=tuple(m.std(axis=0).tolist()),
        )

    @property
    def potential_weight(self) -> float:
        """A D/V², the size of the position-dependent part of ℓ beside a kinetic part of order one."""
        return max(a * d / v**2 for a, d, v in zip(self.a, self.difference, self.v, strict=True))
