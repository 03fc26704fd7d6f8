"""Frames are the images that were written, at their times, however they are stored, cached or sent around."""

import json
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.core.checks import InputError
from dlkit.data.frames.cache import CachedPictures, FrameCache
from dlkit.data.records import Pictures
from dlkit.data.samples import pictures as encoded
from dlkit.data.sources.frame_folder import FrameFolder
from dlkit.data.sources.frame_stack import FrameStack
from dlkit.data.sources.frame_table import FrameTable
from dlkit.data.sources.video import Video
from tests import made_frames
from tests.made_frames import COUNT, HEIGHT, MAKERS, TIMES, WIDTH, pictures
from tests.shared_data import shared

every_way = pytest.mark.parametrize("way", MAKERS)


@pytest.fixture(autouse=True)
def pyav_where_asked_for(request):
    if "video" in request.node.name:
        pytest.importorskip("av")


def decoded(frames):
    return np.stack([frames.pictures.decode(number) for number in range(len(frames.pictures))])


def wanted_times(way):
    return np.arange(COUNT) * 40_000_000 if way == "npy" else TIMES


class Counted(Pictures):
    """Frames in memory that count how often one is decoded."""

    def __init__(self, images):
        self.images, self.asked = images, []

    def __len__(self):
        return len(self.images)

    @property
    def channels(self):
        return self.images.shape[1]

    def decode(self, number):
        self.asked.append(number)
        return self.images[number].copy()


@every_way
@pytest.mark.parametrize(("channels", "dtype"), [(1, np.uint8), (3, np.uint8), (1, np.uint16)])
def test_frames_are_the_images_that_were_written_at_their_times(way, channels, dtype, tmp_path):
    images = pictures(channels, dtype)
    (frames,) = MAKERS[way](tmp_path, images).read()
    np.testing.assert_array_equal(frames.times, wanted_times(way))
    found = decoded(frames)
    np.testing.assert_array_equal(found, images)
    assert found.dtype == dtype
    assert frames.size == (HEIGHT, WIDTH)
    assert frames.channels == (("gray",) if channels == 1 else ("red", "green", "blue"))
    assert len(frames.units) == frames.pictures.channels == channels


@every_way
def test_any_order_of_asking_gives_the_same_frames(way, tmp_path):
    images = pictures()
    (frames,) = MAKERS[way](tmp_path, images, cache=0).read()
    for number in np.random.default_rng(0).integers(0, COUNT, 30):
        np.testing.assert_array_equal(frames.pictures.decode(int(number)), images[number])


@every_way
def test_a_worker_and_many_threads_get_the_same_frames(way, tmp_path):
    images = pictures()
    (frames,) = MAKERS[way](tmp_path, images).read()
    frames.pictures.decode(3)
    other = pickle.loads(pickle.dumps(frames))
    np.testing.assert_array_equal(decoded(other), images)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(other.pictures.decode, [*range(COUNT)] * 3))
    np.testing.assert_array_equal(np.stack(found), np.concatenate([images] * 3))


@every_way
def test_what_is_done_to_a_frame_is_not_done_to_the_next_asking(way, tmp_path):
    (frames,) = MAKERS[way](tmp_path, pictures()).read()
    for _ in range(2):
        frame = frames.pictures.decode(2)
        np.testing.assert_array_equal(frame, pictures()[2])
        if frame.flags.writeable:
            frame[:] = 0


@every_way
def test_fingerprint_is_plain_stays_and_tells_files_apart(way, tmp_path):
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for place in folders:
        place.mkdir()
    source = MAKERS[way](folders[0], pictures())
    before = json.dumps(source.fingerprint(), sort_keys=True)
    source.read()
    assert json.dumps(source.fingerprint(), sort_keys=True) == before
    assert str(tmp_path) not in before
    other = pictures()
    other[5] += 1
    assert json.dumps(MAKERS[way](folders[1], other).fingerprint(), sort_keys=True) != before


def test_frames_are_decoded_when_asked_for_and_a_look_at_the_start_can_be_short(tmp_path, monkeypatch):
    asked = []
    decode = encoded.decode
    monkeypatch.setattr(encoded, "decode", lambda data: (asked.append(1), decode(data))[1])
    monkeypatch.setattr("dlkit.data.samples.images.SOME", 3)
    (frames,) = made_frames.table(tmp_path, pictures(), check="some").read()
    assert len(asked) == 3
    for number in (4, 5, 4, 5, 4):
        frames.pictures.decode(number)
    assert len(asked) == 5


def test_a_stack_is_read_frame_by_frame(tmp_path, monkeypatch):
    (frames,) = made_frames.hdf5(tmp_path, pictures(), cache=1).read()
    assert all(stack.frame(0).shape == (HEIGHT, WIDTH, 1) for stack in frames.pictures.pictures.stacks)
    asked = []
    monkeypatch.setattr("dlkit.data.frames.stack.OpenStack.frame",
                        lambda self, number: (asked.append(number), np.zeros((HEIGHT, WIDTH, 1), np.uint8))[1]
                        )  # fmt: skip
    for number in (7, 8, 7, 8):
        frames.pictures.decode(number)
    assert asked == [7, 8]


def test_a_video_is_decoded_from_the_key_frame_before_on(tmp_path, monkeypatch):
    (frames,) = made_frames.video(tmp_path, pictures(), every=5).read()
    made = []
    pixels = type(frames.pictures)._pixels
    monkeypatch.setattr(type(frames.pictures), "_pixels", lambda self, frame: (made.append(1), pixels(self, frame))[1])
    frames.pictures.decode(7)
    assert len(made) <= 5
    frames.pictures.decode(8)
    assert len(made) <= 6
    frames.pictures.decode(6)  # was passed on the way to 7
    assert len(made) <= 6


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(0, 700))
def test_a_cache_changes_no_pixel_holds_its_limit_and_keeps_what_was_used_last(asked, limit):
    images = np.random.default_rng(0).integers(0, 255, (10, 1, 8, 16)).astype(np.uint8)
    plain = Counted(images)
    cached = CachedPictures(plain, limit)
    room, recent, misses = limit // 128, [], []
    for number in asked:
        np.testing.assert_array_equal(cached.decode(number), images[number])
        assert cached.cache.size == len(cached.cache) * 128 <= limit
        if number not in recent:
            misses.append(number)
        recent = ([other for other in recent if other != number] + [number])[-room:] if room else []
    assert plain.asked == misses


def test_a_cache_keeps_only_the_bytes_that_it_counts():
    cache = FrameCache(1000)
    whole = np.zeros((4, 10, 10), np.uint8)
    cache.put(0, whole[:1])
    (kept,) = cache._frames.values()
    assert kept.base is None
    assert cache.size == kept.nbytes == 100
    cache.put(0, whole)
    assert (len(cache), cache.size) == (1, 400)


def test_a_cache_is_empty_in_another_process():
    cached = CachedPictures(Counted(pictures()), 10**6)
    cached.decode(1)
    other = pickle.loads(pickle.dumps(cached))
    assert (len(other.cache), other.cache.size, other.cache.limit) == (0, 0, 10**6)
    assert len(pickle.dumps(cached.cache)) < 200


def test_a_name_tells_the_time(tmp_path):
    ways = {
        r"(\d{8})_(\d{6})$": ("cam_20240131_120001", {"time_format": "%Y%m%d%H%M%S"}, "2024-01-31T12:00:01"),
        "(.+)$": ("2024-01-31T12-00-01", {"time_format": "%Y-%m-%dT%H-%M-%S"}, "2024-01-31T12:00:01"),
        r"_([\d.]+)$": ("f_12.25", {"time_format": "relative"}, "1970-01-01T00:00:12.25"),
        r"t(\d+)": ("t1706702401500_x", {"time_format": "ms"}, "2024-01-31T12:00:01.5"),
        r"(\d+)$": ("frame_000007", {"rate": 4.0, "start": "2024-01-31T13:00", "time_zone": "+01:00"},
                    "2024-01-31T12:00:01.75"),
    }  # fmt: skip
    for number, (pattern, (name, settings, wanted)) in enumerate(ways.items()):
        made_frames.write_files(tmp_path / f"{number}", pictures(count=1), [name])
        (frames,) = FrameFolder(path=tmp_path / f"{number}", pattern=pattern, **settings).read()
        assert frames.times[0] == pd.Timestamp(wanted).value, pattern


def test_a_series_is_a_folder_a_column_or_a_file(tmp_path):
    images = pictures(count=6)
    for name, part in (("left", images[:4]), ("right", images[4:])):
        made_frames.write_files(tmp_path / "cams" / name, part, range(len(part)))
    rows = {
        "t": [0, 0, 1, 1, 2, 3],
        "png": [made_frames.encode(image) for image in images],
        "cam": [*"abab"] + ["a"] * 2,
    }
    pd.DataFrame(rows).to_parquet(tmp_path / "cams.parquet")
    by_folder = FrameFolder(path=tmp_path / "cams", rate=10, series="folder").read()
    assert [(frames.name, len(frames.times)) for frames in by_folder] == [("left", 4), ("right", 2)]
    np.testing.assert_array_equal(decoded(by_folder[1]), images[4:])
    by_column = FrameTable(path=tmp_path / "cams.parquet", time="t", image="png", time_format="s", series="cam").read()
    assert [frames.name for frames in by_column] == ["a", "b"]
    np.testing.assert_array_equal(decoded(by_column[1]), images[[1, 3]])
    for name in ("one", "two"):
        np.savez(tmp_path / f"{name}.npz", frames=images[:, 0], times=np.arange(6) + (6 if name == "two" else 0))
    both = {"path": [tmp_path / "one.npz", tmp_path / "two.npz"], "times": "times", "time_format": "s"}
    assert [frames.name for frames in FrameStack(**both, series="file").read()] == ["one", "two"]
    (joined,) = FrameStack(**both).read()
    np.testing.assert_array_equal(decoded(joined), np.concatenate([images, images]))
    np.testing.assert_array_equal(joined.times, np.arange(12) * 10**9)


def test_sorting_moves_frames_with_their_times(tmp_path):
    images, order = pictures(), np.random.default_rng(1).permutation(COUNT)
    rows = {"t": TIMES[order] / 1e9, "png": [made_frames.encode(images[number]) for number in order]}
    pd.DataFrame(rows).to_parquet(tmp_path / "f.parquet")
    np.savez(tmp_path / "f.npz", frames=images[order, 0], times=TIMES[order])
    asked = {"path": tmp_path / "f.parquet", "time": "t", "image": "png", "time_format": "relative"}
    stack = {"path": tmp_path / "f.npz", "times": "times", "time_format": "ns"}
    for source, settings in ((FrameTable, asked), (FrameStack, stack)):
        with pytest.raises(InputError, match=r"must not go back; set `disorder: sort`"):
            source(**settings).read()
        (frames,) = source(**settings, disorder="sort").read()
        np.testing.assert_array_equal(frames.times, TIMES)
        np.testing.assert_array_equal(decoded(frames), images)


def test_bad_frames_are_left_out_when_asked_and_the_others_keep_their_times(tmp_path):
    images = pictures()
    cells = [made_frames.encode(image) for image in images]
    cells[2] = cells[2][:40]
    cells[4] = made_frames.encode(images[4, :, :4])
    cells[5] = None
    times = TIMES / 1e9
    times[7], times[9] = np.nan, times[8]
    pd.DataFrame({"t": times, "png": cells}).to_parquet(tmp_path / "f.parquet")
    settings = {"path": tmp_path / "f.parquet", "time": "t", "image": "png", "time_format": "relative"}
    with pytest.raises(InputError) as error:
        FrameTable(**settings).read()
    for cause in (
        "5 of 12 frames",
        "f (row 3)",
        "4 x 10 pixels",
        "image missing: f (row 6)",
        "no stamp: f (row 8)",
        "another frame has: f (row 10)",
    ):
        assert cause in str(error.value)
    (frames,) = FrameTable(**settings, bad="skip").read()
    good = [0, 1, 3, 6, 8, 10, 11]
    np.testing.assert_array_equal(frames.times, TIMES[good])
    np.testing.assert_array_equal(decoded(frames), images[good])


def test_a_frame_that_a_short_look_missed_is_refused_when_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr("dlkit.data.samples.images.SOME", 2)
    cells = [made_frames.encode(image) for image in pictures()]
    cells[4] = made_frames.encode(pictures()[4, :, :4])
    pd.DataFrame({"t": TIMES / 1e9, "png": cells}).to_parquet(tmp_path / "f.parquet")
    settings = {"time": "t", "image": "png", "time_format": "relative", "check": "some"}
    (frames,) = FrameTable(path=tmp_path / "f.parquet", **settings).read()
    with pytest.raises(InputError, match=r"f \(row 5\) is 4 x 10 pixels.*check: all"):
        frames.pictures.decode(4)


def test_colours_are_made_or_dropped_as_asked(tmp_path):
    images = pictures(3)
    (gray,) = made_frames.table(tmp_path, images, color="gray").read()
    weights = np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(decoded(gray)[:, 0], np.einsum("nchw,c->nhw", images, weights), atol=0.51)
    (color,) = made_frames.table(tmp_path, pictures(), color="rgb").read()
    np.testing.assert_array_equal(decoded(color), np.repeat(pictures(), 3, axis=1))


def test_video_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InputError, match=r"pip install 'dlkit\[video\]'"):
        Video(path="a.mp4")


def test_a_video_of_frames_out_of_order_gives_what_decoding_all_of_it_gives(tmp_path):
    av = pytest.importorskip("av")
    images = np.random.default_rng(0).normal(120, 25, (40, 8, 8, 3)).clip(0, 255).repeat(8, 1).repeat(8, 2)
    for name, codec in (("b.ts", "mpeg2video"), ("b.mp4", "mpeg4"), ("b.mkv", "mpeg4")):
        with av.open(str(tmp_path / name), "w") as container:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
            stream.codec_context.max_b_frames, stream.codec_context.gop_size = 2, 9
            for image in images.astype(np.uint8):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode(None))
        with av.open(str(tmp_path / name)) as container:
            whole = [frame.to_ndarray(format="rgb24").transpose(2, 0, 1) for frame in container.decode(video=0)]
        (frames,) = Video(path=tmp_path / name, cache=0).read()
        np.testing.assert_allclose(frames.times, np.arange(40) * 40_000_000, atol=600_000)  # MKV counts milliseconds
        for number in [39, 0, 17, 18, 16, 5, 30, 9, 8, 1, 38]:
            np.testing.assert_array_equal(frames.pictures.decode(number), whole[number])


def test_the_flight_has_362_frames_at_30000_in_1001_seconds():
    path = shared("multimodal/karma_drone/camera.parquet")
    (frames,) = FrameTable(path=path, time="t", image="jpeg", time_format="relative").read()
    assert len(frames.times) == len(frames.pictures) == 362
    np.testing.assert_allclose(np.diff(frames.times) / 1e9, 1001 / 30000, atol=2e-9)
    assert (frames.size, frames.channels) == ((54, 96), ("red", "green", "blue"))
    assert frames.pictures.decode(361).shape == (3, 54, 96)
