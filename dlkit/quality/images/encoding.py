"""How images were compressed: what JPEG has taken away, and whether a class was compressed in another way."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from dlkit.core.finding import Finding
from dlkit.core.spread import evenly
from dlkit.data.records import Samples
from dlkit.data.samples.broken import BrokenImageError
from dlkit.data.samples.pictures import EncodedPictures
from dlkit.quality.images.about import About
from dlkit.quality.images.jpeg import Jpeg, read_jpeg
from dlkit.quality.images.traits import Traits

MOST = 5_000  # files whose header is read
SMALL, COARSE = 128, 75  # pixels of the shorter side, and quality, below which blocks of 8 pixels can be seen
CHANCE = 1e-6  # of the test of classes
STRONG = 0.3  # Cramér's V from which a network learns the compression before it learns what is seen


def encoding_findings(about: About, traits: Traits, samples: Samples) -> Iterator[Finding]:
    """Yield that JPEG has left its blocks, that qualities differ, and that they differ from class to class."""
    pictures = samples.values
    if not isinstance(pictures, EncodedPictures) or not traits.readable.any():
        return
    numbers = np.flatnonzero(traits.readable)
    numbers = numbers[evenly(len(numbers), MOST)]
    found = [_header(pictures, number) for number in numbers.tolist()]
    counts = Counter(found)
    known = [one for one in counts if one is not None]
    if known and (_shows(traits, numbers) or min(one.quality for one in known) < COARSE):
        yield _jpeg(about, counts, len(traits), bool(_shows(traits, numbers)))
    if len(counts) > 1:
        yield from _of_classes(about, samples, numbers, found)


def _header(pictures: EncodedPictures, number: int) -> Jpeg | None:
    try:
        return read_jpeg(pictures.data(number).tobytes())
    except BrokenImageError:
        return None


def _shows(traits: Traits, numbers: np.ndarray) -> bool:
    return bool(np.median(traits.shape[numbers, 1:].min(1)) < SMALL)


def _jpeg(about: About, counts: Counter[Jpeg | None], total: int, small: bool) -> Finding:
    count = sum(number for one, number in counts.items() if one is not None)
    (usual, _), *_ = [pair for pair in counts.most_common() if pair[0] is not None]
    assert usual is not None
    qualities = sorted({one.quality for one in counts if one is not None})
    quality = f"quality {qualities[0]}" if len(qualities) == 1 else f"qualities {qualities[0]} to {qualities[-1]}"
    colours = {"4:2:0": ", colours at half resolution (4:2:0)", "": ""}.get(usual.colours, f", {usual.colours}")
    share = count / sum(counts.values())
    whole = "All" if share == 1 else f"{share:.0%} of the"
    why = (
        "JPEG rounds blocks of 8 x 8 pixels, a large part of so small an image: scores differ from those of the "
        "original pixels by more than they say."
        if small
        else "So coarse a JPEG rounds away fine detail, and draws the borders of its blocks of 8 x 8 pixels."
    )
    return Finding(
        kind="re-encoded",
        level="note",
        what=f"{whole} {total:,} {about.noun}s are JPEG of {quality}{colours}.",
        why=why,
        source=about.source,
        count=round(share * total),
        share=share,
    )


def _of_classes(about: About, samples: Samples, numbers: np.ndarray, found: list[Jpeg | None]) -> Iterator[Finding]:
    """Yield that the compression tells the class: chi-squared test of the table of both, and Cramér's V."""
    from scipy.stats import chi2_contingency

    if samples.kind not in ("class", "ordinal") or len(samples.classes) < 2:
        return
    ways = sorted({str(one) for one in found})
    way = np.array([ways.index(str(one)) for one in found])
    table = np.zeros((len(ways), len(samples.classes)))
    np.add.at(table, (way, samples.labels[numbers]), samples.labels[numbers] >= 0)
    table = table[table.sum(1) > 0][:, table.sum(0) > 0]
    if min(table.shape) < 2:
        return
    statistic, chance, *_ = chi2_contingency(table, correction=False)
    strength = float(np.sqrt(statistic / (table.sum() * (min(table.shape) - 1))))
    if chance < CHANCE and strength > STRONG:
        yield Finding(
            kind="compression tells the class",
            level="warning",
            what=f"The format or quality of the files goes with their class (Cramér's V {strength:.2f} over "
            f"{len(numbers):,} files, {len(ways)} ways of compression).",
            why="A network learns the traces of a compression sooner than what is seen, and fails on files that were "
            "compressed alike.",
            source=about.source,
            count=len(numbers),
            share=1.0,
        )
