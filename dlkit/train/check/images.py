"""Show the images that findings name, before and after the repair."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import yaml

from dlkit.core.checks import InputError
from dlkit.core.finding import Finding
from dlkit.data.cleaning.base import CleanPictures
from dlkit.data.cleaning.images import CleanedPictures, as_pictures, learn_pictures
from dlkit.data.records import Pictures, Samples
from dlkit.report.check.finding_images import Shown, finding_look
from dlkit.report.check.look import Look
from dlkit.train.messages import find_class

MOST, SIDE = 6, 6  # findings that are shown, and images of each
WHOLE = {"dead pixels", "hot pixels"}  # what is in every image


def found_looks(findings: Sequence[Finding], samples: Samples) -> list[Look]:
    """Return the images of the first findings that name some."""
    places = {name: number for number, name in enumerate(samples.names)}
    looks: list[Look] = []
    for finding in findings:
        named = [places[place.sample] for place in finding.places if place.sample in places]
        numbers = named[:SIDE] or (list(range(min(len(samples), SIDE))) if finding.kind in WHOLE else [])
        if numbers and len(looks) < MOST and finding.share < 1:
            looks += [finding_look(_shown(finding, numbers, samples))]
    return looks


def _shown(finding: Finding, numbers: list[int], samples: Samples) -> Shown:
    pictures = as_pictures(samples.values)
    before, names = [pictures.decode(number) for number in numbers], [samples.names[number] for number in numbers]
    for cure in finding.cures:
        step = _step_of(cure.line) if cure.place == "clean" else None
        if step is not None:
            after = _repaired(step, pictures, numbers)
            return Shown(finding, names, before, after, "" if after is None else cure.line)
    return Shown(finding, names, before)


def _step_of(line: str) -> CleanPictures | None:
    given: Any = yaml.safe_load(line)
    step = find_class("clean", given["class_path"])(**given.get("init_args", {}))
    return step if isinstance(step, CleanPictures) else None


def _repaired(step: CleanPictures, pictures: Pictures, numbers: list[int]) -> list[np.ndarray] | None:
    """Return images after a step, which learns from all of them; None where it cannot."""
    try:
        steps = learn_pictures([step], pictures, np.arange(len(pictures)))
        return [CleanedPictures(pictures, steps).decode(number) for number in numbers]
    except InputError:
        return None
