"""The same frames written in every way that a source of frames reads."""

import io
from fractions import Fraction

import h5py
import numpy as np
import pandas as pd
from PIL import Image

from dlkit.data.sources.frame_folder import FrameFolder
from dlkit.data.sources.frame_stack import FrameStack
from dlkit.data.sources.frame_table import FrameTable
from dlkit.data.sources.video import Video

COUNT, HEIGHT, WIDTH = 12, 8, 10
TIMES = (np.arange(COUNT) * 40 + np.arange(COUNT) % 3) * 1_000_000  # about 25 Hz, in nanoseconds


def pictures(channels=1, dtype=np.uint8, count=COUNT):
    """Return frames of noise, (frames, channels, height, width)."""
    top = 256 if dtype == np.uint8 else 60_000
    return np.random.default_rng(channels).integers(0, top, (count, channels, HEIGHT, WIDTH)).astype(dtype)


def encode(image, form="png"):
    """Return the bytes of a file that holds an image, (channels, height, width), exactly."""
    out = io.BytesIO()
    Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)).save(out, form)
    return out.getvalue()


def write_files(folder, images, names, form="png"):
    folder.mkdir(parents=True, exist_ok=True)
    for image, name in zip(images, names, strict=True):
        (folder / f"{name}.{form}").write_bytes(encode(image, form))


def folder(place, images, **settings):
    write_files(place / "frames", images, [f"cam_{time // 1_000_000:06d}" for time in TIMES[: len(images)]])
    return FrameFolder(path=place / "frames", pattern=r"(\d+)$", time_format="ms", **settings)


def manifest(place, images, **settings):
    write_files(place / "listed", images, range(len(images)))
    paths = [f"listed/{number}.png" for number in range(len(images))]
    pd.DataFrame({"t": TIMES[: len(images)] / 1e9, "path": paths}).to_csv(place / "frames.csv", index=False)
    return FrameTable(path=place / "frames.csv", time="t", time_format="relative", **settings)


def table(place, images, **settings):
    rows = {"t": pd.to_datetime(TIMES[: len(images)]), "png": [encode(image) for image in images]}
    pd.DataFrame(rows).to_parquet(place / "frames.parquet")
    return FrameTable(path=place / "frames.parquet", time="t", image="png", **settings)


def hdf5(place, images, **settings):
    with h5py.File(place / "frames.h5", "w") as file:
        file["cam/frames"] = images.transpose(0, 2, 3, 1)
        file["cam/times"] = TIMES[: len(images)]
    return FrameStack(path=place / "frames.h5", times="times", time_format="ns", group="cam",
                      axes="height width channels", **settings)  # fmt: skip


def npz(place, images, **settings):
    np.savez(place / "frames.npz", frames=images, times=TIMES[: len(images)])
    return FrameStack(path=place / "frames.npz", times="times", time_format="ns", axes="channels height width",
                      **settings)  # fmt: skip


def npy(place, images, **settings):
    np.save(place / "frames.npy", images)
    return FrameStack(path=place / "frames.npy", rate=25.0, axes="channels height width", **settings)


def video(place, images, *, every=5, name="frames.mkv", **settings):
    """Write a video without loss, a key frame every few frames, at the stamps."""
    import av

    gray, deep = images.shape[1] == 1, images.dtype == np.uint16
    form = {(True, False): "gray", (True, True): "gray16le", (False, False): "bgr0"}[gray, deep]
    given = {"gray": "gray", "gray16le": "gray16le", "bgr0": "rgb24"}[form]
    with av.open(str(place / name), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = images.shape[3], images.shape[2], form
        stream.codec_context.gop_size = every
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for image, time in zip(images, TIMES[: len(images)] // 1_000_000, strict=True):
            pixels = np.ascontiguousarray(image[0] if gray else image.transpose(1, 2, 0))
            frame = av.VideoFrame.from_ndarray(pixels, format=given)
            frame.pts, frame.time_base = int(time), stream.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return Video(path=place / name, **settings)


MAKERS = {"folder": folder, "manifest": manifest, "table": table, "hdf5": hdf5, "npz": npz, "npy": npy, "video": video}
