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
from symlnn import Architecture, Budget, FirstOrder, GaussNewton, Recipe, SmoothFields, Stream
from symlnn.report import Listener, Settings

from ._graphs import graph_network, law, on
from ._recipes import IN_WORDS
from ._study import Animation, Claim, Mode, Picture, Section, Study, Table
from ._wave_figures import dispersions, over_time, snapshots, space_time
from ._waves import LearnedWave, Ring, Waves, dispersion, unlike_states

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
    Mode.quick: Config(6.0, ("lgn", "gnn"), Recipe.single(FirstOrder(batch=8, chunk=50)), 3, 1, 50, _SMALL),
    Mode.default: Config(120.0, tuple(_SYMMETRIES), _BOTH, 8, 4, 500, _SMALL),
    Mode.full: Config(1800.0, tuple(_SYMMETRIES), _BOTH, 40, 8, 500, Architecture(width=64, depth=3)),
}


def _ring(sites: int, motions: int, test_states: int, times: jax.Array, key: jax.Array) -> tuple[Stream, Ring]:
    """A ring of the spacing of the small one: what training draws, and motions from smooth states."""
    spacing = _SIZE / _SITES
    truth = law("wave_equation", {"c": _SPEED, "dx": spacing}, n=sites)
    sizes = ((_AMPLITUDE, _AMPLITUDE * _SPEED / 0.1),)
    drawn = SmoothFields((sites,), (spacing,), *_LENGTHS, sizes, drift=False)
    smooth = SmoothFields((sites,), (spacing,), 0.1, 0.1, sizes, drift=False)
    begin, test = jax.random.split(key)
    return Stream(truth, drawn), Ring.of(truth, drawn(test, test_states), smooth(begin, motions), times, _SPEED)


def run(mode: Mode, settings: Settings, listener: Listener) -> Study:
    """Train the models on the small ring, and follow waves on it and on the large one."""
    config = CONFIG[mode]
    keys = jax.random.split(jax.random.key(settings.seed), 4)
    times = jnp.linspace(0.0, 3.5 * _SIZE / _SPEED, 141)
    listener("Analytic motions", None)
    stream, small = _ring(_SITES, config.motions, config.test_states, times, keys[0])
    _, large = _ring(_LARGE, config.large_motions, config.test_states, times, keys[1])
    kinds = unlike_states(_SITES, _SIZE, 2 * _AMPLITUDE, _SPEED)
    others = jax.tree.map(lambda *x: jnp.concatenate(x), *kinds.values())
    unlike = Ring.of(small.truth, others, others, times, _SPEED)
    models = []
    for name in config.models:
        fit = _fit(name, config, stream, keys[2], keys[3], listener)
        listener(f"Following {name}", None)
        wide, away = on(fit.model, symlnn.load_lattice("wave_equation", n=_LARGE).graph), unlike.follow(fit.model)
        model = LearnedWave(
            name=name,
            title=_TITLES[name],
            law=fit.model,
            fit=fit,
            acceleration=small.acceleration(fit.model),
            waves=small.follow(fit.model),
            large=large.follow(wide),
            acceleration_large=large.acceleration(wide),
            unlike={kind: away[i : i + 1] for i, kind in enumerate(kinds)},
        )
        models.append(model)
    analytic = small.follow(small.truth)
    exact, moments = np.asarray(small.exact.q), np.asarray(times)
    curves = {model.name: dispersion(model.law, _SITES, _SIZE / _SITES) for model in models}
    return Study(
        name="wave_equation",
        title="The wave equation",
        summary=_summary(models),
        claims=_claims(models),
        differences=_differences(config, mode),
        sections=(
            Section("How well", _table(models, analytic), _HOW_MEASURED),
            Section(
                "Three and a half passes (the paper's figure 4)",
                Animation(
                    {"analytic": exact[0]} | {m.name: m.waves.q[0] for m in models[:2]},
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
                    "Medians and 10–90 % ranges of all motions. The total energy is the analytic one, along each "
                    "motion.",
                ),
            ),
            Section(
                "Dispersion",
                "Small waves about φ = 0 on the grid have ω₀ = (2c/h) sin(kh/2), that of a chain of springs. "
                "With the paper's central difference of φ_x, ω = (c/h) |sin kh|: the shortest wave, (−1)ⁱ, "
                "feels no force, since odd and even sites are two lattices that do not see one another, and "
                "every wave beyond k = π/2h runs backwards. The models are trained on the compact stencil. "
                "What they learned is read off by linearising them: e^{ikx + (γ ± iω)t}.",
                Picture(
                    "dispersion",
                    partial(dispersions, curves, _SPEED, _SIZE / _SITES),
                    "Left, frequencies; right, how far learned ones are off (solid) and the growth or decay of waves "
                    "(dotted), which a Lagrangian without dissipation should not have.",
                ),
                _dispersion_table(curves),
            ),
            Section("Elsewhere", _elsewhere(models), _unlike(models)),
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


def _fit(
    name: str, config: Config, stream: Stream, build: jax.Array, train: jax.Array, listener: Listener
) -> symlnn.Fit:
    held_out = eqx.filter_jit(stream)(jax.random.fold_in(train, 1), 64)
    graph = symlnn.load_lattice("wave_equation", n=_SITES).graph
    scales = symlnn.SiteScales.measured(held_out, graph)
    return symlnn.fit(
        graph_network(name == "gnn", scales, config.architecture, graph, _SYMMETRIES[name], build),
        symlnn.ScaledAcceleration(_TEMPERING * jnp.repeat(scales.a, _SITES)),
        stream,
        key=train,
        error=symlnn.AccelerationError(held_out),
        recipe=config.recipe,
        budget=Budget(seconds=config.seconds),
        listener=lambda progress: listener(f"Training {name}", progress),
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
        "trainable_parameters": symlnn.parameter_count(model.law),
        "states_seen": model.fit.seen,
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
        f"{waves.failed.sum()} of {len(waves.error)}",
    )


_COLUMNS = ("field error half-way", "at the end", "energy", "phase (rad)", "failed")


def _table(models: Sequence[LearnedWave], analytic: Waves) -> Table:
    rows = [(m.name, f"{m.acceleration:.1e}", *_figures(m.waves)) for m in models]
    named = (f"{m.name}: {m.title}, {symlnn.parameter_count(m.law):,} parameters" for m in models)
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
        learned = (omega[i] for _, omega, _ in curves.values())
        rows.append((f"{i}", *(f"{omega:.5g}" for omega in (exact, compact, central, *learned))))
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
    drift, worse = lgn["energy_error_max"], "A network without a Lagrangian does not conserve it as well"
    ratio = models[0].acceleration_large / models[0].acceleration
    sizes = f"ratio of relative acceleration errors, {_LARGE:,} sites to {_SITES}"
    end = lgn["relative_error_end"]
    return (
        Claim.at_most(
            "An LGN follows a wave for several passes", "by eye", end, "largest field error at the end", 0.05
        ),
        Claim.at_most("… and nearly conserves its energy", "by eye", drift, "of the total", 1e-3),
        Claim.more_than(worse, None, gnn["energy_error_max"] / drift, "ratio", 3),
        Claim.at_most("The same density serves grids of other sizes", "by construction", ratio, sizes, 2),
    )


def _differences(config: Config, mode: Mode) -> tuple[str, ...]:
    return (
        f"Each model is a perceptron of {config.architecture.depth} × {config.architecture.width} SiLU units for each "
        f"of its parts, trained for {config.seconds:g} s {IN_WORDS[mode]} on the accelerations of fresh smooth fields; "
        "the paper trains on the same quantities along simulated waves.",
        "lgn and gnn are built to be invariant under φ → φ + constant and x → −x, as the wave equation is; lgn_free is "
        "not. The paper does not say that its density is.",
        "The paper's density has central differences; ours, and that of the analytic system, is the compact one, whose "
        "odd and even sites are coupled.",
        "The paper's authors invert a dense Hessian by a pseudo-inverse; here it is assembled site by site and solved "
        "as a cyclic band, in linear time (`python -m benchmarks lattice_scaling`).",
    )
