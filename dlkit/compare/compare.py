"""Runs side by side: settings that differ, measures, and which differences are more than chance."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from dlkit import __version__
from dlkit.compare.answers import losses_of
from dlkit.compare.contenders import Contender, contenders, differing, require_same_test
from dlkit.compare.shown import shown_apart
from dlkit.compare.significance import Verdict, groups_of, over_answers, over_folds, over_seeds
from dlkit.report.page.elements import Section, note, paragraph, table
from dlkit.report.page.page import page_html, write_page
from dlkit.report.words import clock, number
from dlkit.train.report.measures import direction, own_level, shown, words_of

MOST = 30  # measures and settings that have a line


def compare(paths: Sequence[Path], output: Path | None = None, *, metrics_only: bool = False) -> str:
    """Compare runs, or cross-validations; write a page where one is asked for and return the tables as text.

    Args:
        paths: Folders; the first one is what the others are compared with.
        output: The page.
        metrics_only: Put measures side by side, whatever they were measured on.

    Raises:
        InputError: There are fewer than two, one was not tested, or they were tested on different data.
    """
    found = contenders(paths)
    verdicts: list[Verdict] = []
    if not metrics_only:
        require_same_test(found)
        verdicts = verdicts_of(found)
    settings, measures = settings_rows(found), measure_rows(found)
    if output is not None:
        write_page(output, page_of(found, settings, measures, verdicts, metrics_only=metrics_only))
    parts = [plain(["setting", *names_of(found)], settings) if settings else "no setting differs"]
    parts.append(plain(["measure", *names_of(found)], [row for row, _ in measures]))
    parts.append("\n".join(sentence(one) for one in verdicts) or why_none(found, metrics_only=metrics_only))
    return "\n\n".join(parts) + (f"\n\npage: {output}" if output is not None else "")


def verdicts_of(found: Sequence[Contender]) -> list[Verdict]:
    """Return the verdicts over folds, or over answers and seeds."""
    if found[0].folds is not None:
        return over_folds(found)
    groups = groups_of(found)
    seeds = over_seeds(groups) if len(groups) > 1 else []
    return over_answers(found, [losses_of(one) for one in found]) + seeds


def units_of(found: Sequence[Contender]) -> dict[str, str]:
    """Return the unit of each channel."""
    known = found[0].data.get("columns")
    return known if isinstance(known, dict) else {}


def names_of(found: Sequence[Contender]) -> list[str]:
    """Return the names of the contenders."""
    return [one.name for one in found]


def settings_rows(found: Sequence[Contender]) -> list[list[str]]:
    """Return the settings that differ."""
    return [[name, *shown_apart(values)] for name, values in differing(found).items()]


def measure_rows(found: Sequence[Contender]) -> list[tuple[list[str], int | None]]:
    """Return the measures of all, and which column is the best."""
    names = [name for name in found[0].measures if all(name in one.measures for one in found)][:MOST]
    rows, level = [], level_of(found)
    for name in names:
        values = [one.measures[name] for one in found]
        rows.append(
            ([words_of(name, units_of(found), level), *(shown(name, value) for value in values)], best_of(name, values))
        )
    for what, place in (("seconds of training", 0), ("parameters", 1)):
        costs: list[Any] = [one.cost[place] for one in found]
        if all(cost is not None for cost in costs):
            texts = [clock(cost) if place == 0 else f"{cost:,}" for cost in costs]
            rows.append(([what.replace("seconds of ", ""), *texts], None))
    return rows


def level_of(found: Sequence[Contender]) -> float | None:
    """Return the level of the interval of the networks themselves, None where they differ or are not known."""
    levels = {own_level(settings_of_loss(one)) for one in found}
    return levels.pop() if len(levels) == 1 else None


def settings_of_loss(one: Contender) -> dict[str, Any]:
    """Return the settings of the loss of a run; lists were kept as text."""
    head = "model.loss."
    return {
        name.removeprefix(head): yaml.safe_load(value) if isinstance(value, str) else value
        for name, value in one.settings.items()
        if name.startswith(head)
    }


def best_of(name: str, values: Sequence[float]) -> int | None:
    """Return the column of the best value, None where there is none to choose."""
    known = [value for value in values if math.isfinite(value)]
    if len(known) < 2 or direction(name) == "neither" or len(set(known)) == 1:
        return None
    return list(values).index((max if direction(name) == "high" else min)(known)) + 1


def sentence(one: Verdict) -> str:
    """Return a verdict as text."""
    found = one.found
    return (
        f"{one.first} - {one.second}, {words_of(one.what, {})}: {found.difference:+.4g} (95 %: {found.low:+.4g} to "
        f"{found.high:+.4g}), p = {found.p:.2g} by {found.test} over {found.count:,}: {one.words}"
    )


def why_none(found: Sequence[Contender], *, metrics_only: bool) -> str:
    """Say why no difference was tested."""
    if metrics_only:
        return "differences were not tested (--metrics-only)"
    lacking = [one.name for one in found if not (one.path / "predictions.parquet").is_file()]
    if found[0].folds is not None:
        return "differences were not tested: the folds share no measure"
    missing = f"without predictions.parquet: {', '.join(lacking)}" if lacking else "their answers cannot be paired"
    return f"differences were not tested, {missing}; `dlkit predict RUN` writes the answers"


def plain(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as text."""
    lines = [list(head), *map(list, rows)]
    wide = [max(len(line[k]) for line in lines) for k in range(len(head))]
    texts = [
        "  ".join(f"{cell:<{wide[k]}}" if k == 0 else f"{cell:>{wide[k]}}" for k, cell in enumerate(line)).rstrip()
        for line in lines
    ]
    return "\n".join([texts[0], "-" * max(map(len, texts)), *texts[1:]])


def page_of(
    found: Sequence[Contender],
    settings: Sequence[Sequence[str]],
    measures: Sequence[tuple[list[str], int | None]],
    verdicts: Sequence[Verdict],
    *,
    metrics_only: bool,
) -> str:
    """Return the page."""
    head = names_of(found)
    rows = [
        [one.first, one.second, one.words, number(one.found.difference),
         f"{number(one.found.low)} to {number(one.found.high)}", f"{one.found.p:.2g}", f"{one.found.count:,}"]
        for one in verdicts
    ]  # fmt: skip
    columns = ["first", "second", "verdict", "first \u2212 second", "95 % interval", "p", "pairs"]
    tests = dict.fromkeys(f"{words_of(one.what, {})} by {one.found.test}" for one in verdicts)
    tested = (
        [table(columns, rows, words=3, caption="; ".join(tests)), correction(verdicts)]
        if rows
        else [note(why_none(found, metrics_only=metrics_only), "warn")]
    )
    sections = [
        Section("significance", "Is the difference more than chance?", tested),
        Section("measures", "Measures", [table(["", *head], [row for row, _ in measures], best=[k for _, k in measures],
                                               caption="Bold is the best of its row.")]),
        Section("settings", "Settings that differ", [table(["setting", *head], settings)] if settings else [],
                "No setting differs."),
    ]  # fmt: skip
    lead = paragraph(f"{len(found)} {'cross-validations' if found[0].folds else 'runs'} side by side", "lead")
    said = [note(f"{one.first} against {one.second}: {one.words} ({words_of(one.what, {})}).",
                 "good" if one.sure else "info") for one in verdicts]  # fmt: skip
    foot = f"Written by dlkit {__version__}; this file loads nothing."
    title = " and ".join(head) if len(head) < 3 else f"{head[0]} and {len(head) - 1} others"
    return page_html(title, lead + "".join(said), sections, brand="dlkit compare", foot=foot)


def correction(verdicts: Sequence[Verdict]) -> str:
    """Say what several tests at once mean."""
    if len(verdicts) < 2:
        return ""
    bound = 0.05 / len(verdicts)
    return paragraph(
        f"{len(verdicts)} tests at once: to be wrong in none of them with 95 %, ask for p below {bound:.2g}."
    )
