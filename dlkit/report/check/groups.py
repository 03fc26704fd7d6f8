"""Findings of one kind in many channels are told once."""

from collections.abc import Iterable, Sequence

from dlkit.core.finding import Cure, Finding, ranked

FEW = 3  # findings of a kind that are told one by one


def groups_of(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Return findings, ranked; those of one kind and level in several channels or sources stand together."""
    every = ranked(findings)
    place = {id(one): number for number, one in enumerate(every)}
    found: dict[tuple[str, str, bool], list[Finding]] = {}
    for one in every:
        found.setdefault((one.level, one.kind, bool(one.handled)), []).append(one)
    groups: list[list[Finding]] = []
    for same in found.values():
        several = len(same) >= FEW and all(name_of(one) for one in same)
        groups += [same] if several or roles_only(same) else [[one] for one in same]
    return sorted(groups, key=lambda group: place[id(group[0])])


def roles_only(same: Sequence[Finding]) -> bool:
    """Tell whether findings are the same about several roles: of no channel, for one reason, with the same repairs."""
    alike = len({(one.why, one.cures) for one in same}) == 1
    return len(same) > 1 and alike and not any(name_of(one) for one in same)


def cures_of(group: Sequence[Finding]) -> list[Cure]:
    """Return the repairs of findings: all of one finding, the first of each of several, each once."""
    cures = group[0].cures if len(group) == 1 else [cure for one in group for cure in one.first_repair]
    return list(dict.fromkeys(cures))


def named_counts(group: Sequence[Finding], most: int) -> str:
    """Return what findings of one kind are about, with the count of each and of all."""
    first, *others = [f"{one.count:,} {one.counted} of '{name_of(one)}'" for one in group[:1]] + [
        f"{one.count:,} of '{name_of(one)}'" for one in group[1:]
    ]
    more = f" and of {len(others) - most + 1} more" if len(others) >= most else ""
    return f"{', '.join([first, *others[: most - 1]])}{more}; {sum(one.count for one in group):,} in all"


def name_of(finding: Finding) -> str:
    """Return the channel that a finding is about, with its source; or the source."""
    return ".".join(part for part in (finding.source, finding.channel) if part)
