"""Stamps that come piece by piece: what follows what, whatever the pieces are."""

import numpy as np
import pytest

from dlkit.data.tabular.stamps import Rows
from dlkit.train.watch.times import LiveTimes

SECOND = 10**9


def live(**settings):
    usual = {"time": "t", "time_format": "auto", "gaps": "split", "irregular": "split", "duplicates": "refuse"}
    return LiveTimes(usual | {"tolerance": 0.05} | settings, step=SECOND, name="x.csv")


def told(seconds, pieces, **settings):
    """Return the series, in seconds, and the sentences."""
    timeline, series = live(**settings), []
    stamps = np.round(np.array(seconds) * SECOND).astype(np.int64)
    for first in range(0, len(stamps), pieces):
        part = stamps[first : first + pieces]
        rows = Rows(part, np.ones((len(part), 1), np.float32), first + 1 + np.arange(len(part)))
        for run, follows in timeline.runs(rows):
            if not follows:
                series.append([])
            series[-1] += (run.times / SECOND).tolist()
    return series, timeline.problems


@pytest.mark.parametrize("pieces", [1, 2, 5, 100])
@pytest.mark.parametrize(
    ("seconds", "settings", "series", "sentences"),
    [
        ([0, 1, 2, 3], {}, [[0, 1, 2, 3]], 0),
        ([0, 1, 5, 6], {}, [[0, 1], [5, 6]], 1),
        ([0, 1, 5, 6], {"gaps": "keep"}, [[0, 1, 5, 6]], 0),
        ([0, 1, 5, 6], {"gaps": "fill"}, [[0, 1, 2, 3, 4, 5, 6]], 0),
        ([0, 1, 1.5, 2.5], {}, [[0, 1], [1.5, 2.5]], 1),
        ([0, 1.1, 1.9, 3], {"irregular": "snap"}, [[0, 1, 2, 3]], 0),
        ([0, 1, 1, 2], {}, [[0, 1, 2]], 1),
        ([0, 1, 1, 2], {"duplicates": "keep"}, [[0, 1, 1, 2]], 0),
        ([5, 6, 2, 7, 3, 8], {}, [[5, 6, 7, 8]], 2),
        # One stamp far ahead, and a clock that is set back: two rows are lost, then a series begins.
        ([0, 1, 900, 2, 3, 4, 5], {}, [[0, 1], [900], [4, 5]], 3),
        ([50, 51, 0, 1, 2, 3], {}, [[50, 51], [2, 3]], 2),
    ],
)
def test_rows_follow_each_other_as_the_policies_say(pieces, seconds, settings, series, sentences):
    found, problems = told(seconds, pieces, **settings)
    assert found == series
    assert len(problems) == sentences
