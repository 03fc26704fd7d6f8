"""Labels that can be told without looking: from the group, the place in the file or a number in the name."""

import re

import numpy as np
from jaxtyping import Int

from dlkit.confidence.exchangeability import block_means, permutation
from dlkit.core.finding import Cure, Finding, Level
from dlkit.data.records import Samples
from dlkit.quality.words import share_text

DRAWS = 499
SURE = 0.002  # p-value, the smallest that so many draws can give
TOLD = 0.1  # part of what chance leaves unknown that must be told
MOSTLY = 0.5  # the same, from which it changes the answer
BLOCKS = 40

GROUPED = Cure(place="data", line="split: {class_path: dlkit.data.sample_splits.Grouped}")
WHY_GROUP = (
    "A network that recognises the run or device knows the label without its cause: samples of one group must not "
    "train and test, and classes that were never recorded in one group cannot be told from the groups."
)
WHY_ORDER = (
    "What drifts with time (temperature, background, wear) then tells the label too: a random split puts neighbours in "
    "time into training and test, and new recordings will be answered worse than the test promises."
)

Labels = Int[np.ndarray, " samples"]


def leak_findings(samples: Samples, source: str) -> list[Finding]:
    """Return the findings of labels that groups, order or names give away."""
    known = np.flatnonzero(samples.labels >= 0)
    labels = samples.labels[known]
    if len(np.unique(labels)) < 2 or len(labels) < 4 * BLOCKS:
        return []
    found = []
    if samples.groups is not None:
        found += key_finding(samples.groups[known], labels, "the group", "label follows group", source)
    roles = np.zeros(len(known)) if samples.roles is None else samples.roles[known]
    if not sorted_by_class(labels, roles):
        found += order_finding(labels, "in the order of the source", source, "note")  # which may mean nothing
    names = plain_names(samples)
    for what, key in name_keys([names[number] for number in known.tolist()], labels, roles):
        if samples.groups is not None and alike(key, samples.groups[known]):
            continue
        if len(np.unique(key)) * 2 <= len(key):
            found += key_finding(key, labels, what, "label follows name", source)
        else:
            found += order_finding(labels[np.argsort(key, kind="stable")], f"in the order of {what}", source, "warning")
    return found


def sorted_by_class(labels: Labels, roles: np.ndarray) -> bool:
    """Return whether samples stand class by class (in each role), as folders give them: a habit, no leak."""
    return bool((np.diff(labels) != 0).sum() + 1 <= len(np.unique(roles)) * len(np.unique(labels)))


def alike(key: np.ndarray, other: np.ndarray) -> bool:
    """Return whether two keys part samples in the same way."""
    pairs = len(set(zip(key.tolist(), other.tolist(), strict=True)))
    return pairs == len(np.unique(key)) == len(np.unique(other))


def told_by(key: np.ndarray, labels: Labels) -> float:
    """Return how many labels are the most frequent one among the others with the same key."""
    keys, place = np.unique(key, return_inverse=True)
    counts = np.zeros((len(keys), int(labels.max()) + 1), np.int64)
    np.add.at(counts, (place.reshape(-1), labels), 1)
    left = counts[place.reshape(-1)]
    left[np.arange(len(labels)), labels] -= 1  # without the sample itself
    return float(((left.argmax(1) == labels) & (left.sum(1) > 0)).mean())


def key_finding(key: np.ndarray, labels: Labels, what: str, kind: str, source: str) -> list[Finding]:
    """Return the finding that labels can be told from a key that several samples share, or none."""
    base = np.bincount(labels).max() / len(labels)
    found, random = told_by(key, labels), np.random.default_rng(0)
    gain = (found - base) / max(1 - base, 1e-9)
    if len(np.unique(key)) < 2 or gain < TOLD:
        return []
    if max(told_by(key, random.permutation(labels)) for _ in range(DRAWS // 10)) >= found:
        return []
    keys, classes = len(np.unique(key)), len(np.unique(labels))
    alone = keys == classes and found > 0.99
    tail = "each class has one of its own" if alone else f"without it, {share_text(float(base))} at best"
    level: Level = "warning" if gain >= MOSTLY else "note"
    text = f"Known from {what} alone, {share_text(found)} of the labels are right ({keys} values); {tail}."
    if kind == "label follows name" and not alone:
        text += " The split `Grouped` needs `groups` of the source to be this number."
    return [
        Finding(kind=kind, level=level, what=text, why=WHY_GROUP, cures=() if alone else (GROUPED,), source=source,
                count=round(found * len(labels)), share=found)
    ]  # fmt: skip


def order_finding(labels: Labels, where: str, source: str, most: Level) -> list[Finding]:
    """Return the finding that neighbours share their label, or that classes come and go, or none.

    Neighbours are compared with shuffled labels; whether the first half has other classes than the second, with blocks
    of neighbours that change places.
    """
    same = (labels[1:] == labels[:-1]).mean()
    chance = np.square(np.bincount(labels) / len(labels)).sum()
    gain = (same - chance) / max(1 - chance, 1e-9)
    stretch = int(min(max(1, np.ceil(2 / max(1 - same, 1e-9) * (gain > TOLD))), len(labels) // 8))
    block = max(stretch, len(labels) // BLOCKS)
    means = block_means(np.eye(int(labels.max()) + 1)[labels], block)
    half, random = len(means) // 2, np.random.default_rng(0)
    p_value = permutation(means[:half], means[half:], DRAWS, random)
    together = gain > TOLD and gain * np.sqrt(len(labels)) > 5
    if not together and p_value > SURE:
        return []
    share = np.bincount(labels[: half * block], minlength=means.shape[1]) / (half * block)
    later = np.bincount(labels[half * block :], minlength=means.shape[1]) / len(labels[half * block :])
    moved = float(np.abs(share - later).sum() / 2)
    if not together and moved < TOLD:
        return []
    drift = f"; the classes of both halves differ by {share_text(moved)}" if p_value <= SURE else ""
    chances = f"{share_text(float(same))} of the cases, by chance in {share_text(float(chance))}"
    text = f"Neighbours {where} have the same label in {chances}{drift}."
    level: Level = most if gain >= MOSTLY or moved >= MOSTLY else "note"
    return [
        Finding(kind="label follows order", level=level, what=text, why=WHY_ORDER, source=source, count=len(labels),
                share=float(max(gain, moved)))
    ]  # fmt: skip


def plain_names(samples: Samples) -> list[str]:
    """Return the names of samples; the digits of a folder that is called as their class are 0: it is the label."""
    names = []
    for name, label in zip(samples.names, samples.labels.tolist(), strict=True):
        own = samples.classes[label] if label >= 0 else ""
        names.append("/".join(re.sub(r"\d", "0", part) if part == own else part for part in str(name).split("/")))
    return names


def name_keys(names: list[str], labels: Labels, roles: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Return the numbers in the names that might tell: those that vary, and do more than count the samples.

    Args:
        names: Of the samples.
        labels: Of the samples.
        roles: Of the samples.
    """
    fields = [re.findall(r"\d{1,18}", name) for name in names]
    if len({len(one) for one in fields}) != 1 or not fields[0]:
        return []
    table = np.array(fields, dtype=np.int64)
    found = [(f"number {place + 1} of the name", table[:, place]) for place in range(table.shape[1])]
    return [(what, key) for what, key in found if key.min() < key.max() and not counts_off(key, labels, roles)]


def counts_off(key: Int[np.ndarray, " samples"], labels: Labels, roles: np.ndarray) -> bool:
    """Return whether a number only counts the samples: those of each role in their order, or those of each class."""
    if all(np.all(np.diff(key[roles == role]) > 0) for role in np.unique(roles)):
        return True
    groups = [np.sort(key[labels == label]) for label in np.unique(labels)]
    return all(np.all(np.diff(one) == 1) for one in groups)
