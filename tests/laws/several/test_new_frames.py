"""New files of cameras and events: read as the training files were, by their path alone."""

import shutil

import numpy as np
import pandas as pd
import pytest

from dlkit.core.checks import InputError
from dlkit.data.clock import Regular
from dlkit.data.inputs import EventInput, FrameInput, StreamInput, Timing
from dlkit.data.sources.aligned import Aligned
from dlkit.data.sources.event_table import EventTable
from dlkit.data.sources.frame_folder import FrameFolder
from dlkit.data.sources.frame_table import FrameTable
from dlkit.train.new_recordings import new_recordings
from tests.made_frames import MAKERS, manifest, pictures, write_files
from tests.made_multimodal import sampled


@pytest.fixture(autouse=True)
def pyav_where_asked_for(request):
    if "video" in request.node.name:
        pytest.importorskip("av")


def decoded(source):
    (frames,) = source.read()
    return np.stack([frames.pictures.decode(number) for number in range(len(frames.times))])


def made(place, way, images, **settings):
    place.mkdir()
    return MAKERS[way](place, images, **settings)


@pytest.mark.parametrize("way", MAKERS)
def test_new_frames_are_those_of_a_source_of_their_own_and_the_training_files_are_not_needed(way, tmp_path):
    before, wanted = (
        made(tmp_path / name, way, pictures(3)[order]) for name, order in (("a", slice(0, 8)), ("b", slice(4, None)))
    )
    fitted = before.fitted
    shutil.rmtree(tmp_path / "a")
    after = before.with_path([wanted.path], fitted=fitted)
    np.testing.assert_array_equal(decoded(after), decoded(wanted))
    np.testing.assert_array_equal(after.read()[0].times, wanted.read()[0].times)
    assert after.read()[0].channels == wanted.read()[0].channels


@pytest.mark.parametrize("way", ["folder", "manifest", "table", "video"])
def test_gray_frames_get_colours_where_training_had_them_and_colours_are_never_taken_away(way, tmp_path):
    gray, coloured = (made(tmp_path / str(count), way, pictures(count)) for count in (1, 3))
    assert len(coloured.with_path(gray.path, fitted=coloured.fitted).read()[0].channels) == 3
    assert len(gray.with_path(coloured.path, fitted=gray.fitted).read()[0].channels) == 3
    assert len(gray.with_path(coloured.path).read()[0].channels) == 3
    chosen = made(tmp_path / "chosen", way, pictures(3), color="gray")
    assert len(chosen.with_path(coloured.path, fitted=chosen.fitted).read()[0].channels) == 1


@pytest.mark.parametrize("moves", [True, False])
def test_the_root_of_a_table_moves_with_it_where_it_is_in_the_folder_of_the_table(moves, tmp_path):
    for number, name in enumerate(("a", "b")):
        (tmp_path / name).mkdir()
        images = pictures()[number : number + 4]
        manifest(tmp_path / name, images)
        write_files((tmp_path / name if moves else tmp_path) / "store" / "listed", images, range(4))
    root = tmp_path / ("a/store" if moves else "store")
    source = FrameTable(path=tmp_path / "a" / "frames.csv", time="t", time_format="relative", root=root)
    new = source.with_path([str(tmp_path / "b" / "frames.csv")], fitted=source.fitted)
    np.testing.assert_array_equal(decoded(new), pictures()[1:5])
    assert new.root == (tmp_path / "b" / "store" if moves else root)


def test_several_folders_of_frames_are_refused(tmp_path):
    with pytest.raises(InputError, match="give one, with a folder for each series"):
        FrameFolder(path=tmp_path).with_path(["a", "b"])


def listed(path, *labels):
    onset = np.arange(len(labels))
    pd.DataFrame({"onset": onset, "offset": onset + 0.5, "label": labels}).to_csv(path, index=False)
    return path


def test_new_events_have_the_classes_of_the_training_events(tmp_path):
    source = EventTable(path=listed(tmp_path / "a.csv", "trip", "arc"), offset="offset", time_format="relative")
    assert source.fitted == {"classes": ["arc", "trip"]}
    (events,) = source.with_path(listed(tmp_path / "b.csv", "trip"), fitted=source.fitted).read()
    assert events.classes == ("none", "arc", "trip")
    assert events.labels.tolist() == [2]
    with pytest.raises(InputError, match="label that is none of none, arc, trip"):
        source.with_path(listed(tmp_path / "c.csv", "flashover"), fitted=source.fitted).read()


def test_a_camera_and_events_are_given_by_name_with_what_was_found_of_their_clocks(tmp_path):
    camera, new = (made(tmp_path / name, "folder", pictures(3)) for name in ("a", "b"))
    events = EventTable(path=listed(tmp_path / "e.csv", "arc"), offset="offset", time_format="relative")
    source = Aligned(
        clock=Regular(step="20ms"),
        sources={"fast": StreamInput(source=sampled(50, 1)), "cam": FrameInput(source=camera, timing=Timing(drift=2.0)),
                 "log": EventInput(source=events)},
    )  # fmt: skip
    given = [f"cam={new.path}", f"log={listed(tmp_path / 'f.csv', 'arc')}"]
    found = new_recordings(source, given, source.fitted | {"timings": {"cam": {"offset": 0.5, "drift": 2.0}}})
    assert list(found.sources) == ["cam", "log"]
    assert (found.sources["cam"].source.path, found.sources["cam"].source.given["color"]) == (str(new.path), "rgb")
    assert found.sources["cam"].timing == Timing(offset=0.5, drift=2.0)
    assert found.sources["log"].source.given["classes"] == ["arc"]


@pytest.mark.parametrize("values", [{"offset": float("nan")}, {"drift": -1e6}, {"max_offset": 0.0}])
def test_a_clock_that_cannot_be_is_refused(values):
    with pytest.raises(InputError, match=f"timing.{next(iter(values))}="):
        Timing(**values)
