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
from symlnn import Architecture, FirstOrder, GaussNewton, Neighbourhoods, Recipe, SparseEulerLagrange
from symlnn.plots import TRUTH, shades
from symlnn.report import Listener, Settings

from ._graphs import law, relative
from ._recipes import QUICK_RECIPE
from ._study import Animation, Claim, Mode, Picture, Section, Study, Table
from ._toda_network import CHAIN, FOLLOWED, START, TODA, Network, Training, learn_toda

_FINE = symlnn.Integrator(rtol=1e-10, atol=1e-10)
_KAPPAS = (0.5, 1.0, 1.5)
_BOTH = Recipe((FirstOrder(), GaussNewton(batch=64)))


@dataclass(frozen=True)
class Config:
    """What one mode does."""

    training: Training
    """Of each network."""
    kink_sites: int
    recurrence: float
    """How long the chain of Fermi, Pasta, Ulam and Tsingou is followed, in seconds."""
    followed: float
    """How long a network follows the soliton, in seconds."""


CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config(Training(8.0, QUICK_RECIPE, Architecture(32, 2)), 800, 11_000.0, 40.0),
    Mode.default: Config(Training(90.0, _BOTH, Architecture(32, 2)), 1_600, 22_000.0, 100.0),
    Mode.full: Config(Training(1800.0, _BOTH, Architecture(64, 3)), 3_200, 120_000.0, 100.0),
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


@dataclass(frozen=True, eq=False)
class Found:
    """All that the study measures."""

    solitons: Sequence[Moving]
    kinks: Sequence[Moving]
    integrals: Mapping[str, tuple[float, float]]
    """The largest changes of eigenvalues and energy, for Toda's ring and for one that is not integrable."""
    times: np.ndarray
    modes: np.ndarray
    """The energies of the normal modes over these times, (time, mode)."""
    networks: Mapping[str, Network]

    @property
    def recurrence(self) -> dict[str, float]:
        """When the first mode has its energy back, the largest share after it first fell below a half."""
        share = self.modes[:, 0] / self.modes.sum(axis=1)
        fallen = int(np.argmax(share < 0.5))
        back = fallen + int(np.argmax(share[fallen:]))
        return {"seconds": float(self.times[back]), "share": float(share[back]), "least": float(share[:back].min())}


def run(mode: Mode, settings: Settings, listener: Listener) -> Study:
    """Follow solitons, integrals and recurrences, and train networks on Toda's ring."""
    config, seed = CONFIG[mode], settings.seed
    listener("Solitons", None)
    solitons = [_soliton(kappa) for kappa in _KAPPAS]
    kinks = [_kink("sine_gordon", 0.6, config), _kink("phi4", 0.5, config)]
    listener("Integrals of Toda's ring", None)
    integrals = _integrals(seed)
    listener("Recurrence", None)
    times, modes = _recurrence(config.recurrence)
    networks = {name: learn_toda(name, config.training, config.followed, seed, listener) for name in ("lgn", "gnn")}
    found = Found(solitons, kinks, integrals, times, modes, networks)
    return Study(
        name="lattices",
        title="Nonlinear lattices",
        summary=_summary(found),
        claims=_claims(found),
        differences=(
            "None of these is in the paper: they are what its graph networks are for, and known exactly.",
            "The analytic solitons run along an open chain, far from its ends. The networks, which know no ends, run "
            "on a ring whose springs are stretched by 2κ/n to make room for the soliton; the exact solution is scaled "
            "for that.",
        ),
        sections=(
            Section("Solitary waves", _moving_table([*solitons, *kinks]), _ON_SPEEDS),
            Section(
                "Integrals of Toda's ring",
                "A ring of 16 masses has 16 integrals, the eigenvalues of Flaschka's matrix; the energy is a function "
                "of them. A chain with the first three terms of Toda's potential, r²/2 − r³/6 + r⁴/24, conserves its "
                "energy as well, but not those: so the measure can fail.",
                Table(
                    ("ring of 16, random states, 50 s", "largest change of an eigenvalue", "change of the energy"),
                    tuple((name, *values) for name, values in integrals.items()),
                    "Eigenvalues in units of their spread.",
                ),
            ),
            Section(
                "Energy that comes back",
                _on_recurrence(found),
                Picture("recurrence", partial(_recurrence_figure, times, modes), "Shares of the first five modes."),
            ),
            Section(
                "Toda's law, learned",
                _network_table(networks),
                Animation(
                    {"analytic": networks["lgn"].exact} | {n: network.strain for n, network in networks.items()},
                    networks["lgn"].times,
                    "The compression qₙ − qₙ₊₁ around the ring.",
                ),
                Picture("soliton", partial(_soliton_figure, networks), "The soliton at the end."),
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
            "recurrence": found.recurrence,
            "models": {name: network.to_json() for name, network in networks.items()},
        },
    )


# --- the analytic lattices -------------------------------------------------------------------------------------------


def crossing(x: np.ndarray, values: np.ndarray, level: float) -> float:
    """Where a monotonic profile crosses a level, between two points linearly."""
    rising = values if values[-1] > values[0] else -values
    return float(np.interp(level if rising is values else -level, rising, x))


def _moved(
    name: str, truth: SparseEulerLagrange, x: np.ndarray, exact: Callable[[float], Any], duration: float, speed: float
) -> Moving:
    """A wave that steps from one value to another, q(x), v(x) = exact(t), as the law moves it."""
    q, v = map(jnp.asarray, exact(0.0))
    motion = symlnn.simulate(truth, (q, v), times=jnp.array([0.0, duration]), integrator=_FINE)
    end, found = exact(duration)[0], np.asarray(motion.q)
    before, after = (crossing(x, profile, (end[0] + end[-1]) / 2) for profile in found)
    energies = np.asarray(jax.vmap(truth.energy)(motion.q, motion.v))
    shape = float(np.abs(found[1] - end).max() / np.ptp(end))
    return Moving(name, speed, (after - before) / duration, shape, float(relative(energies)[-1]))


def _soliton(kappa: float) -> Moving:
    speed, truth = math.sinh(kappa) / kappa, law("toda_lattice", n=CHAIN, boundary="free")

    def exact(t: float) -> Any:
        return TODA.toda_soliton(CHAIN, kappa, t, START)

    return _moved(f"Toda soliton, κ = {kappa:g}", truth, np.arange(CHAIN), exact, 200 / speed, speed)


def _kink(name: str, speed: float, config: Config) -> Moving:
    spacing, field = 40.0 / config.kink_sites, symlnn.load_file(symlnn.system_path(name), "kink")
    x = (0.5 + np.arange(config.kink_sites)) * spacing
    truth = law(name, {"dx": spacing}, n=config.kink_sites)
    return _moved(f"{name} kink", truth, x, lambda t: field.kink(x, t, speed, 10.0), 20.0 / speed, speed)


def _integrals(seed: int) -> dict[str, tuple[float, float]]:
    """The largest changes over 50 s of eigenvalues and energy, for Toda's ring and for one that is not integrable."""
    sites = np.arange(16)
    pairs = Neighbourhoods(np.stack([sites, (sites + 1) % 16], axis=-1))
    truncated = SparseEulerLagrange(symlnn.GraphLagrangian([_Truncated()], [pairs], 16))
    start = tuple(0.5 * jax.random.normal(jax.random.key(seed), (2, 4, 16)))
    found = {}
    for name, ring in {"Toda": law("toda_lattice", n=16), "its potential to fourth order": truncated}.items():
        motion = symlnn.simulate(ring, start, duration=50.0, rate=2.0, integrator=_FINE)
        values = TODA.flaschka_eigenvalues(np.asarray(motion.q), np.asarray(motion.v))
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


def _recurrence(duration: float) -> tuple[np.ndarray, np.ndarray]:
    """Times and mode energies of 32 masses with α = ¼, all energy in the first mode at the start, of amplitude 1."""
    chain = symlnn.load_file(symlnn.system_path("fput_chain"), "mode_energies")
    q = jnp.sin(jnp.pi * jnp.arange(1, 33) / 33)
    integrator = symlnn.Integrator(rtol=1e-9, atol=1e-9, max_steps=2_000_000)
    truth = law("fput_chain", {"alpha": 0.25, "beta": 0.0}, n=32)
    motion = symlnn.simulate(truth, (q, 0 * q), duration=duration, rate=0.1, integrator=integrator)
    return np.asarray(motion.t), chain.mode_energies(np.asarray(motion.q), np.asarray(motion.v))


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
        (name, m.acceleration, m.error[-1], f"{m.speed:.5f}", m.energy, "no" if m.successful else "yes")
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


def _on_recurrence(found: Found) -> str:
    period, back = 2 * np.pi / (2 * np.sin(np.pi / 66)), found.recurrence
    return (
        "32 masses between walls, α = ¼, with the first mode alone at the start. Its share of the energy falls to "
        f"{back['least']:.2f} and comes back to {back['share']:.3f} after {back['seconds']:,.0f} s, or "
        f"{back['seconds'] / period:.0f} of its periods; Fermi, Pasta, Ulam and Tsingou saw it come back to within "
        "some hundredths, where equipartition would leave it a thirty-second."
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
    axes, shade = figure.subplots(), shades(list(networks))
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


def _summary(found: Found) -> tuple[str, ...]:
    (lgn, gnn), back = found.networks.values(), found.recurrence
    return (
        f"Solitons of Toda's chain move at their exact speed to {max(w.off for w in found.solitons):.0e}, kinks of the "
        f"sine-Gordon and φ⁴ fields to {max(w.off for w in found.kinks):.0e}; the chain of Fermi, Pasta, Ulam and "
        f"Tsingou has {back['share']:.1%} of its energy back in the first mode after {back['seconds']:,.0f} s.",
        f"A Lagrangian graph network trained for {lgn.seconds:.0f} s on a ring of 8 masses follows Toda's soliton "
        f"around one of {CHAIN}: after {lgn.times[-1]:g} s the compression is off by {lgn.error[-1]:.2g} and the "
        f"energy by {lgn.energy:.1e}; a graph network of accelerations by {gnn.error[-1]:.2g} and {gnn.energy:.1e}.",
    )


def _claims(found: Found) -> tuple[Claim, ...]:
    change, control = (values[0] for values in found.integrals.values())
    off, back = abs(found.networks["lgn"].speed / _ring_speed() - 1), found.recurrence
    soliton, kink, shape = (
        max(values)
        for values in ([w.off for w in found.solitons], [w.off for w in found.kinks], [w.shape for w in found.kinks])
    )
    comes_back = "The energy of the first mode comes back (Fermi, Pasta, Ulam & Tsingou)"
    after = f"share, after {back['seconds']:,.0f} s"
    carries = "A density learned on 8 masses carries a soliton around hundreds"
    return (
        Claim.at_most("Toda's solitons move by sinh(κ)/κ sites a second", 0.0, soliton, "relative", 1e-3),
        Claim.at_most("Kinks keep their speed", 0.0, kink, "relative", 1e-3),
        Claim.at_most("… and their shape", 0.0, shape, "of the step", 0.01),
        Claim.at_most("Flaschka's eigenvalues are integrals of Toda's ring", 0.0, change, "of their spread", 1e-6),
        Claim.more_than("… and of no other chain", None, control, "for the truncated potential", 1e-2),
        Claim.more_than(comes_back, "within some hundredths", back["share"], after, 0.95),
        Claim.at_most(carries, None, off, "relative error of its speed", 1e-2),
    )
