"""Windows of a real flight: frames, two inertial sensors and flight data at four rates equal what the files hold."""

import io

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from dlkit.core.packing import presence, unpack
from dlkit.data.clock import OfSource, Regular
from dlkit.data.heads import Head
from dlkit.data.inputs import FrameInput, StreamInput
from dlkit.data.multimodal import MultimodalDataModule
from dlkit.data.sources.frame_table import FrameTable
from dlkit.data.sources.recording import Recording
from tests.shared_data import shared

SECOND = 10**9


def flight(clock, **fields):
    folder = shared("multimodal/karma_drone")

    def stream(name, **settings):
        source = Recording(path=folder / f"{name}.parquet", time="t", time_format="relative")
        return StreamInput(source=source, **settings)

    given = {
        "accelerometer": stream("ACCL", look_back="400ms", method="mean"),
        "gyroscope": stream("GYRO", look_back="400ms"),
        "flight": stream("VFRH", channels=["VFRH_1", "VFRH_3"], age=True, max_age="1s"),
        "camera": FrameInput(
            source=FrameTable(path=folder / "camera.parquet", time="t", time_format="relative", image="jpeg"),
            look_back=4,
            size=(27, 48),
            age=True,
        ),
    }
    return MultimodalDataModule(
        clock=clock, sources=given, inputs=["accelerometer.*", "gyroscope.*", "camera"],
        targets=Head(kind="values", channels=["flight.VFRH_1"]), placement="host", **fields,
    )  # fmt: skip


@pytest.mark.parametrize("clock", [Regular(step="50ms"), OfSource(source="camera")])
def test_the_windows_of_a_flight_hold_what_its_files_hold(clock):
    data, folder = flight(clock), shared("multimodal/karma_drone")
    gyro, speed, shots = (pd.read_parquet(folder / f"{name}.parquet") for name in ("GYRO", "VFRH", "camera"))
    starts = data.places("test").starts(torch.arange(0, data.count("test"), 7))
    batch = data.make_batch(starts)
    times = data.prepared.table.times[starts + data.geometry.look_back - 1] / SECOND + 1e-9
    parts = unpack(batch.x, data.spec.parts)
    assert len(starts) > 3 and bool((presence(batch.x, data.spec.parts) == 1).all())
    known = data.prepared.known
    for i, now in enumerate(times):
        last = gyro[gyro["t"] <= now].iloc[-1]
        for k, name in enumerate(["GYRO_0", "GYRO_1", "GYRO_2"]):
            found = known[f"gyroscope.{name}"].inverse(parts["gyroscope"][i, k, -1:])
            assert found.item() == pytest.approx(last[name], rel=1e-4, abs=1e-5)
        told = speed[speed["t"] <= now].iloc[-1]["VFRH_1"]
        assert data.prepared.target_scaling.inverse(batch.y[i]).item() == pytest.approx(told, rel=1e-4)
        number = int((shots["t"] <= now).sum()) - 1
        assert parts["camera"][i, -1, -1, 0, 0].item() == pytest.approx(now - shots["t"][number], abs=1e-4)
        image = np.asarray(Image.open(io.BytesIO(shots["jpeg"][number])).resize((48, 27), Image.Resampling.BILINEAR))
        channels = [name for name in known if name.startswith("camera.")]
        shown = torch.stack([known[name].inverse(parts["camera"][i, -1, k]) for k, name in enumerate(channels)])
        assert np.abs(shown.numpy() - np.moveaxis(image, -1, 0)).mean() < 1.5  # two ways to make an image smaller
    steps = [a["t"].diff().median() for a in (shots,)]
    assert data.spec.parts[-1].times[0] == pytest.approx(-3 * steps[0], rel=0.01)
