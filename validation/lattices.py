"""Nonlinear lattices: solitons keep their speed, integrals stay, energy comes back, and a network learns Toda's law.

Toda's chain, which is integrable; that of Fermi, Pasta, Ulam and Tsingou, which nearly is; kinks of the sine-Gordon and
the φ⁴ field. All run from the symbolic density, at a cost linear in the number of sites, and are held against exact
solutions. Then a Lagrangian graph network, trained on a ring of eight masses, follows a soliton along hundreds.

Source: Toda, Theory of Nonlinear Lattices, 2nd ed.; Fermi, Pasta, Ulam & Tsingou, Los Alamos report LA-1940 (1955);
Scott, Chu & McLaughlin, Proc. IEEE 61 (1973) 1443.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import symlnn
from symlnn import Architecture, Neighbourhoods, Recipe, SparseEulerLagrange
from symlnn._report import TRUTH, Progress, Settings, colours

from ._recipes import QUICK_RECIPE
from ._solitons import (
    crossing,
    flaschka_eigenvalues,
    law,
    mode_energies,
    phi4_kink,
    relative,
    sine_gordon_kink,
    toda_soliton,
)
from ._study import Animation, Claim, Mode, Picture, Section, Study, Table, Text
from ._toda_network import CHAIN, FOLLOWED, START, Network, learn_toda

_KAPPAS = (0.5, 1.0, 1.5)


@dataclass(frozen=True)
class Config:
    """What one mode does."""

    seconds: float
    """Training of each network."""
    recipe: Recipe | None
    architecture: Architecture
    kink_sites: int
    recurrence: float
    """How long the chain of Fermi, Pasta, Ulam and Tsingou is followed, in seconds."""
    followed: float
    """How long a network follows the soliton, in seconds."""


CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config(8.0, QUICK_RECIPE, Architecture(32, 2), 800, 11_000.0, 40.0),
    Mode.default: Config(90.0, None, Architecture(32, 2), 1_600, 22_000.0, 100.0),
    Mode.full: Config(1800.0, None, Architecture(64, 3), 3_200, 120_000.0, 100.0),
}


@dataclass(frozen=True)
class Moving:
    """A solitary wave, as long as it was followed: measured against the exact one."""

    name: str
    exact: float
    speed: float
    shape: float
    """The largest difference from the exact profile at the end, in units of the height of the wave."""
    energy: float

    @property
    def off(self) -> float:
        """|w/w₀ − 1|."""
        return abs(self.speed / self.exact - 1)


def run(mode: Mode, settings: Settings, progress: Progress, config: Config | None = None) -> Study:
    """Follow solitons, integrals and recurrences, and train networks on Toda's ring."""
    config = config or CONFIG[mode]
    progress("Solitons", None)
    solitons = [_soliton(kappa) for kappa in _KAPPAS]
    kinks = [_kink("sine_gordon", sine_gordon_kink, 0.6, math.pi, config), _kink("phi4", phi4_kink, 0.5, 0.0, config)]
    progress("Integrals of Toda's ring", None)
    integrals = _integrals(settings.seed)
    progress("Recurrence", None)
    times, modes = _recurrence(config.recurrence)
    networks = {
        name: learn_toda(
            name,
            seconds=config.seconds,
            recipe=config.recipe,
            architecture=config.architecture,
            followed=config.followed,
            seed=settings.seed,
            progress=progress,
        )
        for name in ("lgn", "gnn")
    }
    share = modes[:, 0] / modes.sum(axis=1)
    back = _return(share)
    return Study(
        name="lattices",
        title="Nonlinear lattices",
        summary=_summary(solitons, kinks, times, share, back, networks),
        claims=_claims(solitons, kinks, integrals, times, share, back, networks),
        differences=(
            "None of these is in the paper: they are what its graph networks are for, and known exactly.",
            "The analytic solitons run along an open chain, far from its ends. The networks, which know no ends, run "
            "on a ring whose springs are stretched by 2κ/n to make room for the soliton; the exact solution is scaled "
            "for that.",
        ),
        sections=(
            Section("Solitary waves", (_moving_table([*solitons, *kinks]), Text(_ON_SPEEDS))),
            Section(
                "Integrals of Toda's ring",
                (
                    Text(
                        "A ring of 16 masses has 16 integrals, the eigenvalues of Flaschka's matrix; the energy is a "
                        "function of them. A chain with the first three terms of Toda's potential, r²/2 − r³/6 + "
                        "r⁴/24, conserves its energy as well, but not those: so the measure can fail."
                    ),
                    Table(
                        ("ring of 16, random states, 50 s", "largest change of an eigenvalue", "change of the energy"),
                        tuple((name, *values) for name, values in integrals.items()),
                        "Eigenvalues in units of their spread.",
                    ),
                ),
            ),
            Section(
                "Energy that comes back",
                (
                    Text(_on_recurrence(times, share, back)),
                    Picture("recurrence", partial(_recurrence_figure, times, modes), "Shares of the first five modes."),
                ),
            ),
            Section(
                "Toda's law, learned",
                (
                    _network_table(networks),
                    Animation(
                        {"analytic": networks["lgn"].exact} | {n: found.strain for n, found in networks.items()},
                        np.arange(CHAIN - 1),
                        networks["lgn"].times,
                        "The compression qₙ − qₙ₊₁ around the ring.",
                    ),
                    Picture("soliton", partial(_soliton_figure, networks), "The soliton at the end."),
                ),
            ),
        ),
        validations=(),
        settings=settings,
        mode=mode,
        data={"recurrence": xr.Dataset({"energy": (("time", "mode"), modes)}, {"time": times})},
        extra={
            "solitary_waves": {
                wave.name: {"exact": wave.exact, "speed": wave.speed, "relative_error": wave.off, "shape": wave.shape}
                for wave in (*solitons, *kinks)
            },
            "integrals": {name: {"eigenvalues": e, "energy": h} for name, (e, h) in integrals.items()},
            "recurrence": {
                "seconds": float(times[back]),
                "share": float(share[back]),
                "least": float(share[:back].min()),
            },
            "models": {name: found.to_json() for name, found in networks.items()},
        },
    )


# --- the analytic lattices -------------------------------------------------------------------------------------------


def _soliton(kappa: float) -> Moving:
    truth, duration = law("toda_lattice", n=CHAIN, boundary="free"), 200 * kappa / math.sinh(kappa)
    q, v = toda_soliton(CHAIN, kappa, 0.0, START)
    motion = symlnn.simulate(
        truth, jnp.asarray(q), jnp.asarray(v), times=jnp.array([0.0, duration]), rtol=1e-10, atol=1e-10
    )
    end, _ = toda_soliton(CHAIN, kappa, duration, START)
    sites, found = np.arange(CHAIN), np.asarray(motion.q)
    travelled = crossing(sites, found[1], -kappa) - crossing(sites, found[0], -kappa)
    energies = np.asarray(jax.vmap(truth.energy)(motion.q, motion.v))
    return Moving(
        f"Toda soliton, κ = {kappa:g}",
        math.sinh(kappa) / kappa,
        travelled / duration,
        float(np.abs(found[1] - end).max() / (2 * kappa)),
        float(relative(energies)[-1]),
    )


def _kink(
    name: str, exact: Callable[..., tuple[np.ndarray, np.ndarray]], speed: float, middle: float, config: Config
) -> Moving:
    sites, size = config.kink_sites, 40.0
    spacing = size / sites
    truth, duration = law(name, {"dx": spacing}, n=sites), 20.0 / speed
    x = (0.5 + np.arange(sites)) * spacing
    q, v = exact(x, 0.0, speed, 10.0)
    motion = symlnn.simulate(
        truth, jnp.asarray(q), jnp.asarray(v), times=jnp.array([0.0, duration]), rtol=1e-9, atol=1e-9
    )
    end, _ = exact(x, duration, speed, 10.0)
    found = np.asarray(motion.q)
    travelled = crossing(x, found[1], middle) - crossing(x, found[0], middle)
    energies = np.asarray(jax.vmap(truth.energy)(motion.q, motion.v))
    return Moving(
        f"{name} kink",
        speed,
        travelled / duration,
        float(np.abs(found[1] - end).max() / np.ptp(end)),
        float(relative(energies)[-1]),
    )


def _integrals(seed: int) -> dict[str, tuple[float, float]]:
    """The largest changes over 50 s of eigenvalues and energy, for Toda's ring and for one that is not integrable."""
    t = symlnn.load_lattice("toda_lattice", n=16)
    toda = SparseEulerLagrange(symlnn.graph_lagrangian(t))
    cubic = SparseEulerLagrange(_truncated(t.graph))
    q, v = 0.5 * jax.random.normal(jax.random.key(seed), (2, 4, 16))
    found = {}
    for name, ring in {"Toda": toda, "its potential to fourth order": cubic}.items():
        motion = symlnn.simulate(ring, q, v, duration=50.0, rate=2.0, rtol=1e-10, atol=1e-10)
        values = flaschka_eigenvalues(np.asarray(motion.q), np.asarray(motion.v))
        change = np.abs(values - values[:, :1]).max() / np.std(values[:, 0])
        energies = np.asarray(jax.vmap(jax.vmap(ring.energy))(motion.q, motion.v))
        found[name] = (float(change), float(relative(energies).max()))
    return found


class _Truncated(symlnn.AbstractDensity):
    """½ q̇₀² − (r²/2 − r³/6 + r⁴/24), r = q₁ − q₀."""

    moving: int = 1
    coupled: bool = False

    def __call__(self, q: jax.Array, v: jax.Array, x: jax.Array, m: Any, t: Any) -> jax.Array:
        r = q[1, 0] - q[0, 0]
        return v[0, 0] ** 2 / 2 - (r**2 / 2 - r**3 / 6 + r**4 / 24)


def _truncated(graph: Any) -> symlnn.GraphLagrangian:
    sites = np.arange(graph.sites)
    rows = np.stack([sites, (sites + 1) % graph.sites], axis=-1)
    return symlnn.GraphLagrangian([_Truncated()], [Neighbourhoods(rows)], graph.sites)


def _recurrence(duration: float) -> tuple[np.ndarray, np.ndarray]:
    """Times and mode energies of 32 masses with α = ¼, all energy in the first mode at the start, of amplitude 1."""
    truth = law("fput_chain", {"alpha": 0.25, "beta": 0.0}, n=32)
    q = jnp.sin(jnp.pi * jnp.arange(1, 33) / 33)
    motion = symlnn.simulate(
        truth, q, jnp.zeros(32), duration=duration, rate=0.1, rtol=1e-9, atol=1e-9, max_steps=2_000_000
    )
    return np.asarray(motion.t), mode_energies(np.asarray(motion.q), np.asarray(motion.v))


def _return(share: np.ndarray) -> int:
    """When the first mode has its energy back: the largest share after it first fell below a half."""
    fallen = int(np.argmax(share < 0.5))
    return fallen + int(np.argmax(share[fallen:]))


# --- words, tables and pictures --------------------------------------------------------------------------------------

_ON_SPEEDS = (
    "Speeds are those of the point where the profile passes the middle of its step, over a way of 200 sites, or of "
    "half the box; profiles are compared with the exact ones at the end, so a wrong speed counts there too. Toda's "
    "solitons are exact on the lattice. Kinks are exact solutions of the field, and the grid changes their speed by "
    "the square of its spacing."
)


def _moving_table(waves: Sequence[Moving]) -> Table:
    return Table(
        ("wave", "exact speed", "measured", "relative error", "profile at the end", "energy error"),
        tuple((w.name, f"{w.exact:.6f}", f"{w.speed:.6f}", f"{w.off:.1e}", w.shape, w.energy) for w in waves),
    )


def _network_table(networks: Mapping[str, Network]) -> Table:
    rows = tuple(
        (name, m.validation, m.error[-1], f"{m.speed:.5f}", m.energy, "no" if m.successful else "yes")
        for name, m in networks.items()
    )
    named = "; ".join(f"{name}: {m.title}, {m.parameters:,} parameters" for name, m in networks.items())
    return Table(
        ("model", "accelerations", "soliton", "speed", "energy", "failed"),
        rows,
        f"{named}. Trained on a ring of 8 masses at random states, run on one of {CHAIN}. Accelerations: relative "
        f"error on the ring. Soliton: error of the compressions qₙ − qₙ₊₁ after {networks['lgn'].times[-1]:g} s, "
        f"relative to their size. The exact speed is {_ring_speed():.5f}.",
    )


def _ring_speed() -> float:
    """Of the soliton on the long ring, whose springs are stretched a little: see `soliton_on_a_ring`."""
    return math.exp(-FOLLOWED / CHAIN) * math.sinh(FOLLOWED) / FOLLOWED


def _on_recurrence(times: np.ndarray, share: np.ndarray, back: int) -> str:
    period = 2 * np.pi / (2 * np.sin(np.pi / 66))
    return (
        "32 masses between walls, α = ¼, with the first mode alone at the start. Its share of the energy falls to "
        f"{share[:back].min():.2f} and comes back to {share[back]:.3f} after {times[back]:,.0f} s, or "
        f"{times[back] / period:.0f} of its periods; Fermi, Pasta, Ulam and Tsingou saw it come back to within some "
        "hundredths, where equipartition would leave it a thirty-second."
    )


def _recurrence_figure(times: np.ndarray, modes: np.ndarray) -> Figure:
    figure = Figure(figsize=(8.0, 2.8))
    axes = figure.subplots()
    shares = modes / modes.sum(axis=1, keepdims=True)
    for k, colour in enumerate((TRUTH, "#0072B2", "#D55E00", "#009E73", "#CC79A7")):
        axes.plot(times / 1000, shares[:, k], color=colour, lw=1, label=f"mode {k + 1}")
    axes.set(xlabel="t (1,000 s)", ylabel="share of the energy", ylim=(0, 1.02))
    axes.legend(loc="upper right", ncols=5)
    return figure


def _soliton_figure(networks: Mapping[str, Network]) -> Figure:
    figure = Figure(figsize=(8.0, 2.6))
    axes, shade = figure.subplots(), colours(list(networks))
    exact = networks["lgn"].exact[-1]
    middle = int(np.argmax(exact))
    shown = slice(max(0, middle - 40), middle + 40)
    edges = np.arange(CHAIN - 1)
    axes.plot(edges[shown], exact[shown], color=TRUTH, lw=2.5, label="exact")
    for name, found in networks.items():
        axes.plot(edges[shown], found.strain[-1][shown], color=shade[name], lw=1, label=name)
    axes.set(xlabel="n", ylabel=r"$q_n - q_{n+1}$ (m)", ylim=(-0.3, 1.5 * exact.max()))
    axes.legend(loc="upper right")
    return figure


def _summary(
    solitons: Sequence[Moving],
    kinks: Sequence[Moving],
    times: np.ndarray,
    share: np.ndarray,
    back: int,
    networks: Mapping[str, Network],
) -> tuple[str, ...]:
    lgn, gnn = networks["lgn"], networks["gnn"]
    return (
        f"Solitons of Toda's chain move at their exact speed to {max(w.off for w in solitons):.0e}, kinks of the "
        f"sine-Gordon and φ⁴ fields to {max(w.off for w in kinks):.0e}; the chain of Fermi, Pasta, Ulam and Tsingou "
        f"has {share[back]:.1%} of its energy back in the first mode after {times[back]:,.0f} s.",
        f"A Lagrangian graph network trained for {lgn.seconds:.0f} s on a ring of 8 masses follows Toda's soliton "
        f"around one of {CHAIN}: after {lgn.times[-1]:g} s the compression is off by {lgn.error[-1]:.2g} and the "
        f"energy by {lgn.energy:.1e}; a graph network of accelerations by {gnn.error[-1]:.2g} and {gnn.energy:.1e}.",
    )


def _claims(
    solitons: Sequence[Moving],
    kinks: Sequence[Moving],
    integrals: Mapping[str, tuple[float, float]],
    times: np.ndarray,
    share: np.ndarray,
    back: int,
    networks: Mapping[str, Network],
) -> tuple[Claim, ...]:
    speed, kink = max(w.off for w in solitons), max(w.off for w in kinks)
    change, control = (values[0] for values in integrals.values())
    lgn = networks["lgn"]
    off = abs(lgn.speed / _ring_speed() - 1)
    return (
        Claim("Toda's solitons move by sinh(κ)/κ sites a second", 0.0, speed, "relative; at most 1e-3", speed <= 1e-3),
        Claim("Kinks keep their speed", 0.0, kink, "relative; at most 1e-3", kink <= 1e-3),
        Claim(
            "… and their shape",
            0.0,
            max(w.shape for w in kinks),
            "of the step; at most 0.01",
            max(w.shape for w in kinks) <= 0.01,
        ),
        Claim(
            "Flaschka's eigenvalues are integrals of Toda's ring",
            0.0,
            change,
            "of their spread; at most 1e-6",
            change <= 1e-6,
        ),
        Claim("… and of no other chain", None, control, "for the truncated potential; more than 1e-2", control > 1e-2),
        Claim(
            "The energy of the first mode comes back (Fermi, Pasta, Ulam & Tsingou)",
            "within some hundredths",
            float(share[back]),
            f"share, after {times[back]:,.0f} s; more than 0.95",
            bool(share[back] > 0.95),
        ),
        Claim(
            "A density learned on 8 masses carries a soliton around hundreds",
            None,
            off,
            "relative error of its speed; at most 1e-2",
            bool(off <= 1e-2),
        ),
    )
