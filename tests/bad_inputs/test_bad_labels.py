"""Labels of which nothing can be learned are told or passed over, never an error of the check."""

import numpy as np
import pytest

from dlkit.data.records import Samples
from dlkit.quality.labels.check_samples import samples_findings

RANDOM = np.random.default_rng(0)
NOISE, CLASS = RANDOM.normal(size=(60, 1, 20)).astype(np.float32), np.arange(60) % 3
CASES = {
    "no value is known": (np.full((60, 1, 20), np.nan, np.float32), CLASS, {"conflicting copies"}),
    "all samples are equal": (np.ones((60, 1, 20), np.float32), CLASS, {"conflicting copies"}),
    "traces of one value": (NOISE[:, :, :1], CLASS, {"conflicting near copies"}),
    "images of one pixel": (RANDOM.integers(0, 9, (60, 1, 1, 1)).astype(np.uint8), CLASS, {"conflicting copies"}),
    "images without content": (np.zeros((60, 3, 8, 9), np.uint8), CLASS, {"conflicting copies"}),
    "very wide images": (RANDOM.integers(0, 999, (60, 1, 2, 70)).astype(np.uint16), CLASS, set()),
    "one class": (NOISE, np.zeros(60, int), {"rare class"}),
    "a class for every second sample": (NOISE, np.arange(60) // 2, set()),
    "a class of one": (NOISE, np.r_[np.arange(59) % 3, 3], {"rare class"}),
    "two samples": (NOISE[:2], np.array([0, 1]), set()),
    "infinite values": (np.where(NOISE > 1.5, np.inf, NOISE), CLASS, set()),
    "values of 1e30": (NOISE * np.float32(1e30), CLASS, set()),
    "one group": (NOISE, CLASS, set()),
    "targets that do not vary": (NOISE, np.ones((60, 1), np.float32), set()),
    "labels that nobody has": (NOISE, np.zeros((60, 3), np.float32), {"rare class"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_labels_of_which_nothing_can_be_learned_are_no_error(name):
    values, labels, kinds = CASES[name]
    kind = "class" if labels.ndim == 1 else "values" if labels.shape[1] == 1 else "labels"
    classes = () if kind == "values" else tuple(f"class {k}" for k in range(max(int(labels.max()) + 1, 3)))
    samples = Samples(
        names=[f"x{number}" for number in range(len(labels))], values=values, kind=kind, labels=labels,
        channels=tuple("abc"[: values.shape[1]]), units=("",) * values.shape[1], classes=classes, targets=("t",),
        groups=np.zeros(60, int) if name == "one group" else None,
    )  # fmt: skip
    report = samples_findings(samples)
    assert {one.kind for one in report.findings} <= kinds
    assert "error" not in {one.level for one in report.findings}
    assert isinstance(report.plain()["facts"], dict)
