"""Images that look like photographs to whoever measures them, and files of them."""

import io

import numpy as np
from PIL import Image

from dlkit.data.records import Frames, Pictures, Samples
from dlkit.data.samples.pictures import BytePictures
from dlkit.data.samples.untouched import Untouched


def scenes(count=120, size=32, channels=3, seed=0, bits=8):
    """Return scenes with the 1/f spectrum of photographs, (count, channels, size, size), uint8 or uint16."""
    random = np.random.default_rng(seed)
    rows, columns = np.meshgrid(np.fft.fftfreq(size), np.fft.rfftfreq(size), indexing="ij")
    amplitude = 1 / np.maximum(np.hypot(rows, columns), 1 / size)
    noise = random.normal(size=(count, channels, *amplitude.shape, 2)) @ [1, 1j]
    noise[:, 1:] = 0.8 * noise[:, :1] + 0.6 * noise[:, 1:]  # colours go together
    noise[..., 0, 0] = 0
    values = np.fft.irfft2(noise * amplitude, (size, size))
    values /= values.std((1, 2, 3), keepdims=True)
    top = 2**bits - 1
    light = random.uniform(0.35, 0.6, (count, 1, 1, 1))
    return np.clip(top * (light + 0.16 * values), 0, top).astype(np.uint8 if bits == 8 else np.uint16)


def samples(values, *, roles=None, labels=None, **more):
    """Return images as samples of two classes."""
    count = len(values)
    labels = np.arange(count) % 2 if labels is None else labels
    channels = values.channels if isinstance(values, Pictures) else values.shape[1]
    return Samples(
        names=[f"image {number}" for number in range(count)], values=values,
        channels=tuple(f"c{k}" for k in range(channels)), units=("",) * channels, kind="class",
        labels=np.asarray(labels), classes=("one", "two"), roles=roles, **more,
    )  # fmt: skip


def encode(image, form="PNG", **settings):
    """Return the bytes of a file of an image, (channels, height, width)."""
    file = io.BytesIO()
    Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)).save(file, form, **settings)
    return file.getvalue()


def files(contents, channels=3):
    """Return files in memory as images that are decoded when they are asked for."""
    stops = np.cumsum([len(one) for one in contents])
    borders = np.stack([np.concatenate([[0], stops[:-1]]), stops], 1)
    pictures = BytePictures(
        [f"image {k}" for k in range(len(contents))], np.frombuffer(b"".join(contents), np.uint8).copy(), borders
    )
    return pictures.known_as("all", channels, np.zeros((len(contents), 2), np.int64))


def frames(values, rate=10.0):
    """Return images as the frames of a camera."""
    count = values.shape[1]
    times = (np.arange(len(values)) * 1e9 / rate).astype(np.int64)
    names = tuple(f"c{k}" for k in range(count))
    return Frames("cam", times, Untouched(values), names, ("",) * count, values.shape[2:])


def beam(count=60, size=32, seed=0):
    """Return 12-bit frames of a spot that wanders, with the noise of photons and of reading out, uint16."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size]
    middle = size / 2 + random.normal(0, 2, (count, 2))
    spot = np.exp(-((rows - middle[:, :1, None]) ** 2 + (columns - middle[:, 1:, None]) ** 2) / (2 * 4**2))
    light = random.poisson(100 + 3000 * spot) + random.normal(0, 5, spot.shape)
    return np.clip(light, 0, 4095).round().astype(np.uint16)[:, None]
