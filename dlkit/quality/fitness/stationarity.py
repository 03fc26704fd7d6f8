"""Is a channel stationary? A test that takes it for a random walk, and one that takes it for stationary."""

import json
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np

from dlkit.core.finding import Cure, Finding
from dlkit.core.spread import evenly
from dlkit.data.raw.layout import Layout
from dlkit.quality.fitness.bins import binned, runs_of
from dlkit.quality.signals.kept import Kept
from dlkit.quality.words import many

POINTS = 400  # bins that are tested
FEWEST = 50
MOST = 32  # channels that are tested, spread evenly
SURE = 0.01
Verdict = Literal["stationary", "trend", "random walk", "mixed", "unknown"]
WORDS = {
    "trend": (
        "follow a trend",
        "Later values lie where training never was: take the trend out, or normalize each window (RevIN).",
    ),
    "random walk": (
        "cannot be told from a random walk over this record",
        "The level of one stretch says little about the next one, and windows count for fewer than they are: predict "
        "the change, or normalize each window (RevIN).",
    ),
}
LEFT_OUT = 'The tests of stationarity (ADF, KPSS) were left out: pip install "dlkit[check]".'


@dataclass(frozen=True)
class Stationarity:
    """The tests of a channel.

    Attributes:
        channel: Its name.
        adf: p-value of a random walk (augmented Dickey & Fuller 1979).
        kpss: p-value of a stationary channel (Kwiatkowski et al. 1992), between 0.01 and 0.1.
        trend: p-value of a random walk with a drift, against a channel that is stationary around a line.
        verdict: Both together: "stationary", stationary around a "trend", a "random walk"; "mixed" where both are
            refuted, as by a change of level or a long memory; "unknown" where neither is.
    """

    channel: str
    adf: float
    kpss: float
    trend: float
    verdict: Verdict

    def plain(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return vars(self)


def left_out() -> list[str]:
    """Return the sentence that says what cannot be looked at, none where everything can."""
    return [] if find_spec("statsmodels") else [LEFT_OUT]


def stationarity(kept: Kept, layout: Layout) -> list[Stationarity]:
    """Test channels of the longest series, by medians of at most 400 bins; without statsmodels none is."""
    runs = list(runs_of(kept))
    if left_out() or not runs:
        return []
    longest = max(runs, key=lambda run: len(run.times))
    count = len(layout.channels)
    chosen = evenly(count, MOST)
    found = [(layout.channels[number], binned(longest.columns[number], POINTS).middle) for number in chosen.tolist()]
    return [judge(name, values) for name, values in found if len(values) >= FEWEST and np.ptp(values) > 0]


def judge(name: str, values: np.ndarray) -> Stationarity:
    """Return the tests of a series and what they say together."""
    from statsmodels.tsa.stattools import adfuller, kpss

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # p-values of KPSS end at 0.01 and 0.1
        try:
            walk, still = (float(test(values, regression="c", **how)[1]) for test, how in (
                (adfuller, {"autolag": "AIC"}), (kpss, {"nlags": "auto"})))  # fmt: skip
            trend = float(adfuller(values, regression="ct", autolag="AIC")[1])
        except (ValueError, np.linalg.LinAlgError):  # a few levels only: no regression
            return Stationarity(name, np.nan, np.nan, np.nan, "unknown")
    return Stationarity(name, walk, still, trend, verdict(walk, still, trend))


def verdict(walk: float, still: float, trend: float) -> Verdict:
    """Return what the p-values of a random walk, of a stationary channel and of a walk with a drift say together."""
    moves = still <= SURE
    if walk < SURE:
        return "mixed" if moves else "stationary"
    if not moves:
        return "unknown"
    return "trend" if trend < SURE else "random walk"


def unsteady(found: list[Stationarity], layout: Layout) -> list[Finding]:
    """Return a finding for the channels with a trend, and one for those that wander like a random walk."""
    findings = []
    for kind, (what, why) in WORDS.items():
        ones = [one for one in found if one.verdict == kind]
        if ones:
            names = ", ".join(f"'{one.channel}'" for one in ones[:8]) + (", ..." if len(ones) > 8 else "")
            tests = f"(ADF p >= {min(one.adf for one in ones):.2g}, KPSS p <= {max(one.kpss for one in ones):.2g})"
            findings.append(
                Finding(
                    kind=kind,
                    level="note",
                    what=f"{many(len(ones), 'channel')} of {len(found)} tested {what}: {names} {tests}.",
                    why=why,
                    cures=trend_cure([one.channel for one in ones]) if kind == "trend" else (),
                    source=layout.source,
                    channel=ones[0].channel if len(ones) == 1 else "",
                    count=len(ones),
                    share=len(ones) / len(found),
                )
            )
    return findings


def trend_cure(names: list[str]) -> tuple[Cure, ...]:
    """Return the step that takes a line out of channels."""
    arguments = f"channels: {json.dumps(names)}, method: linear"
    return (
        Cure(place="clean", line=f"{{class_path: dlkit.data.cleaning.detrend.Detrend, init_args: {{{arguments}}}}}"),
    )
