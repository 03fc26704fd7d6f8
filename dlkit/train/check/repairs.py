"""The first repair of each finding, all of them in one place."""

from collections.abc import Iterable
from typing import Any

import yaml

from dlkit.core.finding import Cure, Finding, ranked
from dlkit.quality.checked import Check

DROP = "dlkit.data.cleaning.drop.DropChannels"
LISTS = ("channels", "names", "values", "during")
"""Settings of steps that may be joined: what holds for each of them holds for all."""


def repairs_of(findings: Iterable[Finding]) -> dict[str, Any]:
    """Return the first repair of each finding: settings of the source, of the data module, and the list ``clean``.

    Of several sources, settings and steps stand below their name.

    Lists of one setting are joined; of two values of a setting the one of the worse finding holds. Steps that differ
    in one list, such as their channels, are one step; channels that are left out need no other.
    """
    found: dict[str, Any] = {"source": {}, "data": {}, "clean": []}
    for finding in ranked(findings):
        for cure in () if finding.handled else finding.first_repair:
            add_repair(found, cure, finding.source)
    for place in (found, *found.get("input", {}).values()):
        if "clean" in place:
            place["clean"] = needed(place["clean"])
    return {name: part for name, part in found.items() if part}


def add_repair(found: dict[str, Any], cure: Cure, source: str) -> None:
    """Add a repair to those that there are."""
    given = yaml.safe_load(cure.line)
    if cure.place == "clean":
        given.setdefault("init_args", {})
        steps = (
            found.setdefault("input", {}).setdefault(source, {}).setdefault("clean", []) if source else found["clean"]
        )
        if not any(joins(step, given) for step in steps):
            steps.append(given)
        return
    place = found.setdefault(cure.place, {})
    if source and cure.place in ("source", "input"):
        place = place.setdefault(source, {})
    for name, value in given.items():
        if isinstance(value, list) and isinstance(place.get(name), list):
            place[name] += [one for one in value if one not in place[name]]
        else:
            place.setdefault(name, value)


def joins(step: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether a step does what another one does, once a list of it has taken in that of the other."""
    own, new = step["init_args"], other["init_args"]
    if step["class_path"] != other["class_path"] or set(own) != set(new):
        return False
    odd = [name for name in own if own[name] != new[name]]
    if not odd:
        return True
    if len(odd) > 1 or odd[0] not in LISTS:
        return False
    own[odd[0]] = own[odd[0]] + [one for one in new[odd[0]] if one not in own[odd[0]]]
    return True


def needed(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return steps without the channels that one of them leaves out, and without settings that are empty."""
    out = {name for step in steps if step["class_path"] == DROP for name in step["init_args"]["channels"]}
    found = []
    for step in steps:
        given = step["init_args"]
        if step["class_path"] != DROP and "channels" in given:
            given = given | {"channels": [name for name in given["channels"] if name not in out]}
        if given.get("channels") != []:
            found.append({"class_path": step["class_path"]} | ({"init_args": given} if given else {}))
    return found


def repairs_yaml(check: Check) -> str:
    """Return all first repairs as YAML, each where it stands in a config."""
    found = repairs_of(check.findings)
    if not found:
        return ""
    given = found.get("source", {})
    if any(one.name for one in check.sources):
        inputs = found.get("input", {})
        sources = {name: within(given.get(name, {})) | inputs.get(name, {}) for name in given | inputs}
        settings = {"sources": {name: {"init_args": one} for name, one in sources.items()}} if sources else {}
    else:
        settings = within(given) | found.get("input", {})
    settings |= found.get("data", {}) | ({"clean": found["clean"]} if "clean" in found else {})
    block = {"data": {"init_args": settings}}
    return yaml.safe_dump(block, sort_keys=False, allow_unicode=True, width=110)


def within(given: dict[str, Any]) -> dict[str, Any]:
    """Return settings of a source below it; nothing where there are none."""
    return {"source": {"init_args": given}} if given else {}
