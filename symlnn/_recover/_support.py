"""Which terms a law needs: a search over supports, by the least squares that is linear about the best law so far."""

import itertools
from collections.abc import Collection, Sequence

import numpy as np
from jaxtyping import Float

_HARD = 30.0
"""The weight of the row that fixes the scale, beside those of the data."""
_SOFT = 30.0
"""How many penalties it costs that a coordinate loses its mass: a part of a law that acts on no other could vanish."""
_ROUNDS = 60
_PAIRS = 12
"""Terms, beyond which none are exchanged two at a time: a law of so many is still far from the end."""
_TIE = 1e-9


class SupportSearch:
    """The supports of low |r + J c|² + penalty · |support|, over c of mass m·c = 1, or with c = 1 of the anchor.

    About a law c₀, of which r is homogeneous of order zero, J c₀ = 0, so that r + J c is what c leaves, to first order.
    Were the scale fixed at one term instead of at the mass, combinations that are nearly nothing would win. c₀ has the
    mass one, and `masses` are the shares of the coordinates in that of each term.
    """

    def __init__(
        self,
        j: Float[np.ndarray, "row term"],
        r: Float[np.ndarray, " row"],
        masses: Float[np.ndarray, "dof term"],
        c: Float[np.ndarray, " term"],
        *,
        anchor: int | None,
        required: Collection[int],
        penalty: float,
    ):
        self.penalty = penalty
        target = -r
        if anchor is None:
            mass = masses.sum(axis=0)
            size = _HARD * np.linalg.norm(j) / max(np.linalg.norm(mass), 1e-300)
            soft = np.sqrt(_SOFT * penalty) / (masses @ c)
            j = np.concatenate([j, size * mass[None], soft[:, None] * masses])
            target = np.concatenate([target, [size], soft * (masses @ c)])
        else:
            target = target - j[:, anchor]
        sizes = np.linalg.norm(j, axis=0)
        least = 1e-13 * sizes.max(initial=0.0)
        self.candidates = np.array([k for k in range(j.shape[1]) if k != anchor and sizes[k] > least], int)
        self.required = [i for i, k in enumerate(self.candidates) if k in required]
        whole = np.concatenate([j[:, self.candidates] / sizes[self.candidates], target[:, None]], axis=1)
        reduced: np.ndarray = np.asarray(np.linalg.qr(whole, mode="r"))
        self.x, self.y = reduced[:, :-1], reduced[:, -1]

    def best(self, starts: Sequence[Collection[int]] = ()) -> tuple[int, ...]:
        """The support of the lowest score, by moves from some starts, from eliminations one after another, and from
        nothing."""
        place = {int(k): i for i, k in enumerate(self.candidates)}
        begun = [[place[k] for k in start if k in place] for start in starts]
        if not begun:
            begun = [self._eliminated(), []]
        ended = [self._improved(list(dict.fromkeys([*start, *self.required]))) for start in begun]
        support, _ = min(ended, key=lambda end: end[1])
        return tuple(sorted(int(self.candidates[i]) for i in support))

    def _eliminated(self) -> list[int]:
        """From all terms, without the one that matters least, and so on; the best on the way."""
        support = list(range(self.x.shape[1]))
        best, lowest = support, np.inf
        while support:
            u, s, vt = np.linalg.svd(self.x[:, support], full_matrices=False)
            good = s > 1e-11 * s[0]
            c = vt[good].T @ ((u[:, good].T @ self.y) / s[good])
            spread = np.sum((vt[good] / s[good, None]) ** 2, axis=0)
            score = float(np.sum((self.y - self.x[:, support] @ c) ** 2)) + self.penalty * len(support)
            if score < lowest:
                best, lowest = list(support), score
            support.pop(int(np.argmin(c**2 / np.maximum(spread, 1e-300))))
        return best

    def _after(self, support: Sequence[int]) -> tuple[float, np.ndarray]:
        """The squares that a support leaves, and by how much each further term would make them fall."""
        q = np.linalg.qr(self.x[:, list(support)])[0] if len(support) else np.zeros((len(self.y), 0))
        rest = self.y - q @ (q.T @ self.y)
        across = self.x - q @ (q.T @ self.x)
        across -= q @ (q.T @ across)
        sizes = np.sum(across**2, axis=0)
        gain = np.where(sizes > 1e-12, (rest @ across) ** 2 / np.where(sizes > 1e-12, sizes, 1.0), 0.0)
        gain[list(support)] = 0.0
        return float(rest @ rest), gain

    def _improved(self, support: list[int]) -> tuple[list[int], float]:
        """By one in, one out, one for another, one for two, as long as the score falls."""
        score = self._after(support)[0] + self.penalty * len(support)
        for _ in range(_ROUNDS):
            options: list[tuple[float, list[int]]] = []
            free = [k for k in support if k not in self.required]
            for out in range(3 if len(free) <= _PAIRS else 2):
                for gone in itertools.combinations(free, out):
                    left = [k for k in support if k not in gone]
                    squares, gain = self._after(left)
                    options.append((squares + self.penalty * len(left), left))
                    entering = int(np.argmax(gain))
                    options.append((squares - gain[entering] + self.penalty * (len(left) + 1), [*left, entering]))
            lowest, chosen = min(options, key=lambda option: option[0])
            if not lowest < score - _TIE * abs(score):
                break
            score, support = lowest, chosen
        return support, score
