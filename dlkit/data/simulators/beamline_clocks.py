"""When the devices of a simulated beam line sample, and what their clocks say then."""

from dataclasses import dataclass

import numpy as np

START = 1_714_550_400_000_000_000  # 2024-05-01 08:00 UTC, in nanoseconds


@dataclass(frozen=True)
class ClockError:
    """What must be done to the stamps of a clock: ``true = stamp + offset + drift * 1e-6 * (stamp - first stamp)``.

    Attributes:
        offset: Seconds to add.
        drift: Parts per million that the clock is slow.
    """

    offset: float = 0.0
    drift: float = 0.0

    def stamps(self, seconds: np.ndarray) -> np.ndarray:
        """Return what the clock says at these true times (seconds since the start), int64 nanoseconds."""
        first = seconds[0] - self.offset
        said = first + (seconds - seconds[0]) / (1 + 1e-6 * self.drift)
        stamps: np.ndarray = START + np.round(said * 1e9).astype(np.int64)
        return stamps


@dataclass(frozen=True)
class Losses:
    """What does not arrive.

    Attributes:
        jitter: Largest shift of a sample, as a share of the time between two.
        drops: Share of the samples that are lost one by one.
        gaps: Number of pauses.
        pause: Length of a pause, seconds.
    """

    jitter: float = 0.0
    drops: float = 0.0
    gaps: int = 0
    pause: float = 3.0


def sample_times(duration: float, rate: float, losses: Losses, random: np.random.Generator) -> np.ndarray:
    """Return the true times of the samples that arrive, seconds, rising, (samples,)."""
    nominal = np.arange(int(duration * rate)) / rate
    kept = random.random(len(nominal)) >= losses.drops
    for begin in random.uniform(0.1, 0.9, losses.gaps) * duration:
        kept &= (nominal < begin) | (nominal >= begin + losses.pause)
    kept[0] = True
    shifted: np.ndarray = nominal + random.uniform(0, 1, len(nominal)) * losses.jitter / rate
    return shifted[kept]
