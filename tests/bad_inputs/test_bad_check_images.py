"""Images as they lie: whatever is wrong with some of them, `dlkit check` names it and goes on."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.bad_inputs.cases_check import kinds
from tests.bad_inputs.test_bad_check import check
from tests.made_images import encode, scenes


def folder_of(place, contents):
    """Write images of two classes in turn."""
    for number, content in enumerate(contents):
        path = place / "images" / "ab"[number % 2] / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def changed(number, content):
    """Return sound images, one of them replaced."""
    contents = [encode(image) for image in scenes(40, 24)]
    contents[number] = content
    return contents


def garbage():
    return np.random.default_rng(0).bytes(400)


def palette():
    file = io.BytesIO()
    Image.fromarray(scenes(1, 24)[0].transpose(1, 2, 0)).convert("P").save(file, "PNG")
    return file.getvalue()


CASES = {
    "one is garbage": (changed(3, garbage()), {"unreadable"}),
    "one is empty": (changed(3, b""), {"unreadable"}),
    "one is text": (changed(3, b"see the other folder"), {"unreadable"}),
    "one is a jpeg by another name": (changed(3, encode(scenes(1, 24)[0], "JPEG")), set()),
    "one is of one pixel": (changed(3, encode(np.zeros((3, 1, 1), np.uint8))), {"unreadable"}),
    "one is blank": (changed(3, encode(np.full((3, 24, 24), 9, np.uint8))), {"blank"}),
    "one has a palette": (changed(3, palette()), set()),
    "one is of 16 bits": (changed(3, encode(scenes(1, 24, 1, bits=16)[0])), {"unreadable"}),
    "one is long and thin": (changed(3, encode(np.tile(scenes(1, 8)[0], (1, 1, 40)))), {"odd aspect", "sizes"}),
    "two are equal": (changed(3, encode(scenes(40, 24)[8])), {"conflicting copies"}),
    "all are blank": ([encode(np.full((3, 8, 8), k, np.uint8)) for k in range(24)], {"blank"}),
}


@pytest.mark.parametrize("name", CASES)
def test_images_that_are_wrong_are_named_and_the_others_are_looked_at(name, tmp_path, capsys):
    contents, wanted = CASES[name]
    folder_of(tmp_path, contents)
    code = check(tmp_path, ["{}/images"])
    said = capsys.readouterr()
    assert code == 0, said
    assert wanted <= set(kinds(tmp_path / "out")), said


def test_images_none_of_which_can_be_read_are_refused(tmp_path, capsys):
    folder_of(tmp_path, [encode(image, "JPEG")[:-90] for image in scenes(24, 24)])
    assert check(tmp_path, ["{}/images"]) == 2
    assert "24 of 24 images cannot be used (truncated: a/00.png" in capsys.readouterr().err
