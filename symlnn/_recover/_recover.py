"""`recover`: from motions, or from states with accelerations, to a law in SymPy."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .._data import Motions
from .._system import System
from .._timer import Timer
from .._types import Samples
from ._dictionary import dictionary
from ._drive import Drive, drive, refined
from ._explained import noise_of_positions
from ._family import FamilySearch, are_told
from ._fit import residual
from ._kept import Kept, Wishes, kept_law
from ._recovery import Recovery, constraint_symbols, free_terms, known_term
from ._search import FLOOR, free_motion
from ._terms import Member, Term
from ._worth import judged

_NEWTON, _SETTLED = 6, 1e-4
"""Steps of free parameters, and the relative change at which they end."""
_SAME, _SAME_NOISY = 1e-9, 0.1
"""The relative change of a number within a term that does not matter: of itself, and as a share of the residual."""
_SETTLED_DRIVE = 0.1
_REFINEMENTS = 4
"""Of the frequency of a drive, and of the numbers within terms."""
_NEARLY_ALL, _TIMES = 0.2, 2.0
"""Of the accelerations, and of what the noise of positions leaves: a law that leaves as much is none, and members are
looked for beside none."""
_MOST_MEMBERS = 3
"""Of families in one law."""
_LONG, _ROUGH = 8, 0.03
"""Terms, beyond which a law imitates something that is not among them; members are looked for beside the law that is
the best to this share of the accelerations."""


@np.errstate(all="ignore")  # trials may overflow: they are refused by what comes of them
def recover(
    system: System,
    data: Motions | Samples,
    *,
    terms: Sequence[Term] | None = None,
    half_width: float | None = None,
    noise: float = FLOOR,
    seed: int = 0,
) -> Recovery:
    """The law of some data as a SymPy expression, among the Lagrangians Σ cₖ φₖ and forces of candidate terms.

    `data` are positions (`Motions`), or states with accelerations (`Samples`), with noise. Of the system coordinates,
    angles, units, inputs and what is drawn are used, not its law; but where it leaves functions open, its law is what
    is known, with the declared values of parameters, and candidates stand for these functions. `terms` are the
    candidates, by default `dictionary(system)`; `half_width` is that of the windows for motions, in seconds, by default
    one of several that follow from the time scale of the data. `noise` is what accelerations are wrong by at
    least, as a share of their size: of a trained model, whose errors are regular, some times its error.

    With Eₖ = Hₖ a + hₖ, the Euler–Lagrange expression of term k, in windows its weak form:
    1. Terms that are combinations of cheaper ones, up to a total time derivative, are put aside.
    2. The least |E c| for |H c| = 1 is the start: no scale and no mass matrix is given.
    3. Gauss and Newton make (H c)⁻¹ E c small, the error of the accelerations.
    4. The support is searched for by adding, dropping and exchanging terms, with a penalty for each, about the best law
       so far, until nothing changes; for the ordinary terms first and then for more of them.
    5. Members of families, such as exp(−k x) with an unknown k, are tried in place of terms, k with the coefficients.
    6. Terms put aside come back where they make the law shorter, and fractions stand for coefficients where chance
       would seldom give them.

    A law is found always; `explained`, `null_dimension`, `free_scales` and `diagnosis` say what it is worth. Raises
    `ValueError` where no candidates have a positive mass matrix, and where the data are too short.
    """
    if not 0 < noise < 1:
        raise ValueError(f"noise, a share of the accelerations, must lie between 0 and 1, but is {noise}.")
    if held := [s.name for s, p in system.parameters.items() if p.free and s in constraint_symbols(system)]:
        raise ValueError(
            f"The parameter {held[0]} is free and stands in a constraint, which recover takes as known: give its "
            "number, or find it with symlnn.identify."
        )
    timer, wishes = Timer(), Wishes(half_width, max(noise, FLOOR), seed)
    with timer("dictionary"):
        candidates = tuple(dictionary(system) if terms is None else terms)
        families = tuple(term for term in candidates if term.inner)
        candidates = tuple(term for term in candidates if not term.inner)
        if not candidates:
            raise ValueError("There are no candidates: give terms, or include some in the dictionary.")
    with timer("search"):
        system, best = _with_free(system, candidates, data, wishes)
    with timer("families"):
        system, best = _with_members(system, best, candidates, families, data, wishes)
    with timer("drive"):
        swing = _drive(best)
        candidates += tuple(member.terms()[0] for member in best.members.values())
        for _ in range(_REFINEMENTS):
            if swing is None:
                break
            waves = swing.terms(system)
            system, best = _with_free(system, (*candidates, *waves), data, wishes)
            before, swing = swing, refined(system, best, swing, waves)
            if swing is not None and abs(swing.frequency - before.frequency) < _SETTLED_DRIVE * swing.error:
                break
    with timer("judge"):
        return judged(system, best, data, swing, timer, seed)


def _with_free(
    system: System, candidates: tuple[Term, ...], data: Motions | Samples, wishes: Wishes
) -> tuple[System, Kept]:
    """The system with the values of its free parameters that are the best beside the law, by Newton's steps, and that
    law: a step is the coefficient of ∂L/∂p."""
    for step in range(_NEWTON):
        known, free = known_term(system), free_terms(system)
        whole = (*candidates, *free.values(), *([] if known is None else [known]))
        required = range(len(candidates), len(candidates) + len(free))
        best = kept_law(system, whole, data, known is not None, frozenset(required), wishes)
        if not free:
            break
        c = dict(zip(best.found.support, best.found.solution.c / best.sizes, strict=False))
        symbols = {symbol.name: p.value for symbol, p in system.parameters.items()}
        moved = {name: symbols[name] + float(c.get(k, 0.0)) for name, k in zip(free, required, strict=True)}
        last = all(abs(moved[name] - symbols[name]) <= _SETTLED * abs(moved[name]) for name in free)
        if last or step == _NEWTON - 1:
            break
        system = system.with_parameters(moved)
    return system, best


def _with_members(
    system: System,
    best: Kept,
    candidates: tuple[Term, ...],
    families: tuple[Term, ...],
    data: Motions | Samples,
    wishes: Wishes,
) -> tuple[System, Kept]:
    """With members of families where they make the law better, one after another."""
    members: tuple[Member, ...] = ()
    for _ in range(_MOST_MEMBERS):
        more = _proposed(system, best, candidates, families, members, data, wishes)
        taken = None if more is None else _taken(system, best, candidates, more, data, wishes)
        if taken is None:
            break
        system, best = taken
        members = tuple(best.members.values())
    return system, best


def _proposed(
    system: System,
    best: Kept,
    candidates: tuple[Term, ...],
    families: tuple[Term, ...],
    members: tuple[Member, ...],
    data: Motions | Samples,
    wishes: Wishes,
) -> tuple[Member, ...] | None:
    """One member more, beside the law; where that is long, beside a rough one, and where it is none, beside no law."""
    base = best
    if len(best.found.support) > _LONG:
        base = _with_free(system, candidates, data, replace(wishes, noise=max(wishes.noise, _ROUGH)))[1]
    more = FamilySearch(system, base).proposal(families, members)
    if more is not None or best.task.anchor is not None:
        return more
    if base is not best or _is_none(system, best, data, wishes.seed):
        free = free_motion(best.task, best.found)
        return None if free is None else FamilySearch(system, replace(best, found=free)).proposal(families, ())
    return None


def _taken(
    system: System,
    best: Kept,
    candidates: tuple[Term, ...],
    members: tuple[Member, ...],
    data: Motions | Samples,
    wishes: Wishes,
) -> tuple[System, Kept] | None:
    """The best law with these members, and with the best numbers within them; None where it is no better."""
    for _ in range(_REFINEMENTS):
        own = [term for member in members for term in member.terms()]
        system, trial = _with_free(system, (*candidates, *own), data, wishes)
        settled = FamilySearch(system, trial).settled(members)
        if settled is None or settled.found.score >= best.found.score or not are_told(settled):
            return None
        after = tuple(settled.members.values())
        same = max(_SAME, _SAME_NOISY * _residual(settled))
        if all(np.allclose(a.values, b.values, rtol=same) for a, b in zip(after, members, strict=True)):
            break
        members = after
    return system, settled


def _is_none(system: System, best: Kept, data: Motions | Samples, seed: int) -> bool:
    """Whether a law leaves so much that it is none."""
    if isinstance(data, Motions) and best.widths is not None:
        return _residual(best) > _TIMES * noise_of_positions(system, best, data, best.widths, seed)
    return _residual(best) > _NEARLY_ALL


def _residual(best: Kept) -> float:
    return float(np.sqrt(np.mean(best.found.solution.r**2)))


def _drive(best: Kept) -> Drive | None:
    """What swings with time in the residual of a law."""
    task, law, observed = best.task, best.found, best.observed
    places = best.places
    if _residual(best) < 2 * task.noise:
        return None
    kept = sorted({*best.gauge.kept, *places})
    c = np.zeros(len(kept))
    c[[kept.index(k) for k in places]] = law.solution.c
    columns = task.columns.of(kept)
    whole, inverse = residual(columns, c), np.linalg.inv(columns.h @ c)
    if observed.basis is not None:
        inverse = inverse @ np.swapaxes(observed.basis, 1, 2) * observed.speeds
    rows, t = slice(None, None, round(observed.repeated)), observed.points.t
    length = float(np.ptp(t))
    fastest = math.pi / best.widths.half if best.widths else math.pi * len(t) / max(length, 1e-300) / 2
    return drive(whole.r[rows], whole.j[rows], inverse[rows], t[rows], fastest=fastest)
