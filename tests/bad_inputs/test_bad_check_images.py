"""Images as they lie: whatever is wrong with some of them, `dlkit check` names it and goes on."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dlkit.core.checks import InputError
from dlkit.core.runfolder import read_json
from dlkit.data.sources.image_folder import ImageFolder
from dlkit.report.words import size
from tests.bad_inputs.cases_check import kinds
from tests.bad_inputs.sample_jobs import write_images
from tests.bad_inputs.test_bad_check import check
from tests.made_images import encode, scenes
from tests.made_samples import tiff


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
    "one is garbage": (changed(3, garbage()), {"unusable images"}),
    "one is empty": (changed(3, b""), {"unusable images"}),
    "one is text": (changed(3, b"see the other folder"), {"unusable images"}),
    "one is a jpeg by another name": (changed(3, encode(scenes(1, 24)[0], "JPEG")), set()),
    "one is of one pixel": (changed(3, encode(np.zeros((3, 1, 1), np.uint8))), {"unusable images"}),
    "one is blank": (changed(3, encode(np.full((3, 24, 24), 9, np.uint8))), {"blank"}),
    "one has a palette": (changed(3, palette()), set()),
    "one is of 16 bits": (changed(3, encode(scenes(1, 24, 1, bits=16)[0])), {"unusable images"}),
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


def test_images_that_a_config_refuses_are_findings_of_its_check(tmp_path, capsys):
    write_images(tmp_path)  # `bad: fail`, as it is where nobody says
    (tmp_path / "images" / "cat" / "99.png").write_bytes(garbage())
    assert check(tmp_path, ["{}/images.yaml"]) == 0
    said, found = " ".join(capsys.readouterr().out.split()), kinds(tmp_path / "out")
    assert found["refused"] == "error" and found["unusable images"] == "warning"
    assert "refused: 1 of 25 images cannot be used" in said and "or set `bad: skip` to leave them out." in said
    assert check(tmp_path, ["{}/images.yaml", "--data.source.init_args.bad", "skip"]) == 0
    assert "refused" not in kinds(tmp_path / "out")


def test_bad_images_are_told_once_with_their_number_as_a_run_counts_them(tmp_path, capsys):
    contents = [encode(image) for image in scenes(40, 24)]
    contents[3:8] = [b"", b"", b"no image", contents[6][:200], encode(scenes(1, 24, 1, bits=16)[0])]
    folder_of(tmp_path, contents)
    (tmp_path / "images" / "a" / "Thumbs.db").write_bytes(b"\0")
    (tmp_path / "images" / "c").mkdir()
    assert check(tmp_path, ["{}/images"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("cannot be used") == 1
    assert "unusable images: 5 of 40 images cannot be used (empty file: 2; " in said
    assert "; 1 other cause: 1), such as '" in said and "All causes are in check.json, `left_out`." in said
    (source,) = read_json(tmp_path / "out" / "check.json")["sources"]
    assert sum(source["facts"]["left_out"].values()) == 7 and len(source["facts"]["left_out"]) == 6
    assert "1 class folder holds no image: 'c'" in said
    assert "other files: 1 file is no image by its name, such as 'a/Thumbs.db'" in said
    with pytest.raises(InputError, match=r"^5 of 40 images cannot be used"):
        ImageFolder(path=tmp_path / "images").read()


def test_a_check_and_a_run_agree_on_the_channels_where_one_image_is_of_another_type(tmp_path, capsys):
    folder_of(tmp_path, [encode(image) for image in scenes(40, 24, 1, bits=16)])
    (tmp_path / "images" / "a" / "99.png").write_bytes(encode(scenes(1, 24, seed=3)[0]))
    for color in ("auto", "all"):
        samples = ImageFolder(path=tmp_path / "images", color=color, bad="skip").read()
        assert samples.channels == ("gray",)
        assert samples.skipped == {"uint8 values where most have uint16": ["a/99.png"]}
    assert check(tmp_path, ["{}/images"]) == 0
    said = capsys.readouterr().out
    assert "40 samples; 1 channel" in said and "gray" not in said


def test_pages_of_a_tiff_are_told_as_channels(tmp_path, capsys):
    for number in range(20):
        path = tmp_path / "images" / "ab"[number % 2] / f"{number:02d}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tiff(list(scenes(5, 24, 1, bits=16, seed=number))))
    assert check(tmp_path, ["{}/images"]) == 0
    assert "TIFF of 5 channels: pages" in " ".join(capsys.readouterr().out.split())
    path.write_bytes(tiff(list(scenes(6, 24, 1, bits=16))))
    with pytest.raises(InputError, match=r"6 channels where most have 5, the pages of a TIFF are channels: b/19\.tif"):
        ImageFolder(path=tmp_path / "images", color="all").read()


def test_a_check_of_a_table_counts_the_bytes_of_its_images_and_asks_for_misspelt_classes(tmp_path, capsys):
    names = []
    for number, image in enumerate(scenes(40, 64)):
        names.append(f"{number}.png")
        (tmp_path / names[-1]).write_bytes(encode(image))
    labels = ["halo", "double"] * 19 + ["haloo", "double"]
    pd.DataFrame({"path": names, "label": labels}).to_csv(tmp_path / "list.csv", index=False)
    assert check(tmp_path, ["{}/list.csv"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    bytes_of_images = sum((tmp_path / name).stat().st_size for name in names)
    assert "fewer than 5 samples: 'haloo' (1). Is 'haloo' meant to be 'halo'?" in said
    assert f"3 channels; {size(bytes_of_images)}" in said
