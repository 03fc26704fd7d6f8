"""Events whose time alone tells that they are there."""

import numpy as np
from jaxtyping import Int
from scipy.stats import kstest

from dlkit.core.finding import Finding
from dlkit.quality.labels.rows import Rows
from dlkit.quality.words import share_text

FEWEST = 8  # events whose times can be judged
SURE = 0.001  # p-value, of all classes together
DAY = 86_400 * 10**9

WHY = (
    "What drifts with time (temperature, background, wear) then tells of the event too, and what is learned may be the "
    "time: test on a stretch that has events and quiet times as well."
)


def time_findings(
    rows: Rows, spans: Int[np.ndarray, "events 4"], classes: tuple[str, ...], source: str
) -> list[Finding]:
    """Return the findings of classes whose events lie in a part of the recording, or come at one time of the day.

    The places of events among the rows are compared with equally spread ones (Kolmogorov and Smirnov), the times of the
    day with all directions alike (Rayleigh); both are of independent events.
    """
    found = []
    for label, name in list(enumerate(classes))[1:]:
        own = spans[spans[:, 2] == label]
        if len(own) < FEWEST:
            continue
        middle = (own[:, 0] + own[:, 1]) / 2
        places = middle / len(rows.times)
        limit = SURE / max(len(classes) - 1, 1) / 2
        if kstest(places, "uniform").pvalue < limit:
            low, high = np.quantile(places, [0.05, 0.95])
            what = (
                f"Nine in ten of the {len(own)} intervals of '{name}' lie between {share_text(float(low))} and "
                f"{share_text(float(high))} of the rows."
            )
            found.append(note(what, name, len(own), source))
        angles = rows.times[own[:, 0]] % DAY / DAY * 2 * np.pi
        length = np.abs(np.exp(1j * angles).mean())
        spent = rows.times[-1] - rows.times[0]
        if spent > 7 * DAY and np.exp(-len(own) * length**2) < limit:
            hour = float(np.angle(np.exp(1j * angles).mean()) % (2 * np.pi) / (2 * np.pi) * 24)
            what = f"The {len(own)} intervals of '{name}' begin about {hour:.1f} h UTC more often than else."
            found.append(note(what, name, len(own), source))
    return found


def note(what: str, name: str, count: int, source: str) -> Finding:
    """Return a note about the times of a class."""
    return Finding(kind="label follows time", level="note", what=what, why=WHY, source=source, channel=name,
                   count=count, share=1.0)  # fmt: skip
