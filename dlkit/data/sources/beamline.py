"""A simulated beam line with many devices, whose clocks, causes and lags are known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from dlkit.core.checks import require, suggest
from dlkit.data.base import EventSource, FrameSource, Source
from dlkit.data.records import Events, Frames, Stream
from dlkit.data.samples.untouched import Untouched
from dlkit.data.simulators.beamline_camera import SIZE, frames
from dlkit.data.simulators.beamline_clocks import START
from dlkit.data.simulators.beamline_run import DEVICES, LEVELS, ROWS, Run, simulate
from dlkit.data.simulators.once import once

Difficulty = Literal["clean", "easy", "medium", "hard"]
NAME = "beamline"
SHORTEST = 10.0  # seconds


@dataclass(frozen=True)
class _Settings:
    """What decides about a run; sources with the same settings are devices of the same run."""

    duration: float
    difficulty: str
    seed: int

    def __post_init__(self) -> None:
        require(
            self.duration >= SHORTEST,
            f"beam line duration={self.duration:g} s is too short: set `duration` to {SHORTEST:g} s or more.",
        )
        require(self.difficulty in LEVELS, f"beam line difficulty='{self.difficulty}': "
                f"{suggest(self.difficulty, LEVELS)}")  # fmt: skip

    @property
    def run(self) -> Run:
        """The run, simulated once."""
        return simulate(self.duration, self.difficulty, self.seed)

    def fingerprint(self, device: str) -> dict[str, Any]:
        """Return the settings, which decide about every value."""
        return {"simulator": NAME, "device": device, **vars(self)}


class BeamlineSensors(Source):
    """Samples of one device of a simulated beam line; the devices of the same settings belong to the same run.

    ``magnets``: the currents of six corrector magnets and the beam current at 100 Hz. ``bpms``: four beam position
    monitors and their sum signal at 1 kHz, on a clock of their own. ``temperatures``: four of them at 1 Hz. ``target``:
    where the beam meets the target, at 100 Hz. The beam at each place is the sum of the magnets' kicks through the
    optics, each after its lag, of a betatron oscillation of the beam that comes in, and, behind a bend, of the energy;
    the target also moves with the temperatures (the formulas are in :class:`dlkit.data.simulators.beamline_beam.Beam`).
    So the last two magnets act on the target alone, the oscillation is seen by the monitors, the energy only by the
    camera, and the thermal drift only by the thermometers. Without beam, positions are missing. Nothing is measured
    data.

    Args:
        device: Which of them.
        duration: Seconds of the run.
        difficulty: ``clean`` (magnets alone move the beam; no noise, exact clocks), ``easy``, ``medium`` (gaps, and a
            monitor that dies) or ``hard``.
        seed: Seed of everything.
    """

    def __init__(
        self,
        *,
        device: Literal["magnets", "bpms", "temperatures", "target"] = "magnets",
        duration: float = 600.0,
        difficulty: Difficulty = "medium",
        seed: int = 0,
    ) -> None:
        require(device in DEVICES, f"beam line device='{device}': {suggest(device, DEVICES)}")
        self.device, self.settings = device, _Settings(duration, difficulty, seed)

    @property
    def truth(self) -> Run:
        """The run with everything that is true of it."""
        return self.settings.run

    def chunks(self) -> Iterator[Stream]:
        """Yield the samples with the stamps of the device's clock, as they came."""
        run, (rate, units) = self.settings.run, DEVICES[self.device]
        stamps, channels, step = run.stamps(self.device), tuple(units), round(1e9 / rate)
        for first in range(0, len(stamps), ROWS):
            values = once((self.settings, self.device, first), 1, partial(run.reading, self.device, first))[0]
            times = stamps[first : first + len(values)]
            yield Stream(NAME, times, values, channels, tuple(units.values()), step, continues=first > 0)

    def fingerprint(self) -> dict[str, Any]:
        """Return the settings, which decide about every value."""
        return self.settings.fingerprint(self.device)


class BeamlineCamera(FrameSource):
    """The beam spot on the screen of a simulated beam line, 32 x 32 pixels, 15 frames a second on a clock of its own.

    Args:
        duration: As of :class:`BeamlineSensors`; the same settings are the same run.
        difficulty: Likewise.
        seed: Likewise.
    """

    def __init__(self, *, duration: float = 600.0, difficulty: Difficulty = "medium", seed: int = 0) -> None:
        self.settings = _Settings(duration, difficulty, seed)

    @property
    def truth(self) -> Run:
        """The run with everything that is true of it."""
        return self.settings.run

    def read(self) -> Sequence[Frames]:
        """Return the frames with the stamps of the camera's clock."""
        taken = Untouched(frames(*vars(self.settings).values()))
        return [Frames(NAME, self.settings.run.stamps("camera"), taken, ("light",), ("counts",), (SIZE, SIZE))]

    def fingerprint(self) -> dict[str, Any]:
        """Return the settings, which decide about every value."""
        return self.settings.fingerprint("camera")


class BeamlineEvents(EventSource):
    """What the operators of a simulated beam line wrote down: instabilities and trips, in true time.

    Args:
        duration: As of :class:`BeamlineSensors`; the same settings are the same run.
        difficulty: Likewise.
        seed: Likewise.
    """

    def __init__(self, *, duration: float = 600.0, difficulty: Difficulty = "medium", seed: int = 0) -> None:
        self.settings = _Settings(duration, difficulty, seed)

    def read(self) -> Sequence[Events]:
        """Return the events."""
        beam = self.settings.run.beam
        onset, offset = (START + np.round(part * 1e9).astype(np.int64) for part in (beam.onset, beam.offset))
        return [Events(NAME, onset, offset, beam.labels.astype(np.int64), ("quiet", "instability", "trip"))]

    def fingerprint(self) -> dict[str, Any]:
        """Return the settings, which decide about every value."""
        return self.settings.fingerprint("events")
