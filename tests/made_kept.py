"""What the scans keep of made rows, for the tests of what looks at it."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from dlkit.data.raw.layout import Layout
from dlkit.data.records import Stream
from dlkit.quality.signals.block import Blocks
from dlkit.quality.signals.kept import Kept

MINUTE = 60 * 10**9
START = 1_577_836_800 * 10**9  # 2020-01-01


def kept_of(
    values: np.ndarray, units: Sequence[str] = (), *, series: Sequence[int] = (), chunk: int = 7_000
) -> tuple[Kept, Layout]:
    """Return what is kept of rows a minute apart; ``series`` are the rows at which further series begin."""
    names = tuple(f"c{i}" for i in range(values.shape[1]))
    layout = Layout("", names, tuple(units) or ("",) * len(names), step=MINUTE)
    kept, blocks = Kept(layout), Blocks(len(names))
    borders = [0, *series, len(values)]
    for number, (begin, stop) in enumerate(pairwise(borders)):
        for first in range(begin, stop, chunk):
            part = values[first : min(first + chunk, stop)].astype(np.float32)
            times = START + np.arange(first - begin, first - begin + len(part)) * MINUTE
            rows = Stream(f"s{number}", times, part, names, layout.units, MINUTE, continues=first > begin)
            for block in blocks.add(rows, first - begin):
                kept.add(block)
    kept.add(blocks.rest())
    return kept, layout
