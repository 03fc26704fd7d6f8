"""Are these the right data? What a built data module says before a network is trained."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from dlkit.core.checks import require
from dlkit.core.finding import COUNTED, Finding, ranked
from dlkit.data.batches.batching import Batching
from dlkit.data.labelled.prepare import PreparedSamples
from dlkit.data.several.prepare import SourcesPrepared
from dlkit.data.table.prepare import Prepared
from dlkit.quality.fitness import answers, beyond, giveaway, independent, leaks, moves, single_inputs, told_apart
from dlkit.quality.fitness.role_samples import sample_roles
from dlkit.quality.fitness.role_windows import MOST_VALUES, sources_layout, table_layout, window_roles
from dlkit.quality.fitness.roles import Roles
from dlkit.quality.fitness.short_traces import short_findings
from dlkit.quality.fitness.twin_traces import twin_findings

QUICK_VALUES = 2**22  # of a role at which a quick look looks
QUICK_ROWS = 2_000_000  # of a table in which a quick look searches for rows that come again
GONE = "The roles were not compared: batches were made before, which normalizes the table where it lies."


@dataclass(frozen=True)
class Fitness:
    """How well the parts of a split serve to train, to choose and to test.

    Attributes:
        findings: What is wrong with them, ranked.
        facts: Figures behind them, as plain types for JSON: by role how many windows and how many tell independent
            things ("independent"); by channel how validation and test moved ("drift"); how well a classifier tells
            them from training ("told apart"); the share of test that lies far from training ("far"); which inputs tell
            what is asked for by themselves ("single inputs"); "classes", "repeated rows"; "left out", a sentence.
    """

    findings: list[Finding]
    facts: dict[str, Any] = field(default_factory=dict)


def fitness_findings(data: Batching, *, seed: int = 0, most: int = 20_000, quick: bool = False) -> Fitness:
    """Compare the roles of a data module with each other, and the inputs with what is asked for.

    Reads the prepared table or samples and leaves them as they are. Call it before batches are made: these normalize
    a table where it lies, and nothing is compared then.

    Args:
        data: A data module of windows, of several sources (their channels) or of samples.
        seed: Of what is drawn.
        most: Windows or samples of each role that are looked at, spread evenly.
        quick: Fewer windows and draws, for the check before a run.
    """
    require(most > 0, f"most={most} windows of each role must be positive: raise `most`.")
    ready = getattr(data, "prepared", None)
    most = min(most, 2_000) if quick else most
    if isinstance(ready, PreparedSamples):
        return of_samples(ready, seed, most, quick=quick)
    if not isinstance(ready, Prepared):
        return Fitness([], {})
    if len(ready.table.values) != len(ready.table.times):
        return Fitness([], {"left out": GONE})
    return of_windows(data, ready, seed, most, quick=quick)


def of_windows(data: Batching, ready: Prepared, seed: int, most: int, *, quick: bool) -> Fitness:
    """Return what is to be said of the windows of a table."""
    roles = window_roles(ready, most, QUICK_VALUES if quick else MOST_VALUES)
    layout = sources_layout(ready) if isinstance(ready, SourcesPrepared) else table_layout(ready)
    findings, facts = of_roles(roles, seed, quick=quick)
    counts = independent.independent_of(roles)
    findings += leaks.near_finding(ready, counts)
    if not (quick and len(ready.table.times) > QUICK_ROWS):
        again, facts["repeated rows"] = leaks.row_findings(
            ready, dated=getattr(getattr(data, "source", None), "dated", True)
        )
        findings += again
    told = giveaway.giveaways(ready, layout.columns, roles.asked, layout.last + 1, quick=quick)
    facts["single inputs"] = giveaway.giveaway_facts(told)
    findings += giveaway.giveaway_findings(told, ready.table.step)
    classes = answers.window_counts(ready, roles.asked)
    facts["classes"] = answers.plain_counts(classes, roles.asked)
    return Fitness(ranked([*findings, *counted(answers.answer_findings(roles, classes), roles)]), facts)


def of_samples(ready: PreparedSamples, seed: int, most: int, *, quick: bool) -> Fitness:
    """Return what is to be said of labelled samples."""
    roles = sample_roles(ready, most)
    findings, facts = of_roles(roles, seed, quick=quick)
    findings += leaks.group_finding(ready)
    findings += [*short_findings(ready), *twin_findings(ready, quick=quick)]
    told = single_inputs.singles(ready, roles.asked, quick=quick)
    facts["single inputs"] = single_inputs.single_facts(told)
    classes = answers.sample_counts(ready, roles.asked)
    facts["classes"] = answers.plain_counts(classes, roles.asked)
    findings += [*single_inputs.single_findings(told), *counted(answers.answer_findings(roles, classes), roles)]
    return Fitness(ranked(findings), facts)


def of_roles(roles: Roles, seed: int, *, quick: bool) -> tuple[list[Finding], dict[str, Any]]:
    """Return what is to be said of roles, whatever their items are."""
    counts = independent.independent_of(roles)
    facts: dict[str, Any] = {"independent": {role: one.plain() for role, one in counts.items()}}
    findings = independent.count_findings(counts, roles)
    if not roles.channels or not len(roles.seen["train"]):
        return counted(findings, roles), facts
    compared, deals, dealt = (200, 499, 199) if quick else (400, 999, 399)
    moved = moves.moves_of(roles, compared=compared, permutations=deals, seed=seed)
    left = beyond.ranges_left(roles, counts)
    facts["drift"] = moves.facts_of(moved, roles)
    facts["beyond"] = beyond.facts_of(left, roles)
    facts["far"] = beyond.far_share(roles, 500 if quick else 2_000)
    facts["told apart"] = {}
    findings += moves.move_findings(moved, roles) + beyond.range_findings(left, roles)
    findings += beyond.far_finding(facts["far"], counts, roles)
    for role in [role for role in ("val", "test") if len(roles.seen[role])]:
        apart = told_apart.tell_apart(roles, role, compared=compared, permutations=dealt, seed=seed)
        facts["told apart"][role] = apart.plain()
        known = any(one.sure and one.role == role for one in moved)
        findings += told_apart.apart_finding(role, apart, moved=known)
    return counted(findings, roles), facts


def counted(findings: Iterable[Finding], roles: Roles) -> list[Finding]:
    """Return findings that count windows or samples, whichever the roles hold."""
    return [one if one.kind in COUNTED else replace(one, of=f"{roles.noun}s") for one in findings]
