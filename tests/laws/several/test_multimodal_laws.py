"""What must not change the batches of several sources, and what they must not know."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dlkit.core.checks import InputError
from dlkit.core.packing import presence, unpack
from dlkit.data.clock import OfSource, Regular
from dlkit.data.folds import KFold
from dlkit.data.heads import Head
from dlkit.data.inputs import EventInput, FrameInput, StreamInput
from dlkit.data.several.camera import window_borders
from dlkit.data.several.scaling import by_name, for_names
from dlkit.data.splits import ByFraction
from dlkit.data.table.windows import audit
from tests.laws.several.test_multimodal import HEADS, module, sources
from tests.made_multimodal import Film, Log, logged
from tests.made_tables import Parts

FULL = {**HEADS, "again": Head(kind="reconstruct")}
ROLES = ("train", "val", "test")


def changed(given, change, frames=lambda one: one, events=lambda one: one):
    """Return the sources with other recordings."""
    found = {}
    for name, one in given.items():
        if isinstance(one, StreamInput):
            found[name] = replace(one, source=Parts([change(stream) for stream in one.source.streams]))
        elif isinstance(one, FrameInput):
            found[name] = replace(one, source=Film([frames(film) for film in one.source.series]))
        elif isinstance(one, EventInput):
            found[name] = replace(one, source=Log([events(log) for log in one.source.series]))
    return found


def batches(data, role="test"):
    places = data.places(role)
    return data.make_batch(places.starts(torch.arange(len(places))))


def same(one, other, **tolerance):
    for name, part in one._asdict().items():
        assert_equal(part, getattr(other, name), name, **tolerance)


def assert_equal(one, other, name, **tolerance):
    if isinstance(one, dict):
        for key, part in one.items():
            assert_equal(part, other[key], f"{name} {key}", **tolerance)
    elif one is None:
        assert other is None
    else:
        torch.testing.assert_close(one, other, **tolerance, msg=lambda text: f"{name}: {text}")


# ---------------------------------------------------------------------- what must not change them
@pytest.mark.parametrize("clock", [Regular(step="20ms"), OfSource(source="cam")])
def test_the_same_later_gives_the_same_batches(clock):
    later, given = 3 * 86_400 * 10**9, sources()
    moved = changed(
        given,
        lambda one: replace(one, times=one.times + later),
        lambda one: replace(one, times=one.times + later),
        lambda one: replace(one, onset=one.onset + later, offset=one.offset + later),
    )
    same(batches(module(given=given, clock=clock)), batches(module(given=moved, clock=clock)))


def test_other_units_give_the_same_normalized_batches():
    given = sources(slow={"age": False, "look_back": 8, "every": 4, "max_age": "300ms"})
    milli = changed(given, lambda one: replace(one, values=(1000 * one.values + 50).astype(np.float32)))
    same(batches(module(given=given)), batches(module(given=milli)), rtol=1e-3, atol=1e-3)


def test_the_order_of_the_sources_only_orders_the_parts():
    given = sources()
    turned = dict(reversed(given.items()))
    one, other = module(given=given), module(given=turned)
    assert [part.name for part in other.spec.parts] == [part.name for part in one.spec.parts][::-1]
    first, second = batches(one), batches(other)
    ours, theirs = unpack(first.x, one.spec.parts), unpack(second.x, other.spec.parts)
    for name, part in ours.items():
        torch.testing.assert_close(part, theirs[name])
    assert torch.equal(presence(first.x, one.spec.parts), presence(second.x, other.spec.parts).flip(1))
    for name, part in first.y.items():
        torch.testing.assert_close(part, second.y[name])


# ---------------------------------------------------------------------- what they must not know
def test_inputs_do_not_change_with_what_comes_after_the_answered_moment():
    given, stop = sources(), 7 * 10**9
    random = np.random.default_rng(5)

    def poison(one):
        values = one.values.copy()
        values[one.times > stop] = random.normal(size=values[one.times > stop].shape) * 1e3
        return replace(one, values=values)

    def burn(one):
        pixels = one.pictures.values.copy()
        pixels[one.times > stop] = 255 - pixels[one.times > stop]
        return replace(one, pictures=type(one.pictures)(pixels))

    data, other = module(given=given), module(given=changed(given, poison, burn))
    places = data.places("test").starts(torch.arange(data.count("test")))
    times = torch.from_numpy(data.prepared.table.times)[places + data.geometry.look_back - 1]
    assert 0 < (times <= stop).sum() < len(places)
    one, two = data.make_batch(places), other.make_batch(places)
    torch.testing.assert_close(one.x[times <= stop], two.x[times <= stop])
    assert not torch.equal(one.x[times > stop], two.x[times > stop])


def test_scalings_know_training_rows_and_frames_alone():
    given = sources()
    data = module(given=given)
    end = data.prepared.table.times[data.prepared.ranges["train"][-1, 1] - 1]

    def spoil(one):
        return replace(one, values=np.where(one.times[:, None] > end, 1e6, one.values).astype(np.float32))

    def white(one):
        pixels = one.pictures.values.copy()
        pixels[one.times > end] = 255
        return replace(one, pictures=type(one.pictures)(pixels))

    other = module(given=changed(given, spoil, white))
    for name, scaling in data.prepared.known.items():
        for part in ("shift", "scale"):
            assert torch.equal(getattr(scaling, part), getattr(other.prepared.known[name], part)), name
    assert torch.equal(data.prepared.class_counts, other.prepared.class_counts)


def test_training_windows_hold_no_frame_from_before_their_range():
    data = module(split=KFold(folds=4, fold=1), given=sources(cam={"look_back": 6}))
    data.setup()
    camera = data.gather.sources[2]
    for role in ROLES:
        places = data.places(role)
        rows = places.starts(torch.arange(len(places))) + data.geometry.look_back - 1
        numbers, there = camera.numbers(rows)
        for row, frames, found in zip(rows.tolist(), numbers, there, strict=True):
            ranges = data.prepared.ranges["train"] if role == "train" else data.prepared.table.segments
            border = max(start for start, stop in ranges if start <= row < stop)
            seen = data.prepared.laid.newest["cam"][border]
            assert torch.equal(found, frames >= max(seen, 0))
            assert found[-1]


def test_borders_are_those_of_the_training_range_inside_and_of_the_segment_outside():
    segments = np.array([[0, 10], [10, 30]])
    runs = window_borders(segments, np.array([[2, 5], [10, 14], [14, 20], [25, 30]]))
    border = {row: runs[np.searchsorted(runs[:, 0], row, side="right") - 1, 1] for row in range(30)}
    inside = {**dict.fromkeys(range(2, 5), 2), **dict.fromkeys(range(10, 14), 10)}
    inside |= {**dict.fromkeys(range(14, 20), 14), **dict.fromkeys(range(25, 30), 25)}
    assert border == {row: inside.get(row, 0 if row < 10 else 10) for row in range(30)}


# ---------------------------------------------------------------------- which windows there are
@pytest.mark.parametrize("targets", [HEADS, FULL, HEADS["soon"], ["fast.c0"]])
@pytest.mark.parametrize("names", [("a",), ("a", "b")])
def test_the_roles_share_no_row_that_is_asked_for(targets, names):
    data = module(targets=targets, given=sources(names=names))
    ready, geometry = data.prepared, data.geometry
    asked = {}
    for role in ROLES:
        starts = data.places(role).starts(torch.arange(data.count(role)))
        asked[role] = {
            row for start in starts.tolist() for row in range(start + geometry.lead, start + geometry.length)
        }
        used = {row for start in starts.tolist() for row in range(start, start + geometry.length)}
        asked[role] = used if role == "train" else asked[role]
    assert not asked["train"] & asked["val"] and not asked["train"] & asked["test"]
    assert ready.audit["shared rows"] == 0
    proof = audit(ready.windows, ready.table.segments, geometry, ready.ranges["train"])
    assert proof == ready.audit


@pytest.mark.parametrize("clock", [Regular(step="20ms"), OfSource(source="cam")])
def test_no_training_window_comes_nearer_to_a_row_that_is_predicted_than_the_embargo(clock):
    data = module(clock=clock, embargo="200ms", split=KFold(folds=4, fold=1), targets=HEADS["soon"])
    step, length = data.prepared.table.step, data.geometry.length
    apart = round(200e6 / step)
    first = data.places("train").starts(torch.arange(data.count("train"))).numpy()
    asked = np.concatenate([np.arange(*part) for role in ("val", "test") for part in data.prepared.ranges[role]])
    gap = np.abs(np.concatenate([first, first + length - 1])[:, None] - asked).min()
    assert gap == apart + 1


def test_windows_that_are_kept_and_lost_are_all_windows():
    drop, short = {"missing": "drop"}, {"look_back": 4, "max_age": "150ms"}
    strict = module(given=sources(slow=drop | short, cam={**drop, "max_age": "70ms"}, dies=7.0))
    loose = module(given=sources(slow=short, cam={"max_age": "70ms"}, dies=7.0))
    for role in ROLES:
        lost = strict.prepared.windows[role].lost
        one, every = strict.count(role), loose.count(role)
        assert one + lost.get("no value of 'slow'", 0) + lost.get("no frame of 'cam'", 0) == every
    assert strict.prepared.windows["train"].lost.keys() >= {"no value of 'slow'", "no frame of 'cam'"}
    assert bool((presence(batches(strict, "train").x, strict.spec.parts) == 1).all())


def test_a_window_is_lost_exactly_where_its_source_would_be_absent():
    fields = {"look_back": 6, "every": 3, "max_age": "120ms", "method": "mean"}
    masked = module(given=sources(slow=fields))
    dropped = module(given=sources(slow=fields | {"missing": "drop"}))
    for role in ROLES:
        there = presence(batches(masked, role).x, masked.spec.parts)[:, 1] == 1
        starts = masked.places(role).starts(torch.arange(masked.count(role)))
        assert torch.equal(starts[there], dropped.places(role).starts(torch.arange(dropped.count(role))))
        assert 0 < there.sum() < len(there)


@pytest.mark.parametrize("method", [{"*": ["mean", "count"]}, {"c0": "mean", "c1": "count"}])
def test_the_count_of_no_sample_does_not_make_a_source_present(method):
    fields = {"look_back": 6, "every": 3, "max_age": "120ms", "mask": True}
    data = module(given=sources(slow=fields | {"method": method}, dies=6.5), targets=["fast.c0"])
    part = data.spec.parts[1]
    batch = batches(data, "test")
    there, values = presence(batch.x, data.spec.parts)[:, 1] == 1, unpack(batch.x, data.spec.parts)["slow"]
    counts = [part.channels.index(f"{one} observed") for one in part.channels if "count" in one and "obs" not in one]
    means = values[:, part.channels.index(f"{part.channels[0]} observed")]
    assert 0 < there.sum() < len(there) and not values[~there].any() and bool(means[there].any())
    assert bool(values[there][:, counts].all())
    dropped = module(given=sources(slow=fields | {"method": method, "missing": "drop"}, dies=6.5), targets=["fast.c0"])
    assert dropped.count("test") == int(there.sum())


def test_windows_whose_label_is_unknown_are_lost():
    given = sources() | {"state": EventInput(source=logged(seconds=8, unknown=True))}
    data = module(given=given, targets=HEADS["state"])
    labels = data.prepared.laid.labels["state"]
    assert (labels < 0).any()
    for role in ROLES:
        starts = data.places(role).starts(torch.arange(data.count(role))).numpy()
        last = starts + data.geometry.look_back - 1
        assert (labels[last] >= 0).all()
        lost = data.prepared.windows[role].lost.get("no label", 0)
        start, stop = data.prepared.ranges[role][0]
        rows = np.arange(max(start, data.geometry.lead if role != "train" else start + data.geometry.lead), stop)
        assert lost == (labels[rows] < 0).sum()
    counts = np.bincount(labels[data.places("train").starts(torch.arange(data.count("train"))) + last[0] - starts[0]])
    assert data.prepared.class_counts.tolist() == counts.tolist()


def test_nothing_left_to_train_on_says_what_was_lost():
    given = sources(slow={"missing": "drop", "max_age": "500us"})
    with pytest.raises(InputError, match=r"lost to 'no value of 'slow''.*max_age: 500us"):
        _ = module(given=given, split=ByFraction(train=0.06, val=0.4, test=0.54)).prepared


# ---------------------------------------------------------------------- new recordings
@pytest.mark.parametrize("targets", [HEADS["soon"], HEADS, ["fast.c0"]])
def test_new_recordings_give_the_batches_they_gave_in_training(targets):
    data = module(targets=targets)
    heads = data.prepared.heads.values()
    aims = {name: one for head, asked in zip(heads, data.prepared.laid.asked, strict=True)
            for name, one in by_name(asked.targets, head.target_scaling).items()}  # fmt: skip
    scaling = next(iter(heads)).scaling
    new = data.for_new_data(data.source, scaling, target_scaling=for_names(data.spec.targets, aims))
    assert new.count("train") == 0 and new.count("test") > data.count("test")
    starts = data.places("test").starts(torch.arange(data.count("test")))
    same(data.make_batch(starts), new.make_batch(starts))


def test_the_last_window_of_new_recordings_predicts_what_comes_next():
    data = module(targets=["fast.c0", "slow.c1"], look_forward="100ms")
    data.setup()
    new = data.with_sources({name: one.source for name, one in data.wanted.sources.items()}, data.prepared.scaling)
    starts = new.places("test").starts(torch.arange(new.count("test")))
    last, times = starts[-1] + new.geometry.look_back - 1, new.prepared.table.times
    assert times[last] == data.prepared.table.times[-1]
    batch = new.make_batch(starts[-1:])
    assert batch.y.shape == (1, 5, 2) and not batch.y_observed.any() and not batch.x.isnan().any()


def test_what_is_to_be_predicted_need_not_be_measured_any_more():
    targets = {"now": Head(kind="values", channels=["slow.c1"]), "state": HEADS["state"]}
    data = module(targets=targets, inputs=["fast.*", "cam"])
    assert [part.name for part in data.spec.parts] == ["fast", "cam"]
    given = {name: data.wanted.sources[name].source for name in ("fast", "cam")}
    scaled = {"target_scaling": data.prepared.heads["now"].target_scaling}
    new = data.with_sources(given, data.prepared.scaling, **scaled)
    starts = new.places("test").starts(torch.arange(new.count("test")))
    batch = new.make_batch(starts)
    assert not batch.y_observed["now"].any() and not batch.y_observed["state"].any()
    times, before = new.prepared.table.times, data.prepared.table.times
    span = data.geometry.look_back - 1
    shared = np.intersect1d(times[starts + span], before[data.places("test").starts(torch.arange(5)) + span])
    ours = starts[np.searchsorted(times[starts + span], shared)]
    theirs = torch.from_numpy(np.searchsorted(before, shared)) - span
    torch.testing.assert_close(new.make_batch(ours).x, data.make_batch(theirs).x)


def test_a_recording_of_each_source_that_goes_in_is_needed():
    data = module(targets=HEADS["soon"])
    with pytest.raises(InputError, match=r"takes the sources \['cam'\]"):
        data.with_sources(
            {name: data.wanted.sources[name].source for name in ("fast", "slow")}, data.prepared.scaling,
            target_scaling=data.prepared.target_scaling,
        )  # fmt: skip
