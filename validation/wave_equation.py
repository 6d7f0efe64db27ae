"""The wave equation: does a Lagrangian Graph Network learn a density that a field follows? (section 5.3, figure 4)

ℒ = ½ φ_t² − ½ c² φ_x² on a ring of 100 sites. The paper learns a density of three neighbouring sites that is summed
over the ring, and follows a wave around it. Beside it stands a graph network of the same size that predicts φ_tt.

Source: Cranmer et al. 2020 (arXiv:2003.04630), sections 3.2 and 5.3, appendix B.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

import symlnn
from symlnn import (
    Architecture,
    FirstOrder,
    GaussNewton,
    Neighbourhoods,
    Recipe,
    SparseEulerLagrange,
)
from symlnn._compare import acceleration_errors, batched_accelerations
from symlnn._models import parameter_count
from symlnn._neighbourhoods import Graph, grid_neighbourhoods
from symlnn._report import Progress, Settings
from symlnn._train import ScaledAcceleration

from ._graph_networks import on, untrained
from ._study import Animation, Claim, Mode, Picture, Section, Study, Table, Text
from ._wave_figures import dispersions, over_time, snapshots, space_time
from ._waves import LearnedWave, Waves, dispersion, measure, roll_out, unlike_states

_SITES, _LARGE = 100, 1_000
_SIZE, _SPEED = 1.0, 1.0
_AMPLITUDE = 0.05
_LENGTHS = (0.03, 0.3)
"""Correlation lengths of the fields that training draws; motions start from some of 0.1."""
_TEMPERING = 0.1
"""Accelerations below this share of their root mean square are learned absolutely, those above relatively: a motion
stays as smooth as it begins, so small accelerations count."""
_OWN = ("translation", "reflection")
"""The symmetries of the wave equation: φ → φ + constant, x → −x."""
_SYMMETRIES: Mapping[str, tuple[str, ...]] = {"lgn": _OWN, "gnn": _OWN, "lgn_free": ()}
_TITLES = {
    "lgn": "Lagrangian graph network",
    "gnn": "graph network for φ_tt",
    "lgn_free": "Lagrangian graph network without built-in symmetries",
}


@dataclass(frozen=True)
class Config:
    """What one mode does."""

    seconds: float
    """Training of each model."""
    models: tuple[str, ...]
    recipe: Recipe
    motions: int
    large_motions: int
    test_states: int
    architecture: Architecture


_SMALL = Architecture(width=32, depth=2)
_BOTH = Recipe((FirstOrder(batch=8, chunk=50), GaussNewton(batch=3)))

CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config(6.0, ("lgn", "gnn"), Recipe.single(FirstOrder(batch=8, chunk=50)), 2, 1, 50, _SMALL),
    Mode.default: Config(120.0, tuple(_SYMMETRIES), _BOTH, 8, 4, 500, _SMALL),
    Mode.full: Config(1800.0, tuple(_SYMMETRIES), _BOTH, 40, 8, 500, Architecture(width=64, depth=3)),
}


@dataclass(frozen=True)
class Ring:
    """A ring of sites: the analytic law, what training draws, and exact motions to be followed."""

    truth: SparseEulerLagrange
    stream: symlnn.SmoothStream
    start: symlnn.States
    exact: symlnn.Rollout

    @staticmethod
    def of(sites: int, motions: int, times: jax.Array, key: jax.Array) -> "Ring":
        """A ring of the spacing of the small one, and `motions` motions from smooth states."""
        spacing = _SIZE / _SITES
        lattice = symlnn.load_lattice("wave_equation", n=sites)
        truth = SparseEulerLagrange(symlnn.graph_lagrangian(lattice, {"c": _SPEED, "dx": spacing}))
        sizes = ((_AMPLITUDE, _AMPLITUDE * _SPEED / 0.1),)
        stream = symlnn.SmoothStream(truth, (sites,), (spacing,), *_LENGTHS, sizes, drift=False)
        smooth = symlnn.SmoothStream(truth, (sites,), (spacing,), 0.1, 0.1, sizes, drift=False)
        start = smooth.states(key, motions)
        return Ring(truth, stream, start, roll_out(truth, start.q, start.v, times))


def run(mode: Mode, settings: Settings, progress: Progress, config: Config | None = None) -> Study:
    """Train the models on the small ring, and follow waves on it and on the large one."""
    config = config or CONFIG[mode]
    keys = jax.random.split(jax.random.key(settings.seed), 4)
    times = jnp.linspace(0.0, 3.5 * _SIZE / _SPEED, 141)
    progress("Analytic motions", None)
    small = Ring.of(_SITES, config.motions, times, keys[0])
    large = Ring.of(_LARGE, config.large_motions, times, keys[1])
    models = [_learn(name, config, small, large, keys[2], keys[3], progress) for name in config.models]
    exact, moments = np.asarray(small.exact.q), np.asarray(times)
    curves = {model.name: dispersion(model.law, _SITES, _SIZE / _SITES) for model in models}
    names = [model.name for model in models]
    analytic = measure(small.truth, small.truth, small.start, small.exact, _SPEED)
    return Study(
        name="wave_equation",
        title="The wave equation",
        summary=_summary(models),
        claims=_claims(models),
        differences=_differences(config, mode),
        sections=(
            Section("How well", (_table(models, analytic), Text(_HOW_MEASURED))),
            Section(
                "Three and a half passes (the paper's figure 4)",
                (
                    Animation(
                        {"analytic": exact[0]} | {m.name: m.waves.q[0] for m in models[:2]},
                        np.arange(_SITES) * _SIZE / _SITES,
                        moments,
                        "One motion around the ring.",
                    ),
                    Picture(
                        "space_time",
                        partial(space_time, exact, models, moments[-1], _SIZE),
                        "The analytic field of that motion, and what each model is off by, enlarged.",
                    ),
                    Picture("snapshots", partial(snapshots, exact, models, moments, _SIZE), "The same motion."),
                    Picture(
                        "errors",
                        partial(over_time, models, analytic.energy, moments),
                        "Medians and ranges of all motions. The total energy is the analytic one, along each motion.",
                    ),
                ),
            ),
            Section(
                "Dispersion",
                (
                    Text(
                        "Small waves about φ = 0 on the grid have ω₀ = (2c/h) sin(kh/2), that of a chain of springs. "
                        "With the paper's central difference of φ_x, ω = (c/h) |sin kh|: the shortest wave, (−1)ⁱ, "
                        "feels no force, since odd and even sites are two lattices that do not see one another, and "
                        "every wave beyond k = π/2h runs backwards. The models are trained on the compact stencil. "
                        "What they learned is read off by linearising them: e^{ikx + (γ ± iω)t}."
                    ),
                    Picture(
                        "dispersion",
                        partial(dispersions, curves, _SPEED, _SIZE / _SITES, names),
                        "Left, frequencies; right, how far learned ones are off (solid) and the growth or decay of "
                        "waves (dotted), which a Lagrangian without dissipation should not have.",
                    ),
                    _dispersion_table(curves),
                ),
            ),
            Section("Elsewhere", (_elsewhere(models), _unlike(models))),
        ),
        validations=(),
        settings=settings,
        mode=mode,
        data={"motions": _motions(exact, models, moments)},
        extra={
            "system": "wave_equation",
            "sites": _SITES,
            "duration": float(times[-1]),
            "oracle": {"field": analytic.to_json()},
            "models": {model.name: _document(model) for model in models},
        },
    )


def _learn(
    name: str, config: Config, small: Ring, large: Ring, build: jax.Array, train: jax.Array, progress: Progress
) -> LearnedWave:
    """Train one model, and measure it on both rings and from other states."""
    validation = eqx.filter_jit(small.stream)(jax.random.fold_in(train, 1), 64)
    rows = {ring: grid_neighbourhoods((ring,)) for ring in (_SITES, _LARGE)}
    graph = Graph(_SITES, 1, tuple(map(tuple, rows[_SITES].tolist())), ordered=True)
    scales = symlnn.SiteScales.measured(validation, graph)
    law = untrained(
        name == "gnn",
        scales,
        config.architecture,
        _SITES,
        [Neighbourhoods(rows[_SITES])],
        symmetries=_SYMMETRIES[name],
        key=build,
    )
    fitted = symlnn.fit(
        law,
        small.stream,
        ScaledAcceleration((_TEMPERING * scales.a[0],) * _SITES),
        key=train,
        validation=validation,
        recipe=config.recipe,
        seconds=config.seconds,
        progress=lambda report: progress(f"Training {name}", report),
    )
    progress(f"Following {name}", None)
    law, wide = fitted.dynamics, on(fitted.dynamics, _LARGE, [Neighbourhoods(rows[_LARGE])])
    test = jax.random.fold_in(train, 2)

    def acceleration(ring: Ring, law: symlnn.AbstractDynamics) -> float:
        samples = eqx.filter_jit(ring.stream)(test, config.test_states)
        predicted = eqx.filter_jit(batched_accelerations)(law, samples.states)
        return acceleration_errors(samples.a, predicted).relative_rms

    def following(start: symlnn.States) -> Waves:
        exact = roll_out(small.truth, start.q, start.v, small.exact.t)
        return measure(small.truth, law, start, exact, _SPEED)

    return LearnedWave(
        name=name,
        title=_TITLES[name],
        law=law,
        trainable_parameters=parameter_count(law),
        fit=fitted,
        acceleration=acceleration(small, law),
        waves=measure(small.truth, law, small.start, small.exact, _SPEED),
        large=measure(large.truth, wide, large.start, large.exact, _SPEED),
        acceleration_large=acceleration(large, wide),
        unlike={kind: following(start) for kind, start in unlike_states(_SITES, _SIZE, 2 * _AMPLITUDE, _SPEED).items()},
    )


def _motions(exact: np.ndarray, models: Sequence[LearnedWave], times: np.ndarray) -> xr.Dataset:
    """All motions of the small ring, as a data set."""
    found = {"analytic": exact} | {model.name: model.waves.q for model in models}
    return xr.Dataset(
        {f"phi_{name}": (("trajectory", "time", "site"), q) for name, q in found.items()},
        {"time": times, "site": np.arange(_SITES)},
    )


def _document(model: LearnedWave) -> dict[str, Any]:
    return {
        "title": model.title,
        "trainable_parameters": model.trainable_parameters,
        "states_seen": model.fit.states_seen,
        "train_seconds": model.fit.seconds,
        "steps": list(model.fit.steps),
        "acceleration": {"relative_rms": model.acceleration},
        "field": model.waves.to_json(),
        "large": {
            "sites": _LARGE,
            "acceleration": {"relative_rms": model.acceleration_large},
            "field": model.large.to_json(),
        },
        "unlike": {kind: waves.to_json() for kind, waves in model.unlike.items()},
    }


_HOW_MEASURED = (
    "The field error is ‖φ̂ − φ‖ in units of the root mean square, over time, of ‖φ − mean φ‖; the energy error is "
    "|E(t) − E(0)|/E(0) with the analytic energy along the learned motion, the largest of all times; the phase error "
    "is the angle by which all waves together are ahead or behind. All are the largest over the motions, medians in "
    "parentheses; a failed motion counts as infinite."
)


def _pair(values: np.ndarray) -> str:
    return f"{values[0]:.1e}" if len(values) == 1 else f"{values.max():.1e} ({np.median(values):.1e})"


def _figures(waves: Waves) -> tuple[str, ...]:
    half = waves.error.shape[1] // 2
    return (
        _pair(waves.error[:, half]),
        _pair(waves.error[:, -1]),
        _pair(waves.energy.max(axis=1)),
        _pair(waves.phase),
        f"{waves.failed} of {len(waves.error)}",
    )


_COLUMNS = ("field error half-way", "at the end", "energy", "phase (rad)", "failed")


def _table(models: Sequence[LearnedWave], analytic: Waves) -> Table:
    rows = [(m.name, f"{m.acceleration:.1e}", *_figures(m.waves)) for m in models]
    named = (f"{m.name}: {m.title}, {m.trainable_parameters:,} parameters" for m in models)
    return Table(
        ("model", "accelerations", *_COLUMNS),
        (*rows, ("analytic", "–", *_figures(analytic))),
        f"{'; '.join(named)}. Accelerations: relative root-mean-square error at fresh states.",
    )


def _elsewhere(models: Sequence[LearnedWave]) -> Table:
    return Table(
        (f"on {_LARGE:,} sites", "accelerations", *_COLUMNS),
        tuple((m.name, f"{m.acceleration_large:.1e}", *_figures(m.large)) for m in models),
        f"The models trained on {_SITES} sites, on a ring ten times as long, for the same {3.5 * _SIZE / _SPEED:g} s.",
    )


def _unlike(models: Sequence[LearnedWave]) -> Table:
    return Table(
        ("initial state", "model", *_COLUMNS),
        tuple((kind, m.name, *_figures(waves)) for m in models for kind, waves in m.unlike.items()),
        "From states of kinds that training did not draw, of an amplitude of two standard deviations of its fields: a "
        "pulse and a plane wave that travel, a plucked string whose corners hold the shortest waves.",
    )


def _dispersion_table(curves: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Table:
    h, shown = _SIZE / _SITES, (1, 2, 5, 10, 25, _SITES // 2)
    k = next(iter(curves.values()))[0]
    rows = []
    for i in shown:
        exact, compact = _SPEED * k[i], 2 * _SPEED / h * np.sin(k[i] * h / 2)
        central = _SPEED / h * abs(np.sin(k[i] * h))
        rows.append(
            (f"{i}", f"{exact:.5g}", f"{compact:.5g}", f"{central:.5g}", *(f"{c[1][i]:.5g}" for c in curves.values()))
        )
    return Table(
        ("waves around the ring", "ω = ck", "compact", "central", *curves), tuple(rows), "Frequencies, in 1/s."
    )


def _summary(models: Sequence[LearnedWave]) -> tuple[str, ...]:
    lgn, gnn = models[0], models[1]

    def words(model: LearnedWave) -> str:
        waves = model.waves.to_json()
        return (
            f"the field is off by {waves['relative_error_end']:.2g} after three and a half passes (the largest of "
            f"{waves['motions']} motions, {waves['failed']} failed), and the energy by {waves['energy_error_max']:.1e}"
        )

    return (
        f"After {lgn.fit.seconds:.0f} s of training on {_SITES} sites a Lagrangian graph network follows the wave: "
        f"{words(lgn)}. On {_LARGE:,} sites its accelerations are off by {lgn.acceleration_large:.2g}, where on "
        f"{_SITES} they are by {lgn.acceleration:.2g}.",
        f"With a graph network of the same size that predicts φ_tt itself, trained for as long, {words(gnn)}.",
    )


def _claims(models: Sequence[LearnedWave]) -> tuple[Claim, ...]:
    lgn, gnn = (model.waves.to_json() for model in models[:2])
    ratio = models[0].acceleration_large / models[0].acceleration
    return (
        Claim(
            "An LGN follows a wave for several passes",
            "by eye",
            lgn["relative_error_end"],
            "largest field error at the end; at most 0.05",
            bool(lgn["relative_error_end"] <= 0.05),
        ),
        Claim(
            "… and nearly conserves its energy",
            "by eye",
            lgn["energy_error_max"],
            "of the total; at most 1e-3",
            bool(lgn["energy_error_max"] <= 1e-3),
        ),
        Claim(
            "A network without a Lagrangian does not conserve it as well",
            None,
            gnn["energy_error_max"] / lgn["energy_error_max"],
            "ratio; more than 3",
            bool(gnn["energy_error_max"] > 3 * lgn["energy_error_max"]),
        ),
        Claim(
            "The same density serves grids of other sizes",
            "by construction",
            ratio,
            f"ratio of relative acceleration errors, {_LARGE:,} sites to {_SITES}; at most 2",
            bool(ratio <= 2),
        ),
    )


def _differences(config: Config, mode: Mode) -> tuple[str, ...]:
    by = "by Muon alone" if mode is Mode.quick else "by Muon and then by Gauss–Newton steps"
    return (
        f"Each model is a perceptron of {config.architecture.depth} × {config.architecture.width} SiLU units for each "
        f"of its parts, trained for {config.seconds:g} s {by} on the accelerations of fresh smooth fields; the paper "
        "trains on the same quantities along simulated waves.",
        "lgn and gnn are built to be invariant under φ → φ + constant and x → −x, as the wave equation is; lgn_free is "
        "not. The paper does not say that its density is.",
        "The paper's density has central differences; ours, and that of the analytic system, is the compact one, whose "
        "odd and even sites are coupled.",
        "The paper's authors invert a dense Hessian by a pseudo-inverse; here it is assembled site by site and solved "
        "as a cyclic band, in linear time (`python -m benchmarks lattice_scaling`).",
    )
