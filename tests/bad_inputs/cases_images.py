"""Image files and tables of images that cannot be learnt from."""

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from tests.bad_inputs.sample_jobs import bytes_in, images, pixels, put

CATS = [f"images/cat/{number:02d}.png" for number in range(0, 24, 2)]


def jpeg(content: bytes) -> bytes:
    """Return a PNG as JPEG, cut short."""
    out = io.BytesIO()
    Image.open(io.BytesIO(content)).resize((64, 64)).save(out, "jpeg")
    return out.getvalue()[: len(out.getvalue()) // 2]


def rename(folder: Path) -> None:
    (folder / "images" / "dog").rename(folder / "images" / "train")
    shutil.move(folder / "images" / "cat", folder / "images" / "test")


def loose(folder: Path) -> None:
    """Put all images beside each other."""
    for path in sorted((folder / "images").glob("*/*.png")):
        path.rename(folder / "images" / path.name)
    for name in ("cat", "dog"):
        (folder / "images" / name).rmdir()


def left(cats: int, dogs: int) -> Callable[[Path], None]:
    """Keep a few images of each class."""

    def make(folder: Path) -> None:
        for name, count in (("cat", cats), ("dog", dogs)):
            for path in sorted((folder / "images" / name).iterdir())[count:]:
                path.unlink()

    return make


def by_role(folder: Path) -> None:
    """Sort cats into training and dogs into testing."""
    for role, name in (("train", "cat"), ("test", "dog")):
        shutil.move(folder / "images" / name, folder / "images" / role / name)
    shutil.copytree(folder / "images" / "train" / "cat", folder / "images" / "train" / "cow")


def notes(folder: Path) -> None:
    for path in list((folder / "images").rglob("*.png")):
        path.with_suffix(".md").write_text("notes")
        path.unlink()


IMAGES = {
    "no such folder": images(("`path", "imagse", "folder"), {"S.init_args.path": "{}/imagse"}),
    "a file instead of a folder": images(("images.yaml", "folder"), {"S.init_args.path": "{}/images.yaml"}),
    "empty folder": images(
        ("images", "holds no image"), make=lambda folder: [shutil.rmtree(p) for p in (folder / "images").iterdir()]
    ),
    "folders of other files": images(("images", "holds no image"), make=notes),
    "images beside each other": images(("24 images", "one folder a class", "Manifest"), make=loose),
    "empty class": images(
        ("class folder without an image", "cow", "bad: skip"), make=lambda folder: (folder / "images" / "cow").mkdir()
    ),
    "one class": images(("one class", "'cat'"), make=lambda folder: shutil.rmtree(folder / "images" / "dog")),
    "one image a class": images(("Stratified", "val and test"), make=left(1, 1)),
    "class that is not there": images(("'cow'", "there is cat, dog"), {"S.init_args.classes": ["cat", "cow"]}),
    "order without classes": images(("kind: ordinal", "`classes`"), {"S.init_args.kind": "ordinal"}),
    "kind of labels that a folder cannot have": images(("kind", "'values'"), {"S.init_args.kind": "values"}),
    "mixed sizes": images(("cat/00.png|cat/99.png", "9 x 7", "`size"), make=put("cat/99.png", pixels(1, (9, 7)))),
    "cut JPEG": images(("1 of 25 images", "cat/99.jpg", "truncated", "bad: skip"), make=bytes_in("cat/99.jpg", jpeg)),
    "cut PNG": images(
        ("cat/99.png", "truncated|damaged"), make=bytes_in("cat/99.png", lambda content: content[: len(content) // 2])
    ),
    "flipped bits": images(
        ("cat/99.png", "damaged|truncated"),
        make=bytes_in("cat/99.png", lambda content: content[:50] + bytes(20) + content[70:]),
    ),
    "empty image": images(("cat/99.png", "empty file"), make=bytes_in("cat/99.png", lambda content: b"")),
    "text called an image": images(
        ("cat/99.png", "not an image"), make=bytes_in("cat/99.png", lambda content: b"hello")
    ),
    "CMYK among gray without a size": images(
        ("cat/99.jpg", "size"), make=put("cat/99.jpg", pixels(1, (9, 7, 3)), "CMYK")
    ),
    "one pixel": images(("cat/99.png", "1 x 1 pixels"), make=put("cat/99.png", pixels(1, (1, 1)))),
    "16 bits among 8": images(
        ("cat/99.png", "uint16 values where most have uint8"),
        make=put("cat/99.png", pixels(1, kind="uint16")),
    ),
    "NaN pixels only": images(
        ("cat/99.npy", "no known value|float32"), make=put("cat/99.npy", np.full((8, 8), np.nan, np.float32))
    ),
    "other number of channels": images(
        ("dog/99.npy", "7 channels where most have 1"),
        {"S.init_args.color": "all"},
        make=put("dog/99.npy", pixels(1, (7, 8, 8))),
    ),
    "no colours": images(
        ("dog/99.npy", "7 channels are no colours"),
        {"S.init_args.color": "rgb"},
        make=put("dog/99.npy", pixels(1, (7, 8, 8))),
    ),
    "wrong channels": images(("`channels` names 3", "1"), {"S.init_args.channels": ["r", "g", "b"]}),
    "unit of no channel": images(
        ("`units`", "'energy'", "leave it out", "gray"), {"S.init_args.units": {"energy": "keV"}}
    ),
    "unknown colour": images(("color", "'pink'"), {"S.init_args.color": "pink"}),
    "unknown policy": images(("bad", "'ignore'"), {"S.init_args.bad": "ignore"}),
    "groups by no pattern": images(("`groups: shot\\(`", "pattern"), {"S.init_args.groups": "shot("}),
    "groups by a pattern that finds none": images(
        (r"`groups: shot\(\\d\)` matches no file name", "cat/00.png", "change `groups`"),
        {"S.init_args.groups": r"shot(\d)", "S.init_args.bad": "skip"},
    ),
    "a class that is tested but never trained": images(
        ("test but never in train", "dog"),
        {"D.split": {"class_path": "dlkit.data.sample_splits.Official"}},
        make=by_role,
    ),
    "roles that are classes": images(("images holds no image in a class folder",), make=rename),
    "traces module": images(
        ("images, not traces", "ImageDataModule"), {"data.class_path": "dlkit.data.sample_modules.TraceDataModule"}
    ),
    "size of one number": images(("data.size", "8"), {"D.size": 8}),
    "size negative": images(("size=", "positive"), {"D.size": [-8, 8]}),
    "placement in the clouds": images(("placement", "'cloud'"), {"D.placement": "cloud"}),
}


def table(folder: Path, **columns: list[object]) -> None:
    """List the images in a table, some columns changed."""
    names = sorted(path.relative_to(folder).as_posix() for path in (folder / "images").rglob("*.png"))
    frame = pd.DataFrame({"path": names, "label": [name.split("/")[1] for name in names]} | columns)
    frame.to_csv(folder / "list.csv", index=False)


def listed(says: tuple[str, ...], settings: dict[str, object] | None = None, **columns: list[object]):
    """Return a case with images that a table lists."""
    source = {
        "class_path": "dlkit.data.sources.manifest.Manifest",
        "init_args": {"path": "{}/list.csv"} | (settings or {}),
    }
    changes = {"S.class_path": source["class_path"], "S.init_args.path": "{}/list.csv"}
    changes |= {f"S.init_args.{key}": value for key, value in (settings or {}).items()}
    return images(says, changes, make=lambda folder: table(folder, **columns))


MANIFESTS = {
    "no such table": listed(("lst.csv", "did you mean 'list.csv'"), {"path": "{}/lst.csv"}),
    "label column that is not there": listed(("list.csv", "'kind'", "`label`", "label"), {"label": "kind"}),
    "image column that is not there": listed(("list.csv", "'file'", "`image`"), {"image": "file"}),
    "group column that is not there": listed(("list.csv", "'shot'", "`groups`"), {"groups": "shot"}),
    "no label column at all": listed(("label", "list"), {"label": []}),
    "path missing": listed(("1 of 24 images", "image missing"), path=["", *CATS, *CATS[1:]]),
    "no such file": listed(("no such file", "images/cow.png"), path=["images/cow.png", *CATS, *CATS[1:]]),
    "label missing": listed(("2 of 24 images", "label missing", "bad: skip"), label=["", None, *["cat", "dog"] * 11]),
    "unknown class": listed(("unknown class", "there is cat, cow"), {"classes": ["cat", "cow"]}),
    "order of words": listed(("Ordinal", "`classes`"), {"kind": "ordinal"}),
    "numbers as classes or values": listed(("whole numbers|kind", "kind"), label=[float(n % 2) for n in range(24)]),
    "a word among values": listed(
        ("1 of 24 images", "label is no number, such as 'abc': images/cat/02.png", "bad: skip"),
        {"kind": "values"},
        label=[0.5, "abc", *[float(n) for n in range(22)]],
    ),
    "a file listed twice": listed(
        (r"no such file: images/cow.png \(row 1\), images/cow.png \(row 24\)",),
        path=["images/cow.png", *CATS, *CATS[2:], "images/cow.png"],
    ),
    "separator of one label": listed(("`separator", "set `kind: labels`"), {"separator": ";", "kind": "class"}),
    "values taken for classes": listed(
        ("24 different numbers", "set `kind: values`"), {"kind": "class"}, label=[n / 7 + 0.1 for n in range(24)]
    ),
    "values that are words": listed(("kind: values", "cat"), {"kind": "values"}),
    "unknown role": listed(
        ("role is none of train, val, test", "images/"), {"roles": "role"}, role=["train", "exam"] * 12
    ),
    "bytes that are no image": listed(("not an image|no such file", "hello"), path=["hello"] * 24),
    "separator for several columns": listed(
        ("`separator", "one column"), {"separator": ";", "label": ["label", "path"]}
    ),
    "labels in a cell that are not known": listed(
        ("'cow'", "`classes`"), {"separator": ";", "classes": ["cat", "dog"]}, label=["cat;cow", "dog"] * 12
    ),
}


def cleaned(says: tuple[str, ...], step: str, **settings: object):
    """Return a case with a step of ``clean``."""
    return images(says, {"D.clean": [{"class_path": f"dlkit.data.cleaning.{step}", "init_args": settings}]})


CLEANING = {
    "a step for rows": cleaned(("Mask is a step for rows",), "mask.Mask", values=[0], channels=["*"]),
    "a step that does not exist": cleaned(("clean", "Sharpen"), "denoise.Sharpen"),
    "a median of an even width": cleaned(("Median width=4", "odd"), "denoise.Median", width=4),
    "a stretch that falls": cleaned(("Stretch", "must rise"), "exposure.Stretch", low=0.9, high=0.1),
    "a way to equalize that does not exist": cleaned(("clean", "clahe"), "exposure.Equalize", method="clahe"),
    "a dark frame that is not there": cleaned(
        ("no such file", "`path`"), "background.SubtractBackground", path="no.npy"
    ),
    "a pixel outside": cleaned(("RepairPixels", "outside of images of 8 x 8"), "pixels.RepairPixels", pixels=[[8, 0]]),
    "a name that no image has": cleaned(("LeaveOut", "cow.png"), "leave_out.LeaveOut", names=["cow.png"]),
    "everything left out": cleaned(("leaves no sample",), "leave_out.LeaveOut", names=["*"]),
    "no step at all": cleaned(("names",), "leave_out.LeaveOut"),
}
