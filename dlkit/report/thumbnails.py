"""Small pictures of many inputs at once: images shrunk, channels as lines, each in a lane of its own."""

import numpy as np
from PIL import Image

from dlkit.report.canvas import BLACK, BLUE, GREEN, MISSING, ORANGE

SIDE = 48  # pixels of a thumbnail
LANES = 4
FRAME = 204
WIDEST = 8192  # pixels of a picture of thumbnails that browsers take
*INKS, VIOLET = tuple(
    tuple(int(colour[k : k + 2], 16) for k in (1, 3, 5)) for colour in (BLUE, ORANGE, GREEN, BLACK, MISSING)
)


def limits_of(values: np.ndarray) -> np.ndarray:
    """Return the ends of the scale of each channel, (2, channels), for values (samples, channels, *size).

    Of series the 0.5 and 99.5 % quantiles of each channel, so that sizes can be compared; of images the 0.1 and 99.9 %
    quantiles of all channels.
    """
    image = values.ndim == 4
    each = np.moveaxis(values, 1, 0).reshape(values.shape[1], -1)
    found = [quantiles(values if image else one, 0.001 if image else 0.005) for one in each]
    return np.array(found).T


def quantiles(values: np.ndarray, tail: float) -> tuple[float, float]:
    """Return the quantiles ``tail`` and ``1 - tail`` of the values that are there; 0 and 1 where there is none."""
    finite = values[np.isfinite(values)]
    low, high = np.quantile(finite, [tail, 1 - tail]) if finite.size else (0.0, 1.0)
    return float(low), float(high)


def image_thumbnails(values: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Return images, (samples, channels, height, width), as (samples, SIDE, SIDE, 3) uint8; grey unless of 3 channels.

    The aspect is kept, the rest is white; pixels without a value have the colour of missing ones.
    """
    low, high = (edge[None, :, None, None] for edge in limits)
    scaled = np.nan_to_num(np.clip((values - low) / np.maximum(high - low, 1e-30), 0, 1) * 255).astype(np.uint8)
    if scaled.shape[1] != 3:
        scaled = np.repeat(scaled.mean(1, keepdims=True).astype(np.uint8), 3, axis=1)
    scaled.transpose(0, 2, 3, 1)[np.isnan(values).any(1)] = VIOLET
    height, width = values.shape[2:]
    size = max(round(SIDE * width / max(height, width)), 1), max(round(SIDE * height / max(height, width)), 1)
    found = np.full((len(scaled), SIDE, SIDE, 3), 255, np.uint8)
    top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    way = Image.Resampling.NEAREST if max(height, width) < SIDE else Image.Resampling.BILINEAR
    for place, image in zip(found, scaled, strict=True):
        small = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0))).resize(size, way)
        place[top : top + size[1], left : left + size[0]] = np.asarray(small)
    return found


def series_thumbnails(values: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Return series, (samples, channels, time), as (samples, SIDE, SIDE, 3) uint8: the first channels, a lane each."""
    lanes = min(values.shape[1], LANES)
    height = SIDE // lanes
    found = np.full((len(values), SIDE, SIDE, 3), 255, np.uint8)
    for lane in range(lanes):
        inked = line_pixels(values[:, lane], height, *limits[:, lane].tolist())
        found[:, lane * height : (lane + 1) * height][inked] = INKS[lane]
    return found


def line_pixels(values: np.ndarray, height: int, low: float, high: float) -> np.ndarray:
    """Return which pixels lines, (samples, time), go through, (samples, height, SIDE); ``high`` and more is on top.

    A column of pixels is inked from the lowest to the highest value of its part of the time, ends included.
    """
    count = values.shape[-1]
    rows = (1 - np.clip((values - low) / max(high - low, 1e-30), 0, 1)) * (height - 1)
    edges = np.linspace(0, count - 1, SIDE + 1)
    first, last = np.floor(edges[:-1]).astype(int), np.minimum(np.ceil(edges[1:]).astype(int), count - 1)
    upper, lower = np.full((2, len(values), SIDE), np.nan)
    for step in range(int((last - first).max()) + 1):
        part = rows[:, np.minimum(first + step, last)]
        upper, lower = np.fmin(upper, part), np.fmax(lower, part)
    pixels = np.arange(height)[None, :, None]
    inked: np.ndarray = (pixels >= np.round(upper)[:, None]) & (pixels <= np.round(lower)[:, None])
    return inked


def sprite(thumbnails: np.ndarray) -> Image.Image:
    """Return thumbnails, (samples, SIDE, SIDE, 3), in a square, row by row, as TensorBoard's projector reads them."""
    side = int(np.ceil(np.sqrt(len(thumbnails))))
    assert side * SIDE <= WIDEST, "too many thumbnails for one picture"
    whole = np.full((side * side, SIDE, SIDE, 3), 255, np.uint8)
    whole[: len(thumbnails)] = thumbnails
    whole[:, -1] = whole[:, :, -1] = FRAME  # else neighbours run into each other
    rows = whole.reshape(side, side, SIDE, SIDE, 3).transpose(0, 2, 1, 3, 4)
    return Image.fromarray(rows.reshape(side * SIDE, side * SIDE, 3))
