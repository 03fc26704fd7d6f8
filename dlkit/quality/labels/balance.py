"""How the classes share the samples, and what it costs where some have few."""

import difflib
import re
from collections.abc import Sequence

import numpy as np
from scipy.stats import chisquare

from dlkit.core.finding import Finding, Level
from dlkit.data.records import Samples
from dlkit.quality.words import share_text

FEWEST = 5  # samples of a class below which it can neither be learned nor measured
UNEVEN = 3  # largest to smallest class from which it is worth a word
MOSTLY = 0.95  # share of the largest class from which accuracy says nothing
TESTED = 0.2  # share of the samples that usually test

WHY_FEW = "A class of so few samples is hardly in training and hardly in the test: nothing said of it means anything."
SINGLE = (
    " One sample cannot be both in train and in test: give more of its class, or leave it out (name the other "
    "`classes` and set `bad: skip` in the source)."
)
WHY = (
    "A network is right most of the time without looking where one class fills the data, and rare classes cost it "
    "little: read balanced accuracy or macro F1, and set `class_weights: true` of the loss."
)


def class_counts(samples: Samples) -> np.ndarray:
    """Return the number of samples of each class, or of each label that is there."""
    if samples.kind == "labels":
        return np.asarray(np.nansum(samples.labels > 0.5, 0), np.int64)
    return np.bincount(samples.labels[samples.labels >= 0], minlength=len(samples.classes))


def balance_findings(samples: Samples, source: str) -> list[Finding]:
    """Return the findings of classes with few samples, and of classes that differ much in size."""
    counts = class_counts(samples)
    total = len(samples) if samples.kind == "labels" else int(counts.sum())
    if total == 0 or len(counts) == 0:
        return []
    found = few_findings(samples, counts, source)
    enough = counts >= FEWEST  # of the others it has been told
    if samples.kind != "labels" and enough.sum() > 1:
        found += uneven_findings(counts[enough], np.array(samples.classes)[enough], total, source)
    return found


def few_findings(samples: Samples, counts: np.ndarray, source: str) -> list[Finding]:
    """Return the finding of classes with fewer than five samples."""
    few = np.flatnonzero(counts < FEWEST)
    if not len(few) or len(samples) < FEWEST * len(counts):
        return []
    named = ", ".join(f"'{samples.classes[k]}' ({counts[k]})" for k in few[np.argsort(counts[few])][:10].tolist())
    noun = f"class{'es' * (len(counts) > 1)} {'has' if len(few) == 1 else 'have'}"
    what = f"{len(few)} of {len(counts)} {noun} fewer than {FEWEST} samples: {named}."
    what += misspelt(samples.classes, counts) + (SINGLE if 1 in counts[few] else "")
    return [
        Finding(kind="rare class", level="warning", what=what, why=WHY_FEW, source=source, count=len(few),
                share=len(few) / len(counts))
    ]  # fmt: skip


def misspelt(names: Sequence[str], counts: np.ndarray) -> str:
    """Return which class a rare one is but for a letter or two, as a question; digits that differ are no slip."""
    often = {name.casefold(): name for name, count in zip(names, counts, strict=True) if count >= FEWEST}
    for name, count in zip(names, counts, strict=True):
        if 0 < count < FEWEST:
            like = [one for one in often if re.sub(r"\D", "", one) == re.sub(r"\D", "", name)]
            if close := difflib.get_close_matches(name.casefold(), like, n=1, cutoff=0.8):
                return f" Is '{name}' meant to be '{often[close[0]]}'?"
    return ""


def uneven_findings(counts: np.ndarray, names: np.ndarray, total: int, source: str) -> list[Finding]:
    """Return the finding of classes that differ in size by a factor of three or more, and not by chance."""
    large, small = int(counts.argmax()), int(counts.argmin())
    if counts[large] < UNEVEN * counts[small] or chisquare(counts).pvalue > 0.001:
        return []
    share, tested = counts[large] / total, max(counts[small] * TESTED, 1)
    level: Level = "warning" if share >= MOSTLY else "note"
    what = (
        f"'{names[large]}' has {counts[large]} of {total} samples and '{names[small]}' {counts[small]}: always "
        f"answering '{names[large]}' is right for {share_text(share)}, and the share of '{names[small]}' that is found "
        f"is only known to +-{share_text(min(0.98 / np.sqrt(tested), 1))} from a test of a fifth of it."
    )
    return [
        Finding(kind="class imbalance", level=level, what=what, why=WHY, source=source, count=int(counts[small]),
                share=float(share))
    ]  # fmt: skip
