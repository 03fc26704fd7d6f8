"""Cleaned images in batches: as images that were clean before, in training, in new files and in cameras."""

import json

import numpy as np
import pytest
import torch
import yaml

from dlkit.__main__ import main
from dlkit.core.checks import InputError
from dlkit.core.runfolder import read_json
from dlkit.data.cleaning.background import SubtractBackground
from dlkit.data.cleaning.leave_out import LeaveOutCopies
from dlkit.data.cleaning.mask import Mask
from dlkit.data.cleaning.pixels import RepairPixels
from dlkit.data.clock import Regular
from dlkit.data.inputs import FrameInput, StreamInput
from dlkit.data.labelled.pictures import SameSize
from dlkit.data.multimodal import MultimodalDataModule
from dlkit.data.sample_modules import ImageDataModule
from dlkit.data.sources.sample_arrays import SampleArrays
from tests.made_images import beam, encode, files, scenes
from tests.made_multimodal import filmed, sampled

SOUND = beam(60, 16)
LABELS = np.arange(60) % 2
HOT = (5, 9)


def spoilt():
    values = SOUND.copy()
    values[:, 0, *HOT] = 4000
    return values


def source(values):
    return SampleArrays.of({"X": values, "y": LABELS}, axes="channels height width")


def module(values, clean=None, **settings):
    return ImageDataModule(source=source(values), clean=clean, batch_size=60, **settings)


def batch(data, role="test"):
    return data.make_batch(data.places(role).starts(torch.arange(data.count(role)))).x


@pytest.mark.parametrize("size", [None, (8, 8)])
@pytest.mark.parametrize("placement", ["host", "files"])
def test_batches_are_those_of_images_that_were_clean_before_they_were_resized(size, placement):
    step = RepairPixels(pixels=[HOT])
    wanted = module(step.change(spoilt()), size=size)
    found = module(spoilt(), [step], size=size, placement=placement)
    assert isinstance(found.prepared.samples.values, SameSize) == (placement == "files")
    torch.testing.assert_close(batch(found), batch(wanted))
    assert found.placed == placement


def test_what_is_learnt_is_on_record_and_ignores_images_that_do_not_train():
    data = module(spoilt(), [RepairPixels(), SubtractBackground()])
    record = json.loads(json.dumps(data.describe()))["clean"]
    assert record[0]["learnt"]["pixels"] == [list(HOT)]
    assert record[0]["values changed"] == {"x0": record[0]["images looked at"]}  # one pixel of each
    assert record[1]["values changed"]["x0"] > 200 * record[1]["images looked at"]
    other = spoilt()
    held = np.concatenate([data.prepared.numbers[role].numpy() for role in ("val", "test")])
    other[held] = 4095 - other[held]
    assert module(other, [RepairPixels(), SubtractBackground()]).describe()["clean"] == record


def test_new_images_are_cleaned_with_what_the_run_recorded_and_without_its_images():
    data = module(spoilt(), [RepairPixels(), SubtractBackground(pedestal=50)])
    record, scaling, spec = json.loads(json.dumps(data.describe())), data.prepared.scaling, data.spec
    new = source(spoilt()[::-1].copy())
    wanted = batch(data.for_new_data(new, scaling))
    late = module(np.zeros_like(SOUND), [RepairPixels(), SubtractBackground(pedestal=50)])
    late.recall(record)
    found = batch(late.for_new_data(new, scaling, spec=spec, target_scaling=data.prepared.target_scaling))
    torch.testing.assert_close(found, wanted)


def test_copies_are_left_out_before_the_split_and_never_from_new_images():
    values = scenes(60, 16)
    values[30:35] = values[:5]
    data = module(values, [LeaveOutCopies()])
    assert sum(data.count(role) for role in ("train", "val", "test")) == 55
    assert data.prepared.audit["equal samples in two roles"] == 0
    assert len(data.describe()["skipped"]["left out by LeaveOutCopies"]) == 5
    assert data.describe()["clean"][0]["rows"] == {"before": 60, "after": 55}
    assert data.for_new_data(source(values), data.prepared.scaling).count("test") == 60


def test_a_step_for_rows_and_images_of_several_sizes_are_refused():
    with pytest.raises(InputError, match="Mask is a step for rows, not for images"):
        module(SOUND, [Mask(channels=["*"], values=[0])])
    images = [encode(image) for image in scenes(40, 16)]
    images[3] = encode(scenes(1, 24)[0])
    data = ImageDataModule(source=source(SOUND), clean=[SubtractBackground()], size=(8, 8))
    samples = data.load(data.source.read(), None)
    unequal = [encode(image if n % 2 else image[:, 1:]) for n, image in enumerate(SOUND)]
    samples.values.pictures = files(unequal, SOUND.shape[1])
    with pytest.raises(InputError, match="compares images pixel by pixel"):
        data.tidy(samples, np.arange(20))


def cameras(clean, seed=9):
    film = filmed(5.0, shape=(1, 16, 16), seed=seed)
    for one in film.series:
        pixels = np.resize(SOUND // 16, one.pictures.values.shape).astype(np.uint8)
        pixels[:, 0, *HOT] = 255
        one.pictures.values = pixels
    sources = {"imu": StreamInput(source=sampled(50.0, 2), look_back=4), "cam": FrameInput(source=film, clean=clean)}
    return MultimodalDataModule(clock=Regular(step="100ms"), sources=sources, targets=["imu.c0"], batch_size=40)


def frames_of(data):
    (camera,) = [one for one in data.prepared.laid.sources if one.part.frames]
    return np.stack([camera.pictures.decode(n) for n in range(len(camera.pictures))]), camera


def test_frames_of_a_camera_are_cleaned_before_they_are_scaled_and_the_steps_are_on_record():
    raw, _ = frames_of(cameras([]))
    data = cameras([RepairPixels()])
    clean, camera = frames_of(data)
    np.testing.assert_array_equal(clean, RepairPixels(pixels=[HOT]).change(raw))
    assert (raw[:, 0, *HOT] == 255).all()
    assert camera.scaling.scale[0] < frames_of(cameras([]))[1].scaling.scale[0]
    record = json.loads(json.dumps(data.describe()))
    assert record["clean"][0]["source"] == "cam"
    assert record["clean"][0]["learnt"]["pixels"] == [list(HOT)]
    late = cameras([RepairPixels()])
    late.recall(record)
    assert late.source.sources["cam"].clean[0].learnt == record["clean"][0]["learnt"]


def test_frames_that_do_not_train_teach_nothing():
    data, other = cameras([SubtractBackground()]), cameras([SubtractBackground()])
    stamps = other.wanted.sources["cam"].source.series[0].times
    table = data.prepared.table
    last = table.times[int(data.prepared.ranges["train"].max()) - 1]
    pictures = other.wanted.sources["cam"].source.series[0].pictures
    pictures.values[stamps > last] = 255 - pictures.values[stamps > last]
    learnt = [one.prepared.table.cleaned[0]["learnt"] for one in (data, other)]
    assert learnt[0] == learnt[1]


def test_a_run_with_cleaning_predicts_new_files_when_its_own_are_gone(tmp_path):
    np.savez(tmp_path / "a.npz", X=spoilt(), y=LABELS)
    np.savez(tmp_path / "b.npz", X=spoilt()[:10], y=LABELS[:10])
    arrays = {"path": str(tmp_path / "a.npz"), "axes": "channels height width"}
    steps = [{"class_path": "dlkit.data.cleaning.pixels.RepairPixels"},
             {"class_path": "dlkit.data.cleaning.leave_out.LeaveOutCopies"}]  # fmt: skip
    config = {
        "runs": str(tmp_path / "runs"), "confidence": None,
        "data": {"class_path": "dlkit.data.sample_modules.ImageDataModule", "init_args": {
            "source": {"class_path": "dlkit.data.sources.sample_arrays.SampleArrays", "init_args": arrays},
            "clean": steps}},
        "model": {"class_path": "dlkit.tasks.classify.Classify", "init_args": {
            "net": {"class_path": "dlkit.models.cnn.CNN", "init_args": {"width": 4}}}},
        "trainer": {"max_epochs": 1, "accelerator": "cpu", "enable_progress_bar": False,
                    "enable_model_summary": False},
    }  # fmt: skip
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(config))
    assert main(["fit", str(tmp_path / "job.yaml")]) == 0
    run = tmp_path / "runs" / "run-001"
    assert read_json(run / "data.json")["clean"][0]["learnt"]["pixels"] == [list(HOT)]
    (tmp_path / "a.npz").unlink()
    assert main(["predict", str(run), "--data", str(tmp_path / "b.npz")]) == 0
