"""The line that a finding about images gives makes it go away."""

import importlib
import io
from dataclasses import replace

import numpy as np
import pytest
import yaml
from PIL import Image

from dlkit.data.cleaning.images import CleanedPictures, learn_pictures, of_pictures
from dlkit.data.cleaning.leave_out import leave_out, without
from dlkit.data.samples.untouched import Untouched
from dlkit.quality.images.frames import frame_findings
from dlkit.quality.images.samples import image_findings
from dlkit.train.check.images import found_looks
from tests.laws.quality.test_image_checks import CHANGES, planted
from tests.made_images import beam, frames, samples, scenes
from tests.shared_data import shared


def step_of(cure):
    """Return the step that a line of YAML names."""
    assert cure.place == "clean"
    given = yaml.safe_load(cure.line)
    module, _, name = given["class_path"].rpartition(".")
    return getattr(importlib.import_module(module), name)(**given.get("init_args", {}))


def cured(cure, given):
    """Return samples after a step, learnt from all of them where it learns."""
    steps = learn_pictures([step_of(cure)], Untouched(given.values), np.arange(len(given)))
    given = leave_out(steps, given)
    clean = CleanedPictures(Untouched(given.values), of_pictures(steps))
    return replace(given, values=np.stack([clean.decode(n) for n in range(len(given))]), skipped={})


def equal_ones(values):
    values[100], values[7] = values[4], values[5]
    return values


def near_ones(values):
    values[100] = (values[4] * 0.7 + 20).astype(np.uint8)
    return values


PLANTED = {kind: planted([3, 50], CHANGES[kind]) for kind in ("dark", "bright", "blank", "blurred", "low information")}
PLANTED |= {"copy": equal_ones(scenes()), "near copy": near_ones(scenes())}


@pytest.mark.parametrize("kind", PLANTED)
def test_every_cure_makes_its_finding_go(kind):
    given = samples(PLANTED[kind])
    finding = {one.kind: one for one in image_findings(given)}[kind]
    assert finding.cures
    for cure in finding.cures:
        assert kind not in {one.kind for one in image_findings(cured(cure, given))}, cure.line


def test_the_images_of_a_finding_are_shown_with_what_its_repair_makes_of_them():
    values = planted([3, 50], CHANGES["dark"])
    values[20] = values[22]
    given = samples(values)
    looks = {one.name: one for one in found_looks(image_findings(given), given)}
    assert set(looks) == {"found-dark", "found-copy"}
    assert "image 3" in looks["found-dark"].alt
    assert "exposure.Stretch" in looks["found-dark"].caption  # a copy that is left out is not repaired
    heights = [Image.open(io.BytesIO(looks[name].png)).height for name in ("found-dark", "found-copy")]
    assert heights[0] == pytest.approx(2 * heights[1], abs=2)


def test_repaired_pixels_are_found_no_more():
    values = beam()
    values[:, 0, 20, 11] = 77
    values[:, 0, 3, 4] += 500
    found = [one for one in frame_findings(frames(values)) if "pixels" in one.kind]
    assert len(found) == 2
    mended = cured(found[0].cures[0], samples(values))
    assert not [one for one in frame_findings(frames(mended.values)) if "pixels" in one.kind]


def test_what_is_known_of_the_reencoded_cifar10_is_found_and_nothing_is_refused():
    from dlkit.data.sources.manifest import Manifest

    path = shared("images/cifar10_test.parquet")
    given = Manifest(path=path, image="jpeg", label="class", color="rgb", check="some").read()
    found = {one.kind: one for one in image_findings(without(given, np.arange(3_000)))}
    assert all(one.level == "note" for one in found.values())
    counts = {"re-encoded": 3_000, "gray among colour": 51, "near copy": 9, "bright": 2}
    assert {kind: one.count for kind, one in found.items()} == counts
    assert "quality 75, colours at half resolution (4:2:0)" in found["re-encoded"].what
