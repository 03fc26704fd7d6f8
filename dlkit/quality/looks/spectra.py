"""Which frequencies a channel holds, over all and from time to time."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import chi2

from dlkit.quality.looks.pieces import SECOND, Pieces

LONGEST = 4096  # rows of a segment
UNEVEN = 1024  # rows of a segment whose rows are not evenly apart
HOLES = 0.1  # share of a segment that may be missing
LEVEL = 0.01
NEAR = 0.05  # ratio of two lines that are one


@dataclass(frozen=True, eq=False)
class Segments:
    """Overlapping stretches of rows, as they are transformed.

    Attributes:
        times: Nanoseconds of the middle of each, (segments,).
        frequencies: In Hz, without 0, (frequencies,).
        power: One-sided power density of each in unit^2/Hz, NaN where too much is missing,
            (segments, frequencies, channels).
    """

    times: Int[np.ndarray, " segments"]
    frequencies: Float[np.ndarray, " frequencies"]
    power: Float[np.ndarray, "segments frequencies channels"]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Power of each channel.

    Attributes:
        frequencies: In Hz, (frequencies,).
        power: Mean over the segments, (frequencies, channels).
        usual: Median over the segments, like power.
        count: Segments of each channel, (channels,).
    """

    frequencies: Float[np.ndarray, " frequencies"]
    power: Float[np.ndarray, "frequencies channels"]
    usual: Float[np.ndarray, "frequencies channels"]
    count: Int[np.ndarray, " channels"]


def segments_of(known: Pieces, rows: int = 0) -> Segments:
    """Return the spectra of stretches that overlap by half, under a Hann window, without their mean.

    Missing values are filled along a line where there are few (Welch 1967); of rows that are not evenly apart the power
    is that of the best sine of each frequency (Lomb 1976, Scargle 1982).

    Args:
        known: Rows.
        rows: Of a segment; 0 takes what the longest piece offers.
    """
    longest = max((len(piece.times) for piece in known.pieces), default=0)
    rows = max(8, min(rows or (LONGEST if known.regular else UNEVEN), longest))
    times, parts = [], []
    for piece in known.pieces:
        for first in range(0, len(piece.times) - rows + 1, max(1, rows // 2)):
            times.append(piece.times[first : first + rows])
            parts.append(piece.values[first : first + rows])
    channels = len(known.layout.channels)
    values = np.stack(parts).astype(np.float64) if parts else np.empty((0, rows, channels))
    stamps = np.stack(times) if times else np.empty((0, rows), np.int64)
    values = filled(values)
    window = np.hanning(rows + 1)[:-1]
    frequencies = np.fft.rfftfreq(rows, known.step)[1:]
    values = values - values.mean(axis=1, keepdims=True)
    if known.regular:
        spectrum = np.abs(np.fft.rfft(values * window[:, None], axis=1)[:, 1:]) ** 2
        power = 2 * spectrum * known.step / (window**2).sum()
    else:
        power = uneven_power(stamps, values, frequencies, known.step)
    return Segments(stamps[:, rows // 2], frequencies, power)


def filled(values: Float[np.ndarray, "segments rows channels"]) -> Float[np.ndarray, "segments rows channels"]:
    """Fill what is missing along a line; segments with more than a tenth missing become NaN."""
    missing = np.isnan(values)
    share = missing.mean(1) if values.size else np.zeros((len(values), values.shape[2]))
    places = np.arange(values.shape[1])
    for segment, channel in np.argwhere((share > 0) & (share <= HOLES)):
        holes = missing[segment, :, channel]
        column = values[segment, :, channel]
        column[holes] = np.interp(places[holes], places[~holes], column[~holes])
    return np.where((share > HOLES)[:, None], np.nan, values)


def uneven_power(
    stamps: Int[np.ndarray, "segments rows"],
    values: Float[np.ndarray, "segments rows channels"],
    frequencies: Float[np.ndarray, " frequencies"],
    step: float,
) -> Float[np.ndarray, "segments frequencies channels"]:
    """Return the power of the best sine of each frequency at times that are not evenly apart.

    With c and s the cosine and sine about the time at which they are orthogonal, it is (xc)^2/cc + (xs)^2/ss.
    """
    power = np.full((len(values), len(frequencies), values.shape[2]), np.nan)
    angular = 2 * np.pi * frequencies
    for number, (stamp, value) in enumerate(zip(stamps, values, strict=True)):
        times = (stamp - stamp[0]) / SECOND
        window = np.sin(np.pi * (times + step / 2) / (times[-1] + step)) ** 2
        weighted = (value * window[:, None]).astype(np.complex128)
        turn = np.exp(-1j * np.outer(angular, times))
        shift = np.angle((turn**2).sum(1)) / 2
        turn = turn * np.exp(-1j * shift)[:, None]
        whole = turn @ weighted
        cosines, sines = (turn.real**2).sum(1)[:, None], (turn.imag**2).sum(1)[:, None]
        found = whole.real**2 / np.maximum(cosines, 1e-9) + whole.imag**2 / np.maximum(sines, 1e-9)
        power[number] = found * step / (window**2).mean()
    return power


def spectrum_of(segments: Segments) -> Spectrum:
    """Return mean and median over the segments."""
    known = np.isfinite(segments.power[:, 0])
    count = known.sum(0)
    total = np.where(known[:, None], segments.power, 0.0).sum(0)
    power = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    usual = np.full(power.shape, np.nan)
    for channel in np.flatnonzero(count):
        usual[:, channel] = np.median(segments.power[known[:, channel], :, channel], axis=0)
    return Spectrum(segments.frequencies, power, usual, count)


def cycles(spectrum: Spectrum, channel: int, most: int = 3) -> list[float]:
    """Return the frequencies in Hz at which a channel has a line, the strongest first.

    A line stands out of the median of the frequencies around it by more than chance gives any of them: there the power
    has a chi-square distribution of two degrees of freedom a segment (overlap by half leaves 1.9 of 2 segments). It is
    in the usual segment too: what happens once is no cycle.
    """
    power, frequencies = spectrum.power[:, channel], spectrum.frequencies
    if len(power) < 16 or not np.isfinite(power).all() or power.max() <= 0:
        return []
    free = max(2.0, 2 * spectrum.count[channel] / 1.1)
    level = chi2.isf(LEVEL / len(power), free) / chi2.median(free)
    excess = power / np.maximum(floor_of(power), 1e-300)
    usual = spectrum.usual[:, channel]
    excess = np.minimum(excess, usual / np.maximum(floor_of(usual), 1e-300))
    peak = np.r_[True, power[1:] >= power[:-1]] & np.r_[power[:-1] >= power[1:], False]
    peak[:2] = False  # a trend looks like half a cycle or one
    found = np.flatnonzero(peak & (excess > max(level, 3.0)))
    lines: list[float] = []
    for place in found[np.argsort(-excess[found], kind="stable")].tolist():
        line = summit(frequencies, power, place)
        if len(lines) < most and all(abs(line / one - 1) > NEAR for one in lines):
            lines.append(line)
    return lines


def summit(frequencies: np.ndarray, power: np.ndarray, place: int) -> float:
    """Return the frequency of a line between those that are known (parabola through the logarithms of three)."""
    before, here, after = np.log(np.maximum(power[place - 1 : place + 2], 1e-300))
    bend = before - 2 * here + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float(frequencies[place] + shift * (frequencies[1] - frequencies[0]))


def floor_of(power: Float[np.ndarray, " frequencies"], octave: float = 0.5) -> Float[np.ndarray, " frequencies"]:
    """Return the median of the power half an octave to either side, at least four frequencies.

    It is taken at up to 160 frequencies of equal ratio, and along a line between them.
    """
    numbers = np.unique(np.geomspace(1, len(power), 160).round().astype(int))
    low = np.minimum(np.floor(numbers * 2**-octave), numbers - 4).clip(1).astype(int) - 1
    high = np.maximum(np.ceil(numbers * 2**octave), numbers + 4).clip(max=len(power)).astype(int)
    medians = [np.median(power[a:b]) for a, b in zip(low, high, strict=True)]
    return np.asarray(np.interp(np.arange(1, len(power) + 1), numbers, medians))
