"""Say in a sentence whether a fold interpolates or extrapolates, and how its error compares."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.report.tables import number_text
from dlkit.train.evaluation.measures import better_of

MOST = 0.5  # share of the test windows that decides where a fold lies
FAR = 0.15  # three times the 5 % that would be as far if test and training were alike
WORTH = 0.005  # smallest share outside the range of a channel that is told


TIMES = {
    "later than all training": "later than all training data",
    "earlier than all training": "earlier than all training data",
    "in series that never train": "in series that never train",
}


def extrapolates(fold: Mapping[str, Any]) -> bool:
    """Tell whether a fold asks for what lies outside of its training: in time, in a channel, or far from all of it."""
    when, new = fold["when"], fold["novelty"]
    outside = [when.get(key, 0.0) for key in list(TIMES)[:2]] + [new["outside the range of a channel"]]
    far = new["farther than 95 % of training from each other"]
    return max(outside) > MOST or (far is not None and far > FAR)


def sentence(number: int, fold: Mapping[str, Any], thing: str, values: Sequence[float], metric: tuple[str, str]) -> str:
    """Return the sentence about a fold.

    Args:
        number: Number of the fold, from 1.
        fold: Content of its fold.json.
        thing: What is counted, "window" or "sample".
        values: Value of the metric in every fold.
        metric: Name of the metric that is told, and in words.
    """
    told = [words for key, words in TIMES.items() if fold["when"].get(key, 0.0) > MOST]
    if fold["when"] and not told:
        told.append("between the times of its training data")
    new = fold["novelty"]
    far, out = new["farther than 95 % of training from each other"], new["outside the range of a channel"]
    told.append(
        f"too few training {thing}s are apart from each other to say what is far"
        if far is None
        else f"{percent(far)} of its {thing}s lie farther from training than 95 % of training {thing}s do"
    )
    if out > WORTH:
        most = max(new["outside by channel"].items(), key=lambda item: item[1])[0]
        told.append(f"{percent(out)} leave the range of a channel, most often {most}")
    verb = "extrapolates" if extrapolates(fold) else "interpolates"
    return f"fold {number} {verb}: {', '.join(told)}; {compared(values, number - 1, *metric)}"


def percent(share: float) -> str:
    """Return a share in words."""
    return f"{100 * share:.0f} %" if share >= 0.0095 or share == 0 else f"{100 * share:.1g} %"


def compared(values: Sequence[float], place: int, name: str, words: str) -> str:
    """Return a value beside the mean of all folds."""
    known = [value for value in values if math.isfinite(value)]
    own = values[place]
    if not known or not math.isfinite(own):
        return f"{words} is not defined"
    mean = sum(known) / len(known)
    if better_of(name) == "low" and mean > 0:
        return f"{words} {number_text(own)}, {own / mean:.2f} times the mean"
    return f"{words} {number_text(own)}, {abs(own - mean):.2g} {'above' if own >= mean else 'below'} the mean"
