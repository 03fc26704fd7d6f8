"""Two sources that saw the same signal, on clocks whose offset and drift are known."""

import numpy as np


def smooth_noise(
    random: np.random.Generator, seconds: float, band: float, step: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return times and values of a random signal without components far above ``band`` Hz, of standard deviation 1."""
    count = int(seconds / step)
    rates = np.fft.rfftfreq(count, step)
    spectrum = (random.normal(size=len(rates)) + 1j * random.normal(size=len(rates))) * np.exp(-((rates / band) ** 2))
    values = np.fft.irfft(spectrum, count)
    return np.arange(count) * step, values / values.std()


def sampled_at(
    random: np.random.Generator, signal: tuple[np.ndarray, np.ndarray], rate: float, *, noise: float, drops: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return jittered times in seconds, some of them lost, and noisy values."""
    times = np.arange(5.0, signal[0][-1] - 5.0, 1 / rate)
    times = np.sort(times + random.uniform(-0.3, 0.3, len(times)) / rate)
    times = times[random.random(len(times)) >= drops]
    return times, np.interp(times, *signal) + noise * random.normal(size=len(times))


def nanoseconds(times: np.ndarray) -> np.ndarray:
    return np.round(times * 1e9).astype(np.int64)


def pair(
    seed: int, *, rate: float, other: float, offset: float, drift: float, seconds: float = 60.0, band: float = 3.0,
    noise: float = 0.3, drops: float = 0.05,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Return stamps and values of a source, and of one that saw the same on the true clock.

    The first is to be corrected by ``offset`` seconds and ``drift`` ppm.
    """
    random = np.random.default_rng(seed)
    signal = smooth_noise(random, seconds + 10.0, band, 0.1 / max(rate, other, 4 * band))
    own, values = sampled_at(random, signal, rate, noise=noise, drops=drops)
    times, others = sampled_at(random, signal, other, noise=noise, drops=drops)
    stamps = own[0] - offset + (own - own[0]) / (1 + 1e-6 * drift)
    return nanoseconds(stamps), values, nanoseconds(times), others
