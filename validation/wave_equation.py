"""The wave equation: does a Lagrangian Graph Network learn a density that a field follows? (section 5.3, figure 4)

ℒ = ½ φ_t² − ½ c² φ_x² on a ring of 100 sites. The paper learns a density of three neighbouring sites that is summed
over the ring, and follows a wave around it. Beside it stands a graph network of the same size that predicts φ_tt.

Source: Cranmer et al. 2020 (arXiv:2003.04630), sections 3.2 and 5.3, appendix B.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import symlnn
from symlnn import Architecture, Bench, Budget, FirstOrder, GaussNewton, Recipe, SmoothFields, Stream
from symlnn.metrics import Dispersion, dispersion
from symlnn.plots import TRUTH, bands, shades, space_time
from symlnn.report import ReportListener, Settings

from ._study import Animation, Mode, Study, claims, completed
from ._waves import Waves, carried_to, follow, lattice_law, unlike_states

_SITES, _LARGE = 100, 1_000
_SIZE, _SPEED = 1.0, 1.0
_SPACING = _SIZE / _SITES
_AMPLITUDE, _TOLERANCE = 0.05, 1e-9
_MOTION = 0
"""The motion that is shown."""
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


CLAIMS = claims("wave_equation")

_SMALL = Architecture(width=32, depth=2)
_BOTH = Recipe((FirstOrder(batch=8, chunk=50), GaussNewton(batch=3)))

CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config(6.0, ("lgn", "gnn"), Recipe.single(FirstOrder(batch=8, chunk=50)), 3, 1, 50, _SMALL),
    Mode.default: Config(120.0, tuple(_SYMMETRIES), _BOTH, 8, 4, 500, _SMALL),
    Mode.full: Config(1800.0, tuple(_SYMMETRIES), _BOTH, 40, 8, 500, Architecture(width=64, depth=3)),
}


def _ring(sites: int, motions: int, test_states: int, times: jax.Array, key: jax.Array) -> tuple[Stream, Bench]:
    """A ring of the spacing of the small one: what training draws, and motions from smooth states."""
    truth = lattice_law("wave_equation", {"c": _SPEED, "dx": _SPACING}, n=sites)
    sizes = ((_AMPLITUDE, _AMPLITUDE * _SPEED / 0.1),)
    drawn = SmoothFields((sites,), (_SPACING,), *_LENGTHS, sizes, drift=False)
    smooth = SmoothFields((sites,), (_SPACING,), 0.1, 0.1, sizes, drift=False)
    begin, test = jax.random.split(key)
    bench = Bench.of_law(truth, drawn(test, test_states), smooth(begin, motions), times, tolerance=_TOLERANCE)
    return Stream(truth, drawn), bench


def run(config: Config, settings: Settings, listener: ReportListener) -> Study:
    """Train the models on the small ring, and follow waves on it and on the large one."""
    keys = jax.random.split(jax.random.key(settings.seed), 4)
    times = jnp.linspace(0.0, 3.5 * _SIZE / _SPEED, 141)
    listener("Analytic motions", None)
    stream, small = _ring(_SITES, config.motions, config.test_states, times, keys[0])
    _, large = _ring(_LARGE, config.large_motions, config.test_states, times, keys[1])
    kinds = unlike_states(_SITES, _SIZE, 2 * _AMPLITUDE, _SPEED)
    others = jax.tree.map(lambda *x: jnp.concatenate(x), *kinds.values())
    unlike = Bench.of_law(small.truth, others, others, times, tolerance=_TOLERANCE)
    exact, oracle = follow(small, small.truth, _SPEED, _SPACING)
    learned, models, curves = {}, {}, {}
    for name in config.models:
        fit = completed(_fit(name, config, stream, keys[2], keys[3], listener))
        listener(f"Following {name}", None)
        learned[name], measured = follow(small, fit.model, _SPEED, _SPACING)
        _, on_large = follow(large, carried_to(fit.model, "wave_equation", n=_LARGE), _SPEED, _SPACING)
        away, _ = follow(unlike, fit.model, _SPEED, _SPACING)
        curves[name] = dispersion(fit.model, _SITES, _SPACING)
        models[name] = {
            "title": _TITLES[name],
            "trainable_parameters": symlnn.parameter_count(fit.model),
            "states_seen": fit.seen,
            "train_seconds": fit.seconds,
            "warning": fit.message,
            "steps": list(fit.steps),
            **measured,
            "large": {"sites": _LARGE, **on_large},
            "unlike": {kind: away[i : i + 1].figures() for i, kind in enumerate(kinds)},
            "frequency": curves[name].frequency.tolist(),
        }
    moments = np.asarray(times)
    return Study(
        figures={
            "system": "wave_equation",
            "sites": _SITES,
            "duration": float(times[-1]),
            "oracle": oracle,
            "models": models,
            "frequencies": _frequencies(curves["lgn"]),
        },
        pictures={
            "space_time": partial(
                space_time, exact.q[_MOTION], {n: w.q[_MOTION] for n, w in learned.items()}, extent=(_SIZE, moments[-1])
            ),
            "snapshots": partial(snapshots, exact.q, learned, moments, _SIZE),
            "errors": partial(errors_over_time, learned, exact, moments),
            "dispersion": partial(dispersions, curves),
        },
        animation=Animation({"analytic": exact.q[0]} | {n: learned[n].q[0] for n in ("lgn", "gnn")}, moments),
        data={
            "motions": xr.Dataset(
                {f"phi_{n}": (("trajectory", "time", "site"), w.q) for n, w in {"analytic": exact, **learned}.items()},
                {"time": moments, "site": np.arange(_SITES)},
            )
        },
    )


def _frequencies(curve: Dispersion) -> dict[str, list[float]]:
    """Of waves of the field itself, and on the grid by both stencils."""
    h, k = _SPACING, curve.wave_number
    compact, central = 2 * _SPEED / h * np.sin(k * h / 2), _SPEED / h * np.abs(np.sin(k * h))
    return {"continuous": (_SPEED * k).tolist(), "compact": compact.tolist(), "central": central.tolist()}


def _fit(
    name: str, config: Config, stream: Stream, build: jax.Array, train: jax.Array, listener: ReportListener
) -> symlnn.Fit:
    held_out = eqx.filter_jit(stream)(jax.random.fold_in(train, 1), 64)
    graph = symlnn.load_lattice("wave_equation", n=_SITES).graph
    scales = symlnn.SiteScales.measured(held_out, graph)
    network = symlnn.acceleration_network if name == "gnn" else symlnn.lagrangian_network
    return symlnn.fit(
        network(graph, scales, config.architecture, symmetries=_SYMMETRIES[name], key=build),
        symlnn.ScaledAcceleration(_TEMPERING * jnp.repeat(scales.a, _SITES)),
        stream,
        key=train,
        recipe=config.recipe,
        budget=Budget(seconds=config.seconds),
        monitor=symlnn.Monitor(
            symlnn.AccelerationError(held_out), listener=lambda progress: listener(f"Training {name}", progress)
        ),
    )


def snapshots(exact: np.ndarray, models: Mapping[str, Waves], times: np.ndarray, size: float) -> Figure:
    """φ(x) at the beginning, half-way, and at the end."""
    figure = Figure(figsize=(8.0, 2.6))
    grid, shade = figure.subplots(1, 3, sharey=True), shades(list(models))
    x = np.arange(exact.shape[-1]) * size / exact.shape[-1]
    for axes, frame in zip(grid, (0, len(times) // 2, len(times) - 1), strict=True):
        axes.plot(x, exact[_MOTION, frame], color=TRUTH, lw=2.5, label="analytic")
        for name, waves in models.items():
            axes.plot(x, waves.q[_MOTION, frame], color=shade[name], lw=1, label=name)
        axes.set(title=f"t = {times[frame]:.2f} s", xlabel="x (m)")
    largest = 2.2 * np.abs(exact[_MOTION]).max()  # room for the legend
    grid[0].set(ylabel="φ", ylim=(-largest, largest))
    grid[0].legend(loc="upper right", fontsize=8)
    return figure


def errors_over_time(models: Mapping[str, Waves], truth: Waves, times: np.ndarray) -> Figure:
    """Field and energy errors: medians, and 10–90 % ranges."""
    figure = Figure(figsize=(8.0, 3.0))
    left, right = figure.subplots(1, 2)
    bands(left, times, {name: waves.error for name, waves in models.items()})
    bands(right, times, {name: waves.energy for name, waves in models.items()} | {"analytic": truth.energy})
    left.set_ylabel("relative field error")
    right.set_ylabel("|E(t) − E(0)| / E(0)")
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def dispersions(curves: Mapping[str, Dispersion]) -> Figure:
    """ω(k) of small waves: exact, on the grid by both stencils, and learned."""
    figure = Figure(figsize=(8.0, 3.0))
    (left, right), shade = figure.subplots(1, 2), shades(list(curves))
    k, known = curves["lgn"].wave_number, _frequencies(curves["lgn"])
    compact = np.array(known["compact"])
    left.plot(k, known["continuous"], color="#999999", lw=1, ls="--", label="ω = c k")
    left.plot(k, compact, color=TRUTH, lw=2.5, label="compact stencil")
    left.plot(k, known["central"], color=TRUTH, lw=1, ls=":", label="central stencil")
    for name, curve in curves.items():
        left.plot(k, curve.frequency, color=shade[name], lw=1, label=name)
        off, growing = f"{name}: $|\\omega/\\omega_0 - 1|$", f"{name}: $|\\gamma|/\\omega_\\mathrm{{max}}$"
        right.plot(k[1:], np.abs(curve.frequency[1:] / compact[1:] - 1), color=shade[name], label=off)
        right.plot(k[1:], np.abs(curve.growth[1:] / compact[-1]), color=shade[name], ls=":", label=growing)
    left.set(xlabel="k (1/m)", ylabel="ω (1/s)")
    right.set(xlabel="k (1/m)", yscale="log", ylim=(1e-7, 10))
    left.legend(loc="upper left", fontsize=8)
    right.legend(loc="upper left", fontsize=8, ncols=2)
    return figure
