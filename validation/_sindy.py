"""PySINDy, as a rival: sparse accelerations a = Ξ φ(q, v, u) by sequentially thresholded least squares.

It is in the extra `rivals`; a study leaves its columns empty where it is not installed.

Source: Brunton, Proctor & Kutz, PNAS 113, 2016; Kaptanoglu et al., JOSS 7, 2022.
"""

import importlib
import importlib.util
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import sympy as sp
from jax import Array

import symlnn
from symlnn import Choices, DirectAcceleration, Motions, Run, Samples, System

_THRESHOLDS = (0.03, 0.1, 0.3)
"""Of coefficients, the candidates in units where each has the size one; the best on the last training run is taken."""
_EXPLICIT, _IMPLICIT = (*_THRESHOLDS, 1.0, 3.0), (0.1, 1.0)
_DEGREE = 3
INSTALLED = importlib.util.find_spec("pysindy") is not None


def sparse_accelerations(motions: Motions, choices: Choices) -> DirectAcceleration | None:
    """Of motions of angles with inputs: products of (1, sin qᵢ, cos qᵢ) with all monomials of v and u up to degree two,
    and the friction atan(100 vᵢ) that the arm has.

    Given are positions and inputs. Velocities and accelerations are those of PySINDy's `SmoothedFiniteDifference` with
    the window of `choices`. The threshold is the one whose law predicts the last run best, as `symlnn.judge` says; then
    it is fitted to all. None where no candidate gives a law that stays finite.
    """
    runs = tuple(motions)
    training, chosen = motions.only(runs[:-1]), motions.only(runs[-1:])
    found = [(threshold, _fitted(training, choices.window, threshold)) for threshold in _THRESHOLDS]
    scores = [symlnn.judge(law, chosen, choices).score for _, law in found]
    if not np.isfinite(scores).any():
        return None
    return _fitted(motions, choices.window, found[int(np.nanargmin(scores))][0])


def _fitted(motions: Motions, window: float, threshold: float) -> DirectAcceleration:
    pysindy: Any = importlib.import_module("pysindy")
    dof, inputs = len(motions.coordinates), len(motions.inputs)
    names = [f"{kind}{k}" for kind, count in (("q", dof), ("v", dof), ("u", inputs)) for k in range(count)]
    library = pysindy.GeneralizedLibrary(
        [
            pysindy.PolynomialLibrary(2),
            pysindy.FourierLibrary(1),
            pysindy.CustomLibrary([lambda v: np.arctan(100 * v)], [lambda v: f"atan(100*{v})"]),
        ],
        tensor_array=[[1, 1, 0]],
        inputs_per_library=[list(range(dof, len(names))), list(range(dof)), list(range(dof, 2 * dof))],
    )
    optimizer = pysindy.STLSQ(threshold, normalize_columns=True)
    model = pysindy.SINDy(optimizer, library, _derivative(motions.runs[0], window))
    states = [_state(run, window) for run in motions]
    given = None if not inputs else [run.u for run in motions]
    model.fit(states, t=[run.t for run in motions], u=given, feature_names=names)
    symbols = sp.symbols(names, real=True)
    features = [_expression(name, dict(zip(names, symbols, strict=True))) for name in model.get_feature_names()]
    written = [
        sum((c * f for c, f in zip(row, features, strict=True) if c), sp.S.Zero) for row in model.coefficients()[dof:]
    ]
    function = sp.lambdify(symbols, written, modules="jax")

    def acceleration(q: Array, v: Array, m: Any, u: Any, t: Any) -> Array:
        values = [*q, *v, *(() if u is None else u)]
        return jnp.stack([jnp.asarray(x, q.dtype) for x in function(*values)])

    return DirectAcceleration(acceleration)


def _derivative(run: Run, window: float) -> Any:
    pysindy: Any = importlib.import_module("pysindy")
    count = max(round(window / run.interval) | 1, 7)
    return pysindy.SmoothedFiniteDifference(smoother_kws={"window_length": count, "polyorder": 3})


def _state(run: Run, window: float) -> np.ndarray:
    """(q, v) at every sample."""
    return np.concatenate([run.q, np.asarray(_derivative(run, window)(run.q, run.t))], axis=1)


def _expression(feature: str, names: dict[str, sp.Symbol]) -> sp.Expr:
    """ "u0 v1^2 sin(1 q0)" and the like in SymPy."""
    product = re.sub(r"(sin|cos)\((\d+) (\w+)\)", r"\1(\2*\3)", feature)
    return sp.sympify(product.replace("^", "**").replace(" ", "*"), locals=names)


def explicit_accelerations(system: System, samples: Samples) -> Callable[..., Array]:
    """SINDy: a = Ξ φ(q, v), of states with accelerations.

    φ are all monomials up to degree three in velocities, coordinates, and the sines and cosines of angles in their
    place; Ξ by `STLSQ`, whose threshold is the one that is best on a fifth of the states.
    """
    library, monomials = _monomials(system, samples)
    a = np.asarray(samples.a)
    cut = len(a) * 4 // 5

    def score(threshold: float) -> float:
        found = _sparse(monomials[:cut], a[:cut], threshold)
        return float(np.mean((monomials[cut:] @ found.T - a[cut:]) ** 2))

    coefficients = jnp.asarray(_sparse(monomials, a, min(_EXPLICIT, key=score)))

    def acceleration(q: Array, v: Array, m: Any, u: Any, t: Any) -> Array:
        return coefficients @ _products(_features(system, q, v, jnp), library)

    return acceleration


def implicit_accelerations(system: System, samples: Samples) -> Callable[..., Array]:
    """SINDy-PI: of each acceleration by itself, α·φ(q, v) + aᵢ β·ψ(q, v) = 0, so that aᵢ is a quotient.

    φ are the monomials of `explicit_accelerations`, ψ those up to degree two. Each aᵢ ψₖ in turn is regressed upon all
    others, by `STLSQ` in place of the convex relaxation of `pysindy.SINDyPI`; that and the threshold are those that
    predict aᵢ best on a fifth of the states.

    Source: Kaheman, Kutz & Brunton, Proc. R. Soc. A 476, 2020.
    """
    library, monomials = _monomials(system, samples)
    below = np.flatnonzero(library.powers_.sum(axis=1) < _DEGREE)
    cut, count = len(monomials) * 4 // 5, len(monomials[0])
    quotients = []
    for a in np.asarray(samples.a).T:
        columns = np.concatenate([monomials, a[:, None] * monomials[:, below]], axis=1)

        def fitted(left: int, threshold: float, rows: slice, columns: np.ndarray = columns) -> np.ndarray:
            others = np.delete(np.arange(columns.shape[1]), left)
            coefficients = np.zeros(columns.shape[1])
            coefficients[left] = -1.0
            coefficients[others] = _sparse(columns[rows][:, others], columns[rows, left], threshold)[0]
            return coefficients

        def score(choice: tuple[int, float], a: np.ndarray = a, fitted: Callable[..., np.ndarray] = fitted) -> float:
            found = fitted(*choice, slice(cut))
            with np.errstate(all="ignore"):
                told = -(monomials[cut:] @ found[:count]) / (monomials[cut:, below] @ found[count:])
            off = float(np.mean((told - a[cut:]) ** 2))
            return off if np.isfinite(off) else np.inf

        choices = [(count + k, threshold) for k in range(len(below)) for threshold in _IMPLICIT]
        quotients.append(fitted(*min(choices, key=score), slice(None)))
    numerator, denominator = jnp.asarray(quotients)[:, :count], jnp.asarray(quotients)[:, count:]

    def acceleration(q: Array, v: Array, m: Any, u: Any, t: Any) -> Array:
        phi = _products(_features(system, q, v, jnp), library)
        return -(numerator @ phi) / (denominator @ phi[below])

    return acceleration


def _features(system: System, q: Any, v: Any, numpy: Any) -> list[Any]:
    """Sines and cosines of angles, other coordinates, velocities."""
    turned = [f(x) for x, angle in zip(q, system.is_angle, strict=True) if angle for f in (numpy.sin, numpy.cos)]
    return [*turned, *(x for x, angle in zip(q, system.is_angle, strict=True) if not angle), *v]


def _monomials(system: System, samples: Samples) -> tuple[Any, np.ndarray]:
    pysindy: Any = importlib.import_module("pysindy")
    states = samples.states
    z = np.stack(_features(system, np.asarray(states.q).T, np.asarray(states.v).T, np), axis=1)
    library = pysindy.PolynomialLibrary(_DEGREE)
    return library, np.asarray(library.fit_transform(z))


def _products(features: Sequence[Array], library: Any) -> Array:
    return jnp.prod(jnp.stack(features) ** jnp.asarray(library.powers_), axis=1)


def _sparse(columns: np.ndarray, a: np.ndarray, threshold: float) -> np.ndarray:
    pysindy: Any = importlib.import_module("pysindy")
    optimizer = pysindy.STLSQ(threshold, normalize_columns=True)
    with warnings.catch_warnings():  # where a threshold leaves nothing, which is a candidate like any other
        warnings.simplefilter("ignore")
        return np.asarray(optimizer.fit(columns, a).coef_)
