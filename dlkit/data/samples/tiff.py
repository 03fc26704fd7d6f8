"""Uncompressed TIFF with any number of channels of any number type, which Pillow cannot read or cuts to 8 bits."""

import struct
import zlib
from dataclasses import dataclass

import numpy as np

from dlkit.data.samples.broken import BrokenImageError

TYPES = {1: "B", 2: "s", 3: "H", 4: "I", 16: "Q"}
NUMBERS = {1: "u", 2: "i", 3: "f"}
WIDTH, HEIGHT, BITS, COMPRESSION, COLOURS, OFFSETS, CHANNELS = 256, 257, 258, 259, 262, 273, 277
LENGTHS, PLANAR, PREDICTOR, TILES, FORMAT = 279, 284, 317, 322, 339
PALETTE, INVERTED = 3, 0
PLAIN, DEFLATE = (1,), (8, 32946)
MOST_PAGES = 10_000


@dataclass(frozen=True)
class Page:
    """One image of a TIFF file: its tags."""

    tags: dict[int, tuple[int, ...]]
    order: str

    def first(self, tag: int, default: int) -> int:
        """Return the first value of a tag."""
        return self.tags.get(tag, (default,))[0]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return self.first(CHANNELS, 1), self.first(HEIGHT, 0), self.first(WIDTH, 0)

    @property
    def dtype(self) -> np.dtype:
        """Type of the numbers in the file.

        Raises:
            BrokenImageError: No NumPy type is like it.
        """
        bits, form = set(self.tags.get(BITS, (1,))), set(self.tags.get(FORMAT, (1,)))
        width, number = min(bits), NUMBERS.get(min(form))
        if len(bits) > 1 or len(form) > 1 or number is None or width not in (8, 16, 32, 64):
            raise BrokenImageError(f"TIFF of {sorted(bits)} bits of format {sorted(form)}, save it with 8, 16 or 32")
        return np.dtype(f"{self.order}{number}{width // 8}")

    @property
    def pillow_reads_it(self) -> bool:
        """Whether Pillow gives the values as they are: 8 bits up to 4 channels, one channel of 16 or float."""
        bits, channels = max(self.tags.get(BITS, (1,))), self.first(CHANNELS, 1)
        return bits <= 8 and channels <= 4 if bits != 16 else channels == 1

    @property
    def plain(self) -> bool:
        """Whether the values stand in the file in strips, as they are or deflated."""
        known = self.first(COMPRESSION, 1) in PLAIN + DEFLATE and self.first(PREDICTOR, 1) == 1
        whole_bytes = min(self.tags.get(BITS, (1,))) >= 8
        return known and whole_bytes and TILES not in self.tags and self.first(COLOURS, 1) not in (PALETTE, 5, 6, 8)


def read_pages(data: bytes) -> list[Page]:
    """Return the tags of every image in the file.

    Raises:
        struct.error: The file ends too early, or its tags are damaged.
    """
    order = "<" if data[:2] == b"II" else ">"
    (place,) = struct.unpack_from(order + "I", data, 4)
    pages: list[Page] = []
    while place and len(pages) < MOST_PAGES:
        (count,) = struct.unpack_from(order + "H", data, place)
        tags = dict(_tag(data, order, place + 2 + 12 * number) for number in range(count))
        pages.append(Page(tags, order))
        (place,) = struct.unpack_from(order + "I", data, place + 2 + 12 * count)
    return pages


def _tag(data: bytes, order: str, place: int) -> tuple[int, tuple[int, ...]]:
    tag, kind, count = struct.unpack_from(order + "HHI", data, place)
    if kind not in TYPES or kind == 2 or tag < WIDTH or tag > FORMAT:
        return tag, (0,)
    form = f"{order}{count}{TYPES[kind]}"
    inside = struct.calcsize(form) <= 4
    start = place + 8 if inside else struct.unpack_from(order + "I", data, place + 8)[0]
    return tag, struct.unpack_from(form, data, start)


def read_values(data: bytes, page: Page) -> np.ndarray:
    """Return the values of a page, (channels, height, width), in the byte order of the machine.

    Raises:
        BrokenImageError: The file is truncated, or its type is not known.
        zlib.error: Deflated values are damaged.
    """
    channels, height, width = page.shape
    dtype, separate = page.dtype, page.first(PLANAR, 1) == 2
    deflated = page.first(COMPRESSION, 1) in DEFLATE
    strips = [data[at : at + size] for at, size in zip(page.tags[OFFSETS], page.tags[LENGTHS], strict=True)]
    raw = b"".join(map(zlib.decompress, strips) if deflated else strips)
    count = channels * height * width
    if len(raw) < count * dtype.itemsize:
        raise BrokenImageError("truncated")
    values = np.frombuffer(raw, dtype, count)
    values = values.reshape(channels, height, width) if separate else _channels_first(values, page.shape)
    values = np.ascontiguousarray(values, dtype.newbyteorder("="))
    return np.iinfo(values.dtype).max - values if _inverted(page, values) else values


def _channels_first(values: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    channels, height, width = shape
    return values.reshape(height, width, channels).transpose(2, 0, 1)


def _inverted(page: Page, values: np.ndarray) -> bool:
    return page.first(COLOURS, 1) == INVERTED and values.dtype.kind == "u"
