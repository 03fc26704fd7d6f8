"""Which findings the settings of a config take care of already; what its steps do is seen in dlkit.train.check.left."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import yaml

from dlkit.core.finding import Cure, Finding
from dlkit.data.inputs import StreamInput
from dlkit.data.multimodal import MultimodalDataModule
from dlkit.data.sources.aligned import Aligned

POLICIES: Mapping[str, frozenset[str]] = {
    "gaps": frozenset({"split", "fill"}),
    "duplicates": frozenset({"first", "last", "mean"}),
    "disorder": frozenset({"sort"}),
    "irregular": frozenset({"split", "snap", "keep"}),
}
"""Values of a setting of the source that repair the clock, each in its way."""
MASK, MASK_OF_SOURCE = Cure(place="data", line="mask_channels: true"), Cure(place="input", line="mask: true")
BY_CLOCK = {"gap", "duplicate stamp", "bursts", "jitter", "rate change", "rate drift"}
"""What several sources leave behind where they are brought to one clock."""


def with_handled(findings: Iterable[Finding], data: Any) -> list[Finding]:
    """Return findings, each with the setting that takes care of it."""
    own = [with_cures_of(one, data) for one in findings]
    return [one if one.handled else replace(one, handled=handled_by(one, data)) for one in own]


def with_cures_of(finding: Finding, data: Any) -> Finding:
    """Return a finding with repairs that a data module has: one of several sources masks each by itself."""
    if not isinstance(data, MultimodalDataModule):
        return finding
    cures = (MASK_OF_SOURCE if cure == MASK else cure for cure in finding.cures)
    return replace(finding, cures=tuple(cures))


def handled_by(finding: Finding, data: Any) -> str:
    """Return the setting that takes care of a finding, "" where none does."""
    if finding.kind in BY_CLOCK and isinstance(getattr(data, "source", data), Aligned):
        return "the clock that all sources are brought to"
    if finding.channel and not is_used(finding, data):
        return "`inputs` and `targets`, which leave the channel out"
    return next((said for cure in finding.cures if (said := has(cure, finding, data))), "")


def has(cure: Cure, finding: Finding, data: Any) -> str:
    """Return in words where a config has a repair already, "" where it has not."""
    given = yaml.safe_load(cure.line)
    if not isinstance(given, dict) or cure.place == "clean":  # a step is believed where its rows are seen
        return ""
    if "split" in given and finding.kind != "label follows group":  # what a split has left, it does not take care of
        return ""
    owner = data if cure.place == "data" else source_of(finding, data)
    if cure.place == "input":
        owner = getattr(data, "source", data).sources.get(finding.source)
    same = all(is_set(name, setting_of(owner, name), value) for name, value in given.items())
    return f"`{cure.line}` of the {cure.place}" if same else ""


def is_set(name: str, known: Any, wanted: Any) -> bool:
    """Tell whether a setting has a value that repairs: the wanted one, one as good, or a list or class that has it."""
    if isinstance(wanted, dict) and "class_path" in wanted:
        arguments = wanted.get("init_args", {}).items()
        same = f"{type(known).__module__}.{type(known).__qualname__}" == wanted["class_path"]
        return same and all(getattr(known, key, None) == value for key, value in arguments)
    if isinstance(wanted, list) and isinstance(known, list | tuple):
        return all(one in known for one in wanted)
    return known == wanted or (name in POLICIES and known in POLICIES[name])


def setting_of(owner: Any, name: str) -> Any:
    """Return a setting of a source, an input or a data module."""
    settings = getattr(owner, "settings", None)
    if isinstance(settings, Mapping):
        return settings.get(name)
    return getattr(owner if settings is None else settings, name, None)


def source_of(finding: Finding, data: Any) -> Any:
    """Return the source that a finding is about."""
    source = getattr(data, "source", data)
    several = isinstance(source, Aligned) and finding.source in source.sources
    return source.sources[finding.source].source if several else source


def is_used(finding: Finding, data: Any) -> bool:
    """Tell whether a channel goes into a network or is asked for."""
    source = getattr(data, "source", data)
    if isinstance(source, Aligned):
        return is_used_of_several(finding, source, getattr(data, "wanted", None))
    roles = getattr(data, "roles", None)
    if not isinstance(roles, Mapping) or roles.get("inputs") is None:
        return True
    chosen = [*roles["inputs"], *roles.get("targets", []), *roles.get("future", [])]
    return any(fits(finding.channel, one) for one in chosen)


def is_used_of_several(finding: Finding, source: Aligned, wanted: Any) -> bool:
    """Tell whether a channel of one of several sources goes into a network or is asked for."""
    given = source.sources.get(finding.source)
    taken = given.channels if isinstance(given, StreamInput) else None
    if taken is not None and not any(fits(finding.channel, one) for one in taken):
        return False
    if wanted is None or wanted.inputs is None:
        return True
    name = f"{finding.source}.{finding.channel}"
    chosen = [*wanted.inputs, *(one for head in wanted.heads.values() for one in head.channels)]
    return any(fits(name, one) or one.startswith(f"{name} ") or one == finding.source for one in chosen)


def fits(channel: str, pattern: str) -> bool:
    """Tell whether a name or glob means a channel."""
    return channel == pattern or fnmatchcase(channel, pattern)
