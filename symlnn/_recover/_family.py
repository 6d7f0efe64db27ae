"""Families of terms: the numbers within a term, as k in exp(−k x), that make a law best."""

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import sympy as sp

from .._lambdify import lambdified
from .._system import System
from ._fit import Solution, column_sizes, covariance, masses_of, polished, residual
from ._gauge import Gauge
from ._kept import Kept
from ._search import with_support
from ._support import SupportSearch
from ._terms import Columns, Member, Points, Term, with_slopes

_GRID = 0.1 * 1.6 ** np.arange(10)
"""Values at which a family is looked at, in units of the size of the number."""
_MOST_STARTS = 64
_BEST, _TRIED = 2, 16
"""Of these of one family, and of all, the ones that explain most, from which the number is sought."""
_STEPS, _HALVINGS, _SETTLED = 12, 5, 1e-9
_LONGEST = 0.7
"""Of a step, as a share of the number."""
_TOLD = 4.0
"""Standard errors, in a number within a term."""
_WORTH = 3
"""A member of a family has two coefficients: it is worth a try in place of as many terms."""


@dataclass(frozen=True, eq=False)
class _Fit:
    """The least squares of some terms and some members, over coefficients and the numbers within."""

    places: tuple[int, ...]
    """Of ordinary terms among the candidates, what is known of the law among them."""
    members: tuple[Member, ...]
    columns: Columns
    """Of both."""
    solution: Solution
    slopes: Columns
    """Of what changes of the numbers add."""
    squares: float
    """Σ (r/σ)²."""


class FamilySearch:
    """Members of families that make a law shorter, or let it leave less, beside the terms that it has."""

    def __init__(self, system: System, best: Kept):
        self.system, self.best = system, best
        self.sigma = best.found.sigma
        self.inside = {k + i for k, member in best.members.items() for i in range(1 + len(member.values))}

    def proposal(self, families: Sequence[Term], members: Sequence[Member]) -> tuple[Member, ...] | None:
        """With one member more, where the score falls below that of the law; None where no member is worth its place.

        A number starts where its member explains most of what the law leaves, or of what it would leave without terms
        of the same variables; Gauss and Newton find it beside the terms of the law; then those are left out that are
        not needed any more.
        """
        found: list[tuple[float, tuple[Member, ...]]] = []
        used = {symbol for member in members for symbol in member.numbers}
        starts = [start for family in families for start in self._starts(_apart(family, used))]
        gains: dict[tuple[tuple[int, ...], Member], float] = {}
        for gain, places, member in starts:
            gains[places, member] = max(gain, gains.get((places, member), 0.0))
        for places, member in sorted(gains, key=lambda start: -gains[start])[:_TRIED]:
            fit = self._fitted(places, (*members, member))
            for _ in range(2):
                fit = None if fit is None else self._shortened(fit)
            if fit is not None:
                found.append((self._score(fit), fit.members))
        lowest, chosen = min(found, key=lambda one: one[0], default=(np.inf, None))
        return chosen if lowest < self.best.found.score else None

    def _starts(self, family: Term) -> Iterator[tuple[float, tuple[int, ...], Member]]:
        """By how much χ² would fall, to first order, beside which terms, and the member."""
        task, places = self.best.task, tuple(self.best.places)
        own = self._own(family)
        law = residual(task.columns.of(places), self.best.found.solution.c)
        values = list(_grid(self.system, family, self.best.observed.points))
        columns = [self._columns((Member(family, value),))[0] for value in values]
        kept_apart = [(places, law.r)]
        if len(own) >= _WORTH:
            gone = [places.index(k) for k in own]
            rest = tuple(k for k in places if k not in own)
            kept_apart.append((rest, law.r - law.j[..., gone] @ law.c[gone]))
        for whole, r in kept_apart:
            j = law.j[..., [places.index(k) for k in whole]]
            gains = self._gains(j, r, columns, law)
            needed = task.penalty if whole == places else 0.0
            for k in np.argsort(-gains)[:_BEST]:
                if gains[k] > needed:
                    for beside in dict.fromkeys((whole, places)):
                        yield (
                            float(gains[k]),
                            tuple(i for i in beside if i not in self.inside),
                            Member(family, values[int(k)]),
                        )

    def _own(self, family: Term) -> set[int]:
        """The terms of the law that have the same variables, and no velocities unless the family has."""
        task = self.best.task
        symbols = {s for s in family.expression.free_symbols} - {k for k, _ in family.inner}
        return {
            k
            for k in self.best.found.support
            if k not in task.required
            and task.terms[k].of == family.of
            and bool(task.terms[k].forces) == bool(family.forces)
            and task.terms[k].expression.free_symbols <= symbols
        }

    def _gains(self, j: np.ndarray, r: np.ndarray, columns: Sequence[Columns], law: Solution) -> np.ndarray:
        """By how much χ² falls with each column, to first order."""
        task = self.best.task
        scale = self.sigma * np.sqrt(task.repeated)
        mass = task.columns.of(self.best.places).h @ law.c
        q = np.linalg.qr((j / scale[:, None]).reshape(r.size, -1))[0]
        rest = (r / scale).ravel()
        rest = rest - q @ (q.T @ rest)
        found = []
        for own in columns:
            e = own.e - np.einsum("rijk,rj->rik", own.h, law.r)
            if not np.isfinite(e).all():
                found.append(-np.inf)
                continue
            x = (np.linalg.solve(mass, e)[..., 0] / scale).ravel()
            across = x - q @ (q.T @ x)
            size = float(across @ across)
            found.append((rest @ across) ** 2 / size if size > 1e-12 * float(x @ x) else 0.0)
        return np.array(found)

    def _columns(self, members: Sequence[Member]) -> tuple[Columns, Columns, np.ndarray]:
        """Of members, of their slopes, and the sizes of both: a member's, and its slopes'."""
        own, slopes, sizes = [], [], []
        for member in members:
            terms = with_slopes(member.family)
            columns, size = self.best.observed.more(self.system, terms, member.numbers)
            own.append(columns.of([0]))
            slopes.append(columns.of(range(1, len(terms))))
            sizes += [size[0] / one for one in size[1:]]
        return _joined(own), _joined(slopes), np.array(sizes)

    def _fitted(self, places: Sequence[int], members: tuple[Member, ...]) -> _Fit | None:
        """From these numbers, with coefficients of the law where it has some."""
        now = self._at(places, members, None)
        for _ in range(_STEPS):
            if now is None:
                return None
            step = self._step(now)
            if step is None:
                break
            before, moved = now.squares, None
            for halving in range(_HALVINGS):
                trial = self._at(places, _moved(now.members, step / 2**halving), now.solution.c)
                if trial is not None and trial.squares < before:
                    moved = trial
                    break
            if moved is None:
                break
            now = moved
            if before - now.squares < _SETTLED * before:
                break
        return now

    def _at(self, places: Sequence[int], members: tuple[Member, ...], c: np.ndarray | None) -> _Fit | None:
        of_members, slopes, _ = self._columns(members)
        columns = self.best.task.columns.of(list(places)).beside(of_members)
        if not np.isfinite(columns.e).all() or not np.isfinite(slopes.e).all():
            return None
        if c is None:
            known = dict(zip(self.best.places, self.best.found.solution.c, strict=True))
            own = {member: known.get(k, 0.0) for k, member in self.best.members.items()}
            c = np.array([*(known.get(k, 0.0) for k in places), *(own.get(member, 0.0) for member in members)])
        law = polished(columns, c, self.sigma, self._anchor(places))
        if law is None:
            return None
        squares = float(np.sum((law.r / self.sigma) ** 2))
        return _Fit(tuple(places), members, columns, law, slopes, squares)

    def _anchor(self, places: Sequence[int]) -> int | None:
        anchor = self.best.task.anchor
        return None if anchor is None else list(places).index(anchor)

    def _step(self, fit: _Fit) -> np.ndarray | None:
        """Of each number, as a share of it: the coefficient of its slope in least squares over all, by that of its
        member."""
        whole = fit.columns.beside(fit.slopes)
        count = fit.slopes.e.shape[-1]
        now = residual(whole, np.append(fit.solution.c, np.zeros(count)))
        j, r = now.whitened(self.sigma)
        sizes = column_sizes(j)
        if not np.isfinite(j / sizes).all():
            return None
        anchor = self._anchor(fit.places)
        free = [k for k in range(j.shape[1]) if k != anchor]
        step = np.zeros(j.shape[1])
        step[free] = -np.linalg.lstsq((j / sizes)[:, free], r, rcond=1e-10)[0] / sizes[free]
        ratio = self._columns(fit.members)[2]
        owners = [k for k, member in enumerate(fit.members) for _ in member.values]
        c = fit.solution.c[len(fit.places) :][owners]
        values = np.array([value for member in fit.members for value in member.values])
        with np.errstate(all="ignore"):
            shares = step[-count:] * ratio / c / values
        return np.clip(shares, -_LONGEST, _LONGEST) if np.isfinite(shares).all() else None

    def _shortened(self, fit: _Fit) -> _Fit | None:
        """Without the terms that are not needed beside the members, by least squares about the law, numbers too."""
        task = self.best.task
        whole = fit.columns.beside(fit.slopes)
        c = np.append(fit.solution.c, np.zeros(fit.slopes.e.shape[-1]))
        masses = masses_of(whole)
        if not (masses @ c > 0).all():
            return None
        j, r = residual(whole, c).whitened(self.sigma * np.sqrt(task.repeated))
        anchor = self._anchor(fit.places)
        required = {i for i, k in enumerate(fit.places) if k in task.required}
        required |= set(range(len(fit.places), len(c)))
        finder = SupportSearch(j, r, masses, c, anchor=anchor, required=required, penalty=task.penalty)
        chosen = [i for i in finder.best() if i < len(fit.places)]
        places = tuple(fit.places[i] for i in sorted({*chosen, *(() if anchor is None else (anchor,))}))
        return fit if places == fit.places else self._fitted(places, fit.members)

    def _score(self, fit: _Fit) -> float:
        numbers = sum(len(member.values) for member in fit.members)
        count = len(fit.places) - (self.best.task.anchor is not None) + len(fit.members) + numbers
        return self.best.task.score(fit.solution, count)

    def settled(self, members: Sequence[Member]) -> Kept | None:
        """The law with the best numbers within its members, which are among the candidates, as changes of the numbers
        are; None where one of these is not among its terms, and where nothing finite was found."""
        task, found, observed = self.best.task, self.best.found, self.best.observed
        ends = {task.terms.index(member.terms()[0]): member for member in members}
        if not set(ends) <= set(found.support):
            return None
        changes = {task.terms.index(slope) for member in members for slope in member.terms()[1:]}
        places = [k for k in self.best.places if k not in ends and k not in changes]
        fit = self._fitted(places, tuple(ends.values()))
        if fit is None:
            return None
        keep = [k for k in range(len(task.terms)) if k not in ends and k not in changes]
        terms, columns, sizes = [task.terms[k] for k in keep], task.columns.of(keep), observed.sizes[keep]
        inside: dict[int, Member] = {}
        for member in fit.members:
            inside[len(terms)] = member
            more, size = observed.more(self.system, member.terms(), {})
            terms, columns, sizes = [*terms, *member.terms()], columns.beside(more), np.append(sizes, size)
        anchor = None if task.anchor is None else keep.index(task.anchor)
        numbers = {k for k in range(len(keep), len(terms)) if k not in inside}
        required = frozenset({keep.index(k) for k in task.required} | numbers)
        task = replace(task, terms=tuple(terms), columns=columns, required=required, anchor=anchor)
        ordinary = tuple(keep.index(k) for k in places if k != self.best.task.anchor)
        count = len(ordinary)
        of_places, of_members = fit.solution.c[: len(places)], fit.solution.c[len(places) :]
        c = np.concatenate([of_places[:count], of_members, of_places[count:]])
        near = replace(found, support=(*ordinary, *inside), solution=replace(fit.solution, c=c))
        law = with_support(task, near, tuple(sorted({*ordinary, *inside, *numbers})))
        if law is None:
            return None
        gauge = Gauge(tuple(keep.index(k) for k in self.best.gauge.kept if k in keep), {})
        observed = replace(observed, columns=columns, sizes=sizes)
        return replace(self.best, observed=observed, task=task, found=law, gauge=gauge, members=inside)


def _apart(family: Term, used: Collection[sp.Symbol]) -> Term:
    """With other symbols for its numbers, where these stand for those of another member."""
    if not {k for k, _ in family.inner} & set(used):
        return family
    number = next(n for n in itertools.count(2) if not {_numbered(k, n) for k, _ in family.inner} & set(used))
    other = {k: _numbered(k, number) for k, _ in family.inner}
    return replace(family.within(other), inner=tuple((other[k], size) for k, size in family.inner))


def _numbered(symbol: sp.Symbol, number: int) -> sp.Symbol:
    return sp.Symbol(f"{symbol.name}_{number}", **symbol.assumptions0)


def are_told(best: Kept) -> bool:
    """Whether each number within a term is several times its standard error: else another value, and so another shape,
    would do as well."""
    support = list(best.found.support)
    anchor = {len(support)} if best.task.anchor is not None else set()
    variance = np.diag(covariance(best.found.solution, best.found.sigma, anchor, best.task.repeated))
    c = best.found.solution.c / best.sizes
    error = np.sqrt(variance) / best.sizes
    return all(
        error[support.index(place + 1 + i)] * _TOLD < abs(value * c[support.index(place)])
        for place, member in best.members.items()
        for i, value in enumerate(member.values)
    )


def _joined(columns: Sequence[Columns]) -> Columns:
    whole = columns[0]
    for more in columns[1:]:
        whole = whole.beside(more)
    return whole


def _moved(members: Sequence[Member], shares: np.ndarray) -> tuple[Member, ...]:
    left = iter(shares)
    return tuple(
        replace(member, values=tuple(value * (1 + float(next(left))) for value in member.values)) for member in members
    )


def _grid(system: System, family: Term, points: Points) -> Iterator[tuple[float, ...]]:
    """Starts: of each number, shares of its size along the data, of either sign unless the symbol is positive."""
    choices = []
    for symbol, size in family.inner:
        unit = _size(system, size, points)
        values = unit * _GRID
        choices.append([*values] if symbol.is_positive else [*values, *(-values)])
    yield from itertools.islice(itertools.product(*choices), _MOST_STARTS)


def _size(system: System, size: sp.Expr, points: Points) -> float:
    function = lambdified([*system.q, *system.v, *system.m, *system.u, system.t], [size], modules=["numpy"])
    with np.errstate(all="ignore"):
        values = np.abs(function(*points.q.T, *points.v.T, *points.m.T, *points.u.T, points.t)[0])
    values = np.asarray(values)[np.isfinite(values)]
    return float(np.median(values)) if values.size else 1.0
