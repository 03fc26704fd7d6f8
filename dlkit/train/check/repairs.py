"""The first repair of each finding, all of them in one place."""

from collections.abc import Iterable
from typing import Any

import yaml

from dlkit.core.finding import Cure, Finding, ranked
from dlkit.quality.checked import Check


def repairs_of(findings: Iterable[Finding]) -> dict[str, Any]:
    """Return the first repair of each finding: settings of the source, of the data module, and the list ``clean``.

    Lists of one setting are joined; of two values of a setting the one of the worse finding holds.
    """
    found: dict[str, Any] = {"source": {}, "data": {}, "clean": []}
    for finding in ranked(findings):
        if finding.cures and not finding.handled:
            add_repair(found, finding.cures[0], finding.source)
    return {name: part for name, part in found.items() if part}


def add_repair(found: dict[str, Any], cure: Cure, source: str) -> None:
    """Add a repair to those that there are."""
    given = yaml.safe_load(cure.line)
    if cure.place == "clean":
        if given not in found["clean"]:
            found["clean"].append(given)
        return
    place = found.setdefault(cure.place, {})
    if source and cure.place in ("source", "input"):
        place = place.setdefault(source, {})
    for name, value in given.items():
        if isinstance(value, list) and isinstance(place.get(name), list):
            place[name] += [one for one in value if one not in place[name]]
        else:
            place.setdefault(name, value)


def repairs_yaml(check: Check) -> str:
    """Return all first repairs as YAML."""
    found = repairs_of(check.findings)
    return yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=110) if found else ""
