"""A stream with labelled intervals in which the errors of the labels are known, for tests and studies."""

import numpy as np

from dlkit.data.records import Events, Stream

SECOND = 10**9
CLASSES = ("quiet", "shift", "shake")


def made_events(*, events=40, every=400, kinds=2, noise=1.0, seed=0):
    """Return a stream of one sample a second with intervals of a raised level and of stronger noise, and the events."""
    random = np.random.default_rng(seed)
    onset = np.arange(events) * every + random.integers(50, every // 2, events)
    length = random.integers(40, 120, events)
    labels = np.arange(events) % kinds + 1
    x = np.zeros((events * every, 3))
    white = random.normal(size=x.shape) * noise
    for t in range(1, len(x)):
        x[t] = 0.6 * x[t - 1] + white[t]
    for first, last, label in zip(onset, onset + length, labels, strict=True):
        if label == 1:
            x[first:last, :2] += 4.0
        else:
            x[first:last, 2] *= 3.0
    times = np.arange(len(x)) * SECOND
    stream = Stream("run", times, x.astype(np.float32), ("a", "b", "c"), ("V", "V", "V"), SECOND)
    return stream, Events("run", onset * SECOND, (onset + length) * SECOND, labels, CLASSES[: kinds + 1])


def altered(events, *, onset=0, offset=0, keep=None, more=(), labels=None):
    """Return events with edges moved by seconds, only some of them, and ``more`` as (onset, offset, label)."""
    keep = np.ones(len(events.onset), bool) if keep is None else keep
    begin = (events.onset + np.asarray(onset) * SECOND)[keep]
    end = (events.offset + np.asarray(offset) * SECOND)[keep]
    given = (events.labels if labels is None else labels)[keep]
    for first, last, label in more:
        begin, end, given = np.append(begin, first * SECOND), np.append(end, last * SECOND), np.append(given, label)
    order = np.argsort(begin)
    return Events(events.name, begin[order], end[order], given[order], events.classes)
