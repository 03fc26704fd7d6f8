"""A tiny valid job on several sources of made recordings, which the cases spoil."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from PIL import Image

from tests.bad_inputs.corpus import Case
from tests.bad_inputs.sample_jobs import TRAINER, pixels
from tests.made_frames import encode

SECONDS = 12
SOURCES = "dlkit.data.sources"
SHORT = {
    "fast": "D.sources.fast.init_args",
    "slow": "D.sources.slow.init_args",
    "cam": "D.sources.cam.init_args",
    "faults": "D.sources.faults.init_args",
    "clock": "D.clock.init_args",
    "targets": "D.targets.init_args",
    "net": "M.net.init_args",
}


def stream(rate: float, *names: str, start: float = 0.0, seconds: float = SECONDS) -> pd.DataFrame:
    """Return a table of noise with stamps in seconds."""
    times = start + np.arange(round(seconds * rate)) / rate
    values = np.random.default_rng(len(names)).normal(size=(len(times), len(names)))
    return pd.DataFrame({"t": times.round(6)} | dict(zip(names, values.T, strict=True)))


def frames(rate: float = 10, start: float = 0.0, seconds: float = SECONDS) -> pd.DataFrame:
    """Return a table of PNG frames of noise with stamps in seconds."""
    count = round(seconds * rate)
    images = [encode(pixels(number, (1, 8, 8))) for number in range(count)]
    return pd.DataFrame({"t": (start + np.arange(count) / rate).round(6), "png": images})


def events() -> pd.DataFrame:
    """Return a table of events of two classes, one each second."""
    onset = np.arange(0.2, SECONDS - 1)
    return pd.DataFrame({"onset": onset, "offset": onset + 0.5, "label": np.resize(["arc", "trip"], len(onset))})


def part(path: str, /, **settings: Any) -> dict[str, Any]:
    return {"class_path": path, "init_args": settings}


def source(kind: str, name: str, wanted: str, /, **settings: Any) -> dict[str, Any]:
    """Return what is wanted of a source of ``wanted`` kind."""
    own = {key: settings.pop(key) for key in ("path", "image", "offset") if key in settings}
    reading = {"time_format": "relative"} | ({} if wanted == "EventInput" else {"time": "t"})
    return part(f"dlkit.data.inputs.{wanted}", source=part(f"{SOURCES}.{kind}.{name}", **own, **reading), **settings)


def write_several(folder: Path) -> None:
    """Write two streams, a camera and a list of events, and a job that tells the slow one from the rest."""
    stream(50, "a", "b").to_csv(folder / "fast.csv", index=False)
    stream(5, "level").to_csv(folder / "slow.csv", index=False)
    frames().to_parquet(folder / "frames.parquet")
    events().to_csv(folder / "events.csv", index=False)
    data = part(
        "dlkit.data.multimodal.MultimodalDataModule",
        clock=part("dlkit.data.clock.Regular", step="100ms"),
        sources={
            "fast": source("recording", "Recording", "StreamInput", path=f"{folder}/fast.csv", look_back="1s"),
            "slow": source("recording", "Recording", "StreamInput", path=f"{folder}/slow.csv"),
            "cam": source(
                "frame_table", "FrameTable", "FrameInput", path=f"{folder}/frames.parquet", image="png", look_back=2
            ),
            "faults": source("event_table", "EventTable", "EventInput", path=f"{folder}/events.csv", offset="offset"),
        },
        inputs=["fast.*", "cam"],
        targets=part("dlkit.data.heads.Head", kind="values", channels=["slow.level"]),
        batch_size=8,
        batches_per_step=1,
    )
    branches = {"fast": part("dlkit.models.mlp.MLP", hidden_size=4), "cam": part("dlkit.models.cnn.CNN", width=4)}
    net = part("dlkit.models.fusion.Fusion", branches=branches, width=4)
    model = part("dlkit.tasks.regress.Regress", net=net)
    config = {"name": "several", "runs": f"{folder}/runs", "seed_everything": 1, "data": data, "model": model}
    (folder / "several.yaml").write_text(yaml.safe_dump(config | {"trainer": TRAINER}))


def several(says: tuple[str, ...], change: dict[str, Any] | None = None, **rest: Any) -> Case:
    """Return a case that spoils the job; keys begin with the name of a source, "clock", "targets" or "net"."""
    changes = {}
    for key, value in (change or {}).items():
        first, _, others = key.partition(".")
        changes[f"{SHORT.get(first, first)}.{others}".strip(".")] = value
    rest = {"args": ("fit", "{}/several.yaml")} | rest
    return Case(says, changes, name="several.yaml", job=write_several, **rest)


def table(name: str, change: Callable[[pd.DataFrame], Any]) -> Callable[[Path], None]:
    """Return what writes the changed table of a stream, the frames or the events."""
    made: dict[str, Callable[[], pd.DataFrame]] = {
        "fast.csv": lambda: stream(50, "a", "b"),
        "slow.csv": lambda: stream(5, "level"),
        "frames.parquet": frames,
        "events.csv": events,
    }

    def make(folder: Path) -> None:
        rows = made[name]()
        changed = change(rows)
        rows = rows if changed is None else changed
        rows.to_csv(folder / name, index=False) if name.endswith(".csv") else rows.to_parquet(folder / name)

    return make


def at(row: int, column: str, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return what changes one cell of a table."""

    def change(rows: pd.DataFrame) -> pd.DataFrame:
        cells = rows[column].tolist()
        cells[row] = value
        return rows.assign(**{column: cells})

    return change


def files(folder: Path) -> None:
    """Write the first frames as files with a count in their name, which :func:`folder_source` reads."""
    (folder / "pictures").mkdir()
    for number in range(40):
        Image.fromarray(pixels(number)).save(folder / "pictures" / f"f{number:03d}.png")


def stack(folder: Path, **changed: Any) -> None:
    """Write frames and their times as a stack, some of it changed."""
    arrays = {"frames": np.stack([pixels(number) for number in range(120)]), "times": np.arange(120) / 10}
    np.savez(folder / "stack.npz", **(arrays | changed))


def reads(name: str, /, **settings: Any) -> dict[str, Any]:
    """Return the camera with another source."""
    return {"cam.source": part(f"{SOURCES}.{name}", **settings)}
