"""Plant wrong labels and shifted edges, and count what the checks of labels find, beside cleanlab and a random order.

    DLKIT_BENCH_DATA=... python scripts/study_labels.py [--flipped 0.1] [--seeds 3] [--images 5000]

All judges get the same probabilities out of fold, of the built-in model. `ranked` is the average precision of the order
(a random one has the share of wrong labels), `named` the precision and recall of what a judge names without being told
how many are wrong, `false` how many it names where no label was changed. cleanlab is `pip install "dlkit[check]"`.
"""

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.metrics import average_precision_score

from dlkit.data.records import Events, Samples
from dlkit.data.sources.beamline import BeamlineEvents, BeamlineSensors
from dlkit.data.sources.digits import Digits
from dlkit.data.sources.manifest import Manifest
from dlkit.data.sources.ucr import UCR
from dlkit.quality.labels.check_segments import segment_findings
from dlkit.quality.labels.features import features_of, read_small
from dlkit.quality.labels.quick_model import class_probabilities, folds_of
from dlkit.quality.labels.report import LabelReport
from dlkit.quality.labels.ridge import axes_of
from dlkit.quality.labels.rows import Rows, quick_probabilities, row_labels, rows_of
from dlkit.quality.labels.wrong import judge

TRACES = ("GunPoint", "CBF", "ItalyPowerDemand", "JapaneseVowels", "PLAID")
SECOND = 10**9
LINE = "{:17}{:>8}{:>9}{:>14}{:>7}{:>7}{:>14}{:>13}{:>13}{:>9}{:>8}"


def data_sets(root: Path, images: int) -> Iterator[tuple[str, Samples, np.ndarray]]:
    """Yield name, samples and which of them are used."""
    digits = Digits().read()
    yield "digits", digits, np.arange(len(digits))
    for name in TRACES:
        if (root / f"traces/{name}.npz").exists():
            samples = UCR(path=root / f"traces/{name}.npz").read()
            yield name, samples, np.arange(len(samples))
    if (root / "images/cifar10_test.parquet").exists() and images:
        samples = Manifest(path=root / "images/cifar10_test.parquet", image="jpeg", label="class").read()
        yield "CIFAR-10", samples, np.arange(min(images, len(samples)))


def scores(named: np.ndarray, bad: np.ndarray) -> tuple[float, float]:
    """Return precision, NaN where nothing is named, and recall."""
    both = (named & bad).sum()
    return both / named.sum() if named.any() else np.nan, both / max(bad.sum(), 1)


def pair(values: np.ndarray) -> str:
    """Return the mean precision, of the draws in which something was named, and the mean recall."""
    known = values[~np.isnan(values[:, 0]), 0]
    return f"{known.mean() if len(known) else np.nan:.2f} / {values[:, 1].mean():.2f}"


def plant(labels: np.ndarray, classes: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels of which a share is another class, and which."""
    random = np.random.default_rng(seed)
    bad = random.random(len(labels)) < share
    return np.where(bad, (labels + random.integers(1, classes, len(labels))) % classes, labels), bad


def judged(labels: np.ndarray, bad: np.ndarray, p: np.ndarray) -> list[float]:
    """Return accuracy, average precision of three orders, precision and recall of two judges."""
    ours, theirs = judge(labels, p), find_label_issues(labels, p)
    orders = [get_label_quality_scores(labels, p, method=one) for one in ("self_confidence", "normalized_margin")]
    ranks = [average_precision_score(bad, -one) for one in (ours.judged.confidence, *orders)]
    return [(p.argmax(1) == labels).mean(), *ranks, *scores(ours.suspect, bad), *scores(theirs, bad)]


def samples_study(root: Path, share: float, seeds: int, images: int) -> None:
    """Print a line for each data set."""
    head = ("", "samples", "accuracy", "ranked: dlkit", "self", "margin", "named: dlkit", "cleanlab", "false: dlkit",
            "cleanlab", "seconds")  # fmt: skip
    print(LINE.format(*head))
    for name, samples, chosen in data_sets(root, images):
        begin = time.perf_counter()
        values, _ = read_small(samples, chosen)
        lengths = None if samples.lengths is None else samples.lengths[chosen]
        axes, truth, classes = axes_of(features_of(values, lengths, 0)), samples.labels[chosen], len(samples.classes)
        own = np.arange(len(truth))
        p, _ = class_probabilities(axes, truth, classes, folds_of(truth, own, 0))
        false = judge(truth, p).suspect.sum(), find_label_issues(truth, p).sum()
        spent, found = time.perf_counter() - begin, []
        for seed in range(seeds):
            labels, bad = plant(truth, classes, share, seed)
            p, _ = class_probabilities(axes, labels, classes, folds_of(labels, own, seed))
            found.append(judged(labels, bad, p))
        table = np.array(found)
        means = [f"{value:.3f}" for value in table[:, :4].mean(0)]
        print(LINE.format(name, len(truth), *means, pair(table[:, 4:6]), pair(table[:, 6:]), *false, f"{spent:.1f}"))


def moved(events: Events, seconds: np.ndarray, keep: np.ndarray) -> Events:
    """Return events with other onsets, and only some of them."""
    onset = events.onset + (seconds * SECOND).astype(np.int64)
    return Events(events.name, onset[keep], events.offset[keep], events.labels[keep], events.classes)


def named_rows(report: LabelReport, rows: Rows) -> np.ndarray:
    """Return the rows whose label a report calls wrong: between two onsets, or without a label."""
    table, found = report.table, np.zeros(len(rows.times), bool)
    onset = table["problem"].str.contains("onset").to_numpy()
    best = table["onset"] - np.nan_to_num(table["onset_late_s"]) * SECOND
    ends = np.where(onset, best, table["offset"])
    for first, last in np.sort(np.stack([table["onset"], ends], 1)[onset | (table["problem"] == "missing")], 1):
        found[np.searchsorted(rows.times, first) : np.searchsorted(rows.times, last)] = True
    return found


def segment_scores(size: float, share: float, seed: int, duration: float) -> list[float]:
    """Return how many events were changed; precision and recall of the rows that two judges call wrong."""
    settings: dict[str, Any] = {"duration": duration, "difficulty": "easy", "seed": seed}
    streams, (truth,) = list(BeamlineSensors(device="target", **settings).chunks()), BeamlineEvents(**settings).read()
    random, count = np.random.default_rng(seed), len(truth.onset)
    bad = (random.random(count) < share) & (truth.labels == 1)
    by = np.where(bad, size * random.choice([-1, 1], count), 0.0)
    events = moved(truth, by, ~bad if size == 0 else np.ones(count, bool))
    rows = rows_of(streams)
    (right, _), (given, spans) = row_labels(rows, [truth]), row_labels(rows, [events])
    ours = named_rows(segment_findings([events], streams, seed=seed), rows)
    theirs = find_label_issues(given, quick_probabilities(rows, given, spans, len(truth.classes), seed))
    return [count, bad.sum(), *scores(ours, right != given), *scores(theirs, right != given)]


def segments_study(share: float, seeds: int, duration: float) -> None:
    """Print what is found of moved onsets and of intervals that were left out, of a simulated beam line."""
    print(f"\nrows of a beam line of {duration:g} s whose label is wrong, precision / recall")
    print("{:20}{:>8}{:>9}{:>16}{:>16}".format("", "events", "changed", "dlkit", "cleanlab"))
    for what, size in (("onsets 1 s off", 1.0), ("onsets 2 s off", 2.0), ("events left out", 0.0)):
        table = np.array([segment_scores(size, share, seed, duration) for seed in range(seeds)])
        counts = table[:, :2].sum(0).astype(int)
        print("{:20}{:8}{:9}{:>16}{:>16}".format(what, *counts, pair(table[:, 2:4]), pair(table[:, 4:])))


def main() -> None:
    """Run both studies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flipped", type=float, default=0.1)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--duration", type=float, default=1800.0)
    asked = parser.parse_args()
    root = Path(os.environ.get("DLKIT_BENCH_DATA", "../shared/data"))
    samples_study(root, asked.flipped, asked.seeds, asked.images)
    segments_study(0.3, asked.seeds, asked.duration)


if __name__ == "__main__":
    main()
