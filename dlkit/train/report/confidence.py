"""What was promised, what the test saw of it, and what it rests on."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dlkit.confidence.promise import Promise
from dlkit.core.checks import counted
from dlkit.report.page.charts import Seen, coverage_image, steps_image
from dlkit.report.page.elements import Section, Tone, facts, heading, note, paragraph, picture, table
from dlkit.report.promise_table import WITHIN, held_text, verdict_of
from dlkit.report.tables import shorten
from dlkit.report.words import level_text, names, number, percent
from dlkit.train.confidence.confidence import Confidence, HeadConfidence
from dlkit.train.report.known import Known
from dlkit.train.report.measures import own_interval as own_words
from dlkit.train.report.measures import own_level
from dlkit.train.report.results import SAY, figure_of

MOST = 24  # promises that are drawn
MEASURES = {
    "ece_before": "Calibration error before", "ece_after": "after scaling",
    "ece_chance": "of a perfect model, by chance",
    "ece_chance_p95": "the same, 95 of 100 times below", "temperature": "Temperature",
}  # fmt: skip


def confidence_section(known: Known) -> Section:
    """Return the section."""
    title, found = "Confidence: promised and seen", known.confidence
    figure = known.run.figures / "reliability.png"
    before = " Before calibration." if isinstance(found, Confidence) else ""
    drawn = figure_of(figure, SAY["reliability"] + before, kind="small") if figure.is_file() else ""
    make = f"`dlkit calibrate {known.run.path}` fits it on what validates and checks it on the test."
    if found is None:
        return Section(
            "confidence",
            title,
            [paragraph(f"Not calibrated: nothing is promised. {make}", "absent"), *own_interval(known), drawn],
        )
    if isinstance(found, str):
        return Section("confidence", title, [note(found, "bad"), drawn])
    parts = [paragraph(
        f"Fitted on what validates and checked on the test, which nothing was fitted on. Validation also chose the "
        f"weights, so it is not quite as new to the network as the test. Level {level_text(found.level)}."
    )]  # fmt: skip
    for name, head in found.heads.items():
        parts += [heading(name) if name else "", *head_parts(head, timed="samples" not in known.data)]
    if found.members:
        parts.append(paragraph(f"{counted(len(found.members) + 1, 'network')} answer together."))
    return Section("confidence", title, [*parts, drawn])


def own_interval(known: Known) -> list[str]:
    """Return what the interval of the network itself held, which promises nothing."""
    overall = ((known.metrics.get("test") or {}).get("standardized") or {}).get("overall") or {}
    if "coverage" not in overall:
        return []
    held = percent(overall["coverage"])
    told = (
        f"The {own_words(own_level(known.settings.get('loss')))}, held {held} of the test values; it is a claim of the "
        "network, no promise."
    )
    return [paragraph(told)]


def head_parts(head: HeadConfidence, *, timed: bool) -> list[str]:
    """Return the promises of one question, ``timed`` where answers follow each other, and what else was measured."""
    checked = [one for one in head.promises if one.seen is not None]
    parts = [
        verdict(checked),
        coverage_part(checked),
        promise_table(head.promises, timed=timed),
        exchangeability(head.exchangeability),
    ]
    measures = {
        MEASURES.get(name, name.replace("_", " ")): measure(name, value)
        for name, value in head.measures.items()
        if isinstance(value, (int, float, str))
    }
    parts += [horizon_part(head), facts(measures)]
    return [*parts, *(paragraph(text) for text in head.notes)]


def horizon_part(head: HeadConfidence) -> str:
    """Return the coverage seen at each step of a forecast."""
    found = head.measures.get("per_horizon")
    level = next((one.level for one in head.promises), None)
    if not isinstance(found, Mapping) or level is None or not {"seen", "low", "high"} <= set(found):
        return ""
    seen, low, high = (np.array(found[name], np.float64) for name in ("seen", "low", "high"))
    if seen.ndim != 1 or len(seen) < 2:
        return ""
    alt = f"Coverage at each of {len(seen)} steps: {percent(float(seen.min()))} to {percent(float(seen.max()))}."
    said = "Coverage at each step of the horizon with its 95 % interval; the line is what is promised."
    return picture(steps_image(seen, low, high, level), alt, said, form="svg+xml")


def measure(name: str, value: float | str) -> str:
    """Return a measure; calibration errors are shares."""
    if isinstance(value, str):
        return value
    return percent(float(value), 2) if name.startswith(("ece", "noise")) else number(float(value))


def verdict(checked: list[Promise]) -> str:
    """Say how many promises hold."""
    if not checked:
        return note("The promises could not be checked on the test.", "warn")
    told = held_text([holds(one) for one in checked], "on the test").capitalize()
    failed, short = ([one for one in checked if holds(one) == said] for said in ("no", WITHIN))
    if failed:
        return note(f"{told}: {', '.join(f'{one.what} {one.target}'.strip() for one in failed[:3])}.", "bad")
    if short:
        seen, promised = percent(short[0].seen), level_text(short[0].level)
        return note(f"{told}: {named(short[0])}, {seen} seen of {promised} promised.", "warn")
    return note(f"{told}.", "good")


def coverage_part(checked: list[Promise]) -> str:
    """Return promised and seen coverage as a picture."""
    shown = [one for one in checked if one.low is not None and one.high is not None][:MOST]
    if not shown:
        return ""
    drawn = [
        Seen(
            shorten(named(one), 46),
            one.level,
            float(one.seen or 0.0),
            float(one.low or 0.0),
            float(one.high or 0.0),
            tone(one),
        )
        for one in shown
    ]
    alt = "Coverage promised and seen: " + "; ".join(
        f"{one.name} {percent(one.promised)} promised, {percent(one.seen)} seen" for one in drawn
    )
    return picture(coverage_image(drawn), alt, form="svg+xml")


def named(one: Promise) -> str:
    """Return what is promised of what."""
    return f"{one.what}, {one.target}" if one.target else one.what


def promise_table(promises: list[Promise], *, timed: bool) -> str:
    """Return the promises with what the test saw, and what they rest on."""
    rows, signs = [], []
    for one in promises[:60]:
        between = f"{percent(one.low)} to {percent(one.high)}" if one.low is not None else ""
        size = "" if one.size is None else f"{number(one.size)} {one.unit}".strip()
        seen, worth = percent(one.seen, 2), f"{round(one.effective):,}"
        rows.append([named(one), one.method, level_text(one.level), seen, between, worth, size, holds(one)])
        signs.append(tone(one))
    head = ["promise", "method", "promised", "seen on test", "95 % interval", "independent", "mean size", "holds?"]
    caption = "The interval counts as many answers as are independent of each other"
    caption += ": neighbours in time tell the same." if timed else "."
    rests = names(list(dict.fromkeys(one.assumes for one in promises if one.assumes)))
    told = paragraph(f"The promises rest on this: {rests}.") if rests else ""
    return table(head, rows, caption=caption, words=2, signs=signs) + told


def holds(one: Promise) -> str:
    """Return the verdict of a promise."""
    return verdict_of(one.level, one.seen, holds=one.holds)


def tone(one: Promise) -> Tone:
    """Return its colour."""
    found: dict[str, Tone] = {"yes": "good", "no": "bad"}
    return found.get(holds(one), "warn")


def exchangeability(found: Mapping[str, Any] | None) -> str:
    """Say whether calibration and test are alike."""
    if not found:
        return ""
    known = {"p": found.get("p_value"), "largest log martingale": found.get("log_martingale")}
    told = ", ".join(f"{name} = {number(float(value))}" for name, value in known.items() if value is not None)
    if found.get("few"):
        return note(f"Too few answers to tell whether calibration and test are exchangeable ({told}).", "warn")
    if found.get("refuted"):
        return note(
            f"Calibration and test are not exchangeable ({told}): only promises that do not rest on it hold.",
            "warn",
        )
    return note(f"Nothing speaks against calibration and test being exchangeable ({told}).", "good")
