"""A batch of several sources equals windows made one value at a time, wherever table and frames lie."""

from itertools import product

import numpy as np
import pytest
import torch

from dlkit.core.packing import unpack
from dlkit.data.clock import OfSource, Regular
from dlkit.data.heads import Head
from dlkit.data.inputs import EventInput, FrameInput, StreamInput, Timing
from dlkit.data.multimodal import MultimodalDataModule
from dlkit.data.splits import ByFraction
from tests.made_multimodal import filmed, logged, sampled
from tests.made_windows import Brute

HEADS = {
    "ahead": Head(kind="forecast", channels=["fast.c0", "slow.c*"], look_forward=3, gap=1),
    "soon": Head(kind="values", channels=["slow.c1", "fast.c2"], gap=1),
    "state": Head(kind="class", events="state"),
}
SPLIT = ByFraction(train=0.6, val=0.2, test=0.2)


def sources(names=("a",), **fields):
    """A fast stream, a slow one that loses values, a camera and events."""
    fast = {"look_back": 12, "mask": True} | fields.get("fast", {})
    slow = {"look_back": "320ms", "every": 4, "max_age": "300ms", "age": True} | fields.get("slow", {})
    cam = {"look_back": 3, "max_age": "200ms", "age": True} | fields.get("cam", {})
    dies = fields.get("dies", 1e9)
    return {
        "fast": StreamInput(source=sampled(120, 3, names=names, seconds=8, seed=1, missing=0.02), **fast),
        "slow": StreamInput(source=sampled(9, 2, names=names, seconds=8, seed=2, missing=0.1, dies=dies), **slow),
        "cam": FrameInput(source=filmed(15, names=names, seconds=8, dies=fields.get("blind", 1e9)), **cam),
        "state": EventInput(source=logged(names=names, seconds=8)),
    }


def module(tmp_path=None, *, given=None, **fields):
    settings = {"clock": Regular(step="20ms"), "targets": HEADS, "split": SPLIT, "batch_size": 8, "placement": "host"}
    settings |= {"span": "union"} | ({} if tmp_path is None else {"cache": str(tmp_path)}) | fields
    return MultimodalDataModule(sources=sources() if given is None else given, **settings)


def some_starts(data, role, count=7):
    places = data.places(role)
    return places.starts(torch.linspace(0, len(places) - 1, count).long().unique())


def check(data, roles=("train", "val", "test"), count=7):
    """Compare inputs, masks and presence with windows made by hand."""
    brute = Brute(data)
    data.setup()
    for role in roles:
        starts = some_starts(data, role, count)
        batch = data.make_batch(starts)
        expected = [brute.window(start, role) for start in starts.tolist()]
        x, known = (torch.from_numpy(np.stack(part)) for part in zip(*expected, strict=True))
        torch.testing.assert_close(batch.x.double(), x, rtol=2e-5, atol=2e-5)
        assert torch.equal(torch.ones_like(known) if batch.x_observed is None else batch.x_observed, known)
        assert torch.equal(batch.start, starts)
    return brute


SHORT = {"fast": {"look_back": 1}, "slow": {"look_back": 1, "every": 1}, "cam": {"look_back": 1}}
COARSE = {"slow": {"look_back": 6, "every": 2, "max_age": "400ms"}}
CASES = {
    "regular clock": {},
    "mean over the interval": {"given": {"fast": {"method": "mean"}}},
    "several runs": {"given": {"names": ("a", "b", "c")}},
    "sources that die": {"given": {"dies": 6.0, "blind": 5.5}},
    "clock of a camera": {"clock": OfSource(source="cam"), "given": COARSE},
    "clock of a stream": {"clock": OfSource(source="slow"), "given": COARSE},
    "nothing gets stale": {"given": {name: {"max_age": None} for name in ("slow", "cam")}},
    "one row each": {"given": SHORT},
}


@pytest.mark.parametrize("case", CASES)
def test_a_batch_equals_windows_made_by_hand(case):
    fields = dict(CASES[case])
    data = module(given=sources(**fields.pop("given", {})), **fields)
    check(data)


@pytest.mark.parametrize(("placement", "frames"), list(product(["host", "disk", "device"], ["memory", "files"])))
def test_a_batch_is_the_same_wherever_table_and_frames_lie(tmp_path, placement, frames):
    data = module(tmp_path, placement=placement, frames=frames)
    check(data, roles=("val",))
    assert data.prepared.on_disk == (placement == "disk")


def test_targets_equal_rows_picked_by_hand():
    data = module()
    brute, starts = Brute(data), some_starts(data, "train", 12)
    batch, last = data.make_batch(starts), data.geometry.look_back - 1
    for i, start in enumerate(starts.tolist()):
        for t, name in enumerate(["fast.c0", "slow.c0", "slow.c1"]):
            ahead = np.array([brute.target(name, start + last + 2 + k) for k in range(3)])
            assert np.array_equal(batch.y_observed["ahead"][i, :, t].numpy(), ~np.isnan(ahead))
            np.testing.assert_allclose(batch.y["ahead"][i, :, t].numpy(), np.nan_to_num(ahead), rtol=2e-5, atol=2e-5)
        for t, name in enumerate(["slow.c1", "fast.c2"]):
            np.testing.assert_allclose(
                batch.y["soon"][i, t].item(), np.nan_to_num(brute.target(name, start + last + 1)), rtol=2e-5, atol=2e-5
            )
        assert batch.y["state"][i] == brute.label("state", start + last)
    assert batch.y["ahead"].shape[1:] == (3, 3)
    assert len(set(batch.y["state"].tolist())) > 1


def test_a_window_to_reconstruct_is_its_own_target_before_a_source_is_left_out():
    targets = {"again": Head(kind="reconstruct"), "soon": HEADS["soon"]}
    data = module(targets=targets, modality_dropout=0.9)
    starts = some_starts(data, "train", 12)
    whole, torn = data.make_batch(starts), data.make_batch(starts, "train")
    assert torch.equal(torn.y["again"], whole.x) and not torch.equal(torn.x, whole.x)
    parts = unpack(torn.y_observed["again"].float(), data.spec.parts)
    measured = unpack(whole.x_observed.float(), data.spec.parts)
    assert torch.equal(parts["fast"][:, :3], measured["fast"][:, :3]) and not parts["fast"][:, 3:].any()
    assert torch.equal(parts["cam"][:, :, :2], measured["cam"][:, :, :2]) and not parts["cam"][:, :, 2:].any()
    assert data.geometry.lead == 0  # rows of a window are targets, so none of them may train when it tests


def test_offset_and_drift_of_a_clock_move_frames_and_labels():
    given = sources()
    moved = Timing(offset=0.3, drift=2000.0)
    given["cam"] = FrameInput(source=given["cam"].source, look_back=3, timing=moved)
    given["state"] = EventInput(source=given["state"].source, timing=moved)
    data = module(given=given)
    data.setup()

    def by_hand(times, origin):
        return times + np.rint((times - origin) * 2000e-6).astype(np.int64) + 300_000_000

    film, times = given["cam"].source.series[0], data.prepared.table.times
    expected = np.searchsorted(by_hand(film.times, film.times[0]), times, side="right") - 1
    assert np.array_equal(data.prepared.laid.newest["cam"], expected)
    events, labels = given["state"].source.series[0], np.zeros(len(times), int)
    for onset, offset, label in zip(events.onset, events.offset, events.labels, strict=True):
        first, last = (by_hand(edge, events.onset[0]) for edge in (onset, offset))
        labels[(times >= first) & (times < last)] = label
    assert np.array_equal(data.prepared.laid.labels["state"], labels) and len(set(labels)) == 3
