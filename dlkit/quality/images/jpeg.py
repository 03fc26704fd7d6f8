"""What the header of a JPEG file says of its compression."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

# Luminance in the order of the file (zigzag), for quality 50: table K.1 of ITU-T T.81
STANDARD = np.array([
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61,
    60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77, 113,
    121, 112, 100, 120, 92, 101, 103, 99,
])  # fmt: skip
TABLE, FRAMES, SCAN = 0xDB, (0xC0, 0xC1, 0xC2), 0xDA
START = b"\xff\xd8"
COLOURS = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (4, 1): "4:1:1", (1, 2): "4:4:0"}


class Jpeg(NamedTuple):
    """How a JPEG file was compressed.

    Attributes:
        quality: 1 to 100, as the Independent JPEG Group counts it; the nearest where the table is another one.
        colours: At which resolution colours are stored, ``4:2:0`` at half of it; "" for gray.
    """

    quality: int
    colours: str


def read_jpeg(data: bytes) -> Jpeg | None:
    """Return how a file was compressed, or None where it is no JPEG or its header is damaged."""
    if data[:2] != START:
        return None
    table, colours, place = None, "", 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        kind, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
        part = data[place + 4 : place + 2 + length]
        if kind == TABLE and table is None and len(part) >= 65:
            wide = part[0] >> 4
            table = np.frombuffer(part[1 : 65 + 64 * wide], ">u2" if wide else "u1").astype(np.int64)
        elif kind in FRAMES and len(part) > 7 and part[5] == 3:
            colours = COLOURS.get((part[7] >> 4, part[7] & 15), "")
        if kind == SCAN:
            break
        place += 2 + length
    return None if table is None or len(table) != 64 else Jpeg(quality_of(table), colours)


def quality_of(table: Int[np.ndarray, "64"]) -> int:
    """Return the quality whose scaled standard table is nearest."""
    return int(np.argmin(np.abs(TABLES - table).sum(1))) + 1


def _scaled(quality: int) -> np.ndarray:
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.asarray(np.clip((STANDARD * scale + 50) // 100, 1, 255))


TABLES = np.stack([_scaled(quality) for quality in range(1, 101)])
