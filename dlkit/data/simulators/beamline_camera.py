"""What the camera of a simulated beam line sees: the light of the beam on a screen behind the bend."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dlkit.data.simulators.beamline_beam import MEAN_CURRENT, MIDDLE, SENSORS, SLOW, SWELLING, at
from dlkit.data.simulators.beamline_run import simulate

SIZE = 32  # pixels in each direction
PIXEL = 0.5  # mm
SPOT = 1.1  # mm, standard deviation of the spot
PEAK, DARK, NOISE = 150.0, 10.0, 4.0  # counts
FRAMES = 2000  # drawn at a time


@dataclass(frozen=True, eq=False)
class Spots:
    """The spot on each frame.

    Attributes:
        center: Column and row of its centre, pixels, (frames, 2).
        width: Its standard deviation, pixels, (frames, 1).
        light: Its brightness, 1 at the mean current, (frames, 1).
    """

    center: np.ndarray
    width: np.ndarray
    light: np.ndarray

    def images(self) -> np.ndarray:
        """Return ``light * exp(-((column - x)^2 + (row - y)^2) / (2 width^2))``, (frames, rows, columns)."""
        pixels = np.arange(SIZE)
        across = np.exp(-0.5 * ((pixels - self.center[:, :1]) / self.width) ** 2)
        down = np.exp(-0.5 * ((pixels - self.center[:, 1:]) / self.width) ** 2)
        drawn: np.ndarray = (self.light * down)[:, :, None] * across[:, None]
        return drawn

    def region(self, *, widths: float = 3.0) -> np.ndarray:
        """Return True where the spot is, up to so many of its widths, (frames, rows, columns); nowhere without beam."""
        pixels = np.arange(SIZE)
        across, down = ((pixels - self.center[:, [k]]) ** 2 for k in (0, 1))
        inside: np.ndarray = down[:, :, None] + across[:, None] <= ((widths * self.width) ** 2)[:, :, None]
        return inside & (self.light > 0)[:, :, None]


def spots(duration: float, difficulty: str, seed: int) -> Spots:
    """Return the spot on each frame of a run; a warm yoke makes it wider."""
    run = simulate(duration, difficulty, seed)
    now = run.seconds["camera"]
    place = run.beam.orbit(now, "screen")[:, 0]
    yoke = at(run.beam.warmth, SLOW, now)[:, [SENSORS.index("yoke")]]
    width = SPOT * np.maximum(1 + SWELLING * yoke, 0.3)
    light = at(run.beam.current, MIDDLE, now) / MEAN_CURRENT
    return Spots((SIZE - 1) / 2 + place / PIXEL, width / PIXEL, light)


@lru_cache(maxsize=2)
def frames(duration: float, difficulty: str, seed: int) -> np.ndarray:
    """Return the frames of a run, uint8 counts, (frames, 1, SIZE, SIZE)."""
    seen, noise = spots(duration, difficulty, seed), NOISE * simulate(duration, difficulty, seed).level.noise
    taken = np.empty((len(seen.light), 1, SIZE, SIZE), np.uint8)
    for first in range(0, len(taken), FRAMES):
        some = slice(first, first + FRAMES)
        random = np.random.default_rng([seed, 100, first])
        images = DARK + PEAK * Spots(seen.center[some], seen.width[some], seen.light[some]).images()
        images += random.standard_normal(images.shape, np.float32) * noise
        taken[some, 0] = np.clip(np.round(images), 0, 255)
    return taken
