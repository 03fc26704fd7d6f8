"""The setting of a folder of images that takes its groups from the names, where a number in them tells the label."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from dlkit.core.finding import Cure, Finding
from dlkit.data.raw.base import Raw
from dlkit.data.records import Samples
from dlkit.data.sources.image_folder import ImageFolder
from dlkit.quality.labels.leaks import alike, name_keys, plain_names


def with_groups(findings: Iterable[Finding], raw: Raw) -> list[Finding]:
    """Return findings; to those of a number in the names of a folder of images, ``groups`` is added."""
    samples = raw.samples() if isinstance(getattr(raw, "given", None), ImageFolder) else None
    return [one if samples is None else with_line(one, samples) for one in findings]


def with_line(finding: Finding, samples: Samples) -> Finding:
    """Return a finding, with the line that makes groups of the number that it is about."""
    if finding.kind != "label follows name" or not finding.cures:
        return finding
    roles = np.zeros(len(samples)) if samples.roles is None else samples.roles
    below = [name.split("/", 1 if samples.roles is None else 2)[-1] for name in map(str, samples.names)]
    keys = [key for what, key in name_keys(plain_names(samples), samples.labels, roles) if f" {what} " in finding.what]
    pattern = next((found for key in keys if (found := pattern_of(below, key))), "")
    line = Cure(place="source", line=f"groups: '{pattern}'", further=True)
    return replace(finding, cures=(*finding.cures, line)) if pattern else finding


def pattern_of(paths: Sequence[str], key: np.ndarray) -> str:
    """Return the pattern whose brackets part paths as a number in them does; "" where there is none.

    Where the same letters stand before the number in all paths they are in the pattern, else numbers are counted.
    """
    for place, number in enumerate(re.finditer(r"\d+", paths[0])):
        letters = re.findall(r"[A-Za-z]*$", paths[0][: number.start()])[0]
        for pattern in (rf"{letters}(\d+)", rf"^(?:\D*\d+){{{place}}}\D*(\d+)"):
            found = [re.search(pattern, path) for path in paths]
            if all(found) and alike(np.array([one[1] for one in found if one]), key):
                return pattern
    return ""
