"""What is said of labelled intervals of a stream."""

import numpy as np
import pandas as pd

from dlkit.core.checks import counted
from dlkit.core.finding import MOST, Finding, Level, Place
from dlkit.quality.labels.edges import median_interval
from dlkit.quality.labels.rows import WIDTHS, Rows
from dlkit.quality.labels.segment_judge import Judged

SIDES = ("onset", "offset")
OFTEN = 0.1  # share of the events of a class from which it changes the answer

WHY_EDGE = (
    "Rows between the labelled and the true edge teach the network the wrong class, and delays of detection are "
    "measured from an edge that is not there."
)
WHY_MISSING = "A detector that finds them is counted as wrong, and the network learns that they are nothing."
WHY_SPURIOUS = "The network learns that normal rows are an event, and a detector that is right is counted as blind."
WHY_CLASS = "The network learns the wrong class and is judged by it."


def spans_table(judged: list[Judged], spans: np.ndarray, rows: Rows, classes: tuple[str, ...]) -> pd.DataFrame:
    """Return the intervals, the most doubtful first: ``series``, ``label``, ``onset``, ``offset`` (nanoseconds),
    ``problem``, ``suggested``, seconds by which the edges were labelled late, and ``evidence`` for the label.
    """  # noqa: D205 - the columns belong to the sentence
    lines = []
    for one in judged:
        for place, number in enumerate(one.numbers.tolist()):
            first, past, label, series = spans[number].tolist()
            lines.append(
                {
                    **place_of(rows, first, past, series), "label": classes[label], "problem": problem(one, place),
                    "suggested": "" if one.spurious[place] else classes[int(one.better[place])],
                    "onset_late_s": one.shift[place, 0], "offset_late_s": one.shift[place, 1],
                    "evidence": one.evidence[place],
                }
            )  # fmt: skip
        for first, past in one.missing.tolist():
            series = next(k for k, (low, high) in enumerate(rows.borders) if low <= first < high)
            lines.append({**place_of(rows, first, past, series), "label": "", "problem": "missing",
                          "suggested": classes[one.label]})  # fmt: skip
    table = pd.DataFrame(lines)
    if not len(table):
        return table
    order = np.lexsort([table["evidence"].fillna(0), table["problem"] == ""])
    return table.iloc[order].reset_index(drop=True)


def problem(one: Judged, place: int) -> str:
    """Return what is wrong with an event, "" for nothing."""
    if one.spurious[place]:
        return "spurious"
    if one.better[place] != one.label:
        return "class"
    return " and ".join(side for side, off in zip(SIDES, one.off[place], strict=True) if off)


def place_of(rows: Rows, first: int, past: int, series: int) -> dict[str, object]:
    """Return series, onset and offset of rows."""
    return {
        "series": rows.names[series], "onset": int(rows.times[first]),
        "offset": int(rows.times[min(past, rows.borders[series][1] - 1)]),
    }  # fmt: skip


def places(rows: Rows, spans: np.ndarray) -> tuple[Place, ...]:
    """Return where events are; (events, 3 or more) with the series in the last column."""
    found = [place_of(rows, int(one[0]), int(one[1]), int(one[-1])) for one in spans[:MOST]]
    return tuple(Place(series=str(p["series"]), first=int(str(p["onset"])), last=int(str(p["offset"]))) for p in found)


def segment_words(one: Judged, spans: np.ndarray, rows: Rows, name: str, source: str) -> list[Finding]:
    """Return the findings about the events of a class."""
    own, found = spans[one.numbers], []
    for side in (0, 1):
        found += edge_findings(one, side, own, rows, name, source)
    series = np.array([next(k for k, (a, b) in enumerate(rows.borders) if a <= m < b) for m in one.missing[:, 0]], int)
    absent = np.concatenate([one.missing, series[:, None]], 1) if len(series) else np.empty((0, 3), int)
    for kind, some, text, why in (
        ("missing interval", absent, f"without a label and like '{name}'", WHY_MISSING),
        ("spurious interval", own[one.spurious], f"labelled '{name}' but like none", WHY_SPURIOUS),
        ("wrong label", own[(one.better != one.label) & ~one.spurious], f"labelled '{name}' but like another "
         "class", WHY_CLASS),
    ):  # fmt: skip
        if not len(some):
            continue
        share = len(some) / len(own)
        often = OFTEN <= share <= 1 and len(some) > 1  # more than there are: the model has its own idea
        level: Level = "warning" if often else "note"
        found.append(
            Finding(kind=kind, level=level, what=sentence(some, text, rows, len(own)), why=why, source=source,
                    channel=name, count=len(some), share=min(share, 1.0), places=places(rows, some))
        )  # fmt: skip
    return found


def sentence(some: np.ndarray, text: str, rows: Rows, total: int) -> str:
    """Say how many intervals there are, and how long they are."""
    spent = np.array([(rows.times[min(b, len(rows.times) - 1)] - rows.times[a]) / 1e9 for a, b in some[:, :2]])
    return f"{counted(len(some), 'interval')} of about {np.median(spent):.3g} s {text}; {total} are labelled with it."


def edge_findings(one: Judged, side: int, own: np.ndarray, rows: Rows, name: str, source: str) -> list[Finding]:
    """Return the findings about onsets or offsets: all are shifted, or some are elsewhere."""
    known = np.isfinite(one.shift[:, side])
    shifts, found = one.shift[known, side], []
    if not len(shifts):
        return []
    middle, low, high = median_interval(shifts)
    blur = rows.step * (max(WIDTHS) // 2)
    if low > blur or high < -blur:
        late = "later" if middle > 0 else "earlier"
        ends = sorted(abs(edge) for edge in (low, high))
        what = (
            f"The {SIDES[side]}s of '{name}' are labelled {abs(middle):.3g} s {late} than the signal shows them "
            f"(median of {len(shifts)}; {ends[0]:.3g} to {ends[1]:.3g} s at 95 %)."
        )
        narrow = (middle > 0) == (side == 0)  # what begins slowly is there before it shows
        level: Level = "warning" if narrow else "note"
        found.append(
            Finding(kind=f"shifted {SIDES[side]}", level=level, what=what, why=WHY_EDGE, source=source,
                    channel=name, count=len(shifts), share=1.0, places=places(rows, own[known]))
        )  # fmt: skip
    usual = middle if found else 0.0
    off = one.off[:, side] & (np.abs(np.nan_to_num(one.shift[:, side]) - usual) > max(abs(usual), rows.step))
    if off.any():
        size = np.abs(one.shift[off, side])
        share = off.sum() / len(shifts)
        what = (
            f"{int(off.sum())} of {len(shifts)} {SIDES[side]}s of '{name}' are elsewhere: by {np.median(size):.3g} s "
            f"in the median and {size.max():.3g} s at most."
        )
        order = np.flatnonzero(off)[np.argsort(-size, kind="stable")]
        level = "warning" if share >= OFTEN and off.sum() > 1 else "note"
        found.append(
            Finding(kind=f"{SIDES[side]} jitter", level=level, what=what, why=WHY_EDGE, source=source, channel=name,
                    count=int(off.sum()), share=float(share), places=places(rows, own[order]))
        )  # fmt: skip
    return found
