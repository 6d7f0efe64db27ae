"""Measured double pendulum: what do recordings of a real arm say of its parameters, and of a black box? (--data FOLDER)

Ten recordings of a torque-driven arm of two links: eight excitations of 10 s and two swing-ups of 6 s, at 500 Hz.
Eleven parameters are free, of which nine can be told. The law is identified from the excitations and tested on the
swing-ups, which reach further; and a deep Lagrangian network with learned friction is compared with it on a split where
the test resembles the training.

Source: dfki-ric-underactuated-lab/double_pendulum, data of design C.1, 29 June 2023; parameters of model 1.0.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import symlnn
from symlnn import Identification, Method
from symlnn.report import ReportListener, Settings

from ._arm import COLUMNS, arm
from ._study import Mode, Study, claims

CLAIMS = claims("measured_double_pendulum")
_FILTER_HZ = 5.0
"""The publishers' filter."""


@dataclass(frozen=True)
class Config:
    """What one mode does."""

    data: Path = Path()
    """The folder of the recordings, one .csv each."""
    swing_ups: tuple[str, ...] = ("154220", "154548")
    alike: tuple[str, ...] = ("143704", "143747")
    """Excitations that are held out for the black box, of the eight."""
    shooting: bool = True
    black_box: bool = True


CONFIG: Mapping[Mode, Config] = {
    Mode.quick: Config(shooting=False, black_box=False),
    Mode.default: Config(),
    Mode.full: Config(),
}


def run(config: Config, settings: Settings, listener: ReportListener) -> Study:
    """Identify the arm on both splits."""
    system = arm()
    begin = time.monotonic()
    motions = symlnn.read_motions(sorted(config.data.glob("*.csv")), system, COLUMNS)
    method = Method(filter_hz=_FILTER_HZ, shooting=config.shooting)
    listener("Excitations to swing-ups", None)
    further = symlnn.identify(system, motions, hold_out=config.swing_ups, method=method)
    seconds = time.monotonic() - begin
    alike: Identification | None = None
    if config.black_box:
        listener("Black box on a test that resembles the training", None)
        excitations = motions.only([run for run in motions if run.name not in config.swing_ups])
        alike = symlnn.identify(
            system,
            excitations,
            hold_out=config.alike,
            models=("delan",),
            method=Method(filter_hz=_FILTER_HZ, shooting=False),
            seed=settings.seed,
        )
    return Study(
        figures={
            "swing_ups": {**_figures(further), "seconds": seconds},
            "alike": None if alike is None else _figures(alike),
            "parameters": further.to_json()["parameters"],
            "confounded": [" ↔ ".join(group) for group in further.confounded],
            "rank": sum(p.identifiable for p in further.parameters.values()),
            "diagnosis": list(further.diagnosis),
        }
    )


def _figures(result: Identification) -> dict[str, Any]:
    """Errors of force, filtered, and of prediction over one second, by law and joint."""
    found: dict[str, Any] = {}
    for name, judgement in result.models.items():
        farthest = max(judgement.median)
        force = np.full(2, np.nan) if judgement.force is None else judgement.force
        found[name] = {
            f"{what}{joint + 1}": float(values[joint])
            for what, values in (("force", force), ("median", judgement.median[farthest]))
            for joint in range(2)
        }
    return found
