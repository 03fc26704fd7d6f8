"""What looks bad but is none: it trains, and what was left out is on record."""

import numpy as np

from tests.bad_inputs.cases_images import listed
from tests.bad_inputs.parts import part
from tests.bad_inputs.sample_jobs import arrays, bytes_in, images, pixels, put, save, traces

SKIP = {"S.init_args.bad": "skip"}
SIZE = {"D.size": [8, 8]}


def litter(folder):
    """Leave what file browsers leave, and a note, between the images."""
    for name in ("Thumbs.db", ".DS_Store", "._00.png", "notes.txt"):
        (folder / "images" / "cat" / name).write_bytes(b"\0\1litter")
    (folder / "images" / ".cache").mkdir()
    (folder / "images" / "README.md").write_text("cats and dogs")


def holes(folder):
    """Write images of floats with a missing pixel each."""
    for number in range(24):
        name = ("cat", "dog")[number % 2]
        (folder / "images" / name / f"{number:02d}.png").unlink()
        values = pixels(number, kind="float32")
        values[number % 8, 3] = np.nan
        save(folder / "images" / name / f"{number:02d}.npy", values)


WEIGHTED = part("M.loss", "dlkit.losses.classification.CrossEntropy", class_weights=True)
HARMLESS = {
    "litter beside images": (images((), make=litter), {"not an image by its name": ["cat/Thumbs.db", "cat/notes.txt"]}),
    "damaged image, skipped": (
        images((), SKIP, make=bytes_in("cat/99.png", lambda content: content[:60])),
        {"truncated": ["cat/99.png"]},
    ),
    "one pixel, skipped": (
        images((), SKIP, make=put("cat/99.png", pixels(1, (1, 1)))),
        {"1 x 1 pixels": ["cat/99.png"]},
    ),
    "CMYK of another size": (images((), SIZE, make=put("cat/99.jpg", pixels(1, (9, 7, 3)), "CMYK")), {}),
    "missing pixels": (images((), make=holes), {}),
    "one name for all images": (listed((), {"name": "label"}), {}),
    "empty class with weights": (traces((), {"S.init_args.classes": ["0", "1", "2"]} | WEIGHTED), {}),
    "label missing, skipped": (
        traces((), SKIP | {"S.init_args.kind": "class"}, make=arrays(y=np.array([np.nan, *np.arange(23) % 2]))),
        {"label missing": ["traces/0"]},
    ),
    "lengths from 1": (traces((), make=arrays(lengths=np.arange(24) % 16 + 1)), {}),
}
