"""A simulated test bed of a pump and a valve, with faults whose onset, end and channels are known."""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from dlkit.core.checks import require, suggest
from dlkit.data.base import Source
from dlkit.data.records import Stream
from dlkit.data.simulators.pump import CHANNELS
from dlkit.data.simulators.pump_faults import PumpFault
from dlkit.data.simulators.pump_run import DAY, LEVELS, pump_run

SHORTEST = 600
SECOND = 10**9
START = np.datetime64("2024-03-04T06:00:00", "ns").astype(np.int64)


class Pump(Source):
    """A pump drives water through a valve: twelve sensors once a second, first without and then with faults.

    Set-points of speed and valve change every few minutes, the supply and the room drift with the day, and motor and
    water warm up; all this is normal. Later the valve closes by itself, the pump cavitates, a bearing wears, the pipe
    leaks, the wheel is out of balance, or a sensor is stuck. Most faults leave every channel within its normal range:
    what is wrong is how channels go together. The column ``fault`` is 1 from onset to end of a fault. The sensors are
    those of the SKAB test bed (Katser and Kozitsin, "Skoltech Anomaly Benchmark", 2020); nothing is measured data.

    Args:
        duration: Seconds.
        normal: Share of the run before the first fault.
        difficulty: ``easy``, ``medium`` or ``hard``: smaller faults and more noise.
        seed: Seed of everything.
    """

    def __init__(
        self,
        *,
        duration: int = 2 * DAY,
        normal: float = 0.6,
        difficulty: Literal["easy", "medium", "hard"] = "medium",
        seed: int = 0,
    ) -> None:
        self.settings: dict[str, Any] = {key: value for key, value in locals().items() if key != "self"}
        require(
            duration >= SHORTEST, f"Pump duration={duration} is too short for a fault: set it to {SHORTEST} s or more."
        )
        require(0 < normal <= 1, f"Pump normal={normal} must be a share above 0 and at most 1, e.g. 0.6.")
        require(difficulty in LEVELS, f"Pump difficulty='{difficulty}': {suggest(difficulty, LEVELS)}")

    def chunks(self) -> Iterator[Stream]:
        """Yield the run as one stream; its last channel is ``fault``."""
        run = pump_run(*self._key)
        values = np.concatenate([run.readings, run.faulty[:, None].astype(np.float32)], 1)
        yield Stream(
            name="pump",
            times=START + SECOND * np.arange(len(values), dtype=np.int64),
            values=values,
            channels=(*CHANNELS, "fault"),
            units=(*CHANNELS.values(), ""),
            step=SECOND,
        )

    @property
    def truth(self) -> tuple[PumpFault, ...]:
        """The faults in order, in seconds from the start, which is the number of the row."""
        return pump_run(*self._key).faults

    @property
    def _key(self) -> tuple[int, int, str, float]:
        return tuple(self.settings[key] for key in ("duration", "seed", "difficulty", "normal"))

    def fingerprint(self) -> dict[str, Any]:
        """Return the settings, which decide about every value."""
        return {"simulator": "pump", **self.settings}
