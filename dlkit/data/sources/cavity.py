"""Waveforms of cavity trips whose cause, and where it shows, are known."""

from functools import partial
from typing import Any, Literal

import numpy as np

from dlkit.core.checks import require, suggest
from dlkit.data.base import SampleSource
from dlkit.data.records import Samples
from dlkit.data.simulators.cavity_faults import FAULTS
from dlkit.data.simulators.cavity_traces import CHANNELS, LEVELS, STEP, record
from dlkit.data.simulators.once import once

NAME = "cavity"
SHORTEST = 400


class CavityFaults(SampleSource):
    """Simulated trips of superconducting accelerator cavities: six channels at 1 kHz, six faults, many cavities.

    The envelope equation of the field under a controller with limited power gives gradient, phase, forward and
    reflected power, detuning and drive. In the middle of quiet operation one of the faults sets in and the cavity
    trips: a quench, an electronic quench, microphonics, a ponderomotive instability, a fault of the controls, or a heat
    riser. They follow the fault types of C. Tennant et al., "Superconducting radio-frequency cavity fault
    classification using machine learning at Jefferson Laboratory", Phys. Rev. Accel. Beams 23, 114601 (2020), much
    simplified; nothing is measured data. The fault decides about the trace between its onset and the end of the field
    alone (``Samples.informative``): before and after, all classes are the same.

    Args:
        samples: Number of traces; classes and cavities come equally often.
        time: Milliseconds of a trace.
        difficulty: ``easy``, ``medium`` or ``hard``: weaker faults, more noise, a later or earlier trip, and more small
            events that have nothing to do with it.
        ragged: Traces end at different times after the trip.
        cavities: Number of cavities, each with bandwidth, power and mechanics of its own; they are the groups.
        seed: Seed of everything.
    """

    def __init__(
        self,
        *,
        samples: int = 1200,
        time: int = 512,
        difficulty: Literal["easy", "medium", "hard"] = "medium",
        ragged: bool = False,
        cavities: int = 20,
        seed: int = 0,
    ) -> None:
        self.settings: dict[str, Any] = {key: value for key, value in locals().items() if key != "self"}
        require(samples > 0, f"CavityFaults samples={samples} must be positive: set `samples`, e.g. 1200.")
        require(cavities > 0, f"CavityFaults cavities={cavities} must be positive: set `cavities`, e.g. 20.")
        require(
            time >= SHORTEST, f"CavityFaults time={time} is too short for a fault: set `time` to {SHORTEST} or more."
        )
        require(difficulty in LEVELS, f"CavityFaults difficulty='{difficulty}': {suggest(difficulty, LEVELS)}")

    def read(self) -> Samples:
        """Return the traces, float32, (samples, 6, time)."""
        count, time, cavities = (self.settings[key] for key in ("samples", "time", "cavities"))
        labels, groups = np.arange(count) % len(FAULTS), np.arange(count) // len(FAULTS) % cavities
        level, seed = LEVELS[self.settings["difficulty"]], self.settings["seed"]
        decide = (NAME, count, time, cavities, self.settings["difficulty"], seed)
        make = partial(record, labels, groups, time=time, level=level, seed=seed)
        values, onset, end = once(decide, 3, make)
        places, lengths = np.arange(time), None
        if self.settings["ragged"]:
            lengths = np.random.default_rng([seed, 1]).integers(end, time, endpoint=True)
            values[np.broadcast_to((places >= lengths[:, None])[:, None], values.shape)] = np.nan
        return Samples(
            names=[f"trip_{number:05d}" for number in range(count)],
            values=values,
            channels=tuple(CHANNELS),
            units=tuple(CHANNELS.values()),
            kind="class",
            labels=labels,
            classes=tuple(FAULTS),
            targets=("fault",),
            lengths=lengths,
            groups=groups,
            step=STEP,
            informative=(places >= onset[:, None]) & (places < end[:, None]),
        )

    def fingerprint(self) -> dict[str, Any]:
        """Return the settings, which decide about every value."""
        return {"simulator": NAME, **self.settings}
