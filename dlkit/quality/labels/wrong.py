"""Which labels are wrong: all samples ranked by confident learning, and as many named as the noise test counts."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy.stats import binom

from dlkit.core.finding import MOST, Finding, Level, Place
from dlkit.quality.labels.confident import Confident, confident
from dlkit.quality.labels.noise import Noise, label_noise
from dlkit.quality.words import share_text

SURE, LIKELY = 0.01, 0.05  # p-values of a warning, and of a note
UNLIKELY = 1e-3  # p-value below which a model has skill
LEAST = 0.005  # share of wrong labels below which it is no warning
FEWEST, SMALLEST = 5, 20  # samples of a class, and of all, that can be judged

WHY = (
    "A network learns wrong labels too and is judged by them: test scores fall below 1 by the share of wrong labels "
    "whatever the model."
)


@dataclass(frozen=True, eq=False)
class Wrong:
    """Judged labels.

    Attributes:
        judged: What confident learning says.
        noise: How many are wrong.
        suspect: Those that are named, (samples,).
    """

    judged: Confident
    noise: Noise
    suspect: np.ndarray


def judge(labels: Int[np.ndarray, " samples"], p: Float[np.ndarray, "samples classes"]) -> Wrong:
    """Judge labels by probabilities out of fold.

    Named are the least probable of those that are not their likeliest class: as many as are wrong by the noise test,
    none where it finds nothing, or where the probabilities know no more of the classes than their shares.
    """
    judged = confident(labels, p)
    noise = label_noise(labels, p) if skilled(labels, judged.suggested) else Noise(0.0, 0.0, 1.0)
    suspect = np.zeros(len(labels), bool)
    if noise.p_value <= LIKELY:
        order = np.argsort(judged.confidence, kind="stable")
        order = order[judged.suggested[order] != labels[order]]
        suspect[order[: round(noise.wrong * len(labels))]] = True
    return Wrong(judged, noise, suspect)


def skilled(labels: Int[np.ndarray, " samples"], answers: Int[np.ndarray, " samples"]) -> bool:
    """Return whether answers are right more often than the most frequent class, beyond chance."""
    often = int(np.bincount(labels).max())
    return bool(binom.sf((answers == labels).sum() - 1, len(labels), often / len(labels)) < UNLIKELY)


def judgeable(labels: Int[np.ndarray, " samples"], classes: int) -> Bool[np.ndarray, " samples"]:
    """Return the samples of classes with five or more, of which there must be two, and twenty samples; else none."""
    counts = np.bincount(labels[labels >= 0], minlength=classes)
    found = (labels >= 0) & (counts[np.maximum(labels, 0)] >= FEWEST)
    enough = (counts >= FEWEST).sum() >= 2 and found.sum() >= SMALLEST
    return np.asarray(found if enough else np.zeros(len(labels), bool))


def ranked_table(
    wrong: Wrong, names: np.ndarray, numbers: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]
) -> pd.DataFrame:
    """Return the judged samples, the least probable label first.

    Args:
        wrong: The judgement.
        names: Of the samples.
        numbers: Of the samples in their source.
        labels: Class of each.
        classes: Names of the classes.
    """
    called, judged = np.array(classes, dtype=object), wrong.judged
    table = pd.DataFrame(
        {
            "number": numbers, "name": names, "label": called[labels], "suggested": called[judged.suggested],
            "confidence": judged.confidence, "margin": judged.margin, "suspect": wrong.suspect,
        }
    )  # fmt: skip
    return table.sort_values(["suspect", "confidence"], ascending=[False, True], kind="stable", ignore_index=True)


def wrong_finding(
    wrong: Wrong, table: pd.DataFrame, *, by: str, source: str, channel: str = "", tests: int = 1
) -> list[Finding]:
    """Return the finding that labels are wrong, or none.

    Args:
        wrong: The judgement.
        table: The ranked samples.
        by: The model, in words.
        source: Name of the source.
        channel: Name of the label where there are several.
        tests: How many labels are tested.
    """
    noise, count = wrong.noise, int(wrong.suspect.sum())
    if noise.p_value * tests > LIKELY or count == 0:
        return []
    level: Level = "warning" if noise.p_value * tests <= SURE and noise.low >= LEAST else "note"
    named = table[table["suspect"]]
    pairs = (named["label"] + "' for '" + named["suggested"]).value_counts()
    of = f" of '{channel}'" if channel else ""
    estimate = f"About {share_text(noise.wrong)} of the labels{of} seem wrong (at least {share_text(noise.low)}): "
    what = (
        f"{estimate if level == 'warning' else ''}{count} of {len(table)} samples have a label{of} that disagrees with "
        f"{by} where it is sure, most often '{pairs.index[0]}' ({pairs.iloc[0]}); the worst is "
        f"'{named['name'].iloc[0]}'{'' if level == 'warning' else ': worth a look'}."
    )
    places = tuple(Place(sample=str(name)) for name in named["name"].head(MOST))
    share = count / len(table)
    return [
        Finding(kind="wrong label", level=level, what=what, why=WHY, source=source, channel=channel, count=count,
                share=share, places=places)
    ]  # fmt: skip
