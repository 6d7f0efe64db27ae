"""Nonlinear lattices: solitons keep their speed, integrals stay, energy comes back, and a network learns Toda's law.

Toda's chain, which is integrable; that of Fermi, Pasta, Ulam and Tsingou, which nearly is; kinks of the sine-Gordon and
the φ⁴ field. All run from the symbolic density, at a cost linear in the number of sites, and are held against exact
solutions. Then a Lagrangian graph network, trained on a ring of eight masses, follows a soliton along hundreds.

Source: Toda, Theory of Nonlinear Lattices, 2nd ed.; Fermi, Pasta, Ulam & Tsingou, Los Alamos report LA-1940 (1955);
Scott, Chu & McLaughlin, Proc. IEEE 61 (1973) 1443.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import symlnn
from symlnn import AbstractDynamics, Architecture, FirstOrder, GaussNewton, Neighbourhoods, Recipe, SparseEulerLagrange
from symlnn.plots import TRUTH, shades
from symlnn.report import ReportListener, Settings

from ._recipes import QUICK_RECIPE
from ._study import Animation, Mode, Study, claims, completed
from ._waves import carried_to
from ._waves import lattice_law as law

TODA = symlnn.load_file(symlnn.system_path("toda_lattice"), "toda_soliton")
"""The catalogue's file, with its exact solutions."""
_CHAIN, _START = 400, 100
"""Masses of the chains along which solitons run, and where they begin."""
_FOLLOWED = 1.0
"""κ of the soliton that the networks follow."""
_FINE = symlnn.Integrator(rtol=1e-10)
_KAPPAS = (0.5, 1.0, 1.5)
_BOTH = Recipe((FirstOrder(), GaussNewton(batch=64)))

CLAIMS = claims("lattices")


@dataclass(frozen=True)
class Config:
    """What one mode does."""

    seconds: float
    """Training of each network."""
    recipe: Recipe
    architecture: Architecture
    kink_sites: int
    recurrence: float
    """How long the chain of Fermi, Pasta, Ulam and Tsingou is followed, in seconds."""
    followed: float
    """How long a network follows the soliton, in seconds."""


CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config(8.0, QUICK_RECIPE, Architecture(32, 2), 800, 11_000.0, 40.0),
    Mode.default: Config(90.0, _BOTH, Architecture(32, 2), 1_600, 22_000.0, 100.0),
    Mode.full: Config(1800.0, _BOTH, Architecture(64, 3), 3_200, 120_000.0, 100.0),
}


@dataclass(frozen=True, eq=False)
class Followed:
    """A network trained on a ring of eight, on the long ring."""

    times: np.ndarray
    strain: np.ndarray
    """qₙ − qₙ₊₁, (time, edge)."""
    exact: np.ndarray
    figures: Mapping[str, Any]
    """Those of report.json."""


def run(config: Config, settings: Settings, listener: ReportListener) -> Study:
    """Follow solitons, integrals and recurrences, and train networks on Toda's ring."""
    listener("Solitons", None)
    solitons = {f"Toda soliton, κ = {kappa:g}": _soliton(kappa) for kappa in _KAPPAS}
    kinks = {
        f"{name} kink": _kink(name, speed, config.kink_sites) for name, speed in (("sine_gordon", 0.6), ("phi4", 0.5))
    }
    listener("Integrals of Toda's ring", None)
    integrals = _integrals(settings.seed)
    listener("Recurrence", None)
    times, modes = _recurrence(config.recurrence)
    networks = {name: _learned(name, config, settings.seed, listener) for name in ("lgn", "gnn")}
    lgn = networks["lgn"]
    return Study(
        figures={
            "solitary_waves": solitons | kinks,
            "worst": {
                "soliton_speed": max(wave["relative_error"] for wave in solitons.values()),
                "kink_speed": max(wave["relative_error"] for wave in kinks.values()),
                "kink_shape": max(wave["shape"] for wave in kinks.values()),
            },
            "integrals": integrals,
            "recurrence": _came_back(times, modes),
            "ring": {"sites": _CHAIN, "seconds": config.followed, "soliton_speed": _ring_speed()},
            "models": {name: network.figures for name, network in networks.items()},
        },
        pictures={
            "recurrence": partial(_recurrence_figure, times, modes),
            "soliton": partial(_soliton_figure, networks),
        },
        animation=Animation(
            {"analytic": lgn.exact} | {name: network.strain for name, network in networks.items()}, lgn.times
        ),
        data={"recurrence": xr.Dataset({"energy": (("time", "mode"), modes)}, {"time": times})},
    )


def relative(values: np.ndarray) -> np.ndarray:
    """|x(t)/x(0) − 1| of an energy over time, (…, time)."""
    return np.abs(values / values[..., :1] - 1)


def crossing(x: np.ndarray, values: np.ndarray, level: float) -> float:
    """Where a monotonic profile crosses a level, between two points linearly."""
    rising = values if values[-1] > values[0] else -values
    return float(np.interp(level if rising is values else -level, rising, x))


def _moved(
    truth: SparseEulerLagrange, x: np.ndarray, exact: Callable[[float], Any], duration: float, speed: float
) -> dict[str, float]:
    """A wave that steps from one value to another, q(x), v(x) = exact(t), as the law moves it.

    `shape` is the largest difference from the exact profile at the end, in units of the height of the wave.
    """
    q, v = map(jnp.asarray, exact(0.0))
    motion = symlnn.simulate(truth, (q, v), times=jnp.array([0.0, duration]), integrator=_FINE)
    end, found = exact(duration)[0], np.asarray(motion.q)
    before, after = (crossing(x, profile, (end[0] + end[-1]) / 2) for profile in found)
    energies = np.asarray(jax.vmap(truth.energy)(motion.q, motion.v))
    shape = float(np.abs(found[1] - end).max() / np.ptp(end))
    measured = (after - before) / duration
    off, energy = abs(measured / speed - 1), float(relative(energies)[-1])
    return {"exact": speed, "speed": measured, "relative_error": off, "shape": shape, "energy": energy}


def _soliton(kappa: float) -> dict[str, float]:
    speed, truth = math.sinh(kappa) / kappa, law("toda_lattice", n=_CHAIN, boundary="free")
    exact = partial(TODA.toda_soliton, _CHAIN, kappa, start=_START)
    return _moved(truth, np.arange(_CHAIN), exact, 200 / speed, speed)


def _kink(name: str, speed: float, sites: int) -> dict[str, float]:
    spacing, field = 40.0 / sites, symlnn.load_file(symlnn.system_path(name), "kink")
    x = (0.5 + np.arange(sites)) * spacing
    truth = law(name, {"dx": spacing}, n=sites)
    return _moved(truth, x, lambda t: field.kink(x, t, speed, 10.0), 20.0 / speed, speed)


def _integrals(seed: int) -> dict[str, dict[str, float]]:
    """The largest changes over 50 s of eigenvalues and energy, for Toda's ring and for one that is not integrable."""
    sites = np.arange(16)
    pairs = Neighbourhoods(np.stack([sites, (sites + 1) % 16], axis=-1))
    truncated = SparseEulerLagrange(symlnn.GraphLagrangian([_Truncated()], [pairs], 16))
    start = tuple(0.5 * jax.random.normal(jax.random.key(seed), (2, 4, 16)))
    found = {}
    for name, ring in {"Toda": law("toda_lattice", n=16), "truncated": truncated}.items():
        motion = symlnn.simulate(ring, start, duration=50.0, rate=2.0, integrator=_FINE)
        values = TODA.flaschka_eigenvalues(np.asarray(motion.q), np.asarray(motion.v))
        change = np.abs(values - values[:, :1]).max() / np.std(values[:, 0])
        energies = np.asarray(jax.vmap(jax.vmap(ring.energy))(motion.q, motion.v))
        found[name] = {"eigenvalues": float(change), "energy": float(relative(energies).max())}
    return found


class _Truncated(symlnn.AbstractDensity):
    """½ q̇₀² − (r²/2 − r³/6 + r⁴/24), r = q₁ − q₀."""

    moving: int = 1
    coupled: bool = False

    def __call__(self, q: jax.Array, v: jax.Array, x: jax.Array, m: Any, t: Any) -> jax.Array:
        r = q[1, 0] - q[0, 0]
        return v[0, 0] ** 2 / 2 - (r**2 / 2 - r**3 / 6 + r**4 / 24)


def _recurrence(duration: float) -> tuple[np.ndarray, np.ndarray]:
    """Times and mode energies of 32 masses with α = ¼, all energy in the first mode at the start, of amplitude 1."""
    chain = symlnn.load_file(symlnn.system_path("fput_chain"), "mode_energies")
    q = jnp.sin(jnp.pi * jnp.arange(1, 33) / 33)
    integrator = symlnn.Integrator(rtol=1e-9, max_steps=2_000_000)
    truth = law("fput_chain", {"alpha": 0.25, "beta": 0.0}, n=32)
    motion = symlnn.simulate(truth, (q, 0 * q), duration=duration, rate=0.1, integrator=integrator)
    return np.asarray(motion.t), chain.mode_energies(np.asarray(motion.q), np.asarray(motion.v))


def _came_back(times: np.ndarray, modes: np.ndarray) -> dict[str, float]:
    """When the first mode has its energy back, the largest share after it first fell below a half."""
    share = modes[:, 0] / modes.sum(axis=1)
    fallen = int(np.argmax(share < 0.5))
    back = fallen + int(np.argmax(share[fallen:]))
    seconds, least = float(times[back]), float(share[:back].min())
    periods = seconds * math.sin(math.pi / 66) / math.pi
    return {"seconds": seconds, "periods": periods, "share": float(share[back]), "least": least}


def _learned(name: str, config: Config, seed: int, listener: ReportListener) -> Followed:
    """Train a network on a ring of eight masses, and let it follow a soliton around a long one."""

    def build(
        system: symlnn.System, scales: symlnn.Scales, architecture: Architecture, *, key: jax.Array
    ) -> AbstractDynamics:
        graph: Any = system.graph
        network = symlnn.acceleration_network if name == "gnn" else symlnn.lagrangian_network
        # Toda's law does not feel where the chain is as a whole
        symmetries = ("permutation", "translation")
        return network(graph, symlnn.SiteScales.of(scales, graph), architecture, symmetries=symmetries, key=key)

    learned = symlnn.learn(
        symlnn.load_system("toda_lattice", n=8),
        symlnn.Model(build, architecture=config.architecture, recipe=config.recipe),
        budget=symlnn.Budget(seconds=config.seconds),
        seed=seed,
        monitor=symlnn.Monitor(listener=lambda progress: listener(f"Training {name}", progress)),
    )
    fit = completed(learned.fit)
    listener(f"Following {name}", None)
    model = carried_to(learned.dynamics, "toda_lattice", n=_CHAIN)
    q, v = map(jnp.asarray, TODA.soliton_on_a_ring(_CHAIN, _FOLLOWED, 0.0, _START))
    integrator = symlnn.Integrator(rtol=1e-8, max_steps=20_000)
    motion = symlnn.simulate(model, (q, v), duration=config.followed, rate=2.0, integrator=integrator)
    times, strain, successful = np.asarray(motion.t), -np.diff(np.asarray(motion.q), axis=1), bool(motion.successful)
    exact = -np.diff(np.stack([TODA.soliton_on_a_ring(_CHAIN, _FOLLOWED, t, _START)[0] for t in times]), axis=1)
    energies = np.asarray(jax.vmap(law("toda_lattice", n=_CHAIN).energy)(motion.q, motion.v))
    error = np.linalg.norm(strain - exact, axis=1) / np.linalg.norm(exact, axis=1)
    speed = float((_peak(strain[-1]) - _peak(strain[0])) / config.followed)
    field = {
        "relative_error_half": float(error[len(error) // 2]),
        "relative_error_end": float(error[-1]),
        "energy_error_max": float(relative(energies).max()),
        "speed": speed,
        "speed_error": abs(speed / _ring_speed() - 1),
    }
    figures = {
        "title": {"lgn": "Lagrangian graph network", "gnn": "graph network for accelerations"}[name],
        "trainable_parameters": symlnn.parameter_count(model),
        "train_seconds": fit.seconds,
        "warning": fit.message,
        "acceleration": {"relative_rms": float(fit.lowest)},
        "field": (field if successful else dict.fromkeys(field, math.inf)) | {"failed": int(not successful)},
    }
    return Followed(times, strain, exact, figures)


def _ring_speed() -> float:
    """Of the soliton on the long ring, whose springs are stretched a little: see `soliton_on_a_ring`."""
    return math.exp(-_FOLLOWED / _CHAIN) * math.sinh(_FOLLOWED) / _FOLLOWED


def _peak(strain: np.ndarray) -> float:
    """Where the compression is largest, by a parabola through the logarithms of three values: sech² is one nearly."""
    top = int(np.clip(np.argmax(strain), 1, len(strain) - 2))
    before, at, after = np.log(np.maximum(strain[top - 1 : top + 2], 1e-12))
    return top + 0.5 * (before - after) / (before - 2 * at + after)


def _recurrence_figure(times: np.ndarray, modes: np.ndarray) -> Figure:
    figure = Figure(figsize=(8.0, 2.8))
    axes = figure.subplots()
    shares = modes / modes.sum(axis=1, keepdims=True)
    for k, colour in enumerate((TRUTH, "#0072B2", "#D55E00", "#009E73", "#CC79A7")):
        axes.plot(times / 1000, shares[:, k], color=colour, lw=1, label=f"mode {k + 1}")
    axes.set(xlabel="t (1,000 s)", ylabel="share of the energy", ylim=(0, 1.02))
    axes.legend(loc="upper right", ncols=5)
    return figure


def _soliton_figure(networks: Mapping[str, Followed]) -> Figure:
    figure = Figure(figsize=(8.0, 2.6))
    axes, shade = figure.subplots(), shades(list(networks))
    exact = networks["lgn"].exact[-1]
    middle = int(np.argmax(exact))
    shown = slice(max(0, middle - 40), middle + 40)
    edges = np.arange(_CHAIN - 1)
    axes.plot(edges[shown], exact[shown], color=TRUTH, lw=2.5, label="exact")
    for name, found in networks.items():
        axes.plot(edges[shown], found.strain[-1][shown], color=shade[name], lw=1, label=name)
    axes.set(xlabel="n", ylabel=r"$q_n - q_{n+1}$ (m)", ylim=(-0.3, 1.5 * exact.max()))
    axes.legend(loc="upper right")
    return figure
