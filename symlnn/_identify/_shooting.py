"""Multiple shooting: the motions themselves, from free states at the start of each window."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._family import Family
from ._windows import Windows

_PRIOR = 10.0
"""How many standard deviations of the noise a smoothed start may be off, as the prior says."""
_STEPS = 40
_ROUNDS = 2
_DAMPING = 1e-3
_ROUGHLY, _ENOUGH = 1e-3, 1e-6
"""The relative fall of the sum of squares at which the search ends: while the noise is estimated, and at last."""
_FEWEST_CLUSTERS = 6


@dataclass(frozen=True, eq=False)
class Shot:
    """What multiple shooting found."""

    x: Float[np.ndarray, " free"]
    inside: tuple[int, ...]
    """The places of x that were searched and are not at their bound."""
    covariance: Float[np.ndarray, "inside inside"]
    """Of those: the sandwich, clustered by run, or by blocks of time where there are few runs."""
    clusters: int
    noise: Float[np.ndarray, " dof"]
    """The standard deviation of measured positions from the motions."""


class Shooting:
    """The sum over windows w of  |(q(t; θ, y_w) − q_measured) / σ|² + |(y_w − ŷ_w) / σ_y|²,

    with y_w = (q, v) at the start of the window and ŷ_w the smoothed state. The Jacobian is an arrow: each start is in
    one window, the parameters in all. Levenberg's and Marquardt's equation is solved by the Schur complement of the
    starts, which are damped too (Bock 1983).
    """

    def __init__(self, family: Family, windows: Windows, prior: Float[np.ndarray, "row free"]):
        """`prior` times x is taken to be of order one."""
        dof = family.system.dof

        def residuals(joint: Array, window: Windows, sigma: Array, prior: Array) -> Array:
            x, y = joint[: len(family)], joint[len(family) :]
            dynamics = family.dynamics(x)
            off = (window.predicted(dynamics, y[:dof], y[dof:]) - window.measured) / sigma
            tied = (y - jnp.concatenate([window.q, window.v])) / prior
            return jnp.concatenate([jnp.where(window.seen, off, 0.0).ravel(), tied])

        def both(joint: Array, window: Windows, sigma: Array, prior: Array) -> tuple[Array, Array]:
            def twice(z: Array) -> tuple[Array, Array]:
                r = residuals(z, window, sigma, prior)
                return r, r

            jacobian, r = jax.jacfwd(twice, has_aux=True)(joint)
            return r, jacobian

        axes = (0, 0, None, None)
        self.windows, self.free, self.bounds = windows, len(family), family.bounds()
        self.prior = prior
        self._residuals = eqx.filter_jit(jax.vmap(residuals, axes))
        self._both = eqx.filter_jit(jax.vmap(both, axes))

    def solve(self, x: np.ndarray, kept: Sequence[int], sigma: np.ndarray, speeds: np.ndarray) -> Shot:
        """From x, with noise of the standard deviations `sigma` to begin with, and velocities of starts known to
        within `speeds`. A parameter stays at its bound while the residuals push it there.

        Raises `FloatingPointError` where the motions of x do not stay finite.
        """
        w, x = self.windows, np.array(x)
        y = np.concatenate([np.asarray(w.q), np.asarray(w.v)], axis=1)
        spread = np.array(sigma)
        for enough in (*(_ROUGHLY,) * _ROUNDS, _ENOUGH):
            scales = jnp.asarray(spread), jnp.asarray(_PRIOR * np.concatenate([spread, speeds]))
            x, y = self._search(x, y, kept, scales, enough)
            spread = spread * self._misfit(x, y, scales)
        scales = jnp.asarray(spread), jnp.asarray(_PRIOR * np.concatenate([spread, speeds]))
        inside = [k for k, held in zip(kept, self.bounds.of(kept).holds(x[list(kept)]), strict=True) if not held]
        arrow, _ = self._linearised(x, y, inside, scales)
        covariance, clusters = arrow.covariance(np.asarray(w.run))
        return Shot(x, tuple(inside), covariance, clusters, spread)

    def _search(
        self, x: np.ndarray, y: np.ndarray, kept: Sequence[int], scales: tuple[Array, Array], enough: float
    ) -> tuple[np.ndarray, np.ndarray]:
        damping = _DAMPING
        for _ in range(_STEPS):
            arrow, cost = self._linearised(x, y, kept, scales)
            if not np.isfinite(cost):
                raise FloatingPointError("The motions of the first guess do not stay finite.")
            places = self._movable(x, kept, arrow)
            inside, arrow = [kept[k] for k in places], arrow.only(places)
            while damping < 1e12:
                dx, dy = arrow.step(damping)
                moved = x.copy()
                moved[inside] = self.bounds.of(inside).nearest(x[inside] + dx)
                new = float(np.sum(self._at(moved, y + dy, scales) ** 2) + np.sum((self.prior @ moved) ** 2))
                if new < cost:  # false for NaN
                    break
                damping *= 10
            else:
                return x, y
            x, y, damping = moved, y + dy, max(damping / 10, 1e-12)
            if cost - new < enough * cost:
                return x, y
        return x, y

    def _movable(self, x: np.ndarray, kept: Sequence[int], arrow: "_Arrow") -> list[int]:
        """The places among `kept` that are off their bounds, or that the residuals pull from them."""
        movable = self.bounds.of(kept).movable(x[list(kept)], -arrow.gradient())
        return [int(k) for k in np.flatnonzero(movable)]

    def _joint(self, x: np.ndarray, y: np.ndarray) -> Array:
        return jnp.asarray(np.concatenate([np.broadcast_to(x, (len(y), len(x))), y], axis=1))

    def _at(self, x: np.ndarray, y: np.ndarray, scales: tuple[Array, Array]) -> np.ndarray:
        return np.asarray(self._residuals(self._joint(x, y), self.windows.batch(), *scales))

    def _linearised(
        self, x: np.ndarray, y: np.ndarray, inside: Sequence[int], scales: tuple[Array, Array]
    ) -> tuple["_Arrow", float]:
        r, jacobian = (np.asarray(z) for z in self._both(self._joint(x, y), self.windows.batch(), *scales))
        columns = [*inside, *range(self.free, self.free + y.shape[1])]
        rough = self.prior @ x
        arrow = _Arrow(jacobian[..., columns], r, self.prior[:, list(inside)], rough)
        return arrow, float(np.sum(r**2) + np.sum(rough**2))

    def _misfit(self, x: np.ndarray, y: np.ndarray, scales: tuple[Array, Array]) -> np.ndarray:
        """The root mean square of each coordinate's residuals, of as many as the starts leave free."""
        seen = np.asarray(self.windows.seen)
        off = self._at(x, y, scales)[:, : seen[0].size].reshape(seen.shape)
        freedom = np.maximum(seen.sum(axis=(0, 1)) - 2 * len(seen), 1)
        return np.sqrt((off**2).sum(axis=(0, 1)) / freedom)


class _Arrow:
    """JᵀJ and Jᵀr of an arrow: A of the parameters, C of each start, B between them."""

    def __init__(self, jacobian: np.ndarray, r: np.ndarray, prior: np.ndarray, rough: np.ndarray):
        free = prior.shape[1]
        self.prior, self.pull = prior.T @ prior, prior.T @ rough
        of_x, of_y = jacobian[..., :free], jacobian[..., free:]
        self.a = np.einsum("kni,knj->kij", of_x, of_x)
        self.b = np.einsum("kni,knj->kij", of_x, of_y)
        self.c = np.einsum("kni,knj->kij", of_y, of_y)
        self.gx, self.gy = np.einsum("kni,kn->ki", of_x, r), np.einsum("kni,kn->ki", of_y, r)

    def only(self, places: Sequence[int]) -> "_Arrow":
        """With these parameters alone."""
        found = copy.copy(self)
        found.a, found.b, found.gx = self.a[:, places][:, :, places], self.b[:, places], self.gx[:, places]
        found.prior, found.pull = self.prior[places][:, places], self.pull[places]
        return found

    def gradient(self) -> np.ndarray:
        """Of the parameters, with the best starts."""
        return self._reduced(0.0)[2].sum(axis=0) + self.pull

    def _reduced(self, damping: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """C⁻¹ Bᵀ, C⁻¹ g_y and the reduced gradients, window by window."""
        diagonal = np.einsum("kii->ki", self.c)
        c = self.c + damping * np.eye(self.c.shape[1]) * diagonal[:, None]
        solved = np.linalg.solve(c, np.concatenate([np.swapaxes(self.b, 1, 2), self.gy[..., None]], axis=2))
        inner, pull = solved[..., :-1], solved[..., -1]
        return inner, pull, self.gx - np.einsum("kij,kj->ki", self.b, pull)

    def step(self, damping: float) -> tuple[np.ndarray, np.ndarray]:
        """The change of the parameters, and that of the starts."""
        inner, pull, gradients = self._reduced(damping)
        schur = np.sum(self.a - self.b @ inner, axis=0) + self.prior
        schur = schur + damping * np.diag(np.diag(schur))
        dx = -np.linalg.lstsq(schur, gradients.sum(axis=0) + self.pull, rcond=None)[0]
        return dx, -pull - np.einsum("kij,j->ki", inner, dx)

    def covariance(self, runs: np.ndarray) -> tuple[np.ndarray, int]:
        """Σ_c δ_c δ_cᵀ (G − 1) / G with δ_c = (S − S_c)⁻¹ g_c, what the parameters would change by without the cluster
        c, in a step of Gauss and Newton; and G, the number of clusters.

        It is the sandwich S⁻¹ (Σ_c g_c g_cᵀ) S⁻¹ with clusters, corrected for what each of them draws the parameters to
        itself, which matters where they are few (Bell & McCaffrey, Surv. Methodol. 28, 2002; "CR3").
        """
        inner, _, gradients = self._reduced(0.0)
        own = self.a - self.b @ inner
        cluster = np.unique(runs, return_inverse=True)[1]
        if cluster.max() + 1 < _FEWEST_CLUSTERS:  # blocks of time
            blocks = max(1, len(runs) // 20)
            cluster = np.arange(len(runs)) // blocks
        count = int(cluster.max()) + 1
        scores, parts = np.zeros((count, gradients.shape[1])), np.zeros((count, *own.shape[1:]))
        np.add.at(scores, cluster, gradients)
        np.add.at(parts, cluster, own)
        left = own.sum(axis=0) + self.prior - parts
        changes = np.einsum("cij,cj->ci", np.linalg.pinv(left, hermitian=True), scores)
        return (count - 1) / count * changes.T @ changes, count
