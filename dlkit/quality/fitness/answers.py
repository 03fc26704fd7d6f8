"""What is asked for in each role: targets that do not vary, classes that are missing."""

from typing import Any

import numpy as np

from dlkit.core.checks import counted
from dlkit.core.finding import Cure, Finding
from dlkit.data.labelled.prepare import PreparedSamples, count_classes
from dlkit.data.several.prepare import SourcesPrepared
from dlkit.data.several.windows import count_classes as count_windows
from dlkit.data.splits import ROLES
from dlkit.data.table.prepare import Prepared
from dlkit.quality.fitness.roles import Asked, Roles
from dlkit.quality.words import amount

STRATIFIED = Cure(place="data", line="split: {class_path: dlkit.data.sample_splits.Stratified}")


def answer_findings(roles: Roles, counts: dict[str, dict[str, np.ndarray]]) -> list[Finding]:
    """Return what cannot be learnt or judged.

    Args:
        roles: The items of each role.
        counts: How many items of each role have each class, by name of what is asked for.
    """
    found: list[Finding] = []
    for one in roles.asked:
        found += class_findings(one, counts[one.name], roles) if one.classes else value_findings(one, roles)
    return found


def value_findings(one: Asked, roles: Roles) -> list[Finding]:
    """Return the roles in which a value is constant or unknown."""
    found = []
    for role in ROLES:
        seen = roles.seen[role]
        answers = seen.answers[one.name]
        known = answers[~np.isnan(answers)]
        if not len(answers) or (len(known) > 1 and np.ptp(known) > 0) or (len(known) == 1 and len(answers) == 1):
            continue
        train = role == "train"
        state = f"has one value, {amount(float(known[0]), one.unit)}," if len(known) else "is never known"
        found.append(
            Finding(
                kind="constant target",
                level="error" if train else "warning",
                what=f"The target '{one.name}' {state} in all {len(seen):,} {roles.noun}s of {role} looked at.",
                why="There is nothing to learn: the network will answer with a constant."
                if train
                else "Scores such as R2, skill or correlation mean nothing where the truth does not vary.",
                channel=one.name,
                count=seen.count,
                share=1.0,
            )
        )
        if train:  # the others say nothing new
            break
    return found


def class_findings(one: Asked, counts: dict[str, np.ndarray], roles: Roles) -> list[Finding]:
    """Return the classes that a role lacks; what validation and test both lack is told once."""
    grouped = any(seen.groups is not None for seen in roles.seen.values())
    cures = () if roles.ordered or grouped else (STRATIFIED,)  # which would put a group into two roles
    lacking: dict[tuple[str, ...], list[str]] = {}
    found = []
    for role in ROLES:
        absent = tuple(name for name, count in zip(one.classes, counts[role].tolist(), strict=True) if not count)
        if absent and roles.seen[role].count and role != "train":
            lacking.setdefault(absent, []).append(role)
        elif absent and roles.seen[role].count:
            found.append(missing_class(one, counts, roles, (role, absent), cures))
    return found + [
        missing_class(one, counts, roles, (" or ".join(some), absent), cures) for absent, some in lacking.items()
    ]


def missing_class(
    one: Asked, counts: dict[str, np.ndarray], roles: Roles, where: tuple[str, tuple[str, ...]], cures: tuple[Cure, ...]
) -> Finding:
    """Return that there are classes, the second part of ``where``, which a role, the first, lacks."""
    role, absent = where
    total = dict(zip(one.classes, np.sum([counts[some] for some in ROLES], axis=0).tolist(), strict=True))
    named = ", ".join(f"'{name}'" for name in absent[:8]) + (", ..." if len(absent) > 8 else "")
    few = [name for name in absent if 0 < total[name] < len(ROLES)]
    rare = ", ".join(f"'{name}' has {counted(total[name], roles.noun)}" for name in few[:8])
    of = "" if one.name == "class" else f" of '{one.name}'"  # where there is but one question it has no name
    said = f"has the class {named}{of}"
    if one.classes == (f"not {one.name}", one.name):  # one of several labels, which is there or not
        said = f"{'has' if absent[0] == one.name else 'is without'} the label '{one.name}'"
    return Finding(
        kind="missing class",
        level="warning" if any(total[name] for name in absent) else "note",
        what=f"No {roles.noun} of {role} {said}." + (f" In all, {rare}." if rare else ""),
        why="A class that never trains is never answered."
        if role == "train"
        else "Nothing is said of how well such a class is told.",
        cures=cures,
        channel=one.name,
        count=len(absent),
        share=len(absent) / len(one.classes),
    )


def sample_counts(ready: PreparedSamples, asked: tuple[Asked, ...]) -> dict[str, dict[str, np.ndarray]]:
    """Return how many samples of each role have each class."""
    found: dict[str, dict[str, np.ndarray]] = {}
    of_role = {role: count_classes(ready.samples, ready.numbers[role].numpy()).numpy() for role in ROLES}
    for one in asked:
        if one.classes and ready.samples.kind == "labels":
            total = {role: len(ready.numbers[role]) for role in ROLES}
            having = {role: int(of_role[role][one.column]) for role in ROLES}
            found[one.name] = {role: np.array([total[role] - having[role], having[role]]) for role in ROLES}
        elif one.classes:
            found[one.name] = of_role
    return found


def window_counts(ready: Prepared, asked: tuple[Asked, ...]) -> dict[str, dict[str, np.ndarray]]:
    """Return how many windows of each role have each class."""
    if not isinstance(ready, SourcesPrepared):
        return {}
    laid, found = ready.laid, {}
    heads = [head for head in laid.asked if head.kind == "class"]
    for one, head in zip([one for one in asked if one.classes], heads, strict=True):
        labels, row = laid.labels[head.events], laid.span - 1 + one.first
        found[one.name] = {
            role: count_windows(ready.windows[role], labels, row, len(one.classes)).numpy() for role in ROLES
        }
    return found


def plain_counts(counts: dict[str, dict[str, np.ndarray]], asked: tuple[Asked, ...]) -> dict[str, Any]:
    """Return the counts as plain types for JSON, by target, role and class."""
    names = {one.name: one.classes for one in asked}
    return {
        name: {role: dict(zip(names[name], found.tolist(), strict=True)) for role, found in by_role.items()}
        for name, by_role in counts.items()
    }
