"""Which findings the settings of a config take care of already."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from dlkit.core.finding import Finding
from dlkit.data.base import Source
from dlkit.data.sources.aligned import Aligned

POLICIES: Mapping[str, tuple[str, frozenset[str]]] = {
    "gap": ("gaps", frozenset({"split", "fill"})),
    "duplicate stamps": ("duplicates", frozenset({"first", "last", "mean"})),
    "disorder": ("disorder", frozenset({"sort"})),
    "irregular": ("irregular", frozenset({"split", "snap"})),
}
"""Setting of a source for each kind of finding, and the values that mend it."""


def with_handled(findings: Iterable[Finding], data: Any) -> list[Finding]:
    """Return findings, each with the setting that takes care of it."""
    return [replace(one, handled=handled_by(one, data)) if not one.handled else one for one in findings]


def handled_by(finding: Finding, data: Any) -> str:
    """Return the setting that takes care of a finding, "" where none does."""
    return by_policy(finding, data) or by_step(finding, data) or by_choice(finding, data)


def by_policy(finding: Finding, data: Any) -> str:
    """Return the setting of the source that mends the clock."""
    name, values = POLICIES.get(finding.kind, ("", frozenset()))
    source = source_of(finding, data)
    value = getattr(source, "settings", {}).get(name) if isinstance(source, Source) else None
    if value in values:
        return f"`{name}: {value}` of the source"
    return "the clock that all sources are brought to" if name and aligned(data) else ""


def source_of(finding: Finding, data: Any) -> Any:
    """Return the source that a finding is about."""
    source = getattr(data, "source", data)
    return source.sources[finding.source].source if aligned(data) and finding.source in source.sources else source


def aligned(data: Any) -> bool:
    """Tell whether a data module has several sources."""
    return isinstance(getattr(data, "source", data), Aligned)


STEPS: Mapping[str, frozenset[str]] = {
    "sentinel": frozenset({"Mask"}),
    "stuck": frozenset({"Mask"}),
    "spikes": frozenset({"Despike", "Clip", "Mask"}),
    "missing": frozenset({"Interpolate"}),
    "constant": frozenset({"DropChannels"}),
    "duplicate channel": frozenset({"DropChannels"}),
    "unit change": frozenset({"Scale"}),
}
"""Steps of `clean` that mend each kind of finding."""


def by_step(finding: Finding, data: Any) -> str:
    """Return the cleaning step that mends a channel."""
    for step in getattr(data, "clean", None) or []:
        name = type(step).__name__
        channels = getattr(step, "channels", ["*"])
        if name in STEPS.get(finding.kind, ()) and any(fnmatchcase(finding.channel, one) for one in channels):
            return f"`{name}` in `clean`"
    return ""


def by_choice(finding: Finding, data: Any) -> str:
    """Return the choice that leaves a channel out, or gives the network what is known of its missing values."""
    if finding.channel and not is_used(finding, data):
        return "`inputs` and `targets`, which leave it out"
    masks = finding.kind == "missing" and getattr(data, "mask_channels", False)
    return "`mask_channels: true`, which tells the network" if masks else ""


def is_used(finding: Finding, data: Any) -> bool:
    """Tell whether a channel goes into a network or is asked for."""
    roles = getattr(data, "roles", None)
    if not isinstance(roles, Mapping) or roles.get("inputs") is None:
        return True
    chosen = [*roles["inputs"], *roles.get("targets", []), *roles.get("future", [])]
    return any(finding.channel == one or fnmatchcase(finding.channel, one) for one in chosen)
