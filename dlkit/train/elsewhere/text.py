"""What `dlkit evaluate` says: the same tables of several data sets side by side."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from dlkit.confidence.promise import Promise
from dlkit.core.specs import Spec
from dlkit.data.labelled.truth import unknown_text, unseen_text
from dlkit.report.novelty_tables import Row, columns_text, interval_text, share_text
from dlkit.report.promises_elsewhere import Elsewhere, elsewhere_text, verdict_text
from dlkit.report.tables import number_text
from dlkit.train.elsewhere.answers import heads_of
from dlkit.train.elsewhere.known import had_text
from dlkit.train.elsewhere.sides import Side
from dlkit.train.evaluation.classes import UNCALIBRATED

MOST = 12  # channels and measures with a line of their own
OFTEN = 0.01  # share of inputs in which a channel goes beyond its range that is told of
BOTH = f"{UNCALIBRATED}, as the test measures them; all below and predictions.parquet: after it"


def text_of(sides: Sequence[Side], level: float | None) -> str:
    """Return all tables."""
    lines, name, strange = elsewhere(sides), sides[-1].name, sides[-1].strange
    parts = [
        had_text(name, sides[-1].had, len(sides[-1].answered.starts)),
        verdict_text(lines, name, strange),
        beyond_text(sides[-1]),
        measures_text(sides),
        elsewhere_text(lines, name, strange) if lines else "",
    ]
    parts += [novelty_text(sides)]
    parts += [bins_text(sides, head, level) for head in sides[0].bins]
    parts += [channels_text(side) for side in sides]
    return "\n\n".join(part for part in parts if part)


def elsewhere(sides: Sequence[Side]) -> list[Elsewhere]:
    """Return each promise beside what own test and other data show of it."""
    own = sides[0].promises
    return [
        Elsewhere(f"{one.what}: {one.target}".removesuffix(": "), one.level, own[key].seen, one.seen, one.low, one.high)
        for key, one in sides[-1].promises.items()
    ]


def measures_text(sides: Sequence[Side]) -> str:
    """Return the measures; say where there are none."""
    names = [side.name for side in sides]
    rows: list[Row] = [("answers", [f"{len(side.answered.starts):,}" for side in sides])]
    if any(side.answered.measured < len(side.answered.starts) for side in sides):
        rows.append(("of these measured", [f"{side.answered.measured:,}" for side in sides]))
    known = dict.fromkeys(name for side in sides for name in side.measures)
    rows += [
        (name, [number_text(side.measures.get(name, (np.nan, "low"))[0]) for side in sides])
        for name in list(known)[: MOST + 8]
    ]
    notes = [BOTH] if any(is_scaled(side) for side in sides) else []
    notes += [note for side in sides for note in (truth_note(side), lacking_note(side)) if note]
    hidden = len(known) - MOST - 8
    return columns_text(names, rows, notes + ([f"{hidden} more measures are in metrics.json"] if hidden > 0 else []))


def is_scaled(side: Side) -> bool:
    """Tell whether calibration changes probabilities."""
    heads = (one.confidence for one in heads_of(side.evaluation).values())
    return any(head is not None and head.scaling is not None for head in heads)


def truth_note(side: Side) -> str:
    """Say of which answers no truth is known, and why; "" where it is known of all."""
    spec = side.evaluation.task.spec
    if untrained := unseen_text(side.unseen, spec.kind):
        nothing = "these are not measured" if side.measures else "nothing is measured"
        return f"{side.name}: {untrained}: {nothing}; it knows {', '.join(known_names(spec))}"
    if side.measures:
        return ""
    empty = " (no label stands there, or none in any row)" if spec.kind == "labels" else ""
    return f"no truth is known of {side.name}{empty}: nothing is measured there"


def lacking_note(side: Side) -> str:
    """Say which labels or targets have no truth at all where others have; "" where that are none."""
    samples = getattr(getattr(side.evaluation.data, "prepared", None), "samples", None)
    told = "" if samples is None else unknown_text(samples.labels, side.evaluation.task.spec)
    return told and f"{side.name}: {told}"


def known_names(spec: Spec) -> Sequence[str]:
    """Return the first classes, labels or targets of a network."""
    names = spec.targets if spec.kind == "values" else spec.classes
    return names if len(names) <= MOST else (*names[:MOST], "...")


def novelty_text(sides: Sequence[Side]) -> str:
    """Return how new the inputs are, and whether they have changed."""
    every = [side.answered for side in sides]
    rows: list[Row] = [
        ("median distance to training", [number_text(float(np.median(one.distance))) for one in every]),
        ("farther than 1", [share_text(float((one.distance > 1).mean())) for one in every]),
        ("a channel beyond its range", [share_text(float(one.outside.any(1).mean())) for one in every]),
        ("extrapolates", [share_text(float(one.extrapolates.mean())) for one in every]),
        ("drift of features, p", [drift_text(side.drifted.features.p_value) for side in sides]),
        ("channels that changed", [changed_text(side) for side in sides]),
    ]
    notes = ["distance 1: farther from training than 95 % of validation; drift: p after a correction for memory"]
    notes += [
        f"{side.name}: too few independent stretches to tell drift of {what}"
        for side in sides
        if (what := untold(side))
    ]
    return columns_text([side.name for side in sides], rows, notes)


def untold(side: Side) -> str:
    """Return what cannot be told of a data set."""
    lacking = sum(np.isnan(one.p_value) for one in side.drifted.channels)
    parts = [f"{lacking} of {len(side.drifted.channels)} channels"] if lacking else []
    return " and ".join((["features"] if np.isnan(side.drifted.features.p_value) else []) + parts)


def drift_text(p_value: float) -> str:
    """Return a p-value."""
    return "cannot be told" if np.isnan(p_value) else f"{p_value:.3f}"


def changed_text(side: Side) -> str:
    """Return how many channels have changed."""
    told = [one for one in side.drifted.channels if not np.isnan(one.p_value)]
    return f"{len(side.drifted.changed)} of {len(told)} tested" if told else "cannot be told"


def beyond_text(side: Side) -> str:
    """Name the channels that often go beyond their range, the most frequent first; "" where there is none."""
    beyond = sorted((one for one in side.drifted.channels if one.outside > OFTEN), key=lambda one: -one.outside)
    if not beyond:
        return ""
    named = [f"{one.name} in {share_text(one.outside)} of inputs ({one.level:+.1f} sd)" for one in beyond[:3]]
    more = f", and {len(beyond) - 3} more" if len(beyond) > 3 else ""
    return f"beyond the range of training on {side.name}: {', '.join(named)}{more}"


def bins_text(sides: Sequence[Side], head: str, level: float | None) -> str:
    """Return how good the answers are by distance, and whether the promise holds there."""
    quality = sides[0].answered.quality[head].name
    promised = level is not None and any(np.isfinite(one.inside) for side in sides for one in side.bins[head])
    kept = "in the set" if sides[0].answered.quality[head].better == "high" else "inside"
    columns = ["answers", quality, *([f"{kept}, {100 * level:.3g} %"] if promised and level else [])]
    rows: list[Row] = []
    for k, one in enumerate(sides[0].bins[head]):
        if not any(side.bins[head][k].count for side in sides):
            continue
        cells: list[str] = []
        for side in sides:
            own = side.bins[head][k]
            partly = side.answered.measured and own.measured < own.count
            cells += [f"{own.measured:,} of {own.count:,}" if partly else f"{own.count:,}", number_text(own.quality)]
            cells += [interval_text(own.inside, own.interval)] if promised else []
        rows.append((f"distance {one.name}", cells))
    title = f"{head}: by distance" if head else "by distance"
    names = " | ".join(side.name for side in sides)
    return f"{title}, {names}\n{columns_text(columns * len(sides), rows)}"


def channels_text(side: Side) -> str:
    """Return the channels that have changed or often go beyond their range, these first."""
    shown = [one for one in side.drifted.channels if one.changed or one.outside > OFTEN]
    shown.sort(key=lambda one: (-one.outside if one.outside > OFTEN else 0.0, -one.test.distance))
    if not shown:
        return ""
    rows: list[Row] = [
        (
            one.name,
            [f"{one.level:+.2f} sd", f"x {one.spread:.2f}", share_text(one.outside), drift_text(one.p_value)],
        )
        for one in shown[:MOST]
    ]
    hidden = len(shown) - MOST
    notes = [f"{hidden} more channels are in metrics.json"] if hidden > 0 else []
    table = columns_text(["level", "spread", "beyond range", "p"], rows, notes)
    return f"{side.name}: channels beyond their range in training, or changed\n{table}"


def measures_of(side: Side) -> dict[str, Any]:
    """Return everything that was found as plain types."""
    answered = side.answered
    return {
        "answers": len(answered.starts),
        "measured": answered.measured,
        "not trained on": side.unseen,
        "took part in the run": side.had,
        "measures": {name: plain(value) for name, (value, _) in side.measures.items()},
        "promises": [promise_of(one, side) for one in side.promises.values()],
        "distance": {
            "median": plain(float(np.median(answered.distance))),
            "p95": plain(float(np.quantile(answered.distance, 0.95))),
            "above_1": float((answered.distance > 1).mean()),
            "outside": float(answered.outside.any(1).mean()),
            "extrapolates": float(answered.extrapolates.mean()),
        },
        "by_distance": {head or "answers": [bin_of(one) for one in bins] for head, bins in side.bins.items()},
        "drift": {
            "features": drift_of(side.drifted.features),
            "channels": {
                one.name: drift_of(one.test)
                | {"level": plain(one.level), "spread": plain(one.spread), "outside": one.outside,
                   "p_adjusted": plain(one.p_value), "changed": None if np.isnan(one.p_value) else one.changed}
                for one in side.drifted.channels
            },
        },
    }  # fmt: skip


def promise_of(one: Promise, side: Side) -> dict[str, Any]:
    """Return the plain types of a promise; with classes that were never trained also what is seen counted with them."""
    found = asdict(one) | {"holds": one.holds}
    if side.strange is None or one.seen is None:
        return found
    return found | {"seen with classes not trained on": side.strange.counted(one.seen)}


def bin_of(one: Any) -> dict[str, Any]:
    """Return the plain types of a bin."""
    return {
        "from": one.low, "to": plain(one.high), "answers": one.count, "measured": one.measured,
        "quality": plain(one.quality),
        "inside": plain(one.inside), "interval": [plain(side) for side in one.interval],
    }  # fmt: skip


def drift_of(test: Any) -> dict[str, Any]:
    """Return the plain types of a test."""
    return {
        "distance": plain(test.distance),
        "p": plain(test.p_value),
        "block": test.block,
        "blocks": list(test.blocks),
    }


def plain(value: float) -> float | None:
    """Return a number, None where there is none."""
    return float(value) if np.isfinite(value) else None
