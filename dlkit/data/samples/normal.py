"""Which samples may train a network that gives back what is normal."""

import numpy as np

from dlkit.core.checks import counted, require
from dlkit.data.records import Samples

ANOMALY = ("normal", "anomalous")  # the classes of samples whose labels say what is anomalous, and nothing else


def normal_only(samples: Samples, numbers: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the numbers of the samples of each role, only normal ones to train and validate.

    Others are tested instead, unless groups or official roles say which samples belong to the test: then they are left
    out. Where no sample has a label, all may train.

    Args:
        samples: Those whose classes are ``ANOMALY``; others are left as they are.
        numbers: By role, rising.

    Raises:
        InputError: No normal sample is left to train.
    """
    if samples.classes != ANOMALY or (samples.labels < 0).all():
        return numbers
    given = {role: samples.labels[chosen] for role, chosen in numbers.items()}
    normal = {role: numbers[role][given[role] == 0] for role in ("train", "val")}
    require(
        len(normal["train"]) > 0,
        f"None of the {counted(len(numbers['train']), 'training sample')} is normal: change `normal` of the source, or "
        "`split`.",
    )
    test = numbers["test"]
    if samples.groups is None and samples.roles is None:
        others = [numbers[role][given[role] != 0] for role in ("train", "val")]
        test = np.sort(np.concatenate([test, *others]))
    return {**normal, "test": test}
