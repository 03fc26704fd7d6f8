"""Images of a finding are seen whatever their scale, and pixels without a value in a colour of theirs."""

import io

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from dlkit.core.finding import Finding
from dlkit.report.canvas import MISSING
from dlkit.report.check.finding_images import Shown, finding_look

FINDING = Finding(kind="dark", level="warning", what="", why="")


def pixels(before, after=None):
    """Return the colours of a picture of one image, and of it after a repair, (height, width, 3)."""
    shown = Shown(FINDING, ["a"], [before], None if after is None else [after], "x")
    return np.asarray(Image.open(io.BytesIO(finding_look(shown).png)).convert("RGB"))


def ramp(high, kind):
    return np.broadcast_to(np.linspace(0, high, 64), (1, 64, 64)).astype(kind)


@pytest.mark.parametrize(
    ("kind", "high", "full"), [("float32", 9000, 1), ("float32", 1e-3, 1), ("uint16", 9000, 65535), ("uint8", 90, 255)]
)
def test_an_image_after_its_repair_is_seen_whatever_the_scale_that_the_repair_leaves(kind, high, full):
    picture = pixels(ramp(high, kind), ramp(full, kind))
    for share, greys in ((0.3, 8), (0.78, 40)):
        row = picture[int(len(picture) * share)]
        assert len(np.unique(row[(row == row[:, :1]).all(1)])) > greys, "the row is of one grey"


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pixels_without_a_value_are_drawn_in_the_colour_of_missing_ones(channels):
    image = np.repeat(ramp(100, "float32"), channels, 0)
    violet = np.round(255 * np.array(to_rgb(MISSING)))
    assert not (abs(pixels(image) - violet) <= 1).all(-1).any()
    image[0, 16:48, 16:48] = np.nan
    assert (abs(pixels(image) - violet) <= 1).all(-1).sum() > 500
