"""Camera frames and lists of events that cannot be learnt from."""

import numpy as np
import pandas as pd

from tests.bad_inputs.sample_jobs import pixels
from tests.bad_inputs.source_jobs import at, files, part, reads, several, stack, table
from tests.made_frames import encode

STACK = {"path": "stack.npz", "times": "times", "time_format": "relative"}
FOLDER = {"path": "pictures", "pattern": r"(\d+)$", "rate": 10}


def sizes(rows: pd.DataFrame) -> pd.DataFrame:
    return at(30, "png", encode(pixels(0, (1, 8, 6))))(rows)


def cut(rows: pd.DataFrame) -> pd.DataFrame:
    return at(30, "png", rows.png[30][:60])(rows)


def wrong_stack(**changed):
    return lambda folder: stack(folder, **changed)


CLASS = {
    "D.targets": part("dlkit.data.heads.Head", kind="class", events="faults"),
    "model.class_path": "dlkit.tasks.classify.Classify",
}


def labelled(says, change=None, **rest):
    """Return a case that spoils the job when it asks for the class of the events."""
    return several(says, CLASS | (change or {}), **rest)


FRAMES = {
    "no table": several(
        ("frmes.parquet", "did you mean 'frames.parquet'"), {"cam.source.init_args.path": "{}/frmes.parquet"}
    ),
    "column of stamps that is not there": several(("'time'", "`time`", "t"), {"cam.source.init_args.time": "time"}),
    "column of images that is not there": several(("'jpeg'", "`image`", "png"), {"cam.source.init_args.image": "jpeg"}),
    "stamps of no known unit": several(
        (r"frames \(row 1\)", "number", "time_format"), {"cam.source.init_args.time_format": "auto"}
    ),
    "unit that does not exist": several(("time_format", "sec"), {"cam.source.init_args.time_format": "sec"}),
    "frame without a stamp": several(
        ("1 of 120 frames", "no stamp", r"frames \(row 31\)", "bad: skip"),
        make=table("frames.parquet", at(30, "t", np.nan)),
    ),
    "frame stamped twice": several(
        ("1 of 120 frames", "another frame has", r"frames \(row 32\)"), make=table("frames.parquet", at(31, "t", 3.0))
    ),
    "frames that go back": several(
        (r"frames \(row 32\)", r"1 s before frames \(row 31\)", "`disorder: sort`"),
        make=table("frames.parquet", at(31, "t", 2.0)),
    ),
    "cut image in the middle": several(
        ("1 of 120 frames", "truncated|damaged", r"frames \(row 31\)", "bad: skip"), make=table("frames.parquet", cut)
    ),
    "no image in the middle": several(
        ("1 of 120 frames", "image missing", r"frames \(row 31\)"), make=table("frames.parquet", at(30, "png", None))
    ),
    "frames of two sizes": several(
        ("1 of 120 frames", "8 x 6 pixels where most have 8 x 8", r"frames \(row 31\)"),
        make=table("frames.parquet", sizes),
    ),
    "no rows": several(("no image", "path"), make=table("frames.parquet", lambda rows: rows[:0])),
    "bad that is neither": several(("bad", "drop"), {"cam.source.init_args.bad": "drop"}),
    "cache below nothing": several(("cache", "-1"), {"cam.source.init_args.cache": -1}),
    "channels of another number": several(
        ("channels", "names 3", "have 1"), {"cam.source.init_args.channels": ["r", "g", "b"]}
    ),
    "folder that is not there": several(("pictures", "folder"), reads("frame_folder.FrameFolder", **FOLDER)),
    "folder without images": several(
        ("pictures", "no image", ".png"),
        reads("frame_folder.FrameFolder", **FOLDER),
        make=lambda folder: (folder / "pictures").mkdir(),
    ),
    "names without a stamp": several(
        ("40 of 40 frames", "`pattern`"),
        reads("frame_folder.FrameFolder", **FOLDER | {"pattern": r"shot(\d+)"}),
        make=files,
    ),
    "pattern without brackets": several(
        ("pattern", "brackets"), reads("frame_folder.FrameFolder", **FOLDER | {"pattern": r"\d+"})
    ),
    "pattern that is none": several(
        ("pattern", "regular expression"), reads("frame_folder.FrameFolder", **FOLDER | {"pattern": "(("})
    ),
    "count and stamp": several(
        ("rate", "time_format"), reads("frame_folder.FrameFolder", **FOLDER | {"time_format": "ms"})
    ),
    "count taken for a stamp": several(
        ("f000.png", "number", "time_format"),
        reads("frame_folder.FrameFolder", path="pictures", pattern=r"(\d+)$"),
        make=files,
    ),
    "no frames a second": several(("rate: 0", "positive"), reads("frame_folder.FrameFolder", **FOLDER | {"rate": 0})),
    "stack with too few times": several(
        ("stack.npz", "120 frames", r"\(119,\)"),
        reads("frame_stack.FrameStack", **STACK),
        make=wrong_stack(times=np.arange(119)),
    ),
    "stack without times": several(
        ("'times'", "`times`"),
        reads("frame_stack.FrameStack", **STACK),
        make=lambda folder: np.savez(folder / "stack.npz", frames=np.zeros((9, 8, 8), np.uint8)),
    ),
    "stack with neither times nor rate": several(
        ("times", "rate"), reads("frame_stack.FrameStack", path="stack.npz"), make=stack
    ),
    "stack that is a list": several(
        (r"\(120,\)", "height"), reads("frame_stack.FrameStack", **STACK), make=wrong_stack(frames=np.arange(120))
    ),
    "stack in an unclear order": several(
        ("axes",),
        reads("frame_stack.FrameStack", **STACK),
        make=wrong_stack(frames=np.zeros((120, 16, 16, 3), np.uint8)),
    ),
    "stack of text": several(
        ("frames", "numbers"),
        reads("frame_stack.FrameStack", **STACK),
        make=wrong_stack(frames=np.full((120, 8, 8), "a")),
    ),
    "stack cut short": several(
        ("stack.npz", "cannot be read"),
        reads("frame_stack.FrameStack", **STACK),
        make=lambda folder: (folder / "stack.npz").write_bytes(b"PK\3\4" + bytes(99)),
    ),
    "file that is no video": several(
        ("clip.mp4", "video|PyAV"),
        reads("video.Video", path="clip.mp4"),
        make=lambda folder: (folder / "clip.mp4").write_bytes(b"no video" * 99),
    ),
}

EVENTS = {
    "events that overlap": labelled(
        ("events.csv, row 4", "overlap: last"),
        make=table("events.csv", at(2, "offset", 3.4)),
    ),
    "onset after the end": labelled(("events.csv, row 3", "onset"), make=table("events.csv", at(2, "onset", 9.0))),
    "onset that is missing": labelled(("no onset", "events.csv, row 3"), make=table("events.csv", at(2, "onset", ""))),
    "label that is missing": labelled(
        ("label missing", "events.csv, row 3"), make=table("events.csv", at(2, "label", ""))
    ),
    "label that is not known": labelled(
        ("none of none, arc", "events.csv, row 2"), {"faults.source.init_args.classes": ["arc"]}
    ),
    "class named twice": labelled(("classes", "twice"), {"faults.source.init_args.classes": ["arc", "trip", "arc"]}),
    "end and duration": labelled(("offset", "duration"), {"faults.source.init_args.duration": "seconds"}),
    "onset and end in one column": labelled(
        ("`onset: onset` and `offset: onset` name one column twice",), {"faults.source.init_args.offset": "onset"}
    ),
    "column of ends that is not there": labelled(("'end'", "`offset`"), {"faults.source.init_args.offset": "end"}),
    "overlap that is neither": labelled(("overlap", "first"), {"faults.source.init_args.overlap": "first"}),
    "no event": labelled(("events.csv", "no event"), make=table("events.csv", lambda rows: rows[:0])),
    "events of another day": labelled(
        ("one class, 'none'", "faults", "time_format"),
        make=table("events.csv", lambda rows: rows.assign(onset=rows.onset + 9e4, offset=rows.offset + 9e4)),
    ),
}
