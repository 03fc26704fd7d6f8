"""What is said of explained classes and labels: the answer, the truth, and which was chosen where none was named."""

from collections import Counter
from collections.abc import Sequence

from torch import Tensor

from dlkit.core.checks import suggest


def class_words(target: str, *, labels: bool = False) -> str:
    """Return which class is explained, in words."""
    if target in ("", "predicted") and labels:
        return "the most probable label"
    if target in ("", "predicted", "true"):
        return f"the {target or 'predicted'} class"
    return f"the {'label' if labels else 'class'} {target}"


def class_lines(classes: Sequence[str], probabilities: Tensor, truth: Tensor, numbers: Tensor) -> list[list[str]]:
    """Return what is said of each sample: its answer and its class, and what is said of another that is explained.

    Args:
        classes: Names of the classes.
        probabilities: Of each class, (batch, classes).
        truth: Number of the true class, -1 where unknown, (batch,).
        numbers: Of the class that is explained, (batch,).
    """
    lines = []
    for shares, true, number in zip(probabilities, truth.tolist(), numbers.tolist(), strict=True):
        said = int(shares.argmax())
        one = [f"said {classes[said]} ({percent(shares[said])})" + (f", true {classes[true]}" if true >= 0 else "")]
        lines.append(one + [f"explained: {classes[number]} ({percent(shares[number])})"] * (number != said))
    return lines


def label_lines(classes: Sequence[str], probabilities: Tensor, truth: Tensor, numbers: Tensor) -> list[list[str]]:
    """Return what is said of the explained label of each sample: its probability, and whether it is there.

    Args:
        classes: Names of the labels.
        probabilities: Of each label, (batch, classes).
        truth: 1 where a label is there, NaN where that is unknown, (batch, classes).
        numbers: Of the label that is explained, (batch,).
    """
    lines = []
    for shares, there, number in zip(probabilities, truth.tolist(), numbers.tolist(), strict=True):
        known = {1.0: "yes", 0.0: "no"}.get(there[number], "unknown")
        lines.append([f"{classes[number]}: said {percent(shares[number])}, true: {known}"])
    return lines


def chosen_labels(classes: Sequence[str], numbers: Tensor) -> str:
    """Say which labels are explained where none was named, the most frequent first, and how to name one."""
    counts = Counter(classes[number] for number in numbers.tolist()).most_common(3)
    often = ", ".join(f"'{name}' of {count}" for name, count in counts)
    return f"explained: the most probable label ({often}); another by --target NAME, {suggest('', classes)}"


def percent(share: Tensor) -> str:
    """Return a probability."""
    return f"{100 * float(share):.3g} %"
