"""The table of an explanation: a line for each method, and below it the reasons of the verdicts."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

from dlkit.train.explain.randomized import MOST_SAMPLES, more_samples_help
from dlkit.train.explain.result import Explained
from dlkit.train.explain.source_files import difference_to_shapley

MORE = 4
"""Four times as many samples halve an interval."""
LEGEND = (
    "margin: over the same maps at random places; random weights: rank correlation with the maps of a network without "
    "knowledge; inside: relevance where the answer is known to lie (chance in brackets); ±: half the 95 % interval "
    "over samples (and random weights); what it does not decide is not decided"
)


def table_of(rows: Sequence[tuple[Explained, Path]], count: int) -> str:
    """Return a line for each method: how it answers for itself, then why, and where its figures are.

    Args:
        rows: What was found and the folder of the figures.
        count: Samples that there are.
    """
    head = f"{'method':<22}{'deletion':>9}{'insertion':>10}{'margin':>16}{'random weights':>16}{'inside':>15}  verdict"
    lines = [head]
    for found, _ in rows:
        told = found.verdict
        deletion, insertion = (float(area.mean()) for area in told.faithfulness.curves.areas())
        truth = told.truth
        inside = f"{truth['mass_inside']:.2f} ({truth['chance']:.2f})" if truth else "-"
        lines.append(
            f"{found.name:<22}{deletion:>9.3f}{insertion:>10.3f}{told.margin:>16}{told.correlation:>16}{inside:>15}"
            f"  {told.decision}"
        )
    width = len(head) + len("not decided") - len("verdict")
    said = [LEGEND, *(line for found, _ in rows for line in reasons_of(found)), *shared_notes(rows, count)]
    below = [textwrap.fill(one, width, break_on_hyphens=False, break_long_words=False) for one in said]
    return "\n".join([*lines, *below, *(f"maps: {folder}" for _, folder in rows)])


def reasons_of(found: Explained) -> list[str]:
    """Return why the verdict on a method is no "holds", and what else must be known of its maps."""
    told = found.verdict
    reasons = [*told.problems, *(f"not decided {one}" for one in told.undecided)]
    reasons += [told.astray] * bool(told.astray)
    if found.inputs.parts and not found.method.complete:
        off = difference_to_shapley(found)
        exact = "" if off is None else f", {50 * off:.0f} % of them not where the exact ones are"
        reasons.append(f"shares of sources are relative{exact}")
    return [f"{found.name}: {'; '.join(reasons)}"] * bool(reasons)


def shared_notes(rows: Sequence[tuple[Explained, Path]], count: int) -> list[str]:
    """Return what must be known of the maps of all methods, once."""
    found, samples = rows[0][0], len(rows[0][0].inputs.names)
    notes = [f"few samples: {samples}"] * found.few
    most = min(count, MORE * samples)
    if most > samples and any(more_decide(one, samples) for one, _ in rows):
        notes.append(f"`dlkit explain` with --samples {most} may decide what is not decided")
    return notes + [found.weak] * bool(found.weak)


def more_decide(found: Explained, samples: int) -> bool:
    """Say whether something is not decided that more samples may decide."""
    told = found.verdict
    weights = more_samples_help(told.sanity) and samples < MOST_SAMPLES
    return not told.problems and (weights or told.faithfulness.decision == "not decided")
