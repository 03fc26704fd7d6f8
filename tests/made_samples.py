"""Small labelled data sets in files, for tests."""

import io
import struct
import zlib

import numpy as np
import pandas as pd
from PIL import Image

from dlkit.data.sources.anomaly_samples import AnomalySamples
from dlkit.data.sources.image_folder import ImageFolder
from dlkit.data.sources.manifest import Manifest
from dlkit.data.sources.sample_arrays import SampleArrays
from dlkit.data.sources.ucr import UCR


def pixels(*shape, seed=0, dtype=np.uint8):
    """Random pixels that fill the range of their type."""
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def encoded(image, form="PNG", **options):
    """The bytes of an image file; ``image`` is (height, width) or (height, width, 3)."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format=form, **options)
    return stream.getvalue()


def image_folder(root, *, classes=("cat", "dog"), each=6, form="PNG", roles=(None,)):
    """A folder of images of 8 x 10 pixels: (role/)class/image."""
    for role in roles:
        for label in classes:
            folder = root / (role or "") / label
            folder.mkdir(parents=True)
            for number in range(each):
                image = pixels(8, 10, 3, seed=sum(map(ord, label)) + number)
                (folder / f"run{number // 2}_{number}.{form.lower()}").write_bytes(encoded(image, form))
    return root


def table_of_images(folder):
    """A folder of images and a table of them: paths, classes, several labels, values, shots and roles."""
    image_folder(folder)
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "path": paths, "label": [path[:3] for path in paths], "shot": np.arange(12) // 2,
            "role": ["train"] * 8 + ["test"] * 4, "size": random.normal(size=12), "charge": random.normal(size=12),
            "tags": ["red;big", "", "red", "big", "red;big", "small"] * 2,
        }
    )  # fmt: skip


def png16(image):
    """The bytes of a PNG of 16 bits, (height, width, 3), which Pillow cannot write."""
    height, width = image.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in image)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def tiff(pages, order="<", *, deflate=False, separate=False, inverted=False, strips=3):
    """The bytes of a TIFF of pages (channels, height, width), in strips; by hand, for Pillow writes few kinds."""
    content, last = bytearray((b"II*\0" if order == "<" else b"MM\0*") + b"\0\0\0\0"), 4
    for page in pages:
        channels, height, width = page.shape
        planes = [page[[c]] for c in range(channels)] if separate else [page]
        parts = [part for plane in planes for part in np.array_split(plane.transpose(1, 2, 0), strips)]
        raw = [part.astype(page.dtype.newbyteorder(order)).tobytes() for part in parts]
        offsets, stored = [], [zlib.compress(part) if deflate else part for part in raw]
        for part in stored:
            offsets.append(len(content))
            content += part
        bits, form = page.dtype.itemsize * 8, {"u": 1, "i": 2, "f": 3}[page.dtype.kind]
        tags = {
            256: [width], 257: [height], 258: [bits] * channels, 259: [8 if deflate else 1],
            262: [0 if inverted else 1], 273: offsets, 277: [channels], 278: [-(-height // strips)],
            279: [len(part) for part in stored], 284: [2 if separate else 1], 339: [form] * channels,
        }  # fmt: skip
        entries = b""
        for tag, numbers in sorted(tags.items()):
            data = struct.pack(f"{order}{len(numbers)}I", *numbers)
            if len(data) > 4:
                place, data = len(content), struct.pack(order + "I", len(content))
                content += struct.pack(f"{order}{len(numbers)}I", *numbers)
                assert place
            entries += struct.pack(order + "HHI", tag, 4, len(numbers)) + data
        content[last : last + 4] = struct.pack(order + "I", len(content))
        content += struct.pack(order + "H", len(tags)) + entries
        last = len(content)
        content += b"\0\0\0\0"
    return bytes(content)


TS = """# made
@problemName Made
@timestamps false
@univariate false
@equalLength false
@classLabel true up down
@data
1,2,3,4:5,?,7,8:up
1,2:3,4:down
-1,2.5,3e1:0,0,0:up
0,0,0,0:1,1,1,1:down
"""


def ts_files(folder):
    for role in ("TRAIN", "TEST"):
        (folder / f"Made_{role}.ts").write_text(TS)
    return folder


def traces(samples=30, channels=2, time=16, classes=3, seed=0):
    random = np.random.default_rng(seed)
    values = random.normal(size=(samples, channels, time)).astype(np.float32)
    return {"X": values, "y": np.arange(samples) % classes}


def make_source(cls, folder):
    """A source of each class that needs files."""
    if cls is SampleArrays:
        made = traces()
        made["X"][3, :, 9:] = np.nan
        np.savez(folder / "made.npz", **made, groups=np.arange(30) // 3)
        return SampleArrays(path=folder / "made.npz", units={"x0": "V"}, step="10us")
    if cls is ImageFolder:
        root = folder / "images"
        return ImageFolder(path=root if root.exists() else image_folder(root), groups=r"run(\d+)")
    if cls is Manifest:
        table = pd.DataFrame(
            {"jpeg": [encoded(pixels(8, 10, 3, seed=n), "JPEG") for n in range(9)], "class": list("abcabcabc")}
        )
        table.to_parquet(folder / "list.parquet")
        return Manifest(path=folder / "list.parquet", image="jpeg", label="class")
    if cls is UCR:
        return UCR(path=ts_files(folder))
    if cls is AnomalySamples:
        return AnomalySamples(source=make_source(ImageFolder, folder), normal=["cat"])
    return cls()
